"""The colours of speakers, the same in the terminal, in pictures and on pages.

Every colour stands at 3:1 or better against white and against black (WCAG 2.2, 1.4.11), so one palette serves
light and dark. The first five also stay apart for readers without red or green cones: at least 0.07 in OKLab
after Machado et al. (2009) at full severity. Colour is never the only cue: lanes are labelled.
"""

SPEAKER_COLOURS = (
    "#2d78c3",  # blue
    "#d25a00",  # vermilion
    "#009e8e",  # teal
    "#8a3ffc",  # violet
    "#c3007f",  # magenta
    "#3a9bd9",  # sky
    "#8a4a3c",  # brown
    "#e8607a",  # rose
    "#a07800",  # ochre
    "#4e9a06",  # green
    "#9b6fb0",  # mauve
    "#6b7f99",  # slate
)


def speaker_colour(place: int) -> str:
    """The colour, "#rrggbb", of a speaker's place in a scene; after twelve they start over."""
    return SPEAKER_COLOURS[place % len(SPEAKER_COLOURS)]
