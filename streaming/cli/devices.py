"""hocket devices: what there is to listen to."""

import typer


def devices() -> None:
    """The microphones of this machine, by number and name.

    hocket listen --device takes the number, or words of the name that fit
    only one of them. Numbers change when something is plugged in or out;
    names stay.
    """
    from hocket.streaming.errors import DeviceError
    from hocket.streaming.sources.portaudio import NO_MICROPHONE, list_devices

    found = list_devices()
    if not found:
        raise DeviceError(NO_MICROPHONE)
    for device in found:
        typer.echo(device)
