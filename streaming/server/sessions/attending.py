"""A producer at its session, or at the sessions of its channels, which are one to it."""

import secrets
from dataclasses import replace
from functools import partial

from ..protocol.controls import minor
from ..protocol.ends import FRAME_BYTES, NAME, Audio, Close, Rejected
from ..protocol.messages import (
    Control,
    End,
    Finalize,
    Message,
    Missing,
    Received,
    Refusal,
    Start,
    Started,
    Stopped,
)
from .hub import Hub
from .inputs import Ending
from .live import Connection, LiveSession, Tell


class Seat:
    """A producer at one session.

    skipped: samples that the session has already, of those that come next.
    """

    def __init__(self, hub: Hub, live: LiveSession, connection: Connection) -> None:
        self.live = live
        self.skipped = 0
        self._hub = hub
        self._connection = connection

    @property
    def sessions(self) -> list[str]:
        """By their names."""
        return [self.live.name]

    async def hear(self, piece: Audio | Missing) -> None:
        """Take audio in; waits while too much is waiting."""
        count = len(piece.samples) if isinstance(piece, Audio) else piece.samples
        known, self.skipped = min(self.skipped, count), max(0, self.skipped - count)
        if known < count and isinstance(piece, Audio):
            await self.live.hear(Audio(piece.samples[known:]), self._connection)
        elif known < count and isinstance(piece, Missing):
            await self.live.hear(replace(piece, samples=count - known), self._connection)

    async def tell(self, control: Control, answer: Tell) -> None:
        """Take in a control."""
        await self.live.tell(control, answer)

    def stop(self, reason: str = "end") -> None:
        """The audio is at its end, for this reason."""
        self.live.give(Ending(reason))

    def leave(self) -> None:
        """The producer is gone, for now or for good."""
        self._hub.leave(self.live, self._connection)


class Channels:
    """A producer at a session of each of its channels; those that have ended are left out."""

    def __init__(self, name: str, start: Start, tell: Tell, holder: str | None) -> None:
        self._name, self._start = name, start
        self._holder = holder
        self._tell = tell
        self._seats: dict[int, Seat] = {}
        self._received: dict[int, int] = {}
        self._stopped: list[int] = []  # numbers of the last events

    async def attend(self, hub: Hub, token: str) -> int:
        """Begin or resume all; the sample of the source that all of them have up to. Raises Rejected."""
        if not NAME.fullmatch(f"{self._name}.{self._start.channels}"):
            raise Rejected(
                "bad_config",
                Close.BAD_MESSAGE,
                f"session {self._name!r}: no room for the number of a channel",
            )
        alone = replace(self._start, channels=1, channel=None)
        gone: Rejected | None = None
        try:
            for channel in range(self._start.channels):
                name = f"{self._name}.{channel + 1}"
                connection = Connection(partial(self._pass_on, channel), self._tell)
                try:
                    live = await hub.begin(name, alone, token, connection, self._holder)
                except Rejected as rejected:
                    if alone.resume is None or rejected.refusal.code != "no_session":
                        raise
                    gone = rejected
                else:
                    self._seats[channel] = Seat(hub, live, connection)
            if gone is not None and not self._seats:
                raise gone
        except BaseException:
            for seat in self._seats.values():
                if alone.resume is None:
                    seat.stop()  # what the others began is of no use
                seat.leave()
            hub.wake()
            raise
        sample = min(seat.live.sample for seat in self._seats.values())
        for channel, seat in self._seats.items():
            seat.skipped = seat.live.sample - sample
            self._received[channel] = seat.live.sample
        return sample

    @property
    def sessions(self) -> list[str]:
        return [seat.live.name for seat in self._seats.values()]

    async def hear(self, piece: Audio | Missing) -> None:
        for channel, seat in self._seats.items():
            await seat.hear(
                Audio(piece.samples[:, channel : channel + 1]) if isinstance(piece, Audio) else piece
            )

    async def tell(self, control: Control, answer: Tell) -> None:
        if not isinstance(control, Finalize | End):
            message = (
                f"{self._name!r} is a session of each channel: tell {', '.join(self.sessions)} as an admin"
            )
            answer(minor("bad_message", message, control.id))
            return
        collect = _Collected(len(self._seats), answer)
        for seat in self._seats.values():
            await seat.tell(control, collect)

    def stop(self, reason: str = "end") -> None:
        for seat in self._seats.values():
            seat.stop(reason)

    def leave(self) -> None:
        for seat in self._seats.values():
            seat.leave()

    def _pass_on(self, channel: int, message: Message) -> None:
        """What one session says becomes what all of them have to say."""
        match message:
            case Received(sample=sample, lag=lag):
                before = min(self._received.values())
                self._received[channel] = sample
                if (now := min(self._received.values())) > before:
                    self._tell(Received(sample=now, lag=lag))
            case Stopped(sample=sample, seq=seq):
                self._stopped.append(seq)
                if len(self._stopped) == len(self._seats):
                    self._tell(Stopped(session=self._name, sample=sample, seq=max(self._stopped)))
                elif len(self._received) > 1:
                    del self._received[channel]


class _Collected:
    """One answer of many: the first refusal, or that all have done it."""

    def __init__(self, count: int, answer: Tell) -> None:
        self._missing, self._answer = count, answer

    def __call__(self, message: Message) -> None:
        self._missing -= 1
        if isinstance(message, Refusal) and self._missing >= 0:
            self._missing = -1
            self._answer(message)
        elif self._missing == 0:
            self._answer(message)


async def attend(
    hub: Hub, name: str, start: Start, tell: Tell, holder: str | None = None, token: str | None = None
) -> tuple[Seat | Channels, Started]:
    """A producer's place at a session that it begins or resumes, or at its channels'. Raises Rejected.

    holder: what stands for its bearer token, if it has one. token: what is to resume it, if that is known.
    """
    token = token or secrets.token_urlsafe(24) if start.resume is None else start.resume.token
    place: Seat | Channels
    sessions = None
    if start.channel == "separate":
        place = channels = Channels(name, start, tell, holder)
        sample = await channels.attend(hub, token)
        sessions = channels.sessions
    else:
        connection = Connection(tell, tell)
        live = await hub.begin(name, start, token, connection, holder)
        place, sample = Seat(hub, live, connection), live.sample
    started = Started(
        session=name,
        token=token,
        sample=sample,
        idle_seconds=hub.limits.idle_seconds,
        frame_bytes=FRAME_BYTES,
        sessions=sessions,
    )
    return place, started
