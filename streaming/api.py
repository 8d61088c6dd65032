"""hocket in a few lines: who speaks in this file, who is speaking into this microphone."""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .commands import Commands
from .errors import ConfigError
from .events import Event
from .replay import Replay, Segment
from .resample import Channel
from .sources.base import Source
from .stream import Engine, StreamReport, stream

if TYPE_CHECKING:
    from hocket.models import ModelPair

    from .clustering.people import Profile
    from .engine.config import DiarizerConfig

WAITING_EVENTS = 256


def diarize(
    audio: "str | Path | Source",
    *,
    config: "DiarizerConfig | None" = None,
    models: "str | ModelPair" = "default",
    channel: Channel = "mix",
    offline: bool = False,
    people: "Sequence[Profile]" = (),
) -> "Session":
    """Hear a file, or any source, from now on and in the background; iterate for the events.

        for event in diarize("meeting.wav"):
            print(event)

    config: latency, hop, most speakers. models: a pair by name, or one that open_models gave, which saves the
    opening when many files follow each other. channel: the one to listen to, or "mix". offline: hear it all
    before saying who it was, which is more right; then every event but the first comes at the end. people:
    whom to call by name when they are heard live, as PeopleStore.profiles gives them.
    Raises AudioFileError when the file cannot be heard, ConfigError for people offline, and what open_models
    and Diarizer raise.
    """
    if isinstance(audio, str | Path):
        from .sources.file import FileSource

        source: Source = FileSource(audio)
        return Session(source, _diarizer(config, models, Path(audio).stem, offline, people), channel=channel)
    return Session(audio, _diarizer(config, models, "session", offline, people), channel=channel)


def listen(
    device: int | str | None = None,
    *,
    config: "DiarizerConfig | None" = None,
    models: "str | ModelPair" = "default",
    people: "Sequence[Profile]" = (),
) -> "Session":
    """Hear a microphone, from now on and in the background; iterate for the events, `stop` to end.

    device: number, name, words of its name, or None for the system's choice. config, models, people: as in
    `diarize`.
    Raises DeviceError when there is none or it cannot be opened, and what open_models and Diarizer raise.
    """
    from .sources.microphone import Microphone

    diarizer = _diarizer(config, models, "microphone", people=people)
    return Session(Microphone(device, rate_hz=diarizer.rate), diarizer)


def _diarizer(
    config: "DiarizerConfig | None",
    models: "str | ModelPair",
    session: str,
    offline: bool = False,
    people: "Sequence[Profile]" = (),
) -> Engine:
    from hocket.models import open_models

    from .engine.diarizer import Diarizer
    from .offline.diarizer import OfflineDiarizer

    if offline and people:
        raise ConfigError("people are recognised live only: expected none with offline=True")
    pair = open_models(models) if isinstance(models, str) else models
    parts = pair.segmenter, pair.embedder, config
    if offline:
        return OfflineDiarizer(*parts, session=session, models=pair.names)
    return Diarizer(*parts, session=session, models=pair.names, people=people)


class Session(Iterator[Event]):
    """A session that runs in a thread of its own; iterating gives its events, and waits for them.

    Raises, after the last event, what ended the session if it was not the end of its audio (see `stream`).
    A session that nobody holds any more ends by itself; so does one used as a context manager.
    """

    def __init__(self, source: Source, diarizer: Engine, *, channel: Channel = "mix") -> None:
        self._source = source
        self._relay = _Relay()
        self._replay = Replay()
        self._commands = Commands()
        self._abandon = weakref.finalize(self, _abandon, source, self._relay)
        # the thread knows the relay alone, so that a session nobody holds can be told from one in use
        threading.Thread(
            target=_run,
            args=(source, diarizer, channel, self._relay, self._commands),
            name="hocket-session",
            daemon=True,
        ).start()

    def __next__(self) -> Event:
        event = self._relay.take()
        if event is None:
            raise StopIteration
        self._replay.add(event)
        return event

    def stop(self) -> None:
        """End the source. The events of what was heard, the last of them final, still come."""
        self._source.close()

    def name(self, speaker: str, name: str) -> "Future[int]":
        """A speaker is called so, from now on and for what was said; what it changes comes as events.

        The answer is their number, once it is done, or UnknownSpeaker, or SessionOver after the end. Whoever
        iterates must go on iterating for it to be done.
        """
        return self._commands.name(speaker, name)

    def merge(self, speaker: str, into: str) -> "Future[int]":
        """Two speakers are one, who goes by the second id. Answers as `name` does."""
        return self._commands.merge(speaker, into)

    def annotation(self) -> list[Segment]:
        """Who spoke when, in the whole session: waits for its end, passing over events not yet taken."""
        for _ in self:
            pass
        return self._replay.annotation()

    @property
    def report(self) -> StreamReport | None:
        """How the session went, None before its end."""
        return self._relay.report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._abandon()


class _Relay:
    """A sink that hands events to another thread, and makes the session wait when that one is slow."""

    name = "iterator"

    def __init__(self) -> None:
        self.report: StreamReport | None = None
        self.error: BaseException | None = None
        self._events: deque[Event] = deque()
        self._is_over = self._is_abandoned = False
        self._changed = threading.Condition()

    def write(self, event: Event) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_abandoned or len(self._events) < WAITING_EVENTS)
            if not self._is_abandoned:
                self._events.append(event)
                self._changed.notify_all()

    def close(self) -> None:
        """The session says more by `end`."""

    def end(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def abandon(self) -> None:
        with self._changed:
            self._is_abandoned = True
            self._changed.notify_all()

    def take(self) -> Event | None:
        """The next event, None after the last; raises what the session raised instead of None, once."""
        with self._changed:
            # in slices, since Windows does not let Ctrl-C end a wait without an end
            while not self._changed.wait_for(lambda: self._events or self._is_over, timeout=1.0):
                pass
            if self._events:
                self._changed.notify_all()
                return self._events.popleft()
            error, self.error = self.error, None
        if error is not None:
            raise error
        return None


def _run(source: Source, diarizer: Engine, channel: Channel, relay: _Relay, commands: Commands) -> None:
    try:
        session = stream(source, diarizer, [relay], channel=channel, commands=commands)
        relay.report = asyncio.run(session)
    except BaseException as error:  # whatever it is, it belongs to who iterates
        relay.error = error
    finally:
        relay.end()


def _abandon(source: Source, relay: _Relay) -> None:
    relay.abandon()
    source.close()
