"""The published schema: it is the one of this code, and says what clients in other languages need."""

import json
from pathlib import Path

import jsonschema
import pytest

from hocket.streaming.events import EVENT_TYPES
from hocket.streaming.server.protocol.messages import FROM_ADMIN, FROM_PRODUCER, FROM_SERVER, Received, Start
from hocket.streaming.server.protocol.schema import protocol_schema

PUBLISHED = Path(__file__).parents[4] / "docs" / "hocket.v1.schema.json"


def test_the_published_schema_is_that_of_the_code() -> None:
    remedy = 'python -c "import json; from hocket.streaming.server.protocol.schema import protocol_schema; '
    remedy += 'print(json.dumps(protocol_schema(), indent=1))" > docs/hocket.v1.schema.json'
    assert json.loads(PUBLISHED.read_text()) == protocol_schema(), f"make it again: {remedy}"


def test_it_is_a_schema_of_every_message_and_event() -> None:
    schema = protocol_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == "hocket.v1"
    assert {*FROM_PRODUCER, *FROM_ADMIN, *FROM_SERVER, *EVENT_TYPES} <= schema["$defs"].keys()
    assert schema["$defs"]["received"]["required"] == ["type", "sample", "lag"]


def test_it_tells_what_is_said_from_what_is_not() -> None:
    validator = jsonschema.Draft202012Validator(protocol_schema())
    validator.validate(json.loads(Received(sample=5, lag=0.1).to_json()))
    validator.validate(json.loads(Start(sample_rate=8000).to_json()))
    for wrong in ({"type": "received", "sample": "5", "lag": 0}, {"type": "dance"}, {}, []):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(wrong)
