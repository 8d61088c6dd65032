"""One colour per speaker, the same in the terminal, in pictures and on pages.

Every colour stands at 3:1 or better against white and against black (WCAG 2.2, 1.4.11), so one palette serves
light and dark. The first five also stay apart for readers without red or green cones: at least 0.07 in OKLab
after Machado et al. (2009) at full severity. Colour is never the only cue: lanes are labelled.
"""

import re
import zlib

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


def speaker_colour(speaker: str) -> str:
    """The colour of a speaker id, "#rrggbb": S1 takes the first, and after the last they start over.

    Ids of another form ("ann") have a colour too, the same in every run.
    """
    numbered = re.fullmatch(r"S([1-9][0-9]*)", speaker)
    index = int(numbered[1]) - 1 if numbered else zlib.crc32(speaker.encode())
    return SPEAKER_COLOURS[index % len(SPEAKER_COLOURS)]
