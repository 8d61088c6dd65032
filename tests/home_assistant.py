"""Home Assistant's own validation of a discovery payload: a program for a Python that has Home Assistant.

Takes a payload on standard input, as the broker has it, and goes the way of the MQTT integration: the schema
of the device, then each component, with the options that it shares with the device, by that of its platform.
Gives, as JSON, what was given and what is kept. What schemas do not know, they leave out without a word.
"""

import asyncio
import importlib
import json
import sys
import tempfile
from typing import Any

from homeassistant.components.mqtt import discovery
from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
from homeassistant.const import __version__
from homeassistant.core import HomeAssistant


async def validated(text: str) -> dict[str, Any]:
    """What Home Assistant makes of a payload. Raises vol.Invalid for one that it would refuse."""
    with tempfile.TemporaryDirectory() as folder:
        HomeAssistant(folder)  # templates are read with it
        payload = json.loads(text)
        discovery._replace_all_abbreviations(payload)
        DEVICE_DISCOVERY_SCHEMA(payload)
        components = {}
        for name, component in payload["components"].items():
            platform = component.pop("platform")
            discovery._merge_common_device_options(component, payload)
            component |= {key: payload[key] for key in ("device", "origin")}
            schema = importlib.import_module(f"homeassistant.components.mqtt.{platform}").DISCOVERY_SCHEMA
            components[name] = {"given": sorted(component), "kept": sorted(schema(component))}
        return {"version": __version__, "components": components}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(validated(sys.stdin.read()))))
