"""One connection to a broker: the only place that knows the MQTT library."""

import asyncio
import contextlib
import logging
import math
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ..errors import BrokerError, BrokerRefused
from .broker import Broker
from .message import Message

ANSWER_SECONDS = 5.0
DELIVERY_SECONDS = 30.0  # for a flight of messages, on the slowest of lines
IN_FLIGHT = 20  # messages without confirmation: what brokers at least have room for
_SCHEMA = "1"  # of payloads, told in a user property
# Reason codes of MQTT 5 for what no second try mends; those of 3.1.1 arrive as these.
_REFUSALS = {
    132: "it does not speak this version of MQTT: try version=3.1.1",
    133: "it does not like the client's name",
    134: "wrong user or password",
    135: "this user may not connect, or no user was named",
    138: "it has banned this client",
    140: "it wants another way of proving who this is",
}

_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)  # all that matters comes as an exception


@dataclass(frozen=True, slots=True)
class Request:
    """Something that somebody published for hocket. reply_to: where an answer is wanted, if that was said."""

    topic: str
    payload: bytes
    reply_to: str | None = None
    correlation: bytes | None = None


class Connection:
    """A broker that answers. gone: is done once it does not any more, and everything else fails."""

    def __init__(self, client: aiomqtt.Client, broker: Broker, on_request: Callable[[Request], None]) -> None:
        self._client = client
        self._broker = broker
        self._on_request = on_request
        self.gone = asyncio.create_task(self._read())

    async def publish(self, message: Message) -> None:
        """Publish one message and wait until the broker has it."""
        if not await self.deliver([message]):
            raise self.loss()

    async def deliver(self, messages: Sequence[Message]) -> int:
        """Publish these in order; how many of the first the broker has. Fewer than all: it is gone."""
        publishing = [asyncio.create_task(self._publish(message)) for message in messages]
        everything = asyncio.create_task(asyncio.wait(publishing))
        try:
            await asyncio.wait(
                [everything, self.gone], timeout=DELIVERY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in publishing:
                task.cancel()
            await everything
        return sum(1 for _ in takewhile(_went_well, publishing))

    async def subscribe(self, topic: str) -> None:
        """Hear what is published on a topic, or on those that fit a pattern."""
        try:
            await self._client.subscribe(topic, qos=1)
        except aiomqtt.MqttError as error:
            raise self.loss() from error

    def loss(self) -> BrokerError:
        """What to say when the connection is gone."""
        return BrokerError(f"lost the MQTT broker {self._broker.address}")

    async def close(self) -> None:
        self.gone.cancel()
        await asyncio.wait({self.gone})

    async def _publish(self, message: Message) -> None:
        await self._client.publish(
            message.topic,
            message.payload,
            qos=message.qos,
            retain=message.retain,
            properties=_properties(message) if self._broker.version == "5" else None,
            timeout=math.inf,  # `deliver` watches the clock for all at once, which is cheaper
        )

    async def _read(self) -> None:
        """Ends when the connection does."""
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in self._client.messages:
                if message.retain:  # said before we came, and perhaps to somebody else
                    continue
                wanted = vars(message.properties) if message.properties is not None else {}
                self._on_request(
                    Request(
                        str(message.topic),
                        message.payload if isinstance(message.payload, bytes) else b"",
                        wanted.get("ResponseTopic"),
                        wanted.get("CorrelationData"),
                    )
                )


@contextlib.asynccontextmanager
async def connect(
    broker: Broker, will: Message, on_request: Callable[[Request], None]
) -> AsyncIterator[Connection]:
    """A connection, left in good order at the end of the block. will: published by the broker if it breaks.

    on_request: is called with everything that comes on topics subscribed to, but for retained messages.
    Raises BrokerRefused and BrokerError.
    """
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=broker.client or f"hocket-{socket.gethostname()}-{secrets.token_hex(3)}",
        username=broker.username,
        password=broker.password,
        tls_context=_tidy(broker.tls_context()),
        protocol=aiomqtt.ProtocolVersion.V5 if broker.version == "5" else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(will.topic, will.payload, qos=will.qos, retain=will.retain),
        keepalive=broker.keepalive,
        timeout=ANSWER_SECONDS,
        max_concurrent_outgoing_calls=IN_FLIGHT,  # first come, first served: order stays
        logger=_library_log,
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(client)
        except aiomqtt.MqttError as error:
            raise _why_not(broker, error) from error
        connection = Connection(client, broker, on_request)
        try:
            yield connection
        finally:
            await connection.close()
            with contextlib.suppress(aiomqtt.MqttError):
                await stack.aclose()


class _TidySocket(ssl.SSLSocket):
    """Closes itself where no encryption can be agreed upon; the library would leave it lying about."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _tidy(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    if context is not None:
        context.sslsocket_class = _TidySocket
    return context


def _properties(message: Message) -> Properties:
    seconds = None if message.expires is None else max(1, round(message.expires - time.time()))
    return _made_once(message.content_type, seconds, message.reply_to)


class _Packed(Properties):
    """Properties that are turned into bytes once: doing it anew costs as much as all else about a message."""

    @cached_property
    def _bytes(self) -> bytes:
        packed: bytes = super().pack()  # type: ignore[no-untyped-call]
        return packed

    def pack(self) -> bytes:
        return self._bytes


@lru_cache(maxsize=256)
def _made_once(content_type: str, expiry: int | None, reply_to: bytes | None) -> _Packed:
    properties: Any = _Packed(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = content_type
    properties.UserProperty = ("schema", _SCHEMA)
    if expiry is not None:
        properties.MessageExpiryInterval = expiry
    if reply_to is not None:
        properties.CorrelationData = reply_to
    made: _Packed = properties
    return made


def _went_well(task: "asyncio.Task[None]") -> bool:
    return not task.cancelled() and task.exception() is None


def _why_not(broker: Broker, error: aiomqtt.MqttError) -> BrokerError:
    cause = error.__context__
    if isinstance(cause, ssl.SSLError):
        remedy = (
            "name the file of its certificate authority with ca=FILE"
            if _is_distrust(cause)
            else "check the port"
        )
        return BrokerRefused(f"no TLS with the MQTT broker {broker.address}: {_words(cause)}; {remedy}")
    if (
        isinstance(error, aiomqtt.MqttCodeError)
        and (reason := getattr(error.rc, "value", error.rc)) in _REFUSALS
    ):
        return BrokerRefused(f"the MQTT broker {broker.address} refuses hocket: {_REFUSALS[reason]}")
    if isinstance(cause, OSError):
        return BrokerError(f"no MQTT broker at {broker.address}: {cause.strerror or cause}")
    return BrokerError(
        f"no answer from an MQTT broker at {broker.address}: {error}; "
        "does it want TLS (mqtts://), or a certificate?"
    )


def _is_distrust(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError)


def _words(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", None) or (error.reason or str(error)).replace("_", " ").lower()
