"""Recognisers in processes of their own: those that work, stall, crash and talk nonsense."""

import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.engine import Captioned
from hocket.streaming.captions.hearing import Hearing, HearingRules
from hocket.streaming.captions.recognisers import recogniser_command
from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Caption
from tests.fake_engine import FakeEngine

RATE = 16_000
SECOND = np.full(RATE, 0.25, np.float32)

# A word for each second of sound that is not silence, numbered from 0.
COUNTING = """
import json, os, sys, time
def say(**word):
    sys.stdout.write(json.dumps(word) + "\\n")
    sys.stdout.flush()
def second():
    data = sys.stdin.buffer.read(32000)
    return data if len(data) == 32000 else None
def word(n, **more):
    say(text=f"w{n}", start=n + 0.2, end=n + 0.8, **more)
"""
HONEST = (
    COUNTING
    + """
n = 0
while data := second():
    if any(data):
        word(n)
    n += 1
"""
)
ONCE = "    if n == 2 and not marker.exists():\n        marker.touch()\n"
FAST = HearingRules(waiting=3.0, patience=1.0, pause=0.01)


def command(tmp_path: Path, program: str) -> list[str]:
    path = tmp_path / "recogniser.py"
    path.write_text(program)
    return [sys.executable, str(path)]


def test_words_come_back_at_the_times_of_the_sound(tmp_path: Path) -> None:
    hearing = Hearing(command(tmp_path, HONEST), live=False, rules=FAST)
    for _ in range(5):
        hearing.push(SECOND)
    words = hearing.finish()
    assert [(word.text, word.start, word.end) for word in words] == [
        (f"w{n}", n + 0.2, n + 0.8) for n in range(5)
    ]


def test_a_gap_is_silence_and_moves_the_clock_on(tmp_path: Path) -> None:
    hearing = Hearing(command(tmp_path, HONEST), live=False, rules=FAST)
    hearing.push(SECOND)
    hearing.gap(7 * RATE)
    hearing.push(SECOND)
    assert [word.text for word in hearing.finish()] == ["w0", "w8"]


def test_one_that_crashes_is_started_again_on_the_clock_of_the_session(tmp_path: Path) -> None:
    marker = tmp_path / "crashed"
    program = HONEST.replace(
        "n = 0\n", f"import pathlib\nmarker = pathlib.Path({str(marker)!r})\nn = 0\n", 1
    ).replace(
        "    n += 1\n",
        "    n += 1\n" + ONCE + "        sys.exit('out of words')\n",
    )
    hearing = Hearing(command(tmp_path, program), live=False, rules=FAST)
    for _ in range(20):
        hearing.push(SECOND)
    words = hearing.finish()
    assert hearing.starts == 2
    assert [word.start for word in words[:2]] == [0.2, 1.2]
    # What it had been given when it died is lost with it, and no more than that: a pipe's worth.
    assert words[2].start < 8.0
    assert words[-1].end == pytest.approx(19.8, abs=1.0)


def test_one_that_stalls_costs_a_live_session_nothing_but_words(tmp_path: Path) -> None:
    marker = tmp_path / "stalled"
    program = f"import pathlib\nmarker = pathlib.Path({str(marker)!r})\n" + HONEST.replace(
        "    n += 1\n",
        "    n += 1\n" + ONCE + "        time.sleep(600)\n",
    )
    hearing = Hearing(command(tmp_path, program), live=True, rules=FAST)
    engine = Captioned(FakeEngine(), Captioner("talk", CaptionRules(offset=0.0)), hearing=hearing)
    longest, events = 0.0, []
    deadline = time.monotonic() + 30.0
    while hearing.starts < 2 and time.monotonic() < deadline:
        started = time.monotonic()
        events += engine.push(SECOND[: RATE // 10])
        longest = max(longest, time.monotonic() - started)
        time.sleep(0.01)
    for _ in range(40):
        events += engine.push(SECOND[: RATE // 10])
        time.sleep(0.01)
    events += engine.finish()
    said = {word.text for event in events if isinstance(event, Caption) for word in event.words}
    assert hearing.starts == 2
    assert longest < 0.5
    assert {"w0", "w1"} <= said
    assert hearing.lost > 0
    assert max(event.end for event in events if isinstance(event, Caption)) > 4.0


def test_one_that_never_works_is_given_up_and_the_session_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hearing = Hearing(command(tmp_path, "import sys; sys.exit('no weights')"), live=False, rules=FAST)
    for _ in range(20):
        hearing.push(SECOND)
    assert hearing.finish() == []
    assert hearing.starts == FAST.failures
    assert "no weights" in caplog.text
    assert "given up after 5 failures in a row" in caplog.text


def test_one_that_is_killed_is_told_of_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    marker = tmp_path / "killed"
    program = f"import pathlib, signal\nmarker = pathlib.Path({str(marker)!r})\n" + HONEST.replace(
        "    n += 1\n", "    n += 1\n" + ONCE + "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    hearing = Hearing(command(tmp_path, program), live=False, rules=FAST)
    for _ in range(8):
        hearing.push(SECOND)
    hearing.finish()
    assert caplog.messages == ["the recogniser was killed by signal 9; starting it again"]


def test_a_slow_one_loses_sound_but_never_unsaid(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    slow = COUNTING + "n = 0\nwhile second():\n    time.sleep(0.3)\n    word(n)\n    n += 1\n"
    hearing = Hearing(command(tmp_path, slow), live=True, rules=FAST)
    for _ in range(14):
        hearing.push(SECOND)
        time.sleep(0.02)
    waits = sum(word.start for word in hearing.finish())
    assert waits > 0
    told = [float(message.split(": ")[1].split()[0]) for message in caplog.messages]
    assert told[0] <= hearing.lost <= 14.0
    assert len(told) < 5
    assert all(later >= 2 * sooner for sooner, later in pairwise(told))
    assert caplog.messages[0].startswith("the recogniser is slower than the clock: 2 s of sound so far")


def test_nonsense_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program = COUNTING + "print('hello')\nsay(text='x', start=-1, end=2)\nsay(text=3)\nword(0)\n" + HONEST
    hearing = Hearing(command(tmp_path, program), live=False, rules=FAST)
    assert [word.text for word in hearing.finish()] == ["w0"]
    assert caplog.text.count("no word") == 1


def test_what_a_dead_recogniser_would_have_changed_stays(tmp_path: Path) -> None:
    hearing = Hearing(
        command(tmp_path, COUNTING + "word(0, id='a', final=False)\nsys.exit(1)"), live=False, rules=FAST
    )
    hearing.push(SECOND)
    words = hearing.finish()
    assert [(word.id, word.final) for word in words[:2]] == [("1.a", False), ("1.a", True)]


def test_closing_ends_a_recogniser_that_would_not(tmp_path: Path) -> None:
    hearing = Hearing(command(tmp_path, "import time; time.sleep(600)"), live=True)
    hearing.push(SECOND)
    started = time.monotonic()
    hearing.close()
    assert time.monotonic() - started < 5.0


def test_a_class_is_run_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text(
        "from hocket.streaming.captions.words import HeardWord\n"
        "class Shouting:\n"
        "    heard = 0\n"
        "    def push(self, samples):\n"
        "        self.heard += len(samples)\n"
        "        print('noise on standard output')\n"
        "        return []\n"
        "    def finish(self):\n"
        "        return [HeardWord(text='HEY', start=0.0, end=self.heard / 16000)]\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hearing = Hearing(recogniser_command("shouting:Shouting", live=True), live=False)
    hearing.push(SECOND)
    assert [(word.text, word.end) for word in hearing.finish()] == [("HEY", 1.0)]


def test_a_command_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no recogniser 'no-such-program --fast': expected whisper"):
        recogniser_command("no-such-program --fast", live=True)
