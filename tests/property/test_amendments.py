"""The user's word, at any time and in any order, on models that disagree with themselves."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.errors import ConfigError, VoicePrintError
from hocket.streaming.events import Event, Revision, SpeakerUpdate, Turn
from hocket.streaming.replay import Replay
from tests.unruly_models import RATE, UnrulyEmbedder, UnrulySegmenter, babble

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=3, deadline=None, derandomize=True)


def session() -> Diarizer:
    return Diarizer(UnrulySegmenter(), UnrulyEmbedder())


class User:
    """Says something about the speakers and turns of a log, drawn from a seed; the same for the same log."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.log = Replay()
        self.said = 0

    def amend(self, diarizer: Diarizer) -> list[Event]:
        """One amendment; nothing where it is refused for what it asks."""
        speakers = sorted({turn.speaker for turn in self.log.turns.values()})
        turns = sorted(self.log.turns)
        if not speakers:
            return []
        draw, now = self._random, max(turn.end for turn in self.log.turns.values())
        one, other, turn = draw.choice(speakers), draw.choice(speakers), draw.choice(turns)
        start = draw.uniform(0, now)
        try:
            match draw.randrange(7):
                case 0:
                    events = diarizer.name(one, f"name {draw.randrange(3)}")
                case 1:
                    events = diarizer.merge(one, other)
                case 2:
                    events = diarizer.split(self.log.turns[turn].speaker, turns=[turn])
                case 3:
                    events = diarizer.split(one, at=start)
                case 4:
                    events = diarizer.correct(turn, draw.choice([other, None]))
                case 5:
                    events = diarizer.correct((start, start + draw.uniform(0.05, 5)), one)
                case _:
                    events = diarizer.enroll(f"name {draw.randrange(3)}", diarizer.voice_print(one))
        except (ConfigError, VoicePrintError):
            return []
        self.said += 1
        return events


def amended(diarizer: Diarizer, seed: int, seconds: float, *, blocks: int = 8000) -> Iterator[list[Event]]:
    """The events of a session on which a user has something to say every second or so, step by step."""
    user, samples = User(seed), babble(seed, seconds)
    for second in range(0, len(samples), RATE):
        for start in range(second, min(second + RATE, len(samples)), blocks):
            yield _read(user, diarizer.push(samples[start : min(start + blocks, second + RATE)]))
        yield _read(user, user.amend(diarizer))
    assert user.said > seconds / 10
    yield _read(user, diarizer.finish())


def _read(user: User, events: list[Event]) -> list[Event]:
    for event in events:
        user.log.add(event)
    return events


@few
@given(seeds)
def test_replaying_the_events_rebuilds_the_annotation_after_every_word(seed: int) -> None:
    diarizer, replay, said = session(), Replay(), 0
    for events in amended(diarizer, seed, 30):
        for event in events:
            said += 1
            assert event.seq == said
            replay.add(event)
        assert replay.annotation() == diarizer.annotation()


@few
@given(seeds)
def test_final_turns_change_only_by_a_revision_whatever_is_said(seed: int) -> None:
    finals: set[str] = set()
    reasons: set[str] = set()
    for events in amended(session(), seed, 30):
        for event in events:
            if isinstance(event, Turn):
                assert event.id not in finals
                if event.state == "final":
                    finals.add(event.id)
            if isinstance(event, Revision):
                reasons.add(event.reason)
                assert set(event.removed) <= finals
                finals |= {turn.id for turn in event.turns}
                finals -= set(event.removed)
    assert reasons & {"merged", "split", "corrected"}


@few
@given(seeds, st.integers(3000, 9999))
def test_the_same_words_at_the_same_time_give_the_same_events_in_any_cutting(seed: int, size: int) -> None:
    whole = [event for events in amended(session(), seed, 20) for event in events]
    assert [event for events in amended(session(), seed, 20, blocks=size) for event in events] == whole


@few
@given(seeds)
def test_a_restored_snapshot_remembers_every_word(seed: int) -> None:
    first = session()
    for _ in amended_until_end(first, seed):
        pass
    second = Diarizer.restore(first.snapshot(), UnrulySegmenter(), UnrulyEmbedder())
    assert second.annotation() == first.annotation()
    assert second.snapshot() == first.snapshot()
    rest = babble(seed + 1, 20)
    assert second.push(rest) + second.finish() == first.push(rest) + first.finish()


def amended_until_end(diarizer: Diarizer, seed: int) -> Iterator[list[Event]]:
    """As `amended`, without the end."""
    user, samples = User(seed), babble(seed, 20)
    for second in range(0, len(samples), RATE):
        yield _read(user, diarizer.push(samples[second : second + RATE]))
        yield _read(user, user.amend(diarizer))


@few
@given(seeds)
def test_a_corrected_turn_stays_with_its_speaker_to_the_end(seed: int) -> None:
    diarizer, replay = session(), Replay()
    for event in diarizer.push(babble(seed, 20)):
        replay.add(event)
    final = [turn for turn in replay.turns.values() if turn.state == "final"]
    wrong, right = max(final, key=lambda turn: turn.end - turn.start), final[0]
    if replay.resolve(wrong.speaker) == replay.resolve(right.speaker):
        [introduced, *_] = events = diarizer.correct(wrong.id, None)
        assert introduced.type == "speaker.new"
        speaker = introduced.to_dict()["speaker"]
    else:
        speaker = right.speaker
        events = diarizer.correct(wrong.id, speaker)
    for event in events + diarizer.push(babble(seed + 1, 40)) + diarizer.finish():
        replay.add(event)
    speaker = replay.resolve(speaker)
    stretches = [t for t in replay.annotation() if t.speaker == speaker]
    middle = (wrong.start + wrong.end) / 2
    assert any(t.start <= middle <= t.end for t in stretches)


@few
@given(seeds)
def test_named_speakers_never_go_by_another_id(seed: int) -> None:
    diarizer = session()
    replay = Replay()
    for event in diarizer.push(babble(seed, 20)):
        replay.add(event)
    named = sorted({replay.resolve(turn.speaker) for turn in replay.turns.values()})
    events = [event for speaker in named for event in diarizer.name(speaker, f"name of {speaker}")]
    events += diarizer.push(babble(seed + 1, 40)) + diarizer.finish()
    for event in events:
        assert not (isinstance(event, SpeakerUpdate) and event.merged_into and event.speaker in named)
        replay.add(event)
    assert {segment.speaker for segment in replay.annotation()} >= set(named)


def test_nothing_is_said_after_the_end() -> None:
    diarizer = session()
    diarizer.push(babble(1, 5))
    diarizer.finish()
    with pytest.raises(Exception, match="the session has ended"):
        diarizer.name("S1", "too late")
