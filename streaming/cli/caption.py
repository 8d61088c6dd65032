"""hocket caption: a recording or the microphone in, captions with speakers out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hocket.streaming.captions.words import read_words
from hocket.streaming.sinks.captions import CaptionFile, CaptionFormat

from . import options
from .figures import print_json
from .outputs import STANDARD_OUTPUT, Outputs
from .pipe import StandardOutput

if TYPE_CHECKING:
    from hocket.streaming.captions.shown import ShownCaptions
    from hocket.streaming.events import Event
    from hocket.streaming.sinks.base import Sink
    from hocket.streaming.sources.base import Source
    from hocket.streaming.stream import Engine

MICROPHONE = "microphone"
_OUTPUT = "Output"
_REFERENCES = (".rttm", ".stm", ".json")
_HELP = {
    CaptionFormat.VTT: "WebVTT: a voice a cue, a colour a voice; for browsers and players.",
    CaptionFormat.SRT: "SubRip, names before the text; for every player.",
    CaptionFormat.JSON: "JSON, with the time of every word.",
    CaptionFormat.TRANSCRIPT: "Paragraphs to read. This is what standard output gets by default.",
}


def _path(form: CaptionFormat) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        f"--{form}", metavar="PATH", help=_HELP[form], rich_help_panel=_OUTPUT
    )
    return info


def caption(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A recording of any common format.")
    ] = None,
    mic: Annotated[bool, typer.Option("--mic", help="The microphone, live, until Ctrl-C.")] = False,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="NAME|NUMBER",
            help="A microphone by part of its name: see hocket devices.",
        ),
    ] = None,
    recogniser: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What hears the words, in a process of its own: whisper (English; extra 'captions'); "
            "whisper:FOLDER, another Whisper in CTranslate2's form; module:Class; or a command that reads "
            "16-bit samples at 16 kHz and writes a JSON object a word.",
        ),
    ] = "whisper",
    words: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Words that were recognised before: JSON, a list of text, start and end; or CTM.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    vtt: Annotated[str | None, _path(CaptionFormat.VTT)] = None,
    srt: Annotated[str | None, _path(CaptionFormat.SRT)] = None,
    json: Annotated[str | None, _path(CaptionFormat.JSON)] = None,
    transcript: Annotated[str | None, _path(CaptionFormat.TRANSCRIPT)] = None,
    jsonl: options.JsonLinesPath = None,
    mqtt: options.Mqtt = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The truth, to score against: turns as RTTM, stretches of text as STM, or words with "
            "speakers as JSON. Figures go to standard output as JSON.",
            exists=True,
            dir_okay=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    offset: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="What to add to the times of the words; by default found from where words and turns begin.",
        ),
    ] = None,
    config_file: options.ConfigFile = None,
    latency: options.Latency = options.DEFAULTS.latency,
    num_speakers: options.NumSpeakers = options.DEFAULTS.num_speakers,
    max_speakers: options.MaxSpeakers = options.DEFAULTS.max_speakers,
    people: options.People = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Hear the recording to its end before saying who it was.")
    ] = False,
    realtime: Annotated[
        bool,
        typer.Option("--realtime", help="Hear it at the pace of the clock; files grow as if it were live."),
    ] = False,
    models: options.Models = "default",
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Captions with names: who says which words, live or of a recording.

    A recogniser hears the words in a process of its own; hocket says
    whose they are. Everything stays on this machine. --jsonl has captions
    as they were said and corrected, among all events.

    hocket caption meeting.wav --vtt meeting.vtt --srt meeting.srt
    hocket caption --mic --vtt live.vtt
    hocket caption meeting.wav --words meeting.words.json
    hocket caption meeting.wav --words w.json --vtt m.vtt --reference meeting.stm
    """
    _check_input(file, mic, device, words, offline, realtime, people)
    paths = {
        CaptionFormat.VTT: vtt,
        CaptionFormat.SRT: srt,
        CaptionFormat.JSON: json,
        CaptionFormat.TRANSCRIPT: transcript,
    }
    asked = {form: path for form, path in paths.items() if path is not None}
    if not asked and jsonl is None and mqtt is None and reference is None and not mic:
        asked = {CaptionFormat.TRANSCRIPT: STANDARD_OUTPUT}
    _check(asked)
    if reference is not None and reference.suffix.lower() not in _REFERENCES:
        raise typer.BadParameter(
            f"{str(reference)!r} should end in {', '.join(_REFERENCES)}", param_hint="--reference"
        )
    recording = Path(file).stem if file is not None else MICROPHONE
    log = Outputs(jsonl=jsonl, mqtt=mqtt)
    log.check([recording])
    heard = read_words(words) if words is not None else []
    config = options.config(config_file, latency, max_speakers=max_speakers, num_speakers=num_speakers)

    from hocket.streaming.captions.captioner import Captioner, CaptionRules
    from hocket.streaming.captions.engine import Captioned
    from hocket.streaming.captions.hearing import Hearing
    from hocket.streaming.captions.recognisers import recogniser_command
    from hocket.streaming.captions.shown import ShownCaptions
    from hocket.streaming.engine.diarizer import Diarizer
    from hocket.streaming.offline.diarizer import OfflineDiarizer

    from .people import profiles_in
    from .report import say
    from .session import exit_code, hear
    from .views import caption_views

    command = recogniser_command(recogniser, live=mic or realtime) if words is None else None
    source = _source(file, device, realtime)
    pair = options.open_pair(models, None, None, runtime, compute_units)
    parts = pair.segmenter, pair.embedder, config
    profiles = profiles_in(people, pair.names["embedding"]) if people else []
    diarizer: Engine = (
        OfflineDiarizer(*parts, session=recording, models=pair.names)
        if offline
        else Diarizer(*parts, session=recording, models=pair.names, people=profiles)
    )
    # A recogniser of our own hears what the engine hears, by the same clock.
    captioner = Captioner(recording, CaptionRules(offset=0.0 if command and offset is None else offset))
    stdout = StandardOutput(source.close)
    shown = ShownCaptions()
    sinks: list[Sink] = [
        CaptionFile(stdout if path == STANDARD_OUTPUT else Path(path), form) for form, path in asked.items()
    ]
    sinks += [_Kept(shown), *log.sinks(recording, stdout)]
    views = caption_views(source, recording, None if STANDARD_OUTPUT in (*asked.values(), jsonl) else stdout)
    hearing = Hearing(command, live=source.live) if command else None
    try:
        report = hear(source, Captioned(diarizer, captioner, heard, hearing), [*views, *sinks])
    finally:
        if hearing is not None:
            hearing.close()
    code = exit_code(report)
    if hearing is not None and hearing.lost:
        say(f"{hearing.lost:.0f} s of {report.duration:.0f} got no captions: the recogniser did not keep up")
    if captioner.offset and offset is None:
        say(f"the clock of the words lies off by {-captioner.offset:.2f} s; that was taken off")
    if reference is not None:
        from hocket.streaming.evaluation.captions import score_captions

        score = score_captions(reference, recording, shown.resolved())
        for line in score.lines():
            say(line)
        print_json(score.to_dict() | {"offset": captioner.offset})
    raise typer.Exit(code)


def _check_input(
    file: str | None,
    mic: bool,
    device: str | None,
    words: Path | None,
    offline: bool,
    realtime: bool,
    people: Path | None,
) -> None:
    """Refuse what does not go together. Raises BadParameter naming the option."""
    if mic == (file is not None):
        raise typer.BadParameter("expected a recording, or --mic for the microphone", param_hint="FILE")
    if device is not None and not mic:
        raise typer.BadParameter("names a microphone: give --mic too", param_hint="--device")
    if mic and words is not None:
        raise typer.BadParameter("nobody has recognised what is yet to be said", param_hint="--words")
    if offline and (mic or realtime or people):
        raise typer.BadParameter("only live sessions know people or a clock", param_hint="--offline")


def _source(file: str | None, device: str | None, realtime: bool) -> "Source":
    if file is not None:
        from hocket.streaming.sources.file import FileSource

        return FileSource(file, realtime=realtime)
    from hocket.streaming.sources.microphone import Microphone

    return Microphone(device)


class _Kept:
    """A sink that keeps what is shown, to be scored."""

    name = "kept"

    def __init__(self, shown: "ShownCaptions") -> None:
        self._shown = shown

    def write(self, event: "Event") -> None:
        self._shown.add(event)

    def close(self) -> None:
        pass


def _check(asked: dict[CaptionFormat, str]) -> None:
    """Refuse what could not be written once the work is done. Raises BadParameter naming the option."""
    if list(asked.values()).count(STANDARD_OUTPUT) > 1:
        raise typer.BadParameter("only one of them fits on standard output", param_hint="-")
    for form, path in asked.items():
        folder = Path(path).parent
        if path == STANDARD_OUTPUT:
            continue
        if Path(path).is_dir() or not folder.is_dir():
            raise typer.BadParameter(
                f"{path!r} should be a file in a folder that exists", param_hint=f"--{form}"
            )
        if not os.access(folder, os.W_OK):
            raise typer.BadParameter(f"nothing may be written into {str(folder)!r}", param_hint=f"--{form}")
