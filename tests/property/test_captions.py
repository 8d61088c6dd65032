"""Captions of words and turns in any order, corrected, late, revised: nothing is lost, doubled or stale."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.streaming.captions.captioner import Captioner, CaptionRules
from hocket.streaming.captions.words import HeardWord
from hocket.streaming.engine.snapshot import pack, unpack
from hocket.streaming.events import Caption, Event, RevisedTurn, Revision, SessionEnd, Turn

RULES = CaptionRules(offset=0.0)
times = st.integers(0, 400).map(lambda tenths: tenths / 10)
lengths = st.sampled_from([0.0, 0.2, 0.5, 3.0])
texts = st.sampled_from(["yes", "no,", "well.", "hocket", "why?", "perhaps"])


@st.composite
def words(draw: st.DrawFn) -> list[HeardWord]:
    """Words with ids, some of them overlapping, some without a length."""
    starts = draw(st.lists(times, max_size=40))
    return [
        HeardWord(
            text=draw(texts), start=start, end=start + draw(st.sampled_from([0.0, 0.2, 0.5, 3.0])), id=f"w{n}"
        )
        for n, start in enumerate(starts)
    ]


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Turns that grow, end and become final, and revisions that move, remove and merge."""
    events: list[Event] = []
    final: set[str] = set()
    for seq in range(1, draw(st.integers(0, 25)) + 1):
        base = {"seq": seq, "session": "talk", "at": seq * 2.0}
        turn_id, speaker = f"t{draw(st.integers(1, 8))}", draw(st.sampled_from(["S1", "S2", "S3"]))
        start = draw(times)
        end = start + draw(st.sampled_from([0.0, 0.4, 2.0, 8.0]))
        if turn_id in final or draw(st.integers(0, 4)) == 0:
            removed = draw(st.lists(st.sampled_from([f"t{n}" for n in range(1, 9)]), max_size=2))
            merged = draw(st.sampled_from([{}, {}, {"S3": "S1"}]))
            turns = [RevisedTurn(id=turn_id, speaker=speaker, start=start, end=max(end, start + 0.1))]
            events.append(Revision(**base, turns=turns, removed=removed, merged=merged, reason="reclustered"))
        else:
            state = draw(st.sampled_from(["open", "provisional", "final"]))
            final |= {turn_id} if state == "final" else set()
            events.append(
                Turn(**base, id=turn_id, speaker=speaker, start=start, end=end, state=state, confidence=1.0)
            )
    return events


def fold(captions: list[Caption]) -> dict[str, Caption]:
    """What a reader shows in the end."""
    shown: dict[str, Caption] = {}
    for caption in captions:
        if caption.words:
            shown[caption.id] = caption
        else:
            del shown[caption.id]
    return shown


def content(captions: dict[str, Caption]) -> list[object]:
    """Captions without what hangs on the order in which they were said."""
    said = [(c.start, c.end, c.speaker, c.text, c.state, tuple(c.words)) for c in captions.values()]
    return sorted(said, key=repr)


def interleaved(draw: st.DrawFn, heard: list[HeardWord], log: list[Event]) -> tuple[Captioner, list[Caption]]:
    """A captioner that was given both in pieces, in an order that chance chose."""
    captioner = Captioner("talk", RULES)
    said: list[Caption] = []
    heard, log = draw(st.permutations(heard)), list(log)
    while heard or log:
        count = draw(st.integers(1, 6))
        if heard and (not log or draw(st.booleans())):
            said += captioner.add(heard[:count])
            heard = heard[count:]
        else:
            said += captioner.take(log[:count])
            log = log[count:]
        now = {caption.id: replace(caption, seq=0, at=0.0) for caption in captioner.captions()}
        assert {key: replace(caption, seq=0, at=0.0) for key, caption in fold(said).items()} == now
    return captioner, said


@settings(max_examples=150, deadline=None)
@given(words(), logs(), st.data())
def test_any_order_ends_in_the_captions_of_all_at_once(
    heard: list[HeardWord], log: list[Event], data: st.DataObject
) -> None:
    captioner, said = interleaved(data.draw, heard, log)
    said += captioner.finish()
    at_once = Captioner("talk", RULES)
    all_said = at_once.take(log) + at_once.add(heard) + at_once.finish()
    # Words at one time stand in the order in which they came.
    if len({word.start for word in heard}) == len(heard):
        assert content(fold(said)) == content(fold(all_said))
    assert [caption.seq for caption in said] == list(range(1, len(said) + 1))


@settings(max_examples=100, deadline=None)
@given(words(), logs(), st.data())
def test_no_word_is_lost_or_doubled(heard: list[HeardWord], log: list[Event], data: st.DataObject) -> None:
    captioner, said = interleaved(data.draw, heard, log)
    corrected = data.draw(st.lists(st.sampled_from(heard), max_size=5)) if heard else []
    newer = {w.id: replace(w, text="corrected", start=w.start + 0.3, end=w.end + 0.3) for w in corrected}
    said += captioner.add(newer.values())
    taken_back = data.draw(st.lists(st.sampled_from(heard), max_size=3)) if heard else []
    said += captioner.add(replace(word, text="") for word in taken_back)
    said += captioner.finish()
    final = {word.id: newer.get(word.id, word) for word in heard}
    for word in taken_back:
        final.pop(word.id, None)
    shown = [(w.text, w.start, w.end) for caption in fold(said).values() for w in caption.words]
    assert sorted(shown) == sorted((w.text, round(w.start, 3), round(w.end, 3)) for w in final.values())
    assert all(caption.state == "final" for caption in fold(said).values())


@settings(max_examples=100, deadline=None)
@given(words(), logs())
def test_a_step_leaves_nothing_for_the_next(heard: list[HeardWord], log: list[Event]) -> None:
    captioner = Captioner("talk", RULES)
    captioner.add(heard)
    for event in log:
        captioner.take([event])
        assert captioner.take([]) == []
    end = SessionEnd(seq=99, session="talk", at=99.0, duration=99.0, speakers=[], reason="end")
    captioner.take([end])
    assert captioner.take([]) == []


@settings(max_examples=100, deadline=None)
@given(words(), logs(), st.integers(1, 5))
def test_a_captioner_that_was_written_down_goes_on_alike(
    heard: list[HeardWord], log: list[Event], count: int
) -> None:
    captioner = Captioner("talk")
    while heard or log:
        restored = Captioner("talk")
        restored.restore(unpack(pack(captioner.state())))
        assert restored.take(log[:count]) == captioner.take(log[:count])
        assert restored.add(heard[:count]) == captioner.add(heard[:count])
        assert restored.captions() == captioner.captions()
        heard, log = heard[count:], log[count:]
