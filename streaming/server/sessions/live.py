"""A session as the event loop knows it: what waits to be heard, who sends it, who waits for an answer."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hocket.streaming.backlog import DROPPED

from ..protocol.controls import minor
from ..protocol.ends import Audio
from ..protocol.messages import Control, End, Finalize, Message, Missing, Received, Refusal, Start, Stopped
from .hosted import Asked, GapPart, Outcome, Piece
from .inputs import Ending, Stretching
from .logs import Log
from .rounds import Rounds

READ_AHEAD_SECONDS = 2.0  # of audio that may wait before a producer that can wait has to
MAX_LAG_SECONDS = 5.0  # of audio that may wait before that of a producer that cannot is dropped
BATCH_SECONDS = 1.0
HEAD_START_SECONDS = 1.0
GAP_SECONDS = 20.0  # of silence that a round takes instead: some 40 steps without models
RECEIVED_EVERY_SECONDS = 1.0
MOST_CONTROLS = 64  # that may wait, and that a round takes

Tell = Callable[[Message], None]


@dataclass(frozen=True, eq=False, slots=True)
class Connection:
    """A producer's end: how to tell it something, how to send it away with a fatal refusal."""

    tell: Tell
    dismiss: Callable[[Refusal], None]


class LiveSession:
    """One session that goes on.

    rounds: where its engine is; None until somebody needs it, after a restart, and while it moves from a host
    that is lost to another. sample: of the source, up to which all has come in; what was taken in and not
    stored yet is lost with the process, so producers keep what is after `received`.
    """

    def __init__(self, name: str, start: Start, digest: bytes, log: Log, sample: int) -> None:
        self.name = name
        self.start = start
        self.digest = digest
        self.log = log
        log.is_live = True
        self.sample = sample
        self.rounds: Rounds | None = None
        self.is_moving = False
        self.losses = 0  # of hosts while they computed this session, one after the other
        self.connection: Connection | None = None
        self.holder: str | None = None  # of the bearer token that the last producer showed, if there was one
        self.left_at = asyncio.get_running_loop().time()  # when the last producer went
        self.in_round = False
        self.round_since = 0.0  # when the oldest of what is in the round came in
        self.seconds = 0.0
        self.over = asyncio.Event()
        self.waiting_since = 0.0  # when there was enough to do something about
        self.hop: float | None = None  # seconds to which it was last stretched; None where nobody knows
        self.restoring = asyncio.Lock()
        self._pieces: deque[Piece] = deque()
        self._taken: list[Piece] = []  # whose audio is not stored yet
        self._stored = sample
        self._waiting = 0  # samples of the source
        self._wanted = 0  # of them before a round would come to anything
        self._dropped = 0
        self._room, self._room_for_controls = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._room_for_controls.set()
        self._askers: dict[int, tuple[str | None, Tell]] = {}  # of controls that are not answered yet
        self._num_asked = 0
        self._told = sample
        self._is_ending = False

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to do for the next round."""
        return self._is_due and not self.in_round and self.rounds is not None

    @property
    def is_untouched(self) -> bool:
        """Whether nothing came in yet: no audio, and nothing that it was told."""
        return self.sample == 0 and not self._num_asked and self.log.seq <= 1

    @property
    def _is_due(self) -> bool:
        """Whether what waits is enough for a step of the engine, or holds more than audio."""
        return bool(self._pieces) and (
            self._waiting >= self._wanted or not all(isinstance(piece, Audio) for piece in self._pieces)
        )

    def place(self) -> float:
        """Its place among those that wait, the lowest first: who cannot wait has a second's start."""
        return self.waiting_since - (HEAD_START_SECONDS if self.start.realtime else 0.0)

    async def hear(self, piece: Audio | Missing, sender: Connection) -> None:
        """Take audio in; waits while too much is waiting, or drops the older half if the source cannot wait.

        Nothing is taken from a sender whose place another one has taken.
        """
        count = len(piece.samples) if isinstance(piece, Audio) else piece.samples
        if not self.start.realtime:
            await self._room.wait()
        if self.connection is not sender:
            return
        self.sample += count
        self.give(piece)
        if self.start.realtime and self._waiting > MAX_LAG_SECONDS * self.start.sample_rate:
            self._drop()
        if self._waiting > READ_AHEAD_SECONDS * self.start.sample_rate:
            self._room.clear()

    async def tell(self, control: Control, answer: Tell) -> None:
        """Take in a control, which `answer` is called about; waits while too many are waiting."""
        while not self._room_for_controls.is_set():
            await self._room_for_controls.wait()
        if self._is_ending:
            answer(minor("no_session", f"session {self.name!r} is ending: it takes no more", control.id))
            return
        self._num_asked += 1
        self._askers[self._num_asked] = control.id, answer
        if len(self._askers) >= MOST_CONTROLS:
            self._room_for_controls.clear()
        self.give(Asked(control, self._num_asked))

    def give(self, piece: Piece) -> None:
        """Take in anything else; nothing after the end."""
        if self._is_ending:
            return
        self._is_ending = isinstance(piece, Ending) or (
            isinstance(piece, Asked) and isinstance(piece.control, End)
        )
        was_due = self._is_due
        self._pieces.append(piece)
        self._waiting += len(piece.samples) if isinstance(piece, Audio) else 0
        if self._is_due and not was_due:
            self.waiting_since = asyncio.get_running_loop().time()

    def stretch(self, hop: float) -> None:
        """Have the engine look no more often than every `hop` seconds, from what waits on; 0: as asked."""
        if self.hop != hop:
            self.hop = hop
            dropped = self._dropped / self.start.sample_rate
            lag, rtf = round(self.log.lag, 3), round(self.log.rtf, 3)
            self._pieces.appendleft(Stretching(hop, lag, rtf, round(dropped, 3)))

    def take(self) -> list[Piece]:
        """The oldest pieces: as much audio as a step wants, or a second, unless one is longer; or a gap."""
        taken: list[Piece] = []
        samples = 0
        silence = most = round(GAP_SECONDS * self.start.sample_rate)
        while (
            self._pieces and samples < max(BATCH_SECONDS * self.start.sample_rate, self._wanted) and silence
        ):
            piece = self._pieces.popleft()
            if isinstance(piece, Missing) and piece.samples > most:
                piece, rest = _parts(piece, most)
                self._pieces.appendleft(rest)
            if isinstance(piece, Missing):
                silence = max(0, silence - piece.samples)
            samples += len(piece.samples) if isinstance(piece, Audio) else 0
            taken.append(piece)
        self._taken += taken
        self._waiting -= samples
        self.waiting_since = asyncio.get_running_loop().time()
        if self._waiting <= READ_AHEAD_SECONDS * self.start.sample_rate:
            self._room.set()
        return taken

    def conclude(self, outcome: Outcome, events: Sequence[tuple[int, str]]) -> None:
        """Say what a round made of this session, now that it is stored."""
        step = outcome.step
        self.losses = 0
        self._wait_for(outcome.missing)
        asked = [piece for piece in self._taken if isinstance(piece, Asked)]
        self._let_go(step.sample)
        self.log.publish(events, is_last=step.is_last)
        due = self._told + RECEIVED_EVERY_SECONDS * self.start.sample_rate
        if step.sample >= due or any(isinstance(piece.control, Finalize) for piece in asked):
            self._told = step.sample
            self._tell_producer(Received(sample=step.sample, lag=round(self.log.lag, 3)))
        answers = dict(outcome.answers)
        for piece in asked:
            _, answer = self._askers.pop(piece.asker)
            if piece.asker in answers:
                answer(answers[piece.asker])
        self._room_for_controls.set()
        if step.is_last:
            self._tell_producer(Stopped(session=self.name, sample=step.sample, seq=self.log.seq))
            self.over.set()

    def _wait_for(self, missing: int) -> None:
        """The engine wants so many samples for its next step, which may have come in meanwhile."""
        self._wanted = missing
        if self._is_due:
            early = max(0, self._waiting - missing) / self.start.sample_rate if self.start.realtime else 0.0
            self.waiting_since = asyncio.get_running_loop().time() - early

    def _tell_producer(self, message: Message) -> None:
        if self.connection is not None:
            self.connection.tell(message)

    def put_back(self) -> None:
        """The engine is lost: what it was given and is not stored waits again, for another one."""
        self.rounds, self.is_moving = None, True
        if self.in_round:
            self.in_round, self.waiting_since = False, self.round_since
        self._pieces.extendleft(reversed(self._taken))
        self._waiting += sum(len(piece.samples) for piece in self._taken if isinstance(piece, Audio))
        self._taken = []
        self._wanted = 0

    def resume_from(self, sample: int) -> None:
        """Forget what was taken in and not heard: the source goes on from this sample."""
        lost, self._askers = self._askers, {}
        for asked, answer in lost.values():
            answer(minor("internal", f"session {self.name!r} stumbled: say it again", asked))
        self._room_for_controls.set()
        self._pieces.clear()
        self._taken = []
        self._stored = sample
        self._waiting = self._wanted = 0
        self.hop = None
        self._room.set()
        self._is_ending = False
        self.sample = self._told = sample

    def _let_go(self, sample: int) -> None:
        """What comes before this sample is stored; what was taken after it still waits in the resampler."""
        heard, self._stored = sample - self._stored, sample
        rest: list[Piece] = []
        for piece in self._taken:
            if isinstance(piece, Audio):
                rest += [Audio(piece.samples[max(heard, 0) :])] if heard < len(piece.samples) else []
                heard -= len(piece.samples)
            elif isinstance(piece, Missing):
                rest += [_parts(piece, heard)[1] if heard > 0 else piece] if heard < piece.samples else []
                heard -= piece.samples
        self._taken = rest

    def _drop(self) -> None:
        """Let go of the older half of the audio that waits, and leave a gap in its place."""
        kept: deque[Piece] = deque()
        while self._pieces:
            piece = self._pieces.popleft()
            if isinstance(piece, Audio) and self._waiting > MAX_LAG_SECONDS / 2 * self.start.sample_rate:
                lost = len(piece.samples)
                self._waiting -= lost
                self._dropped += lost
                if kept and type(last := kept[-1]) is Missing and last.reason == DROPPED:
                    lost += last.samples
                    kept.pop()
                kept.append(Missing(samples=lost, reason=DROPPED))
            else:
                kept.append(piece)
        self._pieces = kept


def _parts(gap: Missing, samples: int) -> tuple[GapPart, GapPart]:
    """The first so many samples of a gap, and the others: of its length only the first part says anything."""
    whole = gap.whole if isinstance(gap, GapPart) else gap.samples
    return (
        GapPart(samples=samples, reason=gap.reason, whole=whole),
        GapPart(samples=gap.samples - samples, reason=gap.reason, whole=0),
    )
