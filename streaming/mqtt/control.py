"""What sessions may be told over MQTT: names, merges, the end."""

import json
from concurrent.futures import Future
from typing import Any

from ..commands import Commands
from ..errors import FormatError

_EXPECTED = 'expected {"name": {"S1": "Ann"}}, {"merge": {"S2": "S1"}} or {"finalize": true}'


def obey(payload: bytes, commands: Commands) -> "list[Future[int]]":
    """Pass on what a message on a session's `set` topic asks for; an answer for each thing that it asks.

    name: speaker ids to names. merge: speaker ids to those they go into. finalize: true ends the session.
    Raises FormatError for anything else, and then does nothing of it.
    """
    orders = _orders(payload)
    answers = [commands.name(speaker, name) for speaker, name in orders.get("name", {}).items()]
    answers += [commands.merge(speaker, into) for speaker, into in orders.get("merge", {}).items()]
    if orders.get("finalize"):
        answers.append(commands.finish())
    return answers


def _orders(payload: bytes) -> dict[str, Any]:
    try:
        orders = json.loads(payload)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise FormatError(f"a command that is no JSON: {error}; {_EXPECTED}") from error
    if not isinstance(orders, dict) or not orders:
        raise FormatError(f"a command of type {type(orders).__name__} with nothing in it: {_EXPECTED}")
    for key, value in orders.items():
        if key in ("name", "merge"):
            if not isinstance(value, dict) or not all(
                isinstance(text, str) and text for text in value.values()
            ):
                raise FormatError(f"command {key!r} wants speaker ids and texts, got {value!r}: {_EXPECTED}")
        elif key != "finalize":
            raise FormatError(f"unknown command {key!r}: {_EXPECTED}")
        elif not isinstance(value, bool):
            raise FormatError(f"command 'finalize' wants true or false, got {value!r}")
    return orders
