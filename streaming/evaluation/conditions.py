"""The conditions of published tables: what is given beforehand, and what is scored."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..hearing.requests import DetectRequest, Request, SegmentRequest
from .oracle import OracleSegmenter
from .recorded import Answer, Output

NEVER = 100.0  # logit below that of any class that may be


@dataclass(frozen=True)
class Conditions:
    """One way of scoring that the field uses.

    oracle_speech: when anybody speaks is given, by the reference; who does is not. known_number: so is the
    number of speakers. lenient: 0.25 s on each side of a boundary and overlapped speech are not scored.
    """

    name: str
    oracle_speech: bool
    known_number: bool
    lenient: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


CONDITIONS = {
    conditions.name: conditions
    for conditions in (
        Conditions("pyannote", oracle_speech=False, known_number=False, lenient=False),
        Conditions("titanet", oracle_speech=True, known_number=False, lenient=True),
        Conditions("titanet-known", oracle_speech=True, known_number=True, lenient=True),
    )
}


def with_oracle_speech(oracle: OracleSegmenter, rest: Answer) -> Answer:
    """The model's windows, silent where the reference is and nowhere else; no second opinion on speech."""
    silence = oracle.silence

    def answer(requests: Sequence[Request]) -> list[Output]:
        asked = [request for request in requests if not isinstance(request, DetectRequest)]
        answers = iter(rest(asked) if asked else [])
        return [
            np.full(len(request.chunks) + len(request.memory), np.nan, np.float32)
            if isinstance(request, DetectRequest)
            else given(request, next(answers))
            for request in requests
        ]

    def given(request: Request, output: Output) -> Output:
        if not isinstance(request, SegmentRequest):
            return output
        speech = oracle.logits(request)[:, silence] < 0
        logits = output.copy()
        logits[speech, silence] = -NEVER
        logits[~speech] = np.where(np.arange(logits.shape[1]) == silence, NEVER, -NEVER)
        return logits

    return answer
