"""A server that dies between two rounds: what comes after is what would have come, whatever it was told."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hocket.streaming.captions.words import HeardWord
from hocket.streaming.clustering.people import Profile
from hocket.streaming.engine.diarizer import Diarizer
from hocket.streaming.events import Event, SpeakerUpdate
from hocket.streaming.server.protocol.ends import Audio
from hocket.streaming.server.protocol.messages import (
    Control,
    Correct,
    Done,
    Enroll,
    Merge,
    Missing,
    Name,
    Split,
    Start,
    Words,
)
from hocket.streaming.server.sessions import hosted
from hocket.streaming.server.sessions.engines import Engines, Work
from hocket.streaming.server.sessions.hosted import Asked, Outcome, Piece
from hocket.streaming.server.sessions.inputs import Ending
from hocket.streaming.server.sessions.store import Store
from tests.served import Babble, UnrulyModels
from tests.unruly_models import RATE

SECONDS = 40


def told(chance: random.Random, seconds: float) -> Control:
    """Something that people, or their programs, may say of a session at this time; it may be refused."""
    one, other = (f"S{chance.randint(1, 5)}" for _ in range(2))
    start = chance.uniform(0, seconds)
    words = [
        HeardWord(
            text=f"w{n}", start=start + n / 3, end=start + n / 3 + 0.3, id=chance.choice([None, f"{n}"])
        )
        for n in range(chance.randint(0, 8))
    ]
    return chance.choice(
        [
            Name(speaker=one, name=chance.choice(["Anna", "Bert"])),
            Merge(speaker=one, into=other),
            Split(speaker=one, at=start),
            Split(speaker=one, turns=[f"t{chance.randint(1, 20)}"]),
            Correct(turn=f"t{chance.randint(1, 20)}", speaker=chance.choice([None, one])),
            Correct(start=start, end=start + chance.uniform(0.1, 4), speaker=chance.choice([None, one])),
            Enroll(name=chance.choice(["Anna", "Bert"]), start=start, end=start + 2),
            Words(words=words),
            Words(words=words),
            Words(words=words),
        ]
    )


def rounds(seed: int) -> Iterator[list[Piece]]:
    """What a session is given in each of its rounds."""
    chance, samples = random.Random(seed), Babble(seed, SECONDS).samples[:, None]
    start = 0
    while start < len(samples):
        stop = start + chance.randint(1, RATE)
        pieces: list[Piece] = [Audio(samples[start:stop])]
        if chance.random() < 0.05:
            pieces.append(Missing(samples=chance.randint(1, 3 * RATE)))
        if chance.random() < 0.4:
            pieces.append(Asked(told(chance, start / RATE), 1))
        chance.shuffle(pieces)
        yield pieces
        start = stop
    yield [Ending("end")]


def said(folder: Path, seed: int, deaths: float) -> list[Event]:
    """The log of a session whose engine dies before so many of its rounds, and is restored from the store."""
    store, chance, start = Store(folder), random.Random(99), Start(sample_rate=RATE)
    engines = Engines(UnrulyModels())
    begun = engines.begin("room", start)
    store.create("room", b"", "{}", begun.snapshot, begun.events)
    for pieces in rounds(seed):
        if chance.random() < deaths:
            engines, kept = Engines(UnrulyModels()), store.kept("room")
            engines.restore("room", start, kept, log_of(store, kept.seq), store.listing("room").seconds)
        [outcome] = engines.run([Work("room", pieces)])
        assert isinstance(outcome, Outcome)
        store.add([outcome.step])
    log = log_of(store)
    store.close()
    return log


def log_of(store: Store, after: int = 0) -> list[Event]:
    return [Event.from_dict(json.loads(event)) for _, event in store.events("room", after)]


@pytest.mark.parametrize("seed", range(4))
def test_a_restored_session_says_what_it_would_have_said(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = said(tmp_path / "alive", seed, deaths=0)
    monkeypatch.setattr(hosted, "SNAPSHOT_SECONDS", 4.0)
    assert said(tmp_path / "killed", seed, deaths=0.3) == alive
    assert {"caption", "revision", "speaker.update", "session.end"} <= {event.type for event in alive}
    assert [event.seq for event in alive] == list(range(1, len(alive) + 1))


def test_a_refused_control_leaves_no_trace() -> None:
    engines = Engines(UnrulyModels())
    engines.begin("room", Start(sample_rate=RATE))
    samples = Babble(1, 20).samples[:, None]
    engines.run([Work("room", [Audio(samples)])])
    chance = random.Random(1)
    engine = engines._hosted["room"]
    num_refused = 0
    for _ in range(100):
        before = engine._snapshot()
        [outcome] = engines.run([Work("room", [Asked(told(chance, 20), 1)])])
        assert isinstance(outcome, Outcome)
        if outcome.answers:
            num_refused += 1
            assert not outcome.step.inputs
            assert engine._snapshot() == before
    assert num_refused > 20


def test_a_profile_is_listened_for_from_when_it_is_enrolled(tmp_path: Path) -> None:
    models, samples = UnrulyModels(), Babble(3, 30).samples
    heard = Diarizer(models.segmenter, models.embedder, models=models.names)
    heard.push(samples)
    anna = Profile("p1", "Anna", heard.voice_print("S1"))
    store, start = Store(tmp_path), Start(sample_rate=RATE, people=[])
    engines = Engines(models, [anna])
    begun = engines.begin("room", start)
    store.create("room", b"", "{}", begun.snapshot, begun.events)
    for piece in (Audio(samples[:, None]), Asked(Enroll(profile="p1", id="1"), 1)):
        [outcome] = engines.run([Work("room", [piece])])
        assert isinstance(outcome, Outcome)
        store.add([outcome.step])
    assert outcome.answers == [(1, Done(id="1", seq=store.listing("room").seq))]
    named = [event for event in log_of(store) if isinstance(event, SpeakerUpdate) and event.profile]
    assert [(event.profile, event.name) for event in named] == [("p1", "Anna")]
    # the store of people may be another one by then: the print was kept
    Engines(models).restore("room", start, store.kept("room"), log_of(store, store.kept("room").seq), 30.0)
    store.close()


@pytest.mark.parametrize("snapshot_seconds", [0.5, 1000.0])
def test_who_is_split_off_or_corrected_twice_is_one_somebody_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot_seconds: float
) -> None:
    monkeypatch.setattr(hosted, "SNAPSHOT_SECONDS", snapshot_seconds)
    models, samples, start = UnrulyModels(), Babble(3, 30).samples[:, None], Start(sample_rate=RATE)
    store, engines = Store(tmp_path), Engines(models)
    begun = engines.begin("room", start)
    store.create("room", b"", "{}", begun.snapshot, begun.events)

    def given(*pieces: Piece) -> Outcome:
        [outcome] = engines.run([Work("room", pieces)])
        assert isinstance(outcome, Outcome)
        store.add([outcome.step])
        return outcome

    controls = [Split(id="a-1", speaker="S1", at=5.0), Correct(id="a-2", start=1.0, end=2.0)]
    given(Audio(samples))
    first = [given(Asked(control, 1)).answers for control in controls]
    assert [type(answers[0][1]) for answers in first] == [Done, Done]
    log = log_of(store)
    given(Audio(samples[:RATE]))
    engines, kept = Engines(models), store.kept("room")
    engines.restore("room", start, kept, log_of(store, kept.seq), store.listing("room").seconds)
    seq = store.listing("room").seq
    assert [given(Asked(control, 1)).answers for control in controls] == first
    assert (store.listing("room").seq, log_of(store)[: len(log)]) == (seq, log)
    assert given(Asked(Split(id="a-3", speaker="S1", at=5.0), 1)).answers not in first  # another one
    store.close()
