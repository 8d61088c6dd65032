"""Two runs, the same events: with enrolled people, second looks, the user's word, and more than is kept."""

import os
import subprocess
import sys
from pathlib import Path

from hocket.streaming.events import Revision, SpeakerNew
from tests import long_meeting

ROOT = Path(__file__).parents[2]


def test_a_meeting_says_the_same_in_another_process_with_other_hashes() -> None:
    said = long_meeting.events()
    reasons = {event.reason for event in said if isinstance(event, Revision)}
    assert {"heard again", "reclustered", "corrected"} <= reasons
    assert any(isinstance(event, SpeakerNew) and event.profile for event in said)
    hashes = {**os.environ, "PYTHONHASHSEED": "7" if os.environ.get("PYTHONHASHSEED") != "7" else "8"}
    again = subprocess.run(
        [sys.executable, "-m", "tests.long_meeting"],
        cwd=ROOT, env=hashes, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert again.stdout.strip() == long_meeting.digest(said)
