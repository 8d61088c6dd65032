"""Commands over MQTT: what they ask for, and what is refused as a whole."""

import pytest

from hocket.streaming.commands import Commands
from hocket.streaming.errors import FormatError
from hocket.streaming.mqtt.control import obey


class Told(Commands):
    """Takes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def name(self, speaker: str, name: str):  # type: ignore[no-untyped-def]
        self.said.append(f"{speaker} is {name}")
        return super().name(speaker, name)

    def merge(self, speaker: str, into: str):  # type: ignore[no-untyped-def]
        self.said.append(f"{speaker} into {into}")
        return super().merge(speaker, into)

    def finish(self):  # type: ignore[no-untyped-def]
        self.said.append("enough")
        return super().finish()


def test_a_message_may_ask_for_several_things() -> None:
    told = Told()
    answers = obey(b'{"finalize": true, "name": {"S1": "Ann", "S2": "Bert"}, "merge": {"S3": "S1"}}', told)
    assert told.said == ["S1 is Ann", "S2 is Bert", "S3 into S1", "enough"]
    assert len(answers) == 4


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "a command that is no JSON"),
        (b"\xff\xfe", "a command that is no JSON"),
        (b"[" * 100_000, "a command that is no JSON"),
        (b"[]", "a command of type list with nothing in it"),
        (b"{}", "a command of type dict with nothing in it"),
        (b'{"name": {"S1": "Ann"}, "title": 1}', "unknown command 'title'"),
        (b'{"name": "Ann"}', "command 'name' wants speaker ids and texts, got 'Ann'"),
        (b'{"merge": {"S1": 2}}', "command 'merge' wants speaker ids and texts"),
        (b'{"finalize": 1}', "command 'finalize' wants true or false, got 1"),
    ],
)
def test_a_message_that_cannot_be_understood_changes_nothing(payload: bytes, problem: str) -> None:
    told = Told()
    with pytest.raises(FormatError) as refused:
        obey(payload, told)
    assert problem in str(refused.value)
    assert told.said == []
