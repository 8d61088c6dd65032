"""The way of the messages: a thread that keeps a connection, and an outbox for when there is none."""

import asyncio
import contextlib
import json
import logging
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence

from ..commands import Commands
from ..errors import BrokerError, BrokerRefused, HocketError
from ..events import Event, SessionEnd
from . import control, home_assistant
from .broker import Broker
from .connection import Connection, Request, connect
from .hearing import Ears, complaint, overhear
from .marks import History, Mark, Past
from .message import Message, Source
from .outbox import Outbox
from .wording import Wording

logger = logging.getLogger(__name__)

BATCH = 200  # events put into words at once
STATE_SECONDS = (
    0.5  # shortest time between two versions of what is retained: each is a row in somebody's home
)


class Post:
    """Takes events from any thread and publishes them in order, whatever becomes of the broker meanwhile.

    commands: what obeys the control topic. ears: who hears microphones. history: what is not told yet of
    earlier sessions goes out before all else. Everything but `put`, which costs microseconds, happens in a
    thread of the post's own. Raises ConfigError where no outbox can be made.
    """

    def __init__(
        self, broker: Broker, commands: Commands | None, ears: Ears | None, history: History | None
    ) -> None:
        self._broker = broker
        self._commands = commands if broker.control else None
        self._ears = ears if broker.audio else None
        self._history = history
        self._past = [] if history is None else history.sessions()
        self._wording = Wording(broker)
        self._outbox = Outbox(broker.outbox_file, broker.outbox_limit)
        self._events: deque[Event] = deque()
        self._aside: deque[Message] = deque()  # what goes out before events
        self._answering: set[asyncio.Task[None]] = set()
        self._told: dict[str, bytes] = {}  # retained topics, as the broker has them
        self._num_told, self._state_due = 0, 0.0
        self._complaint = ""
        self._num_dropped = 0
        self._first_answer = threading.Event()
        self._refusal: BrokerRefused | None = None
        self._fault: BaseException | None = None
        self._is_awake = False
        self._is_caught_up = asyncio.Event()
        self._arrived, self._work, self._closing = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._loop = (
            asyncio.SelectorEventLoop()
        )  # the library watches sockets, which no other loop of Windows does
        self._thread = threading.Thread(target=self._run, name="hocket-mqtt", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Publish this event after all before it. Raises what broke the post, if anything did."""
        if self._fault is not None:
            raise self._fault
        self._events.append(event)
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon_threadsafe(self._arrived.set)

    def wait_for_answer(self, seconds: float) -> None:
        """Until the broker has answered or cannot be reached. Raises BrokerRefused if it says no."""
        self._first_answer.wait(seconds)
        if self._refusal is not None:
            raise self._refusal

    def answer_microphone(self, room: str, error: str | None) -> None:
        """Have a room told what is wrong with its audio, if anything is."""
        said = complaint(self._wording.topics, room, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._note, said)

    def close(self) -> None:
        """Publish what waits, for as long as the broker's `drain` says; leave the rest in the outbox."""
        if self._fault is None:
            with contextlib.suppress(RuntimeError):  # the loop ended a moment ago
                self._loop.call_soon_threadsafe(self._closing.set)
                self._loop.call_soon_threadsafe(self._work.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except BaseException as error:  # belongs to whoever puts the next event
            self._fault = error
        finally:
            self._first_answer.set()

    async def _main(self) -> None:
        closing = asyncio.create_task(self._closing.wait())
        working = [asyncio.create_task(self._sort()), asyncio.create_task(self._deliver())]
        try:
            await asyncio.wait({closing, *working}, return_when=asyncio.FIRST_COMPLETED)
            if closing.done():
                await asyncio.wait(working[1:], timeout=self._broker.drain)
        finally:
            for task in (closing, *working, *self._answering):
                task.cancel()
            await asyncio.wait({closing, *working, *self._answering})
            self._sort_some(len(self._events))
            self._outbox.close()
        for task in working:
            if not task.cancelled():
                task.result()
        if len(self._outbox):
            logger.warning(
                "%d messages did not reach %s: they wait in %s for the next time that hocket publishes there",
                len(self._outbox), self._broker.address, self._outbox.path,
            )  # fmt: skip

    # Into the outbox

    async def _sort(self) -> None:
        if self._history is not None:
            await self._catch_up(self._history)
        self._is_caught_up.set()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            self._is_awake = False
            while self._events:
                self._sort_some(BATCH)
                await asyncio.sleep(0)

    def _sort_some(self, count: int) -> None:
        messages: list[Message] = []
        for _ in range(min(count, len(self._events))):
            event = self._events.popleft()
            messages += (told := self._wording.messages(event))
            if event.seq == 1 and self._history is not None and (source := told[0].source) is not None:
                self._outbox.marks.begin(source)
            if isinstance(event, SessionEnd):
                self._state_due = 0.0  # told before the end is, after which nobody would look at it again
        self._outbox.extend(messages)
        self._work.set()

    async def _catch_up(self, history: History) -> None:
        """Tell what an earlier process did not live to tell, of sessions that it had begun to tell of."""
        marks = self._outbox.marks.all()
        behind = [
            past
            for past in self._past
            if not past.is_over or (past.session in marks and marks[past.session].seq < past.seq)
        ]
        self._outbox.marks.forget(marks.keys() - {past.session for past in behind})
        self._outbox.forget(past.session for past in behind)
        for past in sorted(behind, key=lambda past: past.began):
            mark = marks.get(past.session, Mark(secrets.token_hex(4), 0))
            if past.session not in marks:
                self._outbox.marks.begin(Source(past.session, mark.run, 0))
            try:
                for event in history.events(past.session, past.seq, mark.seq):
                    self._tell_late(event, past, mark)
                    if event.seq % BATCH == 0:
                        await asyncio.sleep(0)
            except HocketError as error:
                logger.error("the broker is not told the rest of session %s: %s", past.session, error)

    def _tell_late(self, event: Event, past: Past, mark: Mark) -> None:
        if event.seq <= mark.seq:
            self._wording.remember(event, mark.run)
        else:
            said = min(time.time(), past.began + event.at)
            self._outbox.extend(self._wording.messages(event, mark.run, said))

    # Out of it

    async def _deliver(self) -> None:
        """Connects, again and again, until everything has arrived after the end."""
        await self._is_caught_up.wait()
        shortest, longest = self._broker.retry
        delay = shortest
        while True:
            try:
                async with connect(
                    self._broker, self._status("offline"), self._hear, self._work
                ) as connection:
                    delay = shortest
                    await self._serve(connection)
                    return
            except BrokerError as error:
                if self._ears is not None:
                    self._ears.cut()
                self._outbox.put_back()
                self._outbox.spill(True)
                self._complain(error)
            if self._closing.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay * random.uniform(0.5, 1.0)):
                    await self._closing.wait()
            delay = min(2 * delay, longest)

    async def _serve(self, connection: Connection) -> None:
        """Publishes what comes, until the end; raises BrokerError once the connection is gone."""
        self._told.clear()
        self._aside = deque(message for message in self._aside if not message.retain)
        await connection.deliver(self._status("online"))
        for topic in self._wanted():
            await connection.subscribe(topic)
        if self._ears is not None:
            for topic in self._wording.topics.every_audio:
                await connection.subscribe(topic, qos=0)  # late audio is of no use
        await connection.deliver(*self._news())
        self._outbox.spill(False)
        self._say_connected()
        under_way, num_arrived = deque[bool](), connection.num_arrived  # whether they are of the outbox
        while not connection.gone.done():
            self._work.clear()
            landed = [under_way.popleft() for _ in range(connection.num_arrived - num_arrived)]
            num_arrived += len(landed)
            self._outbox.arrived(sum(landed))
            under_way += self._send_some(connection)
            if self._closing.is_set() and not (under_way or self._events or self._outbox):
                await connection.deliver(*self._news(), self._status("offline"))
                return
            await self._work.wait()
        raise connection.loss()

    def _send_some(self, connection: Connection) -> list[bool]:
        """As many messages as there is room for, those beside the events first; which are of the outbox."""
        if self._wording.num_changes != self._num_told and self._loop.time() >= self._state_due:
            self._aside += self._news()
            self._state_due = self._loop.time() + STATE_SECONDS
            self._loop.call_at(self._state_due, self._work.set)
        aside = [self._aside.popleft() for _ in range(min(len(self._aside), connection.room))]
        events = self._outbox.take(connection.room - len(aside), time.time())
        if aside or events:
            connection.send([*aside, *events])
        return [False] * len(aside) + [True] * len(events)

    def _news(self) -> list[Message]:
        """What is retained, as far as the broker does not have it so."""
        self._num_told = self._wording.num_changes
        retained = self._wording.retained(self._outbox.num_dropped)
        news = {topic: payload for topic, payload in retained.items() if self._told.get(topic) != payload}
        self._told |= news
        return [Message(topic, payload, retain=True) for topic, payload in news.items()]

    def _status(self, status: str) -> Message:
        return Message(self._wording.topics.status, status.encode(), retain=True, content_type="text/plain")

    # What others say

    def _wanted(self) -> Sequence[str]:
        """The topics to hear."""
        wanted = []
        if self._commands is not None:
            wanted.append(self._wording.topics.every_control)
        if self._broker.home_assistant:
            wanted.append(f"{self._broker.home_assistant}/{home_assistant.BIRTH}")
        return wanted

    def _hear(self, request: Request) -> None:
        if self._ears is not None and overhear(request, self._wording.topics, self._ears):
            return
        if request.is_retained:
            return
        if request.topic == f"{self._broker.home_assistant}/{home_assistant.BIRTH}":
            if request.payload == b"online":  # it knows nothing any more
                self._told.clear()
                self._num_told = 0
                self._work.set()
            return
        for session in self._wording.sessions:
            if request.topic == self._wording.topics.control(session):
                task = asyncio.create_task(self._answer(session, request))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    def _note(self, message: Message) -> None:
        self._wording.note(message)
        self._work.set()

    async def _answer(self, session: str, request: Request) -> None:
        assert self._commands is not None
        try:
            answers = control.obey(request.payload, self._commands)
            counts = await asyncio.gather(*map(asyncio.wrap_future, answers))
            said: dict[str, object] = {"ok": True, "events": sum(counts)}
        except HocketError as error:
            said = {"ok": False, "error": str(error)}
        topic = request.reply_to or self._wording.topics.answer(session)
        self._aside.append(Message(topic, json.dumps(said).encode(), reply_to=request.correlation))
        self._work.set()

    # What people should know

    def _complain(self, error: BrokerError) -> None:
        """Once an outage, and again where it turns out that no waiting will end it."""
        is_news = not self._complaint or (isinstance(error, BrokerRefused) and str(error) != self._complaint)
        if isinstance(error, BrokerRefused) and not self._first_answer.is_set():
            self._refusal = error
        elif is_news:
            logger.warning("%s; events wait in %s", error, self._outbox.path)
        self._complaint = str(error)
        self._first_answer.set()

    def _say_connected(self) -> None:
        if self._complaint:
            logger.info("the MQTT broker %s is back", self._broker.address)
        self._complaint = ""
        self._first_answer.set()
        dropped = self._outbox.num_dropped - self._num_dropped
        if dropped:
            logger.warning(
                "%d provisional events were let go while %s was away; of the final ones, none",
                dropped, self._broker.address,
            )  # fmt: skip
        self._num_dropped += dropped
