"""WebVTT as a browser's own track element reads it."""

from hocket.streaming.captions.shown import Cue
from hocket.streaming.captions.vtt import format_vtt
from hocket.streaming.sinks.palette import SPEAKER_COLOURS
from tests.browser import chromium

CUES = [
    Cue("c1", 0.0, 2.5, "Anna & <Co>", "Is 3 < 4 & 5 > 4? --> Yes."),
    Cue("c2", 2.0, 3.0, "Ben", "Right."),
    Cue("c3", 3600.25, 3600.25, None, "«Grüße»\n\nfrom nobody"),
]
READ = """async (text) => {
    const video = document.createElement("video"), track = document.createElement("track");
    video.append(track);
    document.body.append(video);
    track.track.mode = "hidden";
    await new Promise((done, failed) => {
        track.onload = done;
        track.onerror = () => failed(new Error("no WebVTT"));
        track.src = URL.createObjectURL(new Blob([text], {type: "text/vtt"}));
    });
    return [...track.track.cues].map((cue) => {
        const voice = cue.getCueAsHTML().firstElementChild;
        return {
            id: cue.id, start: cue.startTime, end: cue.endTime, place: cue.position,
            text: cue.getCueAsHTML().textContent,
            speaker: voice?.title ?? null, voice: voice?.className ?? null,
        };
    });
}"""


def test_a_browser_reads_every_cue_as_it_was_meant() -> None:
    with chromium() as browser:
        read = browser.new_page().evaluate(READ, format_vtt(CUES, SPEAKER_COLOURS))
    assert [(cue["id"], cue["text"]) for cue in read] == [
        ("c1", "Is 3 < 4 & 5 > 4? --> Yes."), ("c2", "Right."), ("c3", "«Grüße» from nobody"),
    ]  # fmt: skip
    assert [(cue["start"], cue["end"]) for cue in read] == [(0.0, 2.5), (2.0, 3.0), (3600.25, 3600.251)]
    assert [cue["place"] for cue in read] == [25, 75, "auto"]
    assert [cue["voice"] for cue in read] == ["v0", "v1", None]
    assert [cue["speaker"] for cue in read] == ["Anna & <Co>", "Ben", None]
