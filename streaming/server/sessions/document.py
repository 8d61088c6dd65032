"""A session as one JSON document: what is known of it now, with all revisions folded in.

{"session": "monday", "created": "2026-11-23T13:46:00Z", "ended": …, "seconds": 61.5, "events": 240,
 "speakers": [{"id": "S1", "name": "Anna", "seconds": 12.5}, …],
 "turns": [{"id": "t1", "speaker": "S1", "start": 0.5, "end": 3.25, "state": "final", "confidence": 0.93}, …],
 "captions": [{"id": "c1", "start": 0.82, "end": 2.06, "speaker": "S1", "name": "Anna", "text": …}, …],
 "gaps": [{"start": 20.0, "end": 21.5, "reason": …}]}
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hocket.streaming.captions.caption_json import caption_rows
from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.events import Event, Gap
from hocket.streaming.replay import Replay

from .store import Listing


def summary_of(listing: Listing) -> dict[str, Any]:
    """What the store knows without its events; times in UTC, lengths in seconds."""
    return {
        "session": listing.id,
        "created": _date(listing.created),
        "ended": None if listing.ended is None else _date(listing.ended),
        "seconds": round(listing.seconds, 3),
        "events": listing.seq,
    }


def document_of(listing: Listing, events: Iterable[Event]) -> dict[str, Any]:
    """All of it, from all of its events."""
    replay, captions, gaps = Replay(), ShownCaptions(), list[dict[str, Any]]()
    for event in events:
        replay.add(event)
        captions.add(event)
        if isinstance(event, Gap):
            gaps.append({"start": event.start, "end": event.end, "reason": event.reason})
    turns = sorted(replay.turns.values(), key=lambda turn: (turn.start, turn.end, turn.id))
    return summary_of(listing) | {
        "speakers": _speakers(replay),
        "turns": [
            {
                "id": turn.id, "speaker": replay.resolve(turn.speaker), "start": turn.start, "end": turn.end,
                "state": turn.state, "confidence": turn.confidence,
            }
            for turn in turns
        ],
        "captions": caption_rows(captions.resolved(), replay.names),
        "gaps": gaps,
    }  # fmt: skip


def _speakers(replay: Replay) -> list[dict[str, Any]]:
    """Who spoke and for how long, in the order of their first turns; name and profile where there are."""
    spoken: dict[str, float] = {}
    for turn in replay.annotation():
        spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + turn.end - turn.start
    speakers = []
    for speaker, seconds in spoken.items():
        known = {"id": speaker, "name": replay.names.get(speaker), "profile": replay.profiles.get(speaker)}
        present = {key: value for key, value in known.items() if value is not None}
        speakers.append({**present, "seconds": round(seconds, 3)})
    return speakers


def _date(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%dT%H:%M:%SZ}"
