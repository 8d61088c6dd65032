"""A recogniser in a process of its own: whatever it does, the session that it hears for goes on.

Sound waits for it in a bounded queue, and a thread writes it into its standard input. One that dies, or takes
nothing for too long, is started again where the sound now is; one that does so over and over is given up.
"""

import contextlib
import logging
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hocket.streaming.errors import FormatError

from .recogniser import RATE, Samples, parse_word
from .words import HeardWord

logger = logging.getLogger(__name__)

_PIECE = RATE // 10  # samples written at once
_MOST_LINES = 100_000  # that may wait to be taken
_GOODBYE = 1.0  # seconds for it to end by itself once it takes no more
_SLICE = 0.2  # seconds between two looks at whether it is still alive, where somebody waits for it


@dataclass(frozen=True, kw_only=True)
class HearingRules:
    """Settings of a Hearing, in seconds.

    waiting: sound that may wait for the recogniser; past it, a live session loses the older half, and another
    one waits. patience: how long it may take no sound, or not end. failures: how often in a row it may fail
    without a word between before it is given up. pause: seconds between two tries.
    """

    waiting: float = 20.0
    patience: float = 20.0
    failures: int = 5
    pause: float = 0.2


class Hearing:
    """Words of the sound of a session, from a recogniser's process.

    push and gap take what the session's engine takes; words gives what was recognised meanwhile, on the
    session's clock, and never waits. live: whether sound comes at the pace of the clock, so that push must
    not wait either. lost: seconds of sound that no recogniser has heard. starts: of its process.
    """

    def __init__(self, command: Sequence[str], *, live: bool, rules: HearingRules | None = None) -> None:
        self.lost = 0.0
        self.starts = 0
        self._command = list(command)
        self._live = live
        self._rules = rules or HearingRules()
        self._queue: deque[Samples | int] = deque()  # samples, or how many zeros
        self._num_waiting = 0
        self._num_taken = 0  # samples that left the queue
        self._words: deque[HeardWord] = deque(maxlen=_MOST_LINES)
        self._open: dict[str, HeardWord] = {}  # not final, by id
        self._lost_told = 0.0
        self._failed = 0
        self._moved = time.monotonic()  # when it last took sound
        self._out_of_patience = False
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="hocket-hearing", daemon=True)
        self._thread.start()

    def push(self, samples: Samples) -> None:
        """Take samples, (n,) float32."""
        self._put(samples.copy(), len(samples))

    def gap(self, num_samples: int) -> None:
        """Take silence in place of what never came."""
        self._put(num_samples, num_samples)

    def words(self) -> list[HeardWord]:
        """What was recognised since the last call."""
        self._watch()
        with self._changed:
            words = list(self._words)
            self._words.clear()
        return words

    def finish(self) -> list[HeardWord]:
        """No more sound comes: the words that are left, once the recogniser ends or loses all patience."""
        with self._changed:
            self._over = True
            self._moved = time.monotonic()
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(_SLICE)
            self._watch()
        return self.words()

    def close(self) -> None:
        """End the process at once. May be called again, and after finish."""
        with self._changed:
            self._closed = self._over = True
            self._drop_all()
            if self._process is not None:
                self._process.kill()
        self._thread.join()

    def _put(self, piece: Samples | int, num_samples: int) -> None:
        most = round(self._rules.waiting * RATE)
        with self._changed:
            while not self._live and self._num_waiting >= most and not self._given_up:
                self._changed.wait(_SLICE)
                self._watch()
            if self._given_up:
                return
            self._queue.append(piece)
            self._num_waiting += num_samples
            if self._live and self._num_waiting > most:
                self._lose(most // 2)
            self._changed.notify_all()
        self._watch()

    def _lose(self, most: int) -> None:
        """Make silence of what waits longest; silence is soon heard."""
        sound = sum(len(piece) for piece in self._queue if not isinstance(piece, int))
        gone = 0
        lost = 0
        while self._queue and sound - lost > most:
            piece = self._queue.popleft()
            gone += piece if isinstance(piece, int) else len(piece)
            lost += 0 if isinstance(piece, int) else len(piece)
        self._queue.appendleft(gone)
        self.lost += lost / RATE
        if lost and self.lost >= 2 * self._lost_told:
            self._lost_told = self.lost
            logger.warning(
                "the recogniser is slower than the clock: %.0f s of sound so far get no captions", self.lost
            )

    @property
    def _given_up(self) -> bool:
        return self._failed >= self._rules.failures

    def _watch(self) -> None:
        """End a process that takes nothing, though there is sound for it, or does not end."""
        process = self._process
        idle = not self._over and not self._num_waiting
        if process is not None and not idle and time.monotonic() - self._moved > self._rules.patience:
            self._moved = time.monotonic()
            self._out_of_patience = True
            process.kill()

    def _run(self) -> None:
        while not self._closed:
            problem = self._serve()
            if self._closed:
                return
            if self._over and not self._num_waiting:
                if problem:
                    logger.warning("the recogniser %s", problem)
                return
            self._failed += 1
            if self._given_up:
                logger.error(
                    "the recogniser is given up after %d failures in a row, no more captions: it %s",
                    self._failed,
                    problem,
                )
                self._drop_all()
                return
            logger.warning("the recogniser %s; starting it again", problem)
            time.sleep(self._rules.pause)

    def _serve(self) -> str:
        """Run one process to its end; returns what was wrong with that, nothing for a good one."""
        self._out_of_patience = False
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C ends the session, which then ends the recogniser
            )
        except OSError as error:
            return f"{self._command[0]!r} cannot be started: {error.strerror}"
        self.starts += 1
        self._moved = time.monotonic()
        with self._changed:
            self._process = process
            if self._closed:
                process.kill()
        complaints: deque[str] = deque(maxlen=5)
        readers = [
            threading.Thread(target=self._read, args=(process, self.starts, self._num_taken), daemon=True),
            threading.Thread(target=_gather, args=(process, complaints), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            self._write(process)
        except OSError:  # it is going, or was ended
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GOODBYE)
            process.kill()
        code = process.wait()
        for reader in readers:
            reader.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
        self._process = None
        with self._changed:  # what it would still have changed stays as it is
            self._words.extend(replace(word, final=True) for word in self._open.values())
            self._open.clear()
        if self._out_of_patience:
            return f"took no sound for {self._rules.patience:g} s"
        if code == 0:
            return "" if self._over and not self._num_waiting else "ended"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        return f"{how} ({complaints[-1]})" if complaints else how

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        """Write sound until it ends. Raises OSError when the process does not take it."""
        assert process.stdin is not None
        with process.stdin as stdin:
            while (piece := self._next()) is not None:
                data = _bytes(piece)
                while data:
                    data = data[stdin.write(data) :]
                    self._moved = time.monotonic()
        self._moved = time.monotonic()

    def _next(self) -> Samples | int | None:
        """What is to be written next, a tenth of a second at most; None once there is no more."""
        with self._changed:
            while not self._queue:
                if self._over:
                    return None
                self._changed.wait(_SLICE)
                if self._process is not None and self._process.poll() is not None:
                    return None
            piece = self._queue.popleft()
            num = piece if isinstance(piece, int) else len(piece)
            if num > _PIECE:
                self._queue.appendleft(piece - _PIECE if isinstance(piece, int) else piece[_PIECE:])
                piece, num = (_PIECE if isinstance(piece, int) else piece[:_PIECE]), _PIECE
            self._num_waiting -= num
            self._num_taken += num
            self._changed.notify_all()
            return piece

    def _read(self, process: "subprocess.Popen[bytes]", start: int, num_before: int) -> None:
        """Take down the words of a process, whose clock began after so many samples."""
        assert process.stdout is not None
        before, warned = num_before / RATE, False
        for line in process.stdout:
            try:
                word = parse_word(line.decode("utf-8", "replace"))
            except FormatError as error:
                if not warned:
                    logger.warning("the recogniser says what is no word: %s", error)
                warned = True
                continue
            word_id = f"{start}.{word.id}" if word.id is not None else None
            word = replace(word, start=word.start + before, end=word.end + before, id=word_id)
            with self._changed:
                self._failed = 0
                self._words.append(word)
                if word_id is not None:
                    self._open.pop(word_id, None)
                    if not word.final and word.text:
                        self._open[word_id] = word

    def _drop_all(self) -> None:
        with self._changed:
            self._queue.clear()
            self._num_waiting = 0
            self._changed.notify_all()


def _gather(process: "subprocess.Popen[bytes]", lines: deque[str]) -> None:
    assert process.stderr is not None
    lines.extend(text for line in process.stderr if (text := line.decode("utf-8", "replace").strip()))


def _bytes(piece: Samples | int) -> memoryview:
    if isinstance(piece, int):
        return memoryview(bytes(2 * piece))
    return memoryview((np.clip(piece, -1.0, 1.0) * 32_767).astype("<i2").tobytes())
