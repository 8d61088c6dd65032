"""Captioner: turns and words in, in any order; captions out, said again as both get to be known better."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Any

from hocket.streaming.errors import ConfigError, FormatError
from hocket.streaming.events import Caption, Event, SessionEnd, TurnState, Word

from .attribution import CONTEXT, NEAR, Claim, PlacedWord, attribute, claims_on
from .clock import clock_offset
from .lines import Line, LineRules, lay_out, quiet_before
from .turns import Stretch, TurnBook
from .words import LONGEST_WORD, HeardWord, Name, check_word, named


@dataclass(frozen=True, kw_only=True)
class CaptionRules:
    """Settings of a Captioner; times in seconds.

    offset: what to add to the times of words; None to estimate it. memory: for how long words and turns are
    kept once both are past them; a revision of what is older reaches no caption, and a correction of an older
    word is a new word. ahead: words further ahead of the engine wait until it comes closer. patience: how
    long a caption that ended waits for words that come late before it is final. most_words: kept at once.
    """

    lines: LineRules = field(default_factory=LineRules)
    offset: float | None = None
    memory: float = 900.0
    ahead: float = 5.0
    patience: float = 10.0
    most_words: int = 100_000

    def __post_init__(self) -> None:
        if self.memory < 10.0:
            raise ConfigError(f"memory {self.memory:g}: expected 10 s or more, since revisions come late")


_OFFSET_WORDS = 20  # new ones before the offset is estimated again
_OFFSET_STEP = 0.1  # seconds it must move by: less is not told from how turns are cut
_FORGET_EVERY = 30.0  # seconds

Said = tuple[str | None, TurnState, tuple[tuple[str, float, float], ...]]


class Captioner:
    """Joins the words of any recogniser with the events of a session, and has no I/O.

    `take` events and `add` words as they come, in any order; both give the `caption` events that follow.
    A caption is said again under its id while it changes; with no words it is gone. A final one changes only
    by a revision, by a word that came late, and by one that was corrected. Its events are numbered from 1 by
    themselves; `Captioned` numbers them into the session's log.

    offset: seconds that are added to the times of words, by now.
    """

    def __init__(self, session: str = "session", rules: CaptionRules | None = None) -> None:
        self.session = session
        self.rules = rules or CaptionRules()
        self.offset = self.rules.offset or 0.0
        self._turns = TurnBook()
        self._words: list[PlacedWord] = []  # by key
        self._known: dict[Name, PlacedWord] = {}  # the same, by name
        self._waiting: dict[Name, HeardWord] = {}  # further ahead than rules.ahead
        self._lines: dict[int, Line] = {}
        self._said: dict[int, Said] = {}
        self._unfinished: set[int] = set()  # lines that were not final when last said
        self._words_until = 0.0
        self._forgotten_until = 0.0
        self._num_words = 0
        self._since_offset = 0
        self._num_said = 0
        self._over = False

    @property
    def num_held(self) -> int:
        """Words in memory."""
        return len(self._words) + len(self._waiting)

    def take(self, events: Iterable[Event]) -> list[Caption]:
        """Take what the engine said; what a revision does to captions is in what this call returns."""
        changed: list[Stretch] = []
        for event in events:
            changed += self._turns.take(event)
            self._over = self._over or isinstance(event, SessionEnd)
        # Those of a word that lies near a turn, and of the words that hang on that one.
        reach = [(start - NEAR - LONGEST_WORD, end + NEAR) for start, end in changed]
        self._claim(reach)
        return self._step([(start - CONTEXT, end + CONTEXT) for start, end in reach], [])

    def add(self, words: Iterable[HeardWord]) -> list[Caption]:
        """Take words of the recogniser: new ones, and those that replace what came under their id or time.

        Raises FormatError for impossible times, and for more words ahead of the audio than may wait; then
        none of them is taken.
        """
        words = list(words)
        for word in words:
            check_word(word)
        ahead = [word for word in words if self._is_ahead(word)]
        if len(self._waiting) + len(ahead) > self.rules.most_words:
            raise FormatError(
                f"{len(self._waiting) + len(ahead)} words are ahead of the audio, which is at "
                f"{self._turns.heard:g} s, such as {ahead[0].text!r} at {ahead[0].start:g} s: at most "
                f"{self.rules.most_words} may wait; take the session's events in between"
            )
        return self._step([], words)

    def finish(self) -> list[Caption]:
        """Nothing more comes: every caption is final."""
        self._over = True
        self._words_until = math.inf
        self._turns.end()
        return self._step([], [])

    def captions(self) -> list[Caption]:
        """The captions in memory as last said, by start; `seq` is that of the last one said."""
        lines = sorted(self._lines.values(), key=_first)
        return [self._caption(line.id, *self._said[line.id]) for line in lines]

    def _step(self, dirty: list[Stretch], words: list[HeardWord]) -> list[Caption]:
        gone: set[int] = set()
        dirty = dirty + self._place(words, gone)
        dirty += self._move_clock()
        changed = self._write(dirty, gone)
        said = self._say(gone, changed | self._unfinished)
        return said + self._forget()

    def _place(self, words: list[HeardWord], gone: set[int]) -> list[Stretch]:
        """Put words where they belong, those that waited among them; returns the starts of words to redo.

        gone: takes the lines of words that were taken out.
        """
        dirty = []
        for name, word in named(words):
            self._waiting.pop(name, None)
            old = self._known.pop(name, None)
            if old is not None:
                dirty.append(self._around(old))
                del self._words[bisect_left(self._words, old.key, key=_key)]
                if old.line is not None:
                    gone.add(old.line)
            if not word.text.strip():
                continue
            if self._is_ahead(word):
                self._waiting[name] = word
            else:
                dirty.append(self._put(name, word, old.serial if old is not None else None))
        due = [name for name, word in self._waiting.items() if not self._is_ahead(word)]
        dirty += [self._put(name, self._waiting.pop(name), None) for name in due]
        return dirty

    def _is_ahead(self, word: HeardWord) -> bool:
        return not self._over and word.start + self.offset > self._turns.heard + self.rules.ahead

    def _put(self, name: Name, word: HeardWord, serial: int | None) -> Stretch:
        if serial is None:
            self._num_words += 1
            self._since_offset += 1
            serial = self._num_words
        placed = PlacedWord(word, serial, word.start + self.offset, word.end + self.offset)
        placed.claims = claims_on(placed.start, placed.end, self._turns)
        insort(self._words, placed, key=_key)
        self._known[name] = placed
        self._words_until = max(self._words_until, placed.end)
        return self._around(placed)

    def _around(self, placed: PlacedWord) -> Stretch:
        """The starts of the words that this one may pull at, or stand beside in a line."""
        beside = self.rules.lines.pause + CONTEXT
        return placed.start - LONGEST_WORD - beside, placed.end + beside

    def _move_clock(self) -> list[Stretch]:
        """Estimate the offset once enough words came; where it moved, move every word."""
        if self.rules.offset is not None or self._since_offset < _OFFSET_WORDS or not self._words:
            return []
        self._since_offset = 0
        times = [(placed.word.start, placed.word.end) for placed in self._words]
        estimate = clock_offset(times, *self._turns.edges(self._words[0].start - LONGEST_WORD))
        if estimate is None or abs(estimate - self.offset) < _OFFSET_STEP:
            return []
        self._words_until += estimate - self.offset
        self.offset = estimate
        for placed in self._words:
            placed.start, placed.end = placed.word.start + estimate, placed.word.end + estimate
        everything = [(self._words[0].start, self._words[-1].start)]
        self._claim(everything)
        return everything

    def _claim(self, starts: list[Stretch]) -> None:
        for first, stop in self._ranges(starts):
            for placed in self._words[first:stop]:
                placed.claims = claims_on(placed.start, placed.end, self._turns)

    def _write(self, dirty: list[Stretch], gone: set[int]) -> set[int]:
        """Attribute and lay out again what may have changed; returns the lines that are there now.

        dirty: starts of words. gone: takes the lines that were there before and are not now.
        """
        ranges = self._ranges(dirty)
        for first, stop in ranges:
            attribute(self._words, first, stop)
        lines: list[Line] = []
        for first, stop in self._whole(ranges):
            words = self._words[first:stop]
            gone.update(placed.line for placed in words if placed.line is not None)
            lines += lay_out(words, self.rules.lines)
        now = {line.id: line for line in lines}
        gone.difference_update(now)
        self._lines.update(now)
        return set(now)

    def _ranges(self, starts: list[Stretch]) -> list[tuple[int, int]]:
        """Places of the words that start inside any of the stretches, joined where they meet."""
        places = [
            (bisect_left(self._words, first, key=_start), bisect_right(self._words, last, key=_start))
            for first, last in starts
        ]
        return _joined(places)

    def _whole(self, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The ranges, each as far as lines may go on."""
        whole, reached = [], 0
        rules = self.rules.lines
        for first, stop in ranges:
            first, stop = max(first, reached), max(stop, reached)
            while first > reached and not quiet_before(self._words, first, rules, LONGEST_WORD):
                first -= 1
            while not quiet_before(self._words, stop, rules, LONGEST_WORD):
                stop += 1
            whole.append((first, stop))
            reached = stop
        return _joined(whole)

    def _say(self, gone: set[int], lines: set[int]) -> list[Caption]:
        """Say what differs from what was last said: first what is gone, then the lines, by start."""
        out = []
        for line_id in sorted(gone):
            self._lines.pop(line_id, None)
            out += self._retract(line_id)
        settled = self._turns.settled
        for line in sorted((self._lines[line_id] for line_id in lines - gone), key=_first):
            before = self._said.get(line.id)
            # Only what is said of a final caption may change, not that it is.
            state = "final" if before is not None and before[1] == "final" else self._state(line, settled)
            out += self._tell(line, state)
        return out

    def _tell(self, line: Line, state: TurnState) -> list[Caption]:
        words = tuple((placed.word.text, _clean(placed.start), _clean(placed.end)) for placed in line.words)
        said = line.speaker, state, words
        (self._unfinished.discard if state == "final" else self._unfinished.add)(line.id)
        if self._said.get(line.id) == said:
            return []
        self._said[line.id] = said
        self._num_said += 1
        return [self._caption(line.id, *said)]

    def _retract(self, line_id: int) -> list[Caption]:
        self._unfinished.discard(line_id)
        said = self._said.pop(line_id, None)
        if said is None:
            return []
        self._num_said += 1
        start = said[2][0][1]
        return [
            Caption(
                seq=self._num_said, session=self.session, at=self._turns.heard, id=f"c{line_id}", start=start,
                end=start, speaker=said[0], text="", words=[], state="final",
            )
        ]  # fmt: skip

    def _caption(
        self, line_id: int, speaker: str | None, state: TurnState, words: tuple[tuple[str, float, float], ...]
    ) -> Caption:
        return Caption(
            seq=self._num_said,
            session=self.session,
            at=self._turns.heard,
            id=f"c{line_id}",
            start=words[0][1],
            end=max(end for _, _, end in words),
            speaker=speaker,
            text=" ".join(text.strip() for text, _, _ in words),
            words=[Word(text=text, start=start, end=end) for text, start, end in words],
            state=state,
        )

    def _state(self, line: Line, settled: float) -> TurnState:
        end = line.end
        heard = self._turns.heard
        next_word = end + self.rules.lines.pause
        has_ended = self._words_until >= next_word or heard >= end + self.rules.patience
        if not has_ended:
            return "open"
        is_final = settled >= end + NEAR and all(placed.word.final for placed in line.words)
        return "final" if is_final else "provisional"

    def _forget(self) -> list[Caption]:
        """Let go of what is older than `memory`, finally; a part at a time, and whole lines."""
        now = min(self._turns.heard, self._words_until)
        too_many = len(self._words) - self.rules.most_words
        if now < self._forgotten_until + _FORGET_EVERY and too_many <= 0:
            return []
        self._forgotten_until = now
        horizon = now - self.rules.memory
        out: list[Caption] = []
        dropped: set[int] = set()
        num_words = 0
        for line in sorted(self._lines.values(), key=_first):
            if line.words[0].start >= horizon and num_words >= too_many:
                break
            if line.end < horizon or num_words < too_many:
                out += self._tell(line, "final")
                dropped.add(line.id)
                num_words += len(line.words)
        if dropped:
            for line_id in dropped:
                del self._lines[line_id], self._said[line_id]
            self._words = [placed for placed in self._words if placed.line not in dropped]
            self._known = {name: placed for name, placed in self._known.items() if placed.line not in dropped}
        self._turns.forget(horizon - LONGEST_WORD - NEAR)
        return out

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain values; none before `finish` is infinite."""
        place = {placed.serial: index for index, placed in enumerate(self._words)}
        return {
            "turns": self._turns.state(),
            "words": [astuple(placed) for placed in self._words],
            "known": [(name, place[placed.serial]) for name, placed in self._known.items()],
            "waiting": [(name, astuple(word)) for name, word in self._waiting.items()],
            "lines": [[place[placed.serial] for placed in line.words] for line in self._lines.values()],
            "said": self._said,
            "unfinished": sorted(self._unfinished),
            "times": [self.offset, self._words_until, self._forgotten_until],
            "counts": [self._num_words, self._since_offset, self._num_said],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become the captioner, of the same rules, that `state` was taken from."""
        self._turns.restore(state["turns"])
        self._words = [
            PlacedWord(_word(word), serial, start, end, [Claim(*claim) for claim in claims], *whose)
            for word, serial, start, end, claims, *whose in state["words"]
        ]
        self._known = {tuple(name): self._words[index] for name, index in state["known"]}
        self._waiting = {tuple(name): _word(word) for name, word in state["waiting"]}
        lines = [Line([self._words[index] for index in row], 0) for row in state["lines"]]
        self._lines = {line.id: line for line in lines}
        self._said = {
            line: (speaker, said, tuple((text, start, end) for text, start, end in words))
            for line, (speaker, said, words) in state["said"].items()
        }
        self._unfinished = set(state["unfinished"])
        self.offset, self._words_until, self._forgotten_until = state["times"]
        self._num_words, self._since_offset, self._num_said = state["counts"]


def _word(values: Sequence[Any]) -> HeardWord:
    return HeardWord(**{spec.name: value for spec, value in zip(fields(HeardWord), values)})


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, stop in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop)
        else:
            joined.append((first, stop))
    return joined


def _key(placed: PlacedWord) -> tuple[float, float, int]:
    return placed.key


def _first(line: Line) -> tuple[float, float, int]:
    return line.words[0].key


def _start(placed: PlacedWord) -> float:
    return placed.start


def _clean(seconds: float) -> float:
    """To the millisecond, and never before the session."""
    return max(0.0, round(seconds, 3))
