"""Home Assistant finds each session by itself: one retained message describes a device and its entities.

Source: Home Assistant's MQTT integration, "Device discovery payload" (single component per device or many).
"""

from importlib.metadata import version
from typing import Any

from ..events import Change
from .message import Topics, place, slug
from .room import Room

BIRTH = "status"  # below the discovery prefix: `online` when Home Assistant has started


def discovery(prefix: str, topics: Topics, session: str) -> tuple[str, dict[str, Any]]:
    """Where and what: a device with current speaker, speech, number of speakers and speaker changes.

    prefix: Home Assistant's discovery prefix, `homeassistant` unless somebody changed it.
    """
    device = f"{slug(topics.prefix)}_{slug(session)}"
    release = version("hocket")

    def entity(platform: str, name: str, key: str, **details: Any) -> dict[str, Any]:
        about = {"platform": platform, "name": name, "unique_id": f"{device}_{key}", "qos": 1}
        return about | {"default_entity_id": f"{platform}.{device.replace('-', '_')}_{key}"} | details

    state = topics.state(session)
    payload = {
        "device": {
            "identifiers": [device],
            "name": f"hocket {place(session)}",
            "manufacturer": "hocket",
            "model": "speaker diarization",
            "sw_version": release,
        },
        "origin": {"name": "hocket", "sw_version": release},
        "availability": [{"topic": topics.status}],
        "components": {
            "speaker": entity(
                "sensor", "Speaker", "speaker",
                icon="mdi:account-voice",
                state_topic=state,
                value_template="{{ value_json.speaker }}",
                json_attributes_topic=topics.speakers(session),
            ),
            "speech": entity(
                "binary_sensor", "Speech", "speech",
                device_class="sound",
                state_topic=state,
                value_template="{{ 'ON' if value_json.speaking else 'OFF' }}",
            ),
            "count": entity(
                "sensor", "Speakers", "count",
                icon="mdi:account-group",
                state_class="measurement",
                state_topic=state,
                value_template="{{ value_json.count }}",
            ),
            "change": entity(
                "event", "Speaker change", "change",
                icon="mdi:account-switch",
                event_types=["speaker_change", "silence"],
                state_topic=topics.home_assistant_event(session),
            ),
        },
    }  # fmt: skip
    return f"{prefix}/device/{device}/config", payload


def change_event(room: Room, event: Change) -> dict[str, Any]:
    """What the event entity is told: its type, and who speaks."""
    return {
        "event_type": "speaker_change" if event.speakers else "silence",
        "speaker": room.named(event.speakers),
        "started": [room.named([speaker]) for speaker in event.started],
        "ended": [room.named([speaker]) for speaker in event.ended],
    }
