"""A stretched hop is something that a session was given: stored, and heard again after a crash."""

from hocket.streaming.events import Status
from hocket.streaming.server.protocol.ends import Audio
from hocket.streaming.server.protocol.messages import Start
from hocket.streaming.server.sessions.engines import Engines, Work
from hocket.streaming.server.sessions.hosted import Outcome, Piece
from hocket.streaming.server.sessions.inputs import Stretching, read_input, write_input
from hocket.streaming.server.sessions.store import Kept
from tests.served import UnrulyModels
from tests.unruly_models import RATE, babble

START = Start(sample_rate=RATE, realtime=True)


def heard(engines: Engines, pieces: list[Piece]) -> Outcome:
    [outcome] = engines.run([Work("room", pieces)])
    assert isinstance(outcome, Outcome)
    return outcome


def test_it_is_told_by_a_status_and_heard_again_from_what_is_stored() -> None:
    samples = babble(7, 20)[:, None]
    engines = Engines(UnrulyModels())
    begun = engines.begin("room", START)
    pieces: list[Piece] = [
        Audio(samples[: 5 * RATE]),
        Stretching(2.0, 0.9, 0.4, 0.0),
        Audio(samples[5 * RATE : 15 * RATE]),
        Stretching(0.0, 0.1, 0.2, 1.5),
        Audio(samples[15 * RATE :]),
    ]
    step = heard(engines, pieces).step
    told = [event for event in step.events if isinstance(event, Status)]
    assert [(event.hop, event.lag, event.dropped) for event in told] == [(2.0, 0.9, 0.0), (0.5, 0.1, 1.5)]
    assert told[0].at == 5.0
    assert 13.0 < told[1].at <= 15.0
    kept = Kept(begun.snapshot, 1, [read_input(*write_input(given)) for given in step.inputs])
    again = Engines(UnrulyModels())
    assert again.restore("room", START, kept, step.events, step.seconds) == len(samples)


def test_sessions_stretched_at_once_do_not_all_look_at_once() -> None:
    engines = Engines(UnrulyModels())
    waits = set()
    for number in range(20):
        name = f"room-{number}"
        engines.begin(name, START)
        [outcome] = engines.run([Work(name, [Stretching(2.0, 0.9, 0.4, 0.0)])])
        assert isinstance(outcome, Outcome)
        waits.add(outcome.missing / RATE)
    assert waits == {0.5, 1.0, 1.5, 2.0}


def test_who_asked_for_a_longer_hop_keeps_it() -> None:
    engines = Engines(UnrulyModels())
    engines.begin("room", Start(sample_rate=RATE, realtime=True, options={"hop": 1.3}))
    outcome = heard(engines, [Stretching(1.0, 0.9, 0.4, 0.0)])
    assert [event.hop for event in outcome.step.events if isinstance(event, Status)] == [1.3]
    assert outcome.missing == round(1.3 * RATE)


def test_what_is_missing_is_counted_at_the_rate_of_the_source() -> None:
    engines = Engines(UnrulyModels())
    engines.begin("room", Start(sample_rate=48_000))
    assert heard(engines, []).missing == 24_000
