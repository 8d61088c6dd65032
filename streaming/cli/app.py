"""The command line as a whole: which commands there are, and how each of them may end.

Exit codes: 0 done; 1 failed, with one `error: …` on standard error; 2 wrong usage; 130 and 143 interrupted
(Ctrl-C, SIGTERM), after what was heard has been kept.
"""

import logging
import os
import sys
from importlib.metadata import version

import typer

from hocket.streaming.errors import HocketError

from .ablate import ablate
from .bench import bench
from .bench_embedder import bench_embedder
from .caption import caption
from .demo import demo
from .devices import devices
from .diarize import diarize
from .embed import embed
from .evaluate import evaluate
from .listen import listen
from .meetings import app as meetings
from .models import app as models
from .people import app as people
from .publish import publish, subscribe
from .report import LogToPeople, fail
from .serve import serve
from .sessions import app as sessions
from .tune import tune
from .verify import verify

TRACEBACK = "HOCKET_TRACEBACK"

app = typer.Typer(
    help="""Who is speaking, while they speak.

[bold]hocket demo[/]                  a conversation that comes with hocket
[bold]hocket listen[/]                your microphone
[bold]hocket diarize meeting.wav[/]   your recordings

Everything runs on this machine; nothing leaves it unless you say where to.
Every command explains itself: hocket listen --help.""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hocket {version('hocket')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    pass


app.command(rich_help_panel="Hear")(demo)
app.command(rich_help_panel="Hear")(listen)
app.command(rich_help_panel="Hear")(diarize)
app.command(rich_help_panel="Hear")(caption)
app.command(rich_help_panel="Hear")(devices)
app.add_typer(people, name="people", rich_help_panel="Voices")
app.command(rich_help_panel="Serve")(serve)
app.command(rich_help_panel="Serve")(publish)
app.command(rich_help_panel="Serve")(subscribe)
app.add_typer(sessions, name="sessions", rich_help_panel="Serve")
app.command(rich_help_panel="Voices")(embed)
app.command(rich_help_panel="Voices")(verify)
app.command("eval", rich_help_panel="Measure")(evaluate)
app.command(rich_help_panel="Measure")(bench)
app.command("bench-embedder", rich_help_panel="Measure")(bench_embedder)
app.add_typer(meetings, name="meetings", rich_help_panel="Measure")
app.command(rich_help_panel="Measure")(ablate)
app.command(rich_help_panel="Measure")(tune)
app.add_typer(models, name="models", rich_help_panel="Models")


def main() -> None:
    """Run the command line of this process. Never a traceback, unless HOCKET_TRACEBACK is set."""
    handler = LogToPeople()
    logging.getLogger("hocket").addHandler(handler)
    try:
        app()
    except HocketError as error:
        _end(error, str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        _end(error, f"{where}{error.strerror or error}")
    except Exception as error:
        _end(
            error,
            f"unexpected {type(error).__name__}: {error}; this is a bug in hocket: please report it with "
            f"what {TRACEBACK}=1 adds to this message",
        )
    finally:
        logging.getLogger("hocket").removeHandler(handler)


def _end(error: Exception, message: str) -> None:
    if os.environ.get(TRACEBACK):
        raise error
    fail(message)
    sys.exit(1)
