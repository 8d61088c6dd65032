"""`hocket bench --sessions`: what is said, what is counted, and how the largest number is found."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hocket.streaming.errors import ServiceError
from hocket.streaming.evaluation.load.bench import Load, largest, load
from hocket.streaming.evaluation.load.callers import Notes
from hocket.streaming.evaluation.load.saturated import saturated_rtf
from hocket.streaming.evaluation.load.served import Served, started
from hocket.streaming.evaluation.load.talk import RATE, USUAL_SHARE, Conversation
from tests.served import Babble, service


@dataclass
class Watched:
    """A server in this process."""

    url: str
    processor_seconds: float = 0.0
    resident_bytes: int = 0


CLIP = np.full(3 * RATE, 0.5, np.float32)


def notes(*lags: float, hop: float | None = None, gap: float = 0.0) -> Notes:
    """An event a second, each so late."""
    hops = [] if hop is None else [(1.0, hop)]
    return Notes([(k + 1.0, lag) for k, lag in enumerate(lags)], hops, gap, has_ended=True)


def loaded(*each: Notes, seconds: float = 100.0, warm_up: float = 0.0) -> Load:
    return Load(list(each), warm_up, seconds, processor=0.5 * seconds * len(each), memory=2**20)


def test_every_producer_says_the_conversation_from_another_place_on() -> None:
    talk = Conversation(np.random.default_rng(0).uniform(-1, 1, RATE).astype(np.float32), 100.0)
    assert len(talk.frame(0, 0, 4000)) == 8000
    assert talk.frame(1, 0, 4000) == talk.frame(0, 37 * RATE, 4000) != talk.frame(0, 0, 4000)
    assert talk.frame(0, 100 * RATE - 1000, 4000) == talk.frame(0, 100 * RATE - 1000, 1000) + talk.frame(
        0, 0, 3000
    )


def test_the_usual_silences_are_two_fifths_of_a_conversation() -> None:
    talk = Conversation(CLIP, 300.0, silences=True)
    assert len(talk.samples) == 300 * RATE
    assert np.mean(np.abs(talk.samples) > 0.1) == pytest.approx(USUAL_SHARE, abs=0.05)
    assert np.abs(talk.samples).min() < 0.001
    assert np.mean(np.abs(Conversation(CLIP, 9.0).samples) > 0.1) == 1.0


def test_lags_are_of_all_events_after_the_warm_up() -> None:
    figures = loaded(notes(9, 9, *[0.1] * 98), notes(9, 9, *[0.3] * 98), seconds=98, warm_up=2).to_dict()
    assert (figures["sessions"], figures["events"]) == (2, 196)
    assert figures["lag_p50"] == pytest.approx(0.2)
    assert figures["lag_p95"] == figures["lag_max"] == figures["lag_p95_worst_session"] == pytest.approx(0.3)
    assert figures["rtf"] == pytest.approx(0.5)
    assert figures["cores_busy"] == pytest.approx(1.0)
    assert figures["memory_mb"] == 1.0
    assert figures["kept_up"]


def test_late_events_lost_audio_and_sessions_that_do_not_end_are_no_keeping_up() -> None:
    assert loaded(notes(0.1)).is_kept_up
    assert not loaded(notes(1.1)).is_kept_up
    assert not loaded(notes(0.1, gap=2.0)).is_kept_up
    assert not loaded(Notes([(1.0, 0.1)])).is_kept_up
    assert not loaded(notes()).is_kept_up
    assert loaded(notes(0.1, hop=1.5), notes(0.1)).longest_hop == 1.5


@pytest.mark.parametrize(("bearable", "first"), [(17, 10), (17, 17), (17, 40), (1, 8), (0, 3), (60, 24)])
def test_the_largest_number_that_is_kept_up_with_is_found(bearable: int, first: int) -> None:
    async def run(number: int) -> Load:
        return loaded(*[notes(0.1 if number <= bearable else 1.5)] * number)

    tried = asyncio.run(largest(run, first))
    assert max((len(each.notes) for each in tried if each.is_kept_up), default=0) == bearable
    assert len(tried) == len({len(each.notes) for each in tried}) <= 12


def test_sessions_are_measured_through_their_sockets(tmp_path: Path) -> None:
    async def test(*, disturbed: bool) -> Load:
        async with asyncio.timeout(30), service(tmp_path) as url:
            talk = Conversation(Babble(1, 20).samples, 60.0)
            return await load(Watched(url), talk, 3, 3.0, warm_up=2.0, disturbed=disturbed)

    measured = asyncio.run(test(disturbed=True))
    assert measured.is_kept_up
    assert all(len(lags) > 3 for lags in measured.lags)
    assert 0 < measured.lag_p95 < 1


def test_a_saturated_server_is_charged_for_what_it_heard_meanwhile(tmp_path: Path) -> None:
    class Clocked:
        """Takes a second of processor time from one look to the next."""

        resident_bytes = 0

        def __init__(self, url: str) -> None:
            self.url = url
            self.looks = 0

        @property
        def processor_seconds(self) -> float:
            self.looks += 1
            return float(self.looks)

    async def test() -> float:
        async with asyncio.timeout(30), service(tmp_path) as url:
            talk = Conversation(Babble(1, 20).samples, 60.0)
            return await saturated_rtf(Clocked(url), talk, 2, 4.0, warm_up=3.0)

    assert 1 / 9 <= asyncio.run(test()) <= 1 / 3  # one of two sessions, or both, got about 4 s further


def test_a_server_that_is_gone_is_one_error_and_not_a_group(tmp_path: Path) -> None:
    talk = Conversation(CLIP, 10.0)
    with pytest.raises(ServiceError, match="the server does not answer"):
        asyncio.run(load(Watched("ws://127.0.0.1:1"), talk, 2, 1.0))


def test_a_server_in_its_own_process_is_watched_and_ended() -> None:
    says = "import sys, time; print('listening on ws://here', file=sys.stderr, flush=True); time.sleep(60)"

    async def test() -> Served:
        async with started(["-c", says]) as served:
            assert served.url == "ws://here"
            assert served.resident_bytes >= 0
            return served

    assert asyncio.run(test()).processor_seconds == 0.0


def test_a_server_that_does_not_come_up_is_quoted() -> None:
    async def test() -> None:
        async with started(["-c", "import sys; sys.exit('error: no such model')"]):
            pass

    with pytest.raises(ServiceError, match="did not come up: error: no such model"):
        asyncio.run(test())
