"""What the page makes of events, beside what Python makes of them; and what people see of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from hocket.streaming.captions.shown import cues_of
from hocket.streaming.captions.vtt import format_vtt
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.events import Caption, Event, Gap, SpeakerNew, SpeakerUpdate, Word
from hocket.streaming.replay import Replay
from hocket.streaming.rttm import format_rttm
from hocket.streaming.sinks.palette import SPEAKER_COLOURS
from hocket.streaming.sinks.scene import Scene
from tests.browser import chromium, downloaded, in_a_thread, read_by, scripted, visit
from tests.event_log import EventLog
from tests.served import Babble, UnrulyModels

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@contextmanager
def shown(
    browser: Browser, events: Sequence[Event], path: str = "/?session=talk", **context: Any
) -> Iterator[Page]:
    """A page that follows a session which says these events."""
    said = [json.dumps(event.to_dict()) for event in events]
    with in_a_thread(lambda: scripted(said)) as url, visit(browser, f"{url}{path}", **context) as page:
        yield page


def unruly(seed: int) -> list[Event]:
    """A session of models that disagree with themselves, in which people are named, joined and told apart."""
    models, samples = UnrulyModels(), Babble(seed, 40).samples
    diarizer = Diarizer(models.segmenter, models.embedder, session="talk", models=models.names)
    events = diarizer.push(samples[: len(samples) // 2])
    speakers = sorted({turn.speaker for turn in diarizer.annotation()})
    events += diarizer.name(speakers[0], "Anna  Maria <K.>")
    mine = [turn for turn in diarizer.annotation() if turn.speaker == speakers[0]]
    events += diarizer.split(speakers[0], at=mine[-1].start)
    events += diarizer.merge(speakers[-1], into=speakers[0])
    events += diarizer.gap(8000, "lost")
    return events + diarizer.push(samples[len(samples) // 2 :]) + diarizer.finish()


def caption(log: EventLog, number: int, start: float, text: str, **fields: Any) -> None:
    words = [Word(text=text, start=start, end=start + 1)] if text else []
    state = {"state": "final"} | fields
    log.add(Caption, id=f"c{number}", start=start, end=start + 1, text=text, words=words, **state)


def talk() -> EventLog:
    """Two people with captions, of whom the second is named, and one sentence still grows."""
    log = EventLog()
    log.start()
    log.add(SpeakerNew, speaker="S1")
    log.turn("t1", "S1", 0.5, 2.0)
    caption(log, 1, 0.5, "Good morning & welcome.", speaker="S1")
    log.at = 6.0
    log.add(SpeakerNew, speaker="S2")
    log.turn("t2", "S2", 2.0, 4.0)
    log.turn("t3", "S1", 3.0, 6.0, "open")
    caption(log, 2, 2.5, "<b>Thank</b> you.", speaker="S2")
    caption(log, 3, 3.0, "What was that?", speaker="S1", state="open")
    caption(log, 4, 5.0, "a word taken back")
    caption(log, 4, 5.0, "")
    caption(log, 5, 5.5, "Nobody knows.")
    log.add(SpeakerUpdate, speaker="S2", name="Björn\u00a0 B.")
    log.add(Gap, start=6.0, end=7.0, reason="lost")
    return log


def violations(page: Page) -> list[str]:
    """What axe finds amiss, rule by rule, and where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_page_replays_what_python_does(browser: Browser, tmp_path: Path, seed: int) -> None:
    events = unruly(seed)
    replay, scene = Replay(), Scene()
    for event in events:
        replay.add(event)
        scene.add(event)
    with shown(browser, events, accept_downloads=True) as page:
        expect(page.locator("#pill")).to_have_text("ended")
        found = page.evaluate(
            """async (events) => {
                const {Replay} = await import("/replay.js");
                const replay = new Replay();
                for (const event of events) replay.add(event);
                const {now, corrected, speakers, speaking} = replay;
                return {now, corrected, speakers, speaking, annotation: replay.annotation(),
                        seconds: [...replay.seconds.values()],
                        colours: speakers.map((speaker) => replay.colour(speaker)),
                        names: speakers.map((speaker) => replay.name(speaker))};
            }""",
            [event.to_dict() for event in events],
        )
        page.get_by_role("button", name="Download").click()
        rttm = downloaded(page, "Turns", tmp_path)
        page.get_by_role("button", name="Download").click()
        vtt = downloaded(page, "Captions", tmp_path)
    assert found == {
        "now": scene.now,
        "corrected": scene.corrected,
        "speakers": scene.speakers,
        "speaking": scene.speaking,
        "annotation": [
            {"start": segment.start, "end": segment.end, "speaker": segment.speaker}
            for segment in replay.annotation()
        ],
        "seconds": pytest.approx(list(scene.seconds.values())),
        "colours": [scene.colour(speaker) for speaker in scene.speakers],
        "names": [scene.name(speaker) for speaker in scene.speakers],
    }
    assert rttm == format_rttm("talk", replay.annotation(), replay.names)
    assert "Anna_Maria_<K.>" in rttm
    assert vtt == format_vtt(cues_of(events), SPEAKER_COLOURS)
    assert len(read_by(browser, vtt)) == len(replay.turns)


def test_captions_are_shown_as_they_now_read_and_come_as_webvtt(browser: Browser, tmp_path: Path) -> None:
    log = talk()
    with shown(browser, log.events, accept_downloads=True) as page:
        expect(page.get_by_role("heading", name="What is said")).to_be_visible()
        lines = [line.split("\n") for line in page.locator(".line").all_inner_texts()]
        assert [[cell for cell in line if cell] for line in lines] == [
            ["0:00", "S1", "Good morning & welcome."],
            ["0:02", "Björn\u00a0 B.", "<b>Thank</b> you."],
            ["0:03", "S1", "What was that?"],
            ["0:05", "?", "Nobody knows."],
        ]
        assert page.locator(".line[data-state=open]").all_inner_texts()[0].endswith("What was that?")
        expect(page.locator("#gap-legend")).to_be_visible()
        picture = page.locator("#picture").bounding_box()
        assert picture is not None
        second_lane, at_3_of_30_s = picture["y"] + 66, picture["x"] + picture["width"] / 10
        page.mouse.click(at_3_of_30_s, second_lane)
        expect(page.locator(".line.fresh")).to_contain_text("Thank")
        page.get_by_role("button", name="Download").click()
        vtt = downloaded(page, "Captions", tmp_path)
    assert vtt == format_vtt(cues_of(log.events), SPEAKER_COLOURS)
    cues = read_by(browser, vtt)
    assert [(cue["start"], cue["position"]) for cue in cues] == [
        (0.5, "auto"),
        (2.5, 25),
        (3.0, 75),
        (5.5, "auto"),
    ]


def test_corrections_light_up_and_are_counted(browser: Browser) -> None:
    log = EventLog()
    log.start()
    for number, speaker in enumerate(["S1", "S2", "S1", "S3"]):
        log.turn(f"t{number}", speaker, number, number + 0.8)
    log.at = 5.0
    log.revise([("t2", "S2", 2.0, 2.8), ("t3", "S3", 3.1, 3.8)], removed=["t0"], S1="S2")
    with shown(browser, log.events, reduced_motion="reduce") as page:
        expect(page.locator(".line.fresh")).to_have_count(2)
        expect(page.locator("#figures")).to_have_text("0:05 · 2 speakers · 3 corrections")
        assert [name for name in page.locator(".line .who").all_inner_texts() if name] == ["S2", "S2", "S3"]
        expect(page.locator("#said")).to_have_text(
            "New speaker S1. New speaker S2. New speaker S3. 3 corrections."
        )


def test_the_overlay_shows_the_last_captions_and_who_speaks(browser: Browser) -> None:
    with shown(browser, talk().events, "/overlay?session=talk&lines=3&position=top&align=center") as page:
        expect(page.locator("li")).to_have_count(3)
        assert page.locator("li").all_inner_texts() == [
            "Björn\u00a0 B.: <b>Thank</b> you.",
            "S1: What was that?",
            "Nobody knows.",
        ]
        assert page.locator("ul").bounding_box()["y"] < 60  # type: ignore[index]
        assert (
            page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgba(0, 0, 0, 0)"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?session=talk", "/overlay?session=talk"])
def test_screen_readers_and_weak_eyes_find_nothing_amiss(browser: Browser, path: str, scheme: str) -> None:
    with shown(browser, talk().events, path, color_scheme=scheme, **PHONE) as page:
        page.wait_for_timeout(300)
        assert violations(page) == []
        if path == "/?session=talk":
            page.locator(".line .who").first.click()
            assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_tape_keeps_what_may_be_asked_for_again(browser: Browser) -> None:
    with shown(browser, [], "/") as page:
        seen = page.evaluate(
            """async () => {
                const {Tape} = await import("/tape.js");
                const tape = new Tape(10, 2), seen = [];
                const see = (from) => seen.push([tape.first, tape.end, [...tape.read(from, 4)]]);
                const counting = Int16Array.from({length: 24}, (_, at) => at);
                for (const start of [0, 8, 16]) tape.push(counting.subarray(start, start + 8));
                see(0); see(8); see(14); see(24);
                tape.forget(16); see(16);
                tape.shift(100); see(118);
                tape.close(120); see(118); see(120);
                return seen;
            }"""
        )
    assert seen == [
        [8, 24, []],  # no more than two seconds are kept: the first block is gone
        [8, 24, [8, 9, 10, 11]],
        [8, 24, [14, 15]],  # as far as samples lie together
        [8, 24, []],
        [16, 24, [16, 17, 18, 19]],
        [116, 124, [18, 19, 20, 21]],
        [116, 120, [18, 19]],
        [116, 120, []],
    ]


def test_long_sessions_stay_quick(browser: Browser) -> None:
    log = EventLog()
    log.start()
    for number in range(4000):
        log.at = 3.0 * number
        log.turn(f"t{number}", f"S{number % 5}", log.at, log.at + 2.5)
    with shown(browser, log.events) as page:
        expect(page.locator("#figures")).to_contain_text("3:19:57")
        page.get_by_role("radio", name="10 min").check()
        before = page.locator("#place").get_attribute("aria-valuetext")
        page.locator("#place").press("ArrowLeft")
        expect(page.locator("#place")).not_to_have_attribute("aria-valuetext", str(before))
        took = page.evaluate(
            """async () => {
                const began = performance.now();
                for (let frame = 0; frame < 10; frame += 1) {
                    document.querySelector("#place").dispatchEvent(new Event("input"));
                    await new Promise(requestAnimationFrame);
                }
                return (performance.now() - began) / 10;
            }"""
        )
        assert took < 250  # milliseconds a picture, without a graphics card and with other things to do
