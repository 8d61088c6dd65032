"""Messages of raw audio, each for itself: checked, put in their place, and read as a producer's frames.

A producer's socket loses nothing. Here a message may be lost, come twice, or be anything at all.
"""

import string
from dataclasses import dataclass

from ..protocol.controls import minor
from ..protocol.encoding import DTYPES
from ..protocol.ends import FRAME_BYTES, Order, Producer
from ..protocol.messages import Missing, Start

REPEATED_SECONDS = 2.0  # that may come again; a number further back is of one that counts from 0 again
JITTER_SECONDS = 0.2  # in which a message may come later than the one before it lets expect
FEWEST_LETTERS = 10  # different ones, and nothing else: text, not samples
_LETTERS = string.printable.encode()
LOST, BEYOND = "lost on the way", "not understood"


@dataclass(frozen=True, slots=True)
class Datagram:
    """payload: samples. sample: the number of the first, where it was said. at: seconds, when it came.

    lost: bytes before it that were let go because too much was waiting.
    """

    payload: bytes
    sample: int | None
    at: float
    lost: int = 0


class Positions:
    """Where audio is by the numbers of its messages.

    longest_loss: samples that may be missing in between. expected: the first number, where it is known.
    """

    def __init__(self, rate: int, longest_loss: int, expected: int | None) -> None:
        self._repeated = round(REPEATED_SECONDS * rate)
        self._longest_loss = longest_loss
        self._next = expected

    def place(self, count: int, sample: int | None) -> tuple[int | None, int]:
        """Of so many samples, the first of which has this number: how many were lost before, and are known.

        None lost where nobody knows: without numbers, at the first one, and where it counts anew.
        """
        expected = self._next
        if sample is None:
            self._next = None if expected is None else expected + count
            return None, 0
        if expected is None or not -self._repeated <= sample - expected <= self._longest_loss:
            self._next = sample + count
            return None, 0
        self._next = max(expected, sample + count)
        return max(0, sample - expected), min(count, max(0, expected - sample))


class Datagrams:
    """What one session's messages mean, in order. Takes anything, raises nothing.

    declared: what they hold. longest_loss: seconds that may be missing between two of them. expected: the
    number of the first sample, of a session that went on in another process.
    """

    def __init__(self, declared: Start, longest_loss: float, expected: int | None = None) -> None:
        self._encoding, self._rate = declared.encoding, declared.sample_rate
        self._frame = DTYPES[declared.encoding].itemsize * declared.channels
        self._positions = Positions(self._rate, round(longest_loss * self._rate), expected)
        self._producer = Producer()
        self._producer.receive(declared.to_json())
        self._last: float | None = None  # when the last message came
        self._was_cut = False

    def cut(self) -> None:
        """Whatever was said until the next message is lost."""
        self._was_cut = True

    def orders(self, datagram: Datagram) -> list[Order]:
        """What to do about a message: audio to hear, gaps where some is missing, refusals to pass on."""
        payload = datagram.payload
        problem = self._problem(payload)
        if problem is not None and self._last is None:
            return [minor("bad_message", problem)]
        count = len(payload) // self._frame
        lost, known = self._positions.place(count, datagram.sample)
        orders = self._gap(self._lost_before(datagram, count) if lost is None else lost, LOST)
        self._last, self._was_cut = datagram.at, False
        if problem is not None:
            return [*orders, minor("bad_message", problem), *self._gap(count - known, BEYOND)]
        return [*orders, *self._producer.receive(payload[known * self._frame :])]

    def _lost_before(self, datagram: Datagram, count: int) -> int:
        """Samples that are missing before a message without a number that would say so."""
        if self._last is not None and (self._was_cut or datagram.sample is not None):
            missing = round((datagram.at - self._last) * self._rate) - count
            return missing if missing > JITTER_SECONDS * self._rate else 0
        return datagram.lost // self._frame

    def _gap(self, samples: int, reason: str) -> list[Order]:
        return self._producer.receive(Missing(samples=samples, reason=reason).to_json()) if samples else []

    def _problem(self, payload: bytes) -> str | None:
        """Why a message cannot be heard, None where it can."""
        if len(payload) > FRAME_BYTES:
            return f"{len(payload)} bytes in one message: expected {FRAME_BYTES} at most"
        if self._encoding.startswith("pcm") and _is_text(payload):
            return f"{len(payload)} bytes of text: expected samples as they are, neither base64 nor JSON"
        if len(payload) % self._frame:
            return (
                f"{len(payload)} bytes in one message: expected a multiple of {self._frame}, "
                f"whole samples of {self._encoding} in each"
            )
        return None


def _is_text(payload: bytes) -> bool:
    return not payload.translate(None, _LETTERS) and len(set(payload)) >= FEWEST_LETTERS
