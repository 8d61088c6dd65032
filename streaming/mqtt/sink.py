"""The MQTT sink: give it events, and they are published. Slow or dead brokers cost the session nothing."""

from ..commands import Commands
from ..errors import BrokerRefused, ConfigError
from ..events import Event
from .broker import Broker
from .hearing import Ears
from .marks import History
from .post import Post

PATIENCE = 6.0  # seconds: a little more than a broker may take to answer


class MqttSink:
    """Publishes every event, of one session or of many, and keeps their state retained. Topics: docs/mqtt.md.

    broker: its URL, see Broker.from_url, or its settings. commands: those of the session, which obeys what it
    is told over MQTT where the broker's settings say `control`. ears: who hears microphones, where they say
    `audio`. history: where events are kept of sessions that a killed process had; what it did not live to
    publish goes out first.

    Waits for the broker's first answer. One that cannot be reached is no error: events wait, in a file, and
    are published once it is there. Finals wait for ever; what a later event says better, only for so long
    (`expiry`) and only so many (`outbox_limit`). A broker may get an event twice, under the same `seq`, when
    its confirmation was lost on the way.
    Raises ConfigError for settings that cannot be, BrokerRefused for a wrong password or certificate.
    """

    name = "mqtt"

    def __init__(
        self,
        broker: Broker | str,
        *,
        commands: Commands | None = None,
        ears: Ears | None = None,
        history: History | None = None,
    ) -> None:
        self.broker = Broker.from_url(broker) if isinstance(broker, str) else broker
        if self.broker.audio and ears is None:
            raise ConfigError(
                "audio=1 of the MQTT broker: nobody here listens to microphones over MQTT, hocket serve does"
            )
        self._post = Post(self.broker, commands, ears, history)
        try:
            self._post.wait_for_answer(PATIENCE)
        except BrokerRefused:
            self._post.close()
            raise

    def write(self, event: Event) -> None:
        """Takes the next event, from any thread; never waits."""
        self._post.put(event)

    def answer_microphone(self, room: str, error: str | None) -> None:
        """Tells a room, retained, what is wrong with its audio; None: nothing is. From any thread."""
        self._post.answer_microphone(room, error)

    def close(self) -> None:
        """Publishes what waits, says `offline` and leaves; at most Broker.drain seconds, and one attempt to
        connect. What is left then is published by the next sink for this broker and prefix."""
        self._post.close()
