"""Audio in steps: what every session does before it thinks about who it was, live or not."""

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BlockError, SessionOver
from ..hearing.perception import Perception
from ..hearing.requests import DetectRequest, EmbedRequest, FramesRequest, Request, SegmentRequest
from ..hearing.windows import WindowPlan

Samples = NDArray[np.float32]


class Phase(Enum):
    """What a step waits for. Each but HEARING and OVER has requests out."""

    HEARING = auto()
    DETECTION = auto()
    WINDOW = auto()
    FRAMES = auto()
    VECTORS = auto()
    OVER = auto()


class Listener:
    """Takes audio, asks for what the models have to say about it, and concludes each step by a call.

    cell: samples in a cell. conclude: called when all of a step's answers are in; it may set `open_from`, the
    cell from which atoms may still be cut otherwise. every: only each so-many-th step goes beyond its window;
    behind: and leaves so many of the newest cells uncut, as long as more audio may come. again: called before
    speech is cut; the earlier stretch that is to be cut once more. beat: on which of the hops the steps fall
    that take several.

    May raise BlockError for samples of the wrong shape or type, SessionOver for audio after the end.
    """

    def __init__(
        self,
        perception: Perception,
        plan: WindowPlan,
        cell: int,
        conclude: Callable[[], None],
        *,
        every: int = 1,
        behind: int = 0,
        again: Callable[[], tuple[int, int] | None] = lambda: None,
        beat: int = 0,
    ) -> None:
        self.perception = perception
        self.fed = 0  # samples taken, those still pending among them
        self.open_from = 0
        self.ending: str | None = None
        self._plan = plan
        self._cell = cell
        self._conclude = conclude
        self._again = again
        self._every, self._behind = every, behind
        self._beat = beat
        self._num_steps = 0
        self._phase = Phase.HEARING
        self._requests: list[Request] = []
        self._pending: deque[Samples | int] = deque()  # blocks, and counts of samples that never arrived
        self._stop = 0  # samples up to the last step
        self._stretch = 1  # hops from one step to the next
        self._looked = 0  # samples up to the end of the last window
        self._is_fresh = False  # whether the step under way has anything new to look at

    @property
    def is_last(self) -> bool:
        """Whether the step under way is the session's last."""
        return self.ending is not None and not self._pending

    @property
    def cut_to(self) -> int:
        """The cell up to which the step under way cuts speech into atoms."""
        now = self.perception.now
        return now if self.is_last else max(self.open_from, now - self._behind)

    @property
    def is_over(self) -> bool:
        """Whether the last step is concluded."""
        return self._phase is Phase.OVER

    def feed(self, samples: Samples) -> None:
        """Take samples (n,) float32; those that are not finite count as silence."""
        self.require_open()
        if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype != np.float32:
            got = f"{samples.shape} {samples.dtype}" if isinstance(samples, np.ndarray) else type(samples)
            raise BlockError(f"samples want shape (n,) float32, got {got}")
        if len(samples):
            self._pending.append(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0))
            self.fed += len(samples)
        self._proceed()

    def gap(self, num_samples: int) -> None:
        """Take samples that never arrived: the clock moves on through them, heard as silence."""
        self.require_open()
        if num_samples < 0:
            raise BlockError(f"a gap wants a count of samples, got {num_samples}")
        if num_samples:
            self._pending.append(num_samples)
            self.fed += num_samples
            self._proceed()

    def end(self, reason: str) -> None:
        """No more audio will come. Repeated calls change nothing."""
        if self.ending is None:
            self.ending = reason
        self._proceed()

    def stretch(self, hops: int) -> None:
        """Take so many hops of audio in each of the next steps, from the next `beat` on.

        What is heard already waits no longer.
        """
        self.require_open()
        self._stretch = hops
        self._proceed()

    @property
    def hop_cells(self) -> int:
        """Cells from one step to the next."""
        return self._plan.hop * self._stretch // self._cell

    @property
    def missing(self) -> int:
        """Samples that have to come before something is due."""
        return max(0, self._boundary() - self.fed)

    def due(self) -> list[Request]:
        """What is needed from the models before the step can go on; empty while only audio is needed."""
        return list(self._requests)

    def advance(self, outputs: Sequence[NDArray[np.float32]]) -> None:
        """Take one answer per request of `due`, in order."""
        requests, self._requests = self._requests, []
        for request, output in zip(requests, outputs, strict=True):
            match request:
                case SegmentRequest():
                    self.perception.take_window(request, output)
                case DetectRequest():
                    self.perception.take_detection(output)
                case FramesRequest():
                    self.perception.take_frames(request, output)
                case EmbedRequest():
                    self.perception.take_vector(request, output)
        self._proceed()

    def require_open(self) -> None:
        """Raises SessionOver after `end`."""
        if self.ending is not None:
            raise SessionOver("the session has ended: open a new one for more audio")

    def _proceed(self) -> None:
        """Go on, phase by phase, until the models or more audio are needed."""
        while not self._requests and self._phase is not Phase.OVER:
            match self._phase:
                case Phase.HEARING:
                    if not self._hear():
                        break
                    self._num_steps += 1
                    self._phase = Phase.DETECTION
                case Phase.DETECTION:
                    self._look()
                    self._phase = Phase.WINDOW
                case Phase.WINDOW if self._num_steps % self._every and not self.is_last:
                    self._phase = Phase.HEARING
                case Phase.WINDOW:
                    self.perception.cut(self.open_from, self.cut_to, self._again())
                    self._requests += self.perception.calls(is_last=self.is_last)
                    self._phase = Phase.FRAMES
                case Phase.FRAMES:
                    self._requests += self.perception.poolings()
                    self._phase = Phase.VECTORS
                case Phase.VECTORS:
                    self._conclude()
                    self._phase = Phase.OVER if self.is_last else Phase.HEARING

    def _hear(self) -> bool:
        """Take pending audio up to the next step. False where more is needed first."""
        heard = self.perception
        boundary = self._boundary()
        while self._pending and heard.samples_heard < boundary:
            self._take(boundary - heard.samples_heard)
        if heard.samples_heard < boundary:
            if not self.is_last:
                return False
            boundary = heard.samples_heard // self._cell * self._cell
        elif self.is_last:
            # The last samples reach the boundary exactly: this step is the last one.
            boundary = heard.samples_heard // self._cell * self._cell
        self._is_fresh = boundary > self._stop
        self._stop = boundary
        heard.hear(boundary)
        if detection := heard.detection():
            self._requests.append(detection)
        return True

    def _look(self) -> None:
        """Ask for the window that ends here, unless it would look at nothing but more of a silence."""
        stop = self._stop
        window = self._plan.window(stop)
        if self.is_last:
            if stop and (self._is_fresh or window is None):
                window, self._is_fresh = self._plan.last_window(stop), True
        elif self.perception.may_rest(self._looked, stop):
            return
        if self._is_fresh and window:
            self._looked = stop
            if request := self.perception.window(*window):
                self._requests.append(request)

    def _boundary(self) -> int:
        """Where the next step ends: never before what is heard, which a stretched hop may have run up."""
        since = (self._stop // self._plan.hop - self._beat) % self._stretch
        stretched = self._plan.boundary_after(self._stop, self._stretch - since)
        heard = self.perception.samples_heard
        return max(stretched, self._plan.boundary_after(heard - 1)) if heard else stretched

    def _take(self, room: int) -> None:
        block = self._pending.popleft()
        if isinstance(block, int):
            self.perception.append_silence(min(block, room))
            rest: Samples | int = max(0, block - room)
        else:
            self.perception.append(block[:room])
            rest = block[room:]
        if rest if isinstance(rest, int) else len(rest):
            self._pending.appendleft(rest)

    def state(self) -> dict[str, Any]:
        """What `restore` needs; nothing may be due."""
        return {
            "perception": self.perception.state(),
            "over": self.is_over,
            "pending": list(self._pending),
            "fed": self.fed,
            "stop": self._stop,
            "stretch": self._stretch,
            "beat": self._beat,
            "looked": self._looked,
            "num_steps": self._num_steps,
            "open_from": self.open_from,
            "ending": self.ending,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Become the listener that `state` was taken from."""
        self.perception.restore(state["perception"])
        self._phase = Phase.OVER if state["over"] else Phase.HEARING
        self._pending = deque(state["pending"])
        self.fed, self._stop, self._num_steps = state["fed"], state["stop"], state["num_steps"]
        self._stretch, self._beat, self._looked = state["stretch"], state["beat"], state["looked"]
        self.open_from, self.ending = state["open_from"], state["ending"]
