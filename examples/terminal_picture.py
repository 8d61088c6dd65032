"""Draw what the terminal showed at one moment of a session, as an SVG: how docs/terminal.svg is made.

hocket diarize --realtime examples/demo/conversation.ogg --jsonl demo.jsonl
python examples/terminal_picture.py demo.jsonl docs/terminal.svg --at 82.5

A log with captions gives the picture of hocket caption.
"""

import argparse
import io
import itertools
import math
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from hocket.streaming.captions.shown import ShownCaptions
from hocket.streaming.sinks.caption_view import CaptionView
from hocket.streaming.sinks.jsonl import read_events
from hocket.streaming.sinks.palette import SPEAKER_COLOURS
from hocket.streaming.sinks.scene import Scene
from hocket.streaming.sinks.terminal import SceneView


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw what the terminal showed at one moment of a session.")
    parser.add_argument("log", type=Path, help="a log that --jsonl wrote")
    parser.add_argument("picture", type=Path, help="the .svg to write")
    parser.add_argument("--at", type=float, default=math.inf, metavar="SECONDS", help="the moment")
    parser.add_argument("--width", type=int, default=88, help="columns")
    arguments = parser.parse_args()

    scene, shown = Scene(), ShownCaptions()
    for event in itertools.takewhile(lambda event: event.at <= arguments.at, read_events(arguments.log)):
        scene.add(event)
        shown.add(event)
    console = Console(record=True, width=arguments.width, height=24, file=io.StringIO(), force_terminal=True)
    title = scene.session
    console.print(CaptionView(scene, shown, title) if shown.captions else SceneView(scene, title))
    arguments.picture.write_text(seamless(console.export_svg(title="hocket", theme=MONOKAI)), "utf-8")
    print(f"{arguments.picture}: {scene.session} at {scene.now:.1f} s")


def seamless(svg: str) -> str:
    """The picture with a hair of outline on the lanes, which closes the seams between block characters."""
    for colour in SPEAKER_COLOURS:
        svg = svg.replace(f"fill: {colour} }}", f"fill: {colour}; stroke: {colour}; stroke-width: 0.6 }}")
    return svg


if __name__ == "__main__":
    main()
