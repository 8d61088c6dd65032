"""hocket publish and hocket subscribe: the two ends of a session on a service."""

import asyncio
import contextlib
import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import options
from .diarize import Encoding
from .pipe import StandardOutput
from .report import say

if TYPE_CHECKING:
    from hocket.streaming.server.clients.publisher import Publisher
    from hocket.streaming.server.clients.subscriber import Subscriber
    from hocket.streaming.sinks.base import Sink
    from hocket.streaming.sources.base import Source

MICROPHONE, STANDARD_INPUT = "mic", "-"
_PCM = "Raw audio on standard input"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Url = Annotated[str, typer.Argument(metavar="URL", help="Of the service, like ws://127.0.0.1:8765.")]
Token = Annotated[
    str | None,
    typer.Option(metavar="TOKEN", envvar="HOCKET_TOKEN", help="Lets in where the service wants one."),
]
Patience = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Keep trying for so long when the service is away.")
]


def publish(
    what: Annotated[
        str,
        typer.Argument(metavar="FILE|mic|-", help="A recording, the microphone, or raw audio from a pipe."),
    ],
    url: Url,
    session: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the session is called there; else a name is made up."),
    ] = None,
    token: Token = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Kept while it lasts: the same command again goes on from there.",
        ),
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="At the pace of the clock, as if it were live.")
    ] = False,
    patience: Patience = 60.0,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="NAME|NUMBER", help="The microphone: see hocket devices."),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(
            metavar="N|separate",
            help="Listen to this one alone, from 0; or a session of each: NAME.1, NAME.2 …",
        ),
    ] = None,
    latency: options.Latency = options.DEFAULTS.latency,
    hop: options.Hop = options.DEFAULTS.hop,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    rate: Annotated[
        int, typer.Option(metavar="HZ", help="Samples per second.", rich_help_panel=_PCM)
    ] = 16_000,
    channels: Annotated[int, typer.Option(metavar="N", help="Interleaved.", rich_help_panel=_PCM)] = 1,
    encoding: Annotated[
        Encoding, typer.Option(help="16-bit integers or 32-bit floats, little-endian.", rich_help_panel=_PCM)
    ] = Encoding.S16LE,
) -> None:
    """Send audio to a service, whatever the network does.

    hocket publish meeting.wav ws://127.0.0.1:8765 --session monday
    hocket publish mic ws://127.0.0.1:8765
    """
    from hocket.streaming.server.clients.publisher import Publisher

    config = options.config(None, latency, hop, max_speakers, min_speakers, num_speakers)
    chosen = {name: getattr(config, name) for name in ("latency", "hop", "num_speakers", "min_speakers")}
    chosen["max_speakers"] = config.max_speakers
    name = session or secrets.token_hex(4)
    source = _source(what, device, rate, channels, encoding, realtime)
    kept = resume.read_text().strip() if resume is not None and resume.exists() else None
    publisher = Publisher(
        url,
        name,
        bearer=token,
        resume=kept,
        channel=_channel(channel),
        options={key: value for key, value in chosen.items() if value is not None},
        patience=patience,
        on_started=_keeper(resume, name),
    )
    interrupted = asyncio.run(_publish(publisher, source))
    if resume is not None:
        resume.unlink(missing_ok=True)
    raise typer.Exit(130 if interrupted else 0)


async def _publish(publisher: "Publisher", source: "Source") -> bool:
    """Publishes to the end of the source, or to the first Ctrl-C: whether it was that."""
    with _until_signalled(source.close) as signalled:
        published = await publisher.run(source)
    seconds = published.sample / source.rate_hz
    say(f"session {published.session}: {seconds:.1f} s heard, {published.seq} events")
    return bool(signalled)


def _keeper(path: Path | None, name: str) -> Callable[[str], None]:
    """Says the session's name once, and keeps the token that resumes it where asked to."""
    said: list[str] = []

    def keep(token: str) -> None:
        if path is not None:
            path.touch(mode=0o600)
            path.write_text(token)
        if not said:
            said.append(name)
            say(f"session {name}")

    return keep


def _channel(text: str | None) -> int | Literal["separate"] | None:
    if text is None:
        return None
    if text == "separate":
        return "separate"
    if not (text.isascii() and text.isdecimal()):
        raise typer.BadParameter(f"--channel {text}: expected a number from 0, or separate")
    return int(text)


def _source(
    what: str, device: str | None, rate: int, channels: int, encoding: Encoding, realtime: bool
) -> "Source":
    if what == MICROPHONE:
        from hocket.streaming.sources.microphone import Microphone

        return Microphone(device)
    if what == STANDARD_INPUT:
        from hocket.streaming.sources.pcm import PcmSource

        return PcmSource(rate_hz=rate, channels=channels, encoding=encoding.value, live=realtime)
    from hocket.streaming.sources.file import FileSource

    return FileSource(what, realtime=realtime)


def subscribe(
    url: Url,
    session: Annotated[str, typer.Option(metavar="NAME", help="The session; it may be yet to come.")],
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Every event as a line of JSON.")] = False,
    rttm: Annotated[bool, typer.Option("--rttm", help="Turns as RTTM, when the session has ended.")] = False,
    vtt: Annotated[
        bool, typer.Option("--vtt", help="Captions as WebVTT, of a session with words, when it has ended.")
    ] = False,
    view: Annotated[bool, typer.Option("--view", help="A live picture; the default on a terminal.")] = False,
    first: Annotated[
        int, typer.Option("--from", min=1, metavar="SEQ", help="The first event wanted, by its number.")
    ] = 1,
    finals: Annotated[bool, typer.Option("--finals", help="Leave out what may still change.")] = False,
    token: Token = None,
    patience: Patience = 60.0,
) -> None:
    """Follow a session of a service to its end, on standard output.

    hocket subscribe ws://127.0.0.1:8765 --session monday
    hocket subscribe ws://127.0.0.1:8765 --session monday --rttm > monday.rttm
    """
    from hocket.streaming.server.clients.subscriber import Subscriber

    if jsonl + rttm + vtt + view > 1:
        raise typer.BadParameter("only one of --jsonl, --rttm, --vtt and --view goes to standard output")
    subscriber = Subscriber(url, session, from_seq=first, finals=finals, bearer=token, patience=patience)
    gone: list[bool] = []
    stdout = StandardOutput(lambda: gone.append(True))
    interrupted = asyncio.run(_follow(subscriber, _sink(session, stdout, jsonl, rttm, vtt, view), gone))
    raise typer.Exit(130 if interrupted else 0)


def _sink(session: str, stdout: StandardOutput, jsonl: bool, rttm: bool, vtt: bool, view: bool) -> "Sink":
    from hocket.streaming.sinks.captions import CaptionFile, CaptionFormat
    from hocket.streaming.sinks.jsonl import JsonLines
    from hocket.streaming.sinks.plain import PlainLines
    from hocket.streaming.sinks.rttm import RttmFile

    if jsonl:
        return JsonLines(stdout)
    if rttm:
        return RttmFile(stdout, session)
    if vtt:
        return CaptionFile(stdout, CaptionFormat.VTT)
    if view or sys.stdout.isatty():
        from rich.console import Console

        from hocket.streaming.sinks.terminal import LiveTerminal

        return LiveTerminal(Console(), session)
    return PlainLines(stdout)


async def _follow(subscriber: "Subscriber", sink: "Sink", gone: list[bool]) -> bool:
    """Writes the session's events until it ends, nobody reads them, or Ctrl-C: whether it was that."""
    task = asyncio.current_task()
    assert task is not None
    with _until_signalled(lambda: task.cancel()) as signalled, contextlib.closing(sink):
        try:
            async with contextlib.aclosing(subscriber.events()) as events:
                async for event in events:
                    sink.write(event)
                    if gone:
                        break
        except asyncio.CancelledError:
            if not signalled:
                raise
    return bool(signalled)


@contextlib.contextmanager
def _until_signalled(stop: Callable[[], object]) -> Iterator[list[bool]]:
    """Calls `stop` at the first SIGINT or SIGTERM, and notes it; the second ends the program at once."""
    signalled: list[bool] = []
    loop = asyncio.get_running_loop()

    def hear() -> None:
        signalled.append(True)
        release()
        stop()

    def release() -> None:
        for number in _SIGNALS:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)

    for number in _SIGNALS:
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the program
            loop.add_signal_handler(number, hear)
    try:
        yield signalled
    finally:
        release()
