"""hocket diarize: recordings in, turns out."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hocket.streaming.errors import AudioError, FormatError
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import read_rttm
from hocket.streaming.sinks.base import Sink

from . import options
from .outputs import STANDARD_OUTPUT, Outputs
from .pipe import StandardOutput
from .report import fail

if TYPE_CHECKING:
    from hocket.models.selection import ModelPair
    from hocket.streaming.clustering.people import Profile
    from hocket.streaming.engine.config import DiarizerConfig
    from hocket.streaming.sources.base import Source
    from hocket.streaming.stream import Engine

_PCM = "Raw audio on standard input"


class Encoding(StrEnum):
    """How the samples of raw audio are written."""

    S16LE = "s16le"
    F32LE = "f32le"


def diarize(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Recordings of any common format; - is raw audio on standard input."
        ),
    ],
    rttm: options.Rttm = None,
    jsonl: options.JsonLinesPath = None,
    plot: options.Plot = None,
    labels: options.Labels = None,
    mqtt: options.Mqtt = None,
    ray: options.Ray = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="RTTM", help="The true turns, drawn beneath those of --plot.", rich_help_panel="Output"
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress and no summary.", rich_help_panel="Output"),
    ] = False,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    hop: options.Hop = options.DEFAULTS.hop,
    num_speakers: options.NumSpeakers = options.DEFAULTS.num_speakers,
    min_speakers: options.MinSpeakers = options.DEFAULTS.min_speakers,
    max_speakers: options.MaxSpeakers = options.DEFAULTS.max_speakers,
    people: options.People = None,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Hear each recording to its end before saying who it was: more right, nothing live.",
            rich_help_panel="Speakers and timing",
        ),
    ] = False,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime",
            help="Hear files at the pace of the clock, as if they were live, and show the live picture.",
            rich_help_panel="Speakers and timing",
        ),
    ] = False,
    rate: Annotated[
        int, typer.Option(metavar="HZ", help="Samples per second.", rich_help_panel=_PCM, min=1)
    ] = 16_000,
    channels: Annotated[
        int, typer.Option(metavar="N", help="Interleaved channels.", rich_help_panel=_PCM, min=1)
    ] = 1,
    encoding: Annotated[
        Encoding, typer.Option(help="16-bit integers or 32-bit floats, little-endian.", rich_help_panel=_PCM)
    ] = Encoding.S16LE,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Who spoke when in recordings, as fast as this machine can.

    Without --rttm, --jsonl, --plot, --labels or --mqtt the turns go to standard
    output as RTTM. Progress and a summary go to standard error. With
    several files, name a folder for each output: it gets a file per
    recording.

    hocket diarize meeting.wav > meeting.rttm
    hocket diarize meeting.wav --rttm meeting.rttm --plot meeting.svg
    hocket diarize talks/*.flac --rttm turns/ --max-speakers 4
    hocket diarize interview.mp3 --offline --rttm interview.rttm
    hocket diarize archive/*.wav --ray 10.0.0.1:6379 --jsonl turns/
    ffmpeg -i a.m4a -f s16le -ac 1 -ar 16000 - | hocket diarize -
    """
    if offline and realtime:
        raise typer.BadParameter("there is nothing to see before the end", param_hint="--offline --realtime")
    if offline and people:
        raise typer.BadParameter("people are recognised live only", param_hint="--offline --people")
    if ray is not None and (realtime or STANDARD_OUTPUT in files):
        raise typer.BadParameter("a cluster hears files, as fast as it can", param_hint="--ray")
    recordings = _recording_names(files)
    outputs = Outputs(rttm, jsonl, plot, labels, mqtt).or_rttm_on_stdout()
    outputs.check(recordings)
    truth = read_rttm(reference) if reference is not None else {}
    config = options.config(config_file, latency, hop, max_speakers, min_speakers, num_speakers)
    code = 0
    sources: dict[str, Source] = {}
    for file, recording in zip(files, recordings, strict=True) if ray is None else ():
        try:
            sources[recording] = _open(file, rate, channels, encoding, realtime)
        except AudioError as error:
            fail(str(error))
            code = 1
    if not sources and ray is None:
        raise typer.Exit(code)
    opening = partial(options.open_pair, models, segmentation_model, embedding_model, runtime, compute_units)
    pair = opening()

    from hocket.streaming.commands import Commands

    from .archive import hear_on_cluster
    from .people import profiles_in
    from .progress import Watched
    from .session import exit_code, hear
    from .views import live_views, progress_bar, summary_views

    profiles = profiles_in(people, pair.names["embedding"]) if people else []
    if ray is not None:
        stdout = StandardOutput(lambda: None)

        def written(recording: str) -> list[Sink]:
            sinks = outputs.sinks(recording, stdout, _true_turns(truth, recording, reference))
            return sinks if quiet else [*sinks, *summary_views(recording)]

        engines = partial(_engines, opening, config, profiles, offline)
        by_name = dict(zip(recordings, files, strict=True))
        raise typer.Exit(hear_on_cluster(ray, by_name, engines, written, quiet=quiet))
    for recording, source in sources.items():
        stdout = StandardOutput(source.close)
        diarizer = _engine(pair, config, profiles, offline, recording)
        commands = Commands()
        sinks = outputs.sinks(recording, stdout, _true_turns(truth, recording, reference), commands)
        if not quiet:
            duration = None if source.num_samples is None else source.num_samples / source.rate_hz
            bar = None if realtime else progress_bar(recording, duration)
            views = live_views(recording, None) if realtime else [bar] if bar else []
            sinks = [*views, *sinks, *summary_views(recording)]
            diarizer = Watched(diarizer, bar) if bar else diarizer
        try:
            ended = exit_code(hear(source, diarizer, sinks, commands))
        except AudioError as error:
            fail(str(error))
            ended = 1
        code = max(code, ended)
        if ended > 1 or stdout.is_gone:
            break
    raise typer.Exit(code)


def _engines(
    opening: Callable[[], "ModelPair"],
    config: "DiarizerConfig",
    profiles: "Sequence[Profile]",
    offline: bool,
) -> "Callable[[str], Engine]":
    """What makes an engine for a recording, with models that are opened here."""
    return partial(_engine, opening(), config, profiles, offline)


def _engine(
    pair: "ModelPair", config: "DiarizerConfig", profiles: "Sequence[Profile]", offline: bool, recording: str
) -> "Engine":
    from hocket.streaming.engine.diarizer import Diarizer
    from hocket.streaming.offline.diarizer import OfflineDiarizer

    parts = pair.segmenter, pair.embedder, config
    if offline:
        return OfflineDiarizer(*parts, session=recording, models=pair.names)
    return Diarizer(*parts, session=recording, models=pair.names, people=profiles)


def _open(file: str, rate: int, channels: int, encoding: Encoding, realtime: bool) -> "Source":
    if file == STANDARD_OUTPUT:
        from hocket.streaming.sources.pcm import PcmSource

        return PcmSource(rate_hz=rate, channels=channels, encoding=encoding.value, live=realtime)
    from hocket.streaming.sources.file import FileSource

    return FileSource(file, realtime=realtime)


def _recording_names(files: list[str]) -> list[str]:
    """What each recording is called in its outputs: the file's name without folder and ending.

    Raises BadParameter when two would be called the same.
    """
    names = ["stdin" if file == "-" else Path(file).stem for file in files]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise typer.BadParameter(
            f"more than one recording is called {twice[0]!r}: their turns could not be told apart",
            param_hint="FILE",
        )
    return names


def _true_turns(truth: dict[str, list[Segment]], recording: str, reference: Path | None) -> list[Segment]:
    """The turns that a reference holds for a recording; those of its only recording whatever its name."""
    if not truth:
        return []
    turns = truth.get(recording) or (next(iter(truth.values())) if len(truth) == 1 else None)
    if turns is None:
        raise FormatError(f"{reference}: no turns of {recording!r}; it holds {', '.join(truth)}")
    return turns
