"""Real parts that several integration tests start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import Mosquitto, require_mosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of the test's own; skips, with the reason, where none is installed."""
    require_mosquitto()
    broker = Mosquitto(tmp_path).start()
    try:
        yield broker
    finally:
        broker.stop()
