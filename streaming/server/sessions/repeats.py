"""Controls that are done once though they come twice: a lost connection may have taken the answer with it."""

from collections.abc import Mapping
from typing import Any

from ..protocol.messages import Control, Correct, Split

MOST_REMEMBERED = 64


class Repeats:
    """What came of the last controls that would make somebody new each time.

    The same one again is one with the same id and the same content. Others may be done twice: a second name,
    merge or correction changes nothing.
    """

    def __init__(self) -> None:
        self._seqs: dict[str, int] = {}  # by the control as JSON, the oldest first

    def seq_of(self, control: Control) -> int | None:
        """The number of the last event that came of it, if it was done before."""
        return self._seqs.get(control.to_json())

    def remember(self, control: Control, seq: int) -> None:
        """It is done, up to this event."""
        makes_somebody = isinstance(control, Split) or (
            isinstance(control, Correct) and control.speaker is None
        )
        if control.id is None or not makes_somebody:
            return
        self._seqs[control.to_json()] = seq
        if len(self._seqs) > MOST_REMEMBERED:
            del self._seqs[next(iter(self._seqs))]

    def state(self) -> dict[str, int] | None:
        """What `restore` needs; None as long as there is nothing to remember."""
        return dict(self._seqs) or None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` was taken of."""
        self._seqs = {str(control): int(seq) for control, seq in state.items()}
