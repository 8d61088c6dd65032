"""hocket embed: recordings in, voice vectors out."""

import os
from pathlib import Path
from typing import Annotated

import typer

from hocket.streaming.errors import AudioError

from . import options
from .progress import counted
from .report import fail, say


def embed(
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="Where the vectors go, as numpy's arrays.")],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Recordings of any common format.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="M.json",
            help="Lines of JSON with audio_filepath, and perhaps offset, duration and label.",
        ),
    ] = None,
    whole: options.Whole = False,
    models: options.Models = "default",
    segmentation_model: options.SegmentationModel = None,
    embedding_model: options.EmbeddingModel = None,
    runtime: options.RuntimeChoice = options.Runtime.AUTO,
    compute_units: options.ComputeUnitsChoice = options.ComputeUnits.ALL,
) -> None:
    """Make a voice vector of each recording, or of each stretch in a manifest.

    The arrays have a row per recording or stretch, in the order of the
    arguments and then of the manifest's lines: vectors, path, offset,
    duration, speech, label; numpy.load reads them. A recording that cannot be
    heard is named and left out, and the exit code is 1.

    hocket embed anna.wav ben.wav --out voices.npz
    hocket embed --manifest segments.json --out voices.npz
    """
    from hocket.streaming.verification.archive import write_archive
    from hocket.streaming.verification.hearing import Voice
    from hocket.streaming.verification.manifest import Entry, read_manifest
    from hocket.streaming.verification.voices import VoiceEmbedder

    entries = [Entry(file) for file in files or []]
    entries += read_manifest(manifest) if manifest is not None else []
    if not entries:
        raise typer.BadParameter("nothing to hear: name recordings, or a --manifest", param_hint="FILE")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise typer.BadParameter(
            f"no folder {str(out.parent)!r} that may be written into", param_hint="--out"
        )
    pair = options.open_pair(models, segmentation_model, embedding_model, runtime, compute_units)
    voices = VoiceEmbedder(pair, whole=whole)
    found: dict[int, Voice] = {}
    by_file: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        by_file.setdefault(entry.path, []).append(place)
    with counted(len(by_file), quiet=True) as advance:
        for path, places in by_file.items():
            try:
                heard = voices.embed_stretches(path, [entries[place].stretch for place in places])
            except AudioError as error:
                heard = []
                fail(str(error))
            for place, voice in zip(places, heard):
                if isinstance(voice, Voice):
                    found[place] = voice
                else:
                    fail(str(voice))
            advance(path)
    if found:
        rows = [(entries[place], found[place]) for place in sorted(found)]
        write_archive(out, rows, model=voices.model)
        say(f"{out}: {len(rows)} vectors of {voices.size} by {voices.model}")
    if len(found) < len(entries):
        raise typer.Exit(1)
