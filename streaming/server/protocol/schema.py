"""The protocol as JSON Schema, for those who write a client in another language."""

from typing import Any

from hocket.streaming.events import event_schema, object_schema

from .messages import FROM_ADMIN, FROM_PRODUCER, FROM_SERVER, VERSION


def protocol_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of every text frame, by who sends it; docs/hocket.v1.schema.json is this."""
    events = event_schema()["$defs"]
    senders = {"from_producer": FROM_PRODUCER, "from_admin": FROM_ADMIN, "from_server": FROM_SERVER}
    frames = {name: object_schema(kind, name) for kinds in senders.values() for name, kind in kinds.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": VERSION,
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in [*frames, *events]],
        "$defs": {
            **{sender: _one_of(kinds) for sender, kinds in senders.items()},
            "event": _one_of(events),
            **frames,
            **events,
        },
    }


def _one_of(names: Any) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
