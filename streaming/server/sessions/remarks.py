"""What a server's log has to say of a session: in words for people, and with fields for machines."""

import logging
from collections.abc import Sequence

from hocket.streaming.events import Event, SessionEnd

logger = logging.getLogger(__name__)


def remark(what: str, session: str, event: str, *, level: int = logging.INFO, **known: object) -> None:
    """`session NAME what`. event: what machines call it. known: of the fields that a log has."""
    extra = {"event": f"session.{event}", "session": session, **known}
    logger.log(level, "session %s %s", session, what, extra=extra)


def remark_end(session: str, seconds: float, events: Sequence[Event]) -> None:
    """A session ends with these events, after so many seconds of audio."""
    reason = next((event.reason for event in reversed(events) if isinstance(event, SessionEnd)), None)
    remark("ends", session, "ended", seconds=round(seconds, 3), reason=reason)
