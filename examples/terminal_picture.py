"""Draw what the terminal showed at one moment of a session, as an SVG: how docs/terminal.svg is made.

hocket diarize examples/demo/conversation.ogg --jsonl demo.jsonl
python examples/terminal_picture.py demo.jsonl docs/terminal.svg --at 62
"""

import argparse
import io
import itertools
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from hocket.streaming.sinks.jsonl import read_events
from hocket.streaming.sinks.scene import Scene
from hocket.streaming.sinks.terminal import SceneView


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path, help="a log that --jsonl wrote")
    parser.add_argument("picture", type=Path, help="the .svg to write")
    parser.add_argument("--at", type=float, default=float("inf"), metavar="SECONDS", help="the moment")
    parser.add_argument("--width", type=int, default=88, help="columns")
    parser.add_argument("--title", default="microphone", help="what is heard")
    arguments = parser.parse_args()

    scene = Scene()
    for event in itertools.takewhile(lambda event: event.at <= arguments.at, read_events(arguments.log)):
        scene.add(event)
    console = Console(record=True, width=arguments.width, height=24, file=io.StringIO(), force_terminal=True)
    console.print(SceneView(scene, arguments.title))
    console.save_svg(str(arguments.picture), title="hocket listen", theme=MONOKAI)
    print(f"{arguments.picture}: {len(scene.speakers)} speakers at {scene.now:.1f} s")


if __name__ == "__main__":
    main()
