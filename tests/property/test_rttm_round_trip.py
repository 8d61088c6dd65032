"""RTTM: what is written is what is read, for any turns on whole milliseconds."""

from hypothesis import given
from hypothesis import strategies as st

from hocket.streaming.replay import Segment
from hocket.streaming.rttm import format_rttm, parse_rttm

DAY_MS = 24 * 3600 * 1000
words = st.text(min_size=1).filter(lambda text: text.split() == [text])
turns = st.builds(
    lambda start, length, speaker: Segment(start / 1000, (start + length) / 1000, speaker),
    st.integers(0, DAY_MS),
    st.integers(1, DAY_MS),
    words,
)


@given(recording=words, annotation=st.lists(turns, min_size=1))
def test_what_is_written_is_read_back(recording: str, annotation: list[Segment]) -> None:
    expected = sorted(annotation, key=lambda segment: (segment.start, segment.end, segment.speaker))
    assert parse_rttm(format_rttm(recording, annotation)) == {recording: expected}


@given(recording=st.text(), annotation=st.lists(turns), name=st.text())
def test_any_name_leaves_ten_fields(recording: str, annotation: list[Segment], name: str) -> None:
    names = {segment.speaker: name for segment in annotation}
    for line in format_rttm(recording, annotation, names).split("\n")[:-1]:
        assert len(line.split()) == len(line.split(" ")) == 10
