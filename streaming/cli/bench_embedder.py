"""`hocket bench-embedder`: what cached frames save beside embedding each voice of each window anew."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hocket.models.errors import MissingDependency

from .figures import Json, print_json, print_tables
from .progress import counted

if TYPE_CHECKING:
    from hocket.streaming.evaluation.from_scratch import Whole
    from hocket.streaming.metrics import DiarizationErrors

EMBEDDER = "campplus-zh-en"


def bench_embedder(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="The published CAM++, as for hocket models convert."),
    ],
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Recordings with their references, as for hocket eval.")
    ],
    json: Json = False,
) -> None:
    """Compare cached frames with embedding each voice of each window anew.

    The same network and weights: milliseconds of each way per hop of 0.5 s, the cosines between their
    vectors, and the diarization error of each under one small online clusterer. Needs the extras "convert"
    and "eval".
    """
    from hocket.models import open_models
    from hocket.streaming.evaluation.bench import clip, one_core
    from hocket.streaming.evaluation.from_scratch import compare, pooled
    from hocket.streaming.evaluation.recordings import find_recordings
    from hocket.streaming.evaluation.scoring import Scorer
    from hocket.streaming.sources.file import FileSource

    recordings, scorer = find_recordings(data), Scorer()
    pair = open_models(embedding=EMBEDDER, runtime="portable")
    whole = _whole(checkpoint, pair.segmenter.spec.lengths[-1])
    comparisons, errors = [], []
    with one_core(), counted(len(recordings)) as advance:
        for recording in recordings:
            samples = clip(FileSource(recording.audio), pair.segmenter.spec.rate)
            found = compare(samples, pair.segmenter, pair.embedder, whole)
            comparisons.append(found)
            errors.append(
                [
                    scorer.score(recording.reference, way.segments, recording.scored).strict
                    for way in (found.cached, found.scratch)
                ]
            )
            advance(recording.name)
    cached, scratch = (_total(column) for column in zip(*errors, strict=True))
    figures = pooled(comparisons) | {"der_cached": cached.rate, "der_from_scratch": scratch.rate}
    if json:
        print_json(figures)
    else:
        print_tables(_table(figures))


def _whole(checkpoint: Path, num_samples: int) -> "Whole":
    """CAM++ as published over windows of so many samples, on the front end of its card."""
    missing = [name for name in ("torch", "coremltools") if find_spec(name) is None]
    if missing:
        raise MissingDependency(
            f"the whole network needs {' and '.join(missing)}: pip install 'hocket[convert]'"
        )
    # coremltools greets every import with a page about libraries it has not been tested with.
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    import numpy as np

    from hocket.models.catalogue import EmbeddingCard, find_card
    from hocket.models.convert.whole import whole_trunk

    numbers = find_card(EMBEDDER).numbers
    assert isinstance(numbers, EmbeddingCard)
    front_end, silence = numbers.front_end, np.zeros(numbers.spec.preroll, np.float32)
    trunk = whole_trunk(checkpoint, num_samples // front_end.step)

    def whole(window: Any) -> Any:
        features = front_end.normalised(front_end(np.concatenate([silence, window])))
        return trunk.predict({"features": features[np.newaxis]})["frames"][0]

    return whole


def _total(errors: tuple["DiarizationErrors", ...]) -> "DiarizationErrors":
    first, *rest = errors
    return sum(rest, start=first)


def _table(figures: dict[str, float]) -> Any:
    from rich.table import Table

    table = Table("", "cached frames", "from scratch")
    table.add_row("embedder, ms per hop", f"{figures['cached_ms']:.1f}", f"{figures['from_scratch_ms']:.1f}")
    table.add_row(
        "DER, online clusterer", f"{figures['der_cached']:.1%}", f"{figures['der_from_scratch']:.1%}"
    )
    table.caption = (
        f"{figures['ratio']:.1f} times less; cosine {figures['cosine_mean']:.3f} on average, "
        f"{figures['cosine_p5']:.3f} at the 5th percentile; {figures['voices_per_hop']:.1f} voices per window"
    )
    return table
