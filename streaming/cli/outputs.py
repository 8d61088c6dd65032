"""Where results go: the --rttm, --jsonl, --plot, --labels and --mqtt of a command as sinks."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from hocket.streaming.commands import Commands
from hocket.streaming.errors import ConfigError
from hocket.streaming.files import TextStream
from hocket.streaming.replay import Segment
from hocket.streaming.sinks.audacity import AudacityLabels
from hocket.streaming.sinks.base import Sink
from hocket.streaming.sinks.jsonl import JsonLines
from hocket.streaming.sinks.rttm import RttmFile

STANDARD_OUTPUT = "-"
_SUFFIXES = {"--rttm": ".rttm", "--jsonl": ".jsonl", "--plot": ".svg", "--labels": ".txt"}
_TEXT = ("--rttm", "--jsonl")


@dataclass(frozen=True)
class Outputs:
    """Paths as they were typed, None where not asked for.

    A path is a file; where it is a folder or ends in a slash, that folder gets a file named after each
    recording. "-" is standard output, for RTTM and JSON Lines. mqtt: a broker's URL.
    """

    rttm: str | None = None
    jsonl: str | None = None
    plot: str | None = None
    labels: str | None = None
    mqtt: str | None = None

    @property
    def on_stdout(self) -> bool:
        """Whether standard output carries data."""
        return STANDARD_OUTPUT in self._asked().values()

    def or_rttm_on_stdout(self) -> "Outputs":
        """These outputs; RTTM on standard output where none was asked for."""
        return self if self._asked() or self.mqtt else replace(self, rttm=STANDARD_OUTPUT)

    def check(self, recordings: Sequence[str]) -> None:
        """Make the folders asked for, and refuse what could not be written once the work is done.

        Raises BadParameter naming the option.
        """
        for option, path in self._asked().items():
            problem = _problem(option, path, len(recordings))
            if problem is not None:
                raise typer.BadParameter(problem, param_hint=option)
        if self.rttm == self.jsonl == STANDARD_OUTPUT:
            raise typer.BadParameter("standard output is taken by --rttm", param_hint="--jsonl")
        if self.mqtt is not None:
            _check_broker(self.mqtt)
        for path in self._asked().values():
            if _is_folder(path):
                Path(path).mkdir(parents=True, exist_ok=True)

    def sinks(
        self,
        recording: str,
        stdout: TextStream = sys.stdout,
        reference: Sequence[Segment] = (),
        commands: Commands | None = None,
    ) -> list[Sink]:
        """A sink for each output, of the recording of that name.

        reference: true turns for the picture. commands: of the session, which may be told things by MQTT.
        Raises OSError, ConfigError, BrokerRefused and MissingDependency at once rather than at the end.
        """

        def target(option: str, path: str) -> Path | TextStream:
            return stdout if path == STANDARD_OUTPUT else _file(option, path, recording)

        sinks: list[Sink] = []
        if self.rttm is not None:
            sinks.append(RttmFile(target("--rttm", self.rttm), recording))
        if self.jsonl is not None:
            sinks.append(JsonLines(target("--jsonl", self.jsonl)))
        if self.plot is not None:
            from hocket.streaming.sinks.plot import TimelinePlot

            sinks.append(TimelinePlot(_file("--plot", self.plot, recording), recording, reference))
        if self.labels is not None:
            sinks.append(AudacityLabels(_file("--labels", self.labels, recording)))
        if self.mqtt is not None:
            from hocket.streaming.mqtt.sink import MqttSink

            sinks.append(MqttSink(self.mqtt, commands=commands))
        return sinks

    def files(self, recording: str) -> list[Path]:
        """The files that a recording leaves behind."""
        asked = self._asked().items()
        return [_file(option, path, recording) for option, path in asked if path != STANDARD_OUTPUT]

    def _asked(self) -> dict[str, str]:
        paths = {"--rttm": self.rttm, "--jsonl": self.jsonl, "--plot": self.plot, "--labels": self.labels}
        return {option: path for option, path in paths.items() if path is not None}


def _check_broker(url: str) -> None:
    from hocket.streaming.mqtt.broker import Broker

    try:
        Broker.from_url(url)
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--mqtt") from error


def _problem(option: str, path: str, num_recordings: int) -> str | None:
    """Why this output could not be written, None where it can."""
    if path == STANDARD_OUTPUT:
        return None if option in _TEXT else "needs a file: only RTTM and JSON Lines go to standard output"
    if _is_folder(path):
        return None
    if num_recordings > 1:
        return f"{num_recordings} recordings do not fit into one file: name a folder, {path + os.sep!r}"
    folder = Path(path).parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}"
    return None if os.access(folder, os.W_OK) else f"nothing may be written into the folder {str(folder)!r}"


def _file(option: str, path: str, recording: str) -> Path:
    return Path(path) / f"{recording}{_SUFFIXES[option]}" if _is_folder(path) else Path(path)


def _is_folder(path: str) -> bool:
    return path.endswith(("/", os.sep)) or Path(path).is_dir()
