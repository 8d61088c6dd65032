"""Events in a broker's words: which messages each one makes, and what is retained beside them."""

import json
import secrets
import time
from typing import Any

from ..events import Caption, Change, Event, Status, Turn
from .broker import Broker
from .home_assistant import change_event, discovery
from .message import Message, Source, Topics, slug
from .room import Room

MOST_ROOMS = 64  # sessions whose state is retold to a broker that forgot it
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Wording:
    """Turns the events of any number of sessions into messages. No network, one caller at a time.

    num_changes: counts the events that changed what is `retained`.
    """

    def __init__(self, broker: Broker) -> None:
        self.num_changes = 0
        self.topics = Topics(broker.prefix)
        self._broker = broker
        self._rooms: dict[str, Room] = {}
        self._retained: dict[str, bytes] = {}
        self._changed: dict[str, Room] = {}  # since `_retained` was written

    @property
    def sessions(self) -> list[str]:
        """Names of the sessions that have begun and not ended."""
        return [name for name, room in self._rooms.items() if not room.is_over]

    def remember(self, event: Event, run: str | None = None) -> Room:
        """Take an event in; `retained` follows. run: to go on with, of a session that begins with it."""
        room = self._room(event, run)
        if room.add(event):
            self._changed[event.session] = room
            self.num_changes += 1
        return room

    def messages(self, event: Event, run: str | None = None, said: float | None = None) -> list[Message]:
        """What to publish of this event, in order; it is remembered, too. said: Unix time, now if absent."""
        room = self.remember(event, run)
        late = (time.time() if said is None else said) + self._broker.expiry
        expires = late if is_provisional(event) else None
        source = Source(event.session, room.run, event.seq)
        told = Message(
            topic=self.topics.event(event.session, event.type),
            payload=_json(event.to_dict() | {"run": room.run}),
            qos=1 if expires is None else self._broker.provisional_qos,
            expires=expires,
            source=source,
        )
        if self._broker.home_assistant and isinstance(event, Change):
            return [told, self._home_assistant_event(room, event, late)]
        return [told]

    def note(self, message: Message) -> None:
        """Have something else retained, from now on; nothing any more where the payload is empty."""
        if self._retained.get(message.topic) != message.payload:
            self._retained[message.topic] = message.payload
            self.num_changes += 1

    def retained(self, dropped: int = 0) -> dict[str, bytes]:
        """What every late subscriber should find, by topic, as it stands now. dropped: as in `Room.state`."""
        going_on = {slug(room.session) for room in self._rooms.values() if not room.is_over}
        for room in self._changed.values():
            if not (room.is_over and slug(room.session) in going_on):  # a later session has these topics
                self._retain(room, dropped)
        self._changed.clear()
        return dict(self._retained)

    def _room(self, event: Event, run: str | None) -> Room:
        room = self._rooms.get(event.session)
        if room is None or event.seq == 1:
            room = Room(event.session, run=run or secrets.token_hex(4))
            self._rooms.pop(event.session, None)
            self._rooms[event.session] = room
            self._forget_old_rooms()
        return room

    def _forget_old_rooms(self) -> None:
        over = [name for name, room in self._rooms.items() if room.is_over]
        for name in over[: max(0, len(self._rooms) - MOST_ROOMS)]:
            del self._rooms[name]
            self._changed.pop(name, None)
            if slug(name) in map(slug, self._rooms):
                continue  # a later session has these topics
            for topic in (self.topics.state(name), self.topics.speakers(name)):
                self._retained.pop(topic, None)

    def _retain(self, room: Room, dropped: int) -> None:
        self._retained[self.topics.state(room.session)] = _json(room.state(dropped))
        self._retained[self.topics.speakers(room.session)] = _json(room.speakers())
        if self._broker.home_assistant:
            topic, payload = discovery(self._broker.home_assistant, self.topics, room.session)
            self._retained[topic] = _json(payload)

    def _home_assistant_event(self, room: Room, event: Change, expires: float) -> Message:
        return Message(
            topic=self.topics.home_assistant_event(event.session),
            payload=_json(change_event(room, event)),
            expires=expires,
            source=Source(event.session, room.run, event.seq),
        )


def is_provisional(event: Event) -> bool:
    """Whether a later event will say it better: what may be dropped when the broker is away for long."""
    return isinstance(event, Status) or (isinstance(event, Turn | Caption) and event.state != "final")


def _json(value: dict[str, Any]) -> bytes:
    return _ENCODER.encode(value).encode()
