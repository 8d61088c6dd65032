"""RTTM and UEM: what is written, what is read, and what is refused with which words."""

from pathlib import Path

import pytest

from hocket.streaming.errors import FormatError
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import (
    format_rttm,
    format_uem,
    parse_rttm,
    parse_uem,
    read_rttm,
    read_uem,
    write_rttm,
)

LINE = "SPEAKER talk 1 1.250 0.500 <NA> <NA> S1 <NA> <NA>\n"


def test_a_turn_is_written_as_ten_fields_with_one_space_between() -> None:
    assert format_rttm("talk", [Segment(1.25, 1.75, "S1")]) == LINE


def test_turns_are_written_by_start_whatever_their_order() -> None:
    text = format_rttm("talk", [Segment(3, 4, "S1"), Segment(1, 2, "S2")])
    assert [line.split()[3] for line in text.splitlines()] == ["1.000", "3.000"]


def test_names_stand_in_for_ids_and_lose_their_spaces() -> None:
    fields = format_rttm("board  meeting", [Segment(0, 1, "S1")], {"S1": "Ann\tLee "}).split(" ")
    assert (len(fields), fields[1], fields[7]) == (10, "board_meeting", "Ann_Lee")


def test_an_empty_name_is_written_as_not_available() -> None:
    assert format_rttm("talk", [Segment(0, 1, "S1")], {"S1": " "}).split()[7] == "<NA>"


def test_onset_and_duration_add_up_to_the_rounded_end() -> None:
    _, _, _, onset, duration, *_ = format_rttm("talk", [Segment(0.0004, 1.0006, "S1")]).split()
    assert (onset, duration) == ("0.000", "1.001")


def test_a_turn_that_rounds_to_nothing_is_left_out() -> None:
    assert format_rttm("talk", [Segment(1.0001, 1.0004, "S1")]) == ""


def test_comments_blank_lines_and_other_types_are_passed_over() -> None:
    text = f";; by hand\n\n{LINE}SPKR-INFO talk 1 <NA> <NA> <NA> male S1 <NA> <NA>\nNOSCORE talk 1 0 1 x\n"
    assert parse_rttm(text) == {"talk": [Segment(1.25, 1.75, "S1")]}


def test_several_recordings_are_kept_apart() -> None:
    assert list(parse_rttm(LINE + LINE.replace("talk", "other"))) == ["talk", "other"]


def test_a_recording_of_empty_turns_is_known_and_empty() -> None:
    assert parse_rttm(LINE.replace("0.500", "0.000")) == {"talk": []}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "SPEAKER talk 1 1.250 0.500 <NA> <NA> S1 <NA>",
            "my.rttm, line 2: expected 10 fields, got 9: 'SPEAKER talk 1 1.250 0.500 <NA> <NA> S1 <NA>'",
        ),
        (LINE.replace("1.250", "soon"), "my.rttm, line 2: onset should be seconds, 0 or more, got 'soon'"),
        (LINE.replace("0.500", "-0.5"), "my.rttm, line 2: duration should be seconds, 0 or more, got '-0.5'"),
        (LINE.replace("0.500", "nan"), "my.rttm, line 2: duration should be seconds, 0 or more, got 'nan'"),
    ],
)
def test_a_malformed_line_is_named_by_file_and_number(line: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_rttm(LINE + line, "my.rttm")
    assert str(caught.value) == message


def test_a_file_that_is_not_there_is_a_format_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.rttm: cannot be read: No such file"):
        read_rttm(tmp_path / "none.rttm")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.rttm").write_bytes(b"SPEAKER \xff\xfe")
    with pytest.raises(FormatError, match=r"noise\.rttm: not text in UTF-8: invalid start byte at byte 8"):
        read_rttm(tmp_path / "noise.rttm")


def test_writing_replaces_the_file_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "talk.rttm"
    path.write_text("old")
    write_rttm(path, "talk", [Segment(1.25, 1.75, "S1")])
    assert path.read_text() == LINE
    assert list(tmp_path.iterdir()) == [path]


def test_writing_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "latest.rttm").symlink_to("talk.rttm")
    write_rttm(tmp_path / "latest.rttm", "talk", [Segment(1.25, 1.75, "S1")])
    assert (tmp_path / "latest.rttm").is_symlink()
    assert (tmp_path / "talk.rttm").read_text() == LINE


def test_uem_stretches_are_read_by_start() -> None:
    text = "talk 1 10.0 20.0\n;; the middle is music\ntalk 1 0.000 5.500\n"
    assert parse_uem(text) == {"talk": [(0.0, 5.5), (10.0, 20.0)]}


def test_uem_is_written_as_it_is_read() -> None:
    regions = {"talk": [(0.0, 5.5), (10.0, 20.0)], "other": [(1.0, 2.0)]}
    assert parse_uem(format_uem(regions)) == regions


def test_a_uem_stretch_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(FormatError, match=r"^uem, line 1: stretch ends at 3, before its start at 5$"):
        parse_uem("talk 1 5 3")


def test_uem_files_are_read_from_disk(tmp_path: Path) -> None:
    (tmp_path / "talk.uem").write_text("\ufefftalk 1 0 5\n", encoding="utf-8")
    assert read_uem(tmp_path / "talk.uem") == {"talk": [(0.0, 5.0)]}
