"""Captions as plain lines, for pipes and screen readers: each once it is final, and when it is corrected.

[00:00:05.830] Maya: Please.
"""

from hocket.streaming.captions.shown import Cue, ShownCaptions
from hocket.streaming.captions.transcript import format_transcript
from hocket.streaming.events import Caption, Event
from hocket.streaming.files import TextStream


class CaptionLines:
    """Writes to an open text stream, flushing each line; the stream is left open."""

    name = "caption lines"

    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._shown = ShownCaptions()

    def write(self, event: Event) -> None:
        self._shown.add(event)
        if isinstance(event, Caption) and event.state == "final" and event.words:
            who = self._shown.called(event.speaker)
            cue = Cue(event.id, event.start, event.end, who, event.text)
            self._stream.write(format_transcript([cue]))
            self._stream.flush()

    def close(self) -> None:
        self._stream.flush()
