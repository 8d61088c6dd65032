"""Figures of a running service for Prometheus, at /metrics: what was done, how late, and what goes on."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hocket.streaming.events import Event, Gap

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Figures:
    """Counts what the event loop tells it; gauges are read when somebody asks. No names, no speech.

    num_sessions, num_readers, num_waiting: sessions under way, subscribers of them, and sessions that wait
    for a round.
    """

    def __init__(
        self,
        num_sessions: Callable[[], int],
        num_readers: Callable[[], int],
        num_waiting: Callable[[], int],
    ) -> None:
        self._registry = CollectorRegistry()
        for name, meaning, read in (
            ("sessions", "Sessions under way.", num_sessions),
            ("subscribers", "Connections that read events of sessions under way.", num_readers),
            ("waiting_sessions", "Sessions that wait for a round.", num_waiting),
        ):
            Gauge(f"hocket_{name}", meaning, registry=self._registry).set_function(read)
        self._events = Counter(
            "hocket_events", "Events said, revisions and gaps among them.", ["type"], registry=self._registry
        )
        self._dropped = Counter(
            "hocket_dropped_seconds", "Audio that was dropped or lost.", registry=self._registry
        )
        self._audio = Counter("hocket_audio_seconds", "Audio heard.", registry=self._registry)
        self._compute = Counter("hocket_compute_seconds", "Time in rounds.", registry=self._registry)
        self._refused = Counter(
            "hocket_refused_connections", "Connections refused.", ["code"], registry=self._registry
        )
        self._lag = self._histogram("lag_seconds", "From when audio could be heard until its events are out.")
        self._round = self._histogram("round_seconds", "One round of up to four sessions.")

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(f"hocket_{name}", meaning, buckets=SECONDS, registry=self._registry)

    def round(self, seconds: float) -> None:
        """A round took so long."""
        self._round.observe(seconds)
        self._compute.inc(seconds)

    def outcome(self, events: Sequence[Event], heard: float, lag: float) -> None:
        """A session was heard for so many seconds; its events are out `lag` after they could be."""
        self._audio.inc(max(0.0, heard))
        self._lag.observe(lag)
        self.said(events)

    def said(self, events: Sequence[Event]) -> None:
        """Events are out."""
        for event in events:
            self._events.labels(event.type).inc()
            if isinstance(event, Gap):
                self._dropped.inc(event.end - event.start)

    def refused(self, code: str) -> None:
        """Somebody was not let in, or had to go, for this reason."""
        self._refused.labels(code).inc()

    def text(self) -> str:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry).decode()
