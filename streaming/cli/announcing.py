"""What hocket serve has to do with an MQTT broker: events go there, audio of microphones comes from there."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hocket.streaming.errors import ConfigError

if TYPE_CHECKING:
    from hocket.streaming.events import Event
    from hocket.streaming.mqtt.broker import Broker
    from hocket.streaming.server.hub import Hub

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
        from hocket.streaming.mqtt.sink import MqttSink
        from hocket.streaming.server.microphones import Microphones

        self._folder = folder
        self._microphones = Microphones(self._answer) if broker is not None and broker.audio else None
        self._sink = None if broker is None else MqttSink(broker, ears=self._microphones)

    def tell(self, events: "Sequence[Event]") -> None:
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
        from hocket.streaming.server.microphones import key_in

        if self._microphones is None:
            yield
            return
        running = asyncio.create_task(self._microphones.run(hub, key_in(self._folder)))
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

    def _answer(self, room: str, error: str | None) -> None:
        if error is not None:
            logger.info("the microphone of %s: %s", room, error)
        if self._sink is not None:
            self._sink.answer_microphone(room, error)


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
