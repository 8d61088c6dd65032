"""What hocket serve has to do with an MQTT broker: events go there, audio of microphones comes from there."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hocket.streaming.errors import ConfigError
from hocket.streaming.events import Caption, Event, Status, Turn
from hocket.streaming.mqtt.marks import Past

if TYPE_CHECKING:
    from hocket.streaming.mqtt.broker import Broker
    from hocket.streaming.mqtt.sink import MqttSink
    from hocket.streaming.server.rooms.microphones import Microphones
    from hocket.streaming.server.sessions.hub import Hub
    from hocket.streaming.server.sessions.store import Store

PAGE = 1000  # events that are read at once
_DETAILS = tuple(
    f'{{"type": "{kind.type}"' for kind in (Turn, Caption, Status)
)  # most of a log, as it is stored
logger = logging.getLogger(__name__)


def broker_of(url: str) -> "Broker":
    """The broker of a service. Raises ConfigError for one that cannot be."""
    from hocket.streaming.mqtt.broker import Broker

    broker = Broker.from_url(url)
    if broker.control:
        raise ConfigError(
            "control=1 of the MQTT broker: sessions of a service are told things over its own sockets"
        )
    return broker


class Announcer:
    """A service's way to a broker, or none where none is named. folder: where it keeps its sessions."""

    def __init__(self, broker: "Broker | None", folder: Path) -> None:
        self._folder = folder
        self._microphones: Microphones | None = None
        self._kept: Store | None = None
        self._sink: MqttSink | None = None
        if broker is not None:
            self._begin(broker)

    def _begin(self, broker: "Broker") -> None:
        from hocket.streaming.mqtt.sink import MqttSink
        from hocket.streaming.server.rooms.microphones import Microphones
        from hocket.streaming.server.sessions.store import Store

        if broker.outbox is None:  # no other service has this folder
            broker = replace(broker, outbox=self._folder / f"mqtt-{broker.outbox_file.name}")
        if broker.audio:
            self._microphones = Microphones(self._answer)
        self._kept = Store(self._folder)
        try:
            self._sink = MqttSink(broker, ears=self._microphones, history=StoredSessions(self._kept))
        except BaseException:
            self._kept.close()
            raise

    def tell(self, events: Sequence[Event]) -> None:
        """Pass events on; the sessions go on if that fails."""
        if self._sink is None:
            return
        try:
            for event in events:
                self._sink.write(event)
        except Exception:
            logger.exception("nothing more goes to the MQTT broker %s", self._sink.broker.address)
            self._sink = None

    @contextlib.asynccontextmanager
    async def hearing(self, hub: "Hub") -> AsyncIterator[None]:
        """Makes sessions of what microphones publish, if that was asked for, as long as the context lasts."""
        from hocket.streaming.server.rooms.book import RoomBook

        if self._microphones is None:
            yield
            return
        running = asyncio.create_task(self._microphones.run(hub, RoomBook(self._folder)))
        running.add_done_callback(_say_what_broke)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait({running})

    def close(self) -> None:
        """Publish what waits, and leave."""
        if self._sink is not None:
            self._sink.close()
        if self._kept is not None:
            self._kept.close()

    def _answer(self, room: str, error: str | None) -> None:
        if error is not None:
            logger.info("the microphone of %s: %s", room, error)
        if self._sink is not None:
            self._sink.answer_microphone(room, error)


class StoredSessions:
    """The sessions of a service, as its way to the broker wants them."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def sessions(self) -> list[Past]:
        return [
            Past(each.id, each.created, each.ended is not None, each.seq) for each in self._store.listings()
        ]

    def events(self, session: str, last: int, told: int) -> Iterator[Event]:
        seq = 0
        while seq < last and (page := self._store.events(session, seq, PAGE)):
            for seq, text in page:
                if seq <= last and not (seq <= told and text.startswith(_DETAILS)):
                    yield Event.from_dict(json.loads(text))


@contextlib.contextmanager
def announced(broker: "Broker | None", folder: Path) -> Iterator[Announcer]:
    """An announcer, as long as the context lasts. Raises BrokerRefused, and ConfigError for its outbox."""
    announcer = Announcer(broker, folder)
    try:
        yield announcer
    finally:
        announcer.close()


def _say_what_broke(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("microphones are no longer heard", exc_info=error)
