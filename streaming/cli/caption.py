"""hocket caption: a recording and its words in, captions with speakers out."""

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
    from hocket.streaming.stream import Engine

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
    file: Annotated[str, typer.Argument(metavar="FILE", help="A recording of any common format.")],
    words: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="What a recogniser heard in it: JSON, a list of text, start and end; or CTM.",
            exists=True,
            dir_okay=False,
        ),
    ],
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
    """Who said which of the words that a recogniser heard.

    hocket recognises no words itself. It takes those of any recogniser,
    by whatever clock, and says whose they are. --jsonl has captions as
    they were said and corrected, among all events.

    hocket caption meeting.wav --words meeting.words.json
    hocket caption meeting.wav --words meeting.ctm --vtt meeting.vtt --srt meeting.srt
    hocket caption meeting.wav --words w.json --vtt m.vtt --reference meeting.stm
    """
    if offline and (realtime or people):
        raise typer.BadParameter("only live sessions know people or a clock", param_hint="--offline")
    paths = {
        CaptionFormat.VTT: vtt,
        CaptionFormat.SRT: srt,
        CaptionFormat.JSON: json,
        CaptionFormat.TRANSCRIPT: transcript,
    }
    asked = {form: path for form, path in paths.items() if path is not None}
    if not asked and jsonl is None and mqtt is None and reference is None:
        asked = {CaptionFormat.TRANSCRIPT: STANDARD_OUTPUT}
    _check(asked)
    if reference is not None and reference.suffix.lower() not in _REFERENCES:
        raise typer.BadParameter(
            f"{str(reference)!r} should end in {', '.join(_REFERENCES)}", param_hint="--reference"
        )
    recording = Path(file).stem
    log = Outputs(jsonl=jsonl, mqtt=mqtt)
    log.check([recording])
    heard = read_words(words)
    config = options.config(config_file, latency, max_speakers=max_speakers, num_speakers=num_speakers)

    from hocket.streaming.captions.captioner import Captioner, CaptionRules
    from hocket.streaming.captions.engine import Captioned
    from hocket.streaming.captions.shown import ShownCaptions
    from hocket.streaming.diarizer import Diarizer
    from hocket.streaming.offline.diarizer import OfflineDiarizer
    from hocket.streaming.sources.file import FileSource

    from .people import profiles_in
    from .report import say
    from .session import exit_code, hear
    from .views import progress_bar

    source = FileSource(file, realtime=realtime)
    pair = options.open_pair(models, None, None, runtime, compute_units)
    parts = pair.segmenter, pair.embedder, config
    profiles = profiles_in(people, pair.names["embedding"]) if people else []
    diarizer: Engine = (
        OfflineDiarizer(*parts, session=recording, models=pair.names)
        if offline
        else Diarizer(*parts, session=recording, models=pair.names, people=profiles)
    )
    captioner = Captioner(recording, CaptionRules(offset=offset))
    stdout = StandardOutput(source.close)
    shown = ShownCaptions()
    sinks: list[Sink] = [
        CaptionFile(stdout if path == STANDARD_OUTPUT else Path(path), form) for form, path in asked.items()
    ]
    sinks += [_Kept(shown), *log.sinks(recording, stdout)]
    bar = progress_bar(recording, None if source.num_samples is None else source.num_samples / source.rate_hz)
    code = exit_code(hear(source, Captioned(diarizer, captioner, heard), [*([bar] if bar else []), *sinks]))
    if captioner.offset and offset is None:
        say(f"the clock of the words lies off by {-captioner.offset:.2f} s; that was taken off")
    if reference is not None:
        from hocket.streaming.evaluation.captions import score_captions

        score = score_captions(reference, recording, shown.resolved())
        for line in score.lines():
            say(line)
        print_json(score.to_dict() | {"offset": captioner.offset})
    raise typer.Exit(code)


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
