"""Caption files: written, read back, and read by others' parsers."""

import io
from pathlib import Path

import pytest
import webvtt

from hocket.streaming.captions.caption_json import format_json, parse_json
from hocket.streaming.captions.shown import Cue, ShownCaptions
from hocket.streaming.captions.srt import format_srt, parse_srt
from hocket.streaming.captions.transcript import format_transcript, parse_transcript
from hocket.streaming.captions.vtt import format_vtt, parse_vtt
from hocket.streaming.captions.words import HeardWord, read_spoken, read_words
from hocket.streaming.errors import FormatError
from hocket.streaming.events import Caption, SpeakerNew, SpeakerUpdate, Word
from hocket.streaming.sinks.captions import CaptionFile, CaptionFormat
from tests.event_log import EventLog

CUES = [
    Cue("c1", 0.82, 2.06, "Anna", "Good morning, both of you."),
    Cue("c7", 1.5, 2.5, "Ben & <Co>", "a --> b < c & d"),
    Cue("c9", 3661.001, 3662.5, None, "who?"),
]


def test_vtt_reads_back_as_it_was_written() -> None:
    assert parse_vtt(format_vtt(CUES, ("#112233", "#445566"))) == CUES


def test_vtt_is_what_another_parser_reads() -> None:
    read = webvtt.from_string(format_vtt(CUES, ("#112233", "#445566")))
    assert [(c.identifier, c.start, c.end, c.voice) for c in read] == [
        ("c1", "00:00:00.820", "00:00:02.060", "Anna"),
        ("c7", "00:00:01.500", "00:00:02.500", "Ben &amp; &lt;Co&gt;"),
        ("c9", "01:01:01.001", "01:01:02.500", None),
    ]
    assert read.captions[0].text == "Good morning, both of you."
    assert "::cue(.v1) { color: #445566 }" in read.styles[0].text


def test_cues_of_two_at_once_stand_side_by_side() -> None:
    times = [line for line in format_vtt(CUES).split("\n") if "-->" in line]
    assert times == [
        "00:00:00.820 --> 00:00:02.060 position:25% size:50%",
        "00:00:01.500 --> 00:00:02.500 position:75% size:50%",
        "01:01:01.001 --> 01:01:02.500",
    ]


def test_srt_names_who_speaks_and_reads_back() -> None:
    text = format_srt(CUES)
    assert text.startswith("1\n00:00:00,820 --> 00:00:02,060\nAnna: Good morning, both of you.\n\n2\n")
    assert [(c.start, c.end, c.speaker, c.text) for c in parse_srt(text)] == [
        (c.start, c.end, c.speaker, c.text) for c in CUES
    ]
    assert parse_srt("") == []


def test_a_transcript_has_a_paragraph_for_what_one_says_in_a_row() -> None:
    cues = [*CUES[:1], Cue("c2", 2.5, 3.0, "Anna", "Well."), Cue("c3", 4.0, 5.0, None, "Hm.")]
    text = format_transcript(cues)
    assert text == "[00:00:00.820] Anna: Good morning, both of you. Well.\n[00:00:04.000] ?: Hm.\n"
    assert [(c.start, c.speaker, c.text) for c in parse_transcript(text)] == [
        (0.82, "Anna", "Good morning, both of you. Well."),
        (4.0, None, "Hm."),
    ]


def test_json_reads_back_with_every_word() -> None:
    caption = Caption(
        seq=1, session="talk", at=2.06, id="c1", start=0.82, end=2.06, speaker="S1",
        text="Good day", state="final",
        words=[Word(text="Good", start=0.82, end=1.025), Word(text="day", start=1.1, end=2.06)],
    )  # fmt: skip
    assert parse_json(format_json([caption], {"S1": "Anna"}), "talk") == ([caption], {"S1": "Anna"})


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_vtt, "1\n00:01.000 --> 00:02.000\nhi\n", "vtt: expected WEBVTT in the first line, got '1'"),
        (parse_vtt, "WEBVTT\n\nc1\n1.0 --> 2.0\nhi\n", "vtt, cue c1: expected two times around -->"),
        (parse_srt, "1\nsoon\nhi\n", "srt, cue '1': expected two times around -->, got 'soon'"),
        (parse_transcript, "hello\n", "transcript, line 1: expected \\[time\\] name: text, got 'hello'"),
        (parse_json, "[]", "json: expected an object with 'captions'"),
        (parse_json, '{"captions": [{"id": 3}]}', "json, caption 1: Caption.at wants float"),
    ],
)
def test_a_malformed_file_is_refused_by_place(parse: object, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse(text)  # type: ignore[operator]


def test_names_and_merges_reach_captions_long_gone() -> None:
    shown, log = ShownCaptions(), EventLog()
    log.add(
        Caption,
        id="c1",
        start=0.0,
        end=1.0,
        speaker="S2",
        text="hi",
        words=[Word(text="hi", start=0, end=1)],
        state="final",
    )
    log.add(SpeakerUpdate, speaker="S2", merged_into="S1")
    log.add(SpeakerNew, speaker="S1", name="Anna")
    for event in log.events:
        shown.add(event)
    assert shown.cues() == [Cue("c1", 0.0, 1.0, "Anna", "hi")]


def test_a_live_file_is_whole_at_every_moment(tmp_path: Path) -> None:
    path, log = tmp_path / "talk.vtt", EventLog()
    sink = CaptionFile(path, CaptionFormat.VTT)
    word = Word(text="hi", start=0.0, end=1.0)
    log.at = 1.0
    sink.write(
        log.add(Caption, id="c1", start=0.0, end=1.0, speaker="S1", text="hi", words=[word], state="open")
    )
    assert [c.text for c in webvtt.read(path)] == ["hi"]
    log.at = 3.0
    sink.write(log.add(Caption, id="c1", start=0.0, end=0.0, speaker="S1", text="", words=[], state="final"))
    assert webvtt.read(path).captions == []
    sink.close()


def test_an_open_stream_gets_the_last_version_alone() -> None:
    stream, log = io.StringIO(), EventLog()
    sink = CaptionFile(stream, CaptionFormat.SRT)
    word = Word(text="hi", start=0.0, end=1.0)
    sink.write(log.add(Caption, id="c1", start=0.0, end=1.0, text="hi", words=[word], state="final"))
    assert stream.getvalue() == ""
    sink.close()
    assert stream.getvalue() == "1\n00:00:00,000 --> 00:00:01,000\nhi\n"


def test_words_are_read_from_json_and_ctm(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(
        '{"words": [{"text": "b", "start": 1, "end": 2}, {"text": "a", "start": 0, "end": 1}]}'
    )
    (tmp_path / "w.ctm").write_text(";; made by hand\ntalk 1 0.10 0.20 hello 0.9\n")
    assert [word.text for word in read_words(tmp_path / "w.json")] == ["a", "b"]
    assert read_words(tmp_path / "w.ctm") == [HeardWord(text="hello", start=0.1, end=0.3)]
    with pytest.raises(FormatError, match=r"w\.json, word 1: expected a speaker as text, got None"):
        read_spoken(tmp_path / "w.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "w.json: expected a list of words, or an object with one under 'words'"),
        ("[3]", "w.json, word 1: expected an object, got 3"),
        ('[{"text": "a", "start": "0", "end": 1}]', "w.json, word 1: 'start' should be seconds, got '0'"),
        (
            '[{"text": "a", "start": 0, "end": -1}]',
            "w.json, word 1: word 'a': end should be seconds, 0 or more",
        ),
        ("[", "w.json, line 1: not JSON"),
    ],
)
def test_a_malformed_words_file_is_refused_by_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_words(tmp_path / "w.json")
