"""Which stretch of audio the segmentation model looks at, hop after hop."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowPlan:
    """Windows end at multiples of the hop and are as long as the model and the session's age allow.

    lengths: window lengths the model admits, in samples, ascending. Early windows are short, so that the
    first speaker is shown while the first window of full length is still being heard.
    shortest: samples below which a window says more about noise than about speech; only a session that
    ends before has a shorter one.
    """

    lengths: tuple[int, ...]
    hop: int
    shortest: int = 0

    def boundary_after(self, samples: int, hops: int = 1) -> int:
        """The first multiple of the hop beyond `samples`, or one of those after it."""
        return (samples // self.hop + hops) * self.hop

    def window(self, stop: int) -> tuple[int, int] | None:
        """(start, stop) of the window due when `stop` samples have been heard, None while too few have.

        Where the model admits no window so short, silence goes before: start is negative.
        """
        fitting = [length for length in self.lengths if self.shortest <= length <= stop]
        if not fitting and stop >= self.shortest:
            fitting = list(self.lengths[:1])
        return (stop - fitting[-1], stop) if fitting else None

    def last_window(self, stop: int) -> tuple[int, int]:
        """The window that ends a session. A session shorter than any window is preceded by silence."""
        fitting = [length for length in self.lengths if length <= stop] or self.lengths[:1]
        return stop - fitting[-1], stop
