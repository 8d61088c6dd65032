"""One connection to a broker: the only place that knows the MQTT library."""

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ..errors import BrokerError, BrokerRefused
from .broker import Broker
from .message import Message

ANSWER_SECONDS = 5.0
DELIVERY_SECONDS = 30.0  # without any confirmation of what is under way, on the slowest of lines
LONGEST_MESSAGE = 8 << 20  # bytes that a broker of MQTT 5 sends; one of 3.1.1 cannot be told
UNDER_WAY = 100  # messages without confirmation: some milliseconds of a broker's work
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

logger = logging.getLogger(__name__)
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)  # all that matters comes as an exception


@dataclass(frozen=True, slots=True)
class Request:
    """Something that somebody published for hocket.

    is_retained: said before hocket came, and perhaps to somebody else. reply_to: where an answer is wanted,
    if that was said. user: properties, by name.
    """

    topic: str
    payload: bytes
    is_retained: bool = False
    reply_to: str | None = None
    correlation: bytes | None = None
    user: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """A broker that answers. gone: is done once it does not any more, and everything else fails.

    num_sent, num_arrived: messages handed over, and those of them, from the first on, that the broker has.
    news: is set when more have arrived, and when the connection is gone.
    """

    def __init__(
        self, client: "_Client", broker: Broker, on_request: Callable[[Request], None], news: asyncio.Event
    ) -> None:
        self.num_sent = self.num_arrived = 0
        self._client = client
        self._broker = broker
        self._news = news
        self._under_way: deque[tuple[int, str]] = deque()  # packets by their identifiers, and their topics
        self._confirmed: dict[int, bool] = {}  # those of them that arrived, and whether they were welcome
        self._unwelcome: set[str] = set()  # topics
        client.on_confirmation = self._confirm
        client.on_request = on_request
        self.gone = asyncio.ensure_future(self._live())
        self.gone.add_done_callback(lambda _: news.set())

    @property
    def room(self) -> int:
        """How many messages the broker takes before it has confirmed another one."""
        return max(0, self._client.most_under_way - len(self._under_way))

    def send(self, messages: Iterable[Message]) -> None:
        """Publish these in order, behind all before them, without waiting; there has to be `room`."""
        knows_properties = self._broker.version == "5"
        leaving = [(each, _properties(each) if knows_properties else None) for each in messages]
        packets = self._client.write(leaving)
        self._under_way += ((packet, each.topic) for packet, (each, _) in zip(packets, leaving, strict=True))
        self.num_sent += len(packets)
        self._settle()

    async def deliver(self, *messages: Message) -> None:
        """Publish these; the broker has them, and all before, on return. Raises BrokerError if it is gone."""
        for message in messages:
            while not self.room:
                await self._more()
            self.send([message])
        wanted = self.num_sent
        while self.num_arrived < wanted:
            await self._more()

    async def subscribe(self, topic: str, qos: int = 1) -> None:
        """Hear what is published on a topic, or on those that fit a pattern."""
        try:
            await self._client.subscribe(topic, qos=qos)
        except aiomqtt.MqttError as error:
            raise self.loss() from error

    def loss(self) -> BrokerError:
        """What to say when the connection is gone."""
        return BrokerError(f"lost the MQTT broker {self._broker.address}")

    async def close(self) -> None:
        self.gone.cancel()
        await asyncio.wait({self.gone})

    async def _more(self) -> None:
        if self.gone.done():
            raise self.loss()
        self._news.clear()
        await self._news.wait()

    def _confirm(self, packet: int, is_welcome: bool) -> None:
        self._confirmed[packet] = is_welcome
        self._settle()

    def _settle(self) -> None:
        """Count what arrived, up to the first of which that is not known."""
        while self._under_way and self._under_way[0][0] in self._confirmed:
            packet, topic = self._under_way.popleft()
            if not self._confirmed.pop(packet) and topic not in self._unwelcome:
                self._unwelcome.add(topic)
                logger.warning(
                    "the MQTT broker %s does not let hocket publish on %s", self._broker.address, topic
                )
            self.num_arrived += 1
            self._news.set()

    async def _live(self) -> None:
        """Ends when the connection does, and where nothing arrives any more."""
        reading = asyncio.create_task(self._read())
        try:
            while not reading.done():
                before, waited_for = self.num_arrived, self.num_sent
                await asyncio.wait({reading}, timeout=DELIVERY_SECONDS)
                if self.num_arrived == before < waited_for:
                    return
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            async for _ in self._client.messages:  # none comes here: see `_Client`
                pass


@contextlib.asynccontextmanager
async def connect(
    broker: Broker, will: Message, on_request: Callable[[Request], None], news: asyncio.Event
) -> AsyncIterator[Connection]:
    """A connection, left in good order at the end of the block. will: published by the broker if it breaks.

    on_request: is called with everything that comes on topics subscribed to.
    news: as `Connection` sets it. Raises BrokerRefused and BrokerError.
    """
    client = _Client(
        broker.host,
        broker.port,
        identifier=broker.client or f"hocket-{socket.gethostname()}-{secrets.token_hex(3)}",
        username=broker.username,
        password=broker.password,
        tls_context=_tidy(broker.tls_context()),
        protocol=aiomqtt.ProtocolVersion.V5 if broker.version == "5" else aiomqtt.ProtocolVersion.V311,
        will=aiomqtt.Will(will.topic, will.payload, qos=will.qos, retain=will.retain),
        keepalive=broker.keepalive,
        properties=_limits() if broker.version == "5" else None,
        timeout=ANSWER_SECONDS,
        max_inflight_messages=0,  # without limit: `Connection.room` is the limit
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        logger=_library_log,
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(client)
        except aiomqtt.MqttError as error:
            raise _why_not(broker, error) from error
        connection = Connection(client, broker, on_request, news)
        try:
            yield connection
        finally:
            await connection.close()
            with contextlib.suppress(aiomqtt.MqttError):
                await stack.aclose()


class _Client(aiomqtt.Client):  # type: ignore[misc]
    """The library's client, with a way to publish that waits for nothing, and one to hear without a queue.

    Its own `publish` makes a task, an event and a timer a message, half of what a message costs, and keeps
    order only where each waits for the one before. Its queue makes a task for each message that comes, and
    has no bound.

    most_under_way: packets without confirmation, as the broker said when it answered.
    on_confirmation: is called with the identifier of a packet that arrived, and whether it was welcome.
    on_request: is called with what comes on topics subscribed to.
    """

    on_confirmation: Callable[[int, bool], None]
    on_request: Callable[[Request], None]
    most_under_way = UNDER_WAY
    _is_collecting = False

    def write(self, messages: Iterable[tuple[Message, Properties | None]]) -> list[int]:
        """Write messages, as far as the connection takes them at once; the identifiers of their packets.

        At once, since a broker that confirms in small packets waits for whatever comes back between them.
        """
        self._is_collecting = True
        packets = [
            int(self._client.publish(each.topic, each.payload, each.qos, each.retain, properties).mid)
            for each, properties in messages
        ]
        self._is_collecting = False
        self._client.loop_write()
        if self._client.want_write() and (connected := self._client.socket()) is not None:
            self._on_socket_register_write(self._client, None, connected)
        return packets

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        if not self._is_collecting:
            super()._on_socket_register_write(client, userdata, sock)

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, said: Any = None) -> None:
        self.most_under_way = min(UNDER_WAY, getattr(said, "ReceiveMaximum", UNDER_WAY))
        super()._on_connect(client, userdata, flags, reason, said)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        self.on_confirmation(mid, not reason.is_failure)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        said = vars(message.properties) if message.properties is not None else {}
        self.on_request(
            Request(
                message.topic,
                message.payload,
                message.retain,
                said.get("ResponseTopic"),
                said.get("CorrelationData"),
                dict(said.get("UserProperty", ())),
            )
        )


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


def _limits() -> Properties:
    limits: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = LONGEST_MESSAGE
    told: Properties = limits
    return told


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
