"""Plain lines: what happened, a line each, for pipes, logs and screen readers.

    KIND       START      END  WHO
    change      1.50        -  S1 + S2     who speaks from START on; "nobody" for silence; said at once
    turn        0.80     3.25  S1          a turn, when it is final
    revised     0.80     3.25  S2          a final turn as it now reads
    removed     0.80     3.25  S1          a final turn that is gone
    merged     12.00        -  S3 into S1  two speakers were one
    gap         5.00     6.50  overflow    audio that never arrived

Columns are separated by two spaces or more; times are seconds; WHO is the rest of the line. This format is
stable: lines of further kinds may come, these stay.
"""

from collections.abc import Iterator

from hocket.streaming.events import Change, Event, Gap, Revision, SpeakerUpdate, Turn
from hocket.streaming.files import TextStream

from .scene import Scene


class PlainLines:
    """Writes the lines above to an open text stream, flushing each; the stream is left open."""

    name = "lines"

    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._scene = Scene()

    def write(self, event: Event) -> None:
        lines = "".join(self._lines(event))
        self._scene.add(event)
        if lines:
            self._stream.write(lines)
            self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _lines(self, event: Event) -> Iterator[str]:
        """What there is to say about an event that the scene does not hold yet."""
        name, replay = self._scene.name, self._scene.replay
        match event:
            case Change():
                speakers = dict.fromkeys(map(name, event.speakers))
                yield _line("change", event.t, None, " + ".join(speakers) or "nobody")
            case Turn(state="final") if event.end > event.start:
                yield _line("turn", event.start, event.end, name(event.speaker))
            case Revision():
                for turn_id in event.removed:
                    if (gone := replay.turns.get(turn_id)) is not None:
                        yield _line("removed", gone.start, gone.end, name(gone.speaker))
                for turn in event.turns:
                    yield _line("revised", turn.start, turn.end, name(turn.speaker))
                for old, new in event.merged.items():
                    yield from self._merged(event.at, old, new)
            case SpeakerUpdate(merged_into=str(into)):
                yield from self._merged(event.at, event.speaker, into)
            case Gap():
                yield _line("gap", event.start, event.end, event.reason)
            case _:
                pass

    def _merged(self, at: float, old: str, new: str) -> Iterator[str]:
        if old not in self._scene.replay.aliases:
            yield _line("merged", at, None, f"{old} into {self._scene.name(new)}")


def _line(kind: str, start: float, end: float | None, who: str) -> str:
    return f"{kind:<8}{start:>9.2f}{'-' if end is None else f'{end:.2f}':>9}  {who}\n"
