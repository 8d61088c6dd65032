"""Speaker colours: stable, and readable on light and dark."""

import pytest

from hocket.streaming.sinks.palette import SPEAKER_COLOURS, speaker_colour


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", SPEAKER_COLOURS)
def test_every_colour_stands_out_on_white_and_on_black(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 3
    assert (luminance(colour) + 0.05) / 0.05 >= 3


def test_twelve_places_have_twelve_colours_and_then_they_start_over() -> None:
    assert len({speaker_colour(place) for place in range(12)}) == 12
    assert speaker_colour(12) == speaker_colour(0)
