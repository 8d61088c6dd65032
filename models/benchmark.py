"""What a call costs: milliseconds by runtime, batch and threads, in interleaved rounds.

A busy or a hot machine slows whoever is measured then. So all contenders of one shape take turns, in
alternating order, and the median over rounds is what counts.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .errors import ModelError
from .predictor import Arrays
from .subject import PORTABLE, Subject, batches, native_ways, noise

# Called with inputs and threads, makes what the package of its name makes.
Network = Callable[[Arrays, int], object]
_WARM_UP_ROUNDS = 2


@dataclass(frozen=True)
class Timing:
    """What one contender took for one batch.

    runtime: "portable", "native, UNITS" or "PyTorch". threads: None where the runtime decides for itself.
    median, least: milliseconds of a call; fault: why there are none, else empty.
    """

    package: str
    runtime: str
    threads: int | None
    batch: int
    median: float | None = None
    least: float | None = None
    fault: str = ""

    @property
    def per_row(self) -> float | None:
        """Milliseconds of one row of the batch."""
        return None if self.median is None else self.median / self.batch

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"per_row": self.per_row}


@dataclass(frozen=True)
class _Contender:
    runtime: str
    threads: int | None
    call: Callable[[Arrays], object]


def bench(
    subject: Subject,
    *,
    threads: Sequence[int] = (1,),
    only_batches: Sequence[int] | None = None,
    rounds: int = 20,
    networks: Mapping[str, Network] | None = None,
    progress: Callable[[str], object] = str,
) -> list[Timing]:
    """Time every package of a model.

    threads: numbers of them for the portable runtime and PyTorch, each a contender. only_batches: those of
    the admitted batch sizes that are timed; all when None. networks: by package name, without its suffix.
    progress: called with what is timed next. What cannot run is in the result, with the reason.
    Raises ModelError for a batch that no package admits, and as opening and reading packages does.
    """
    timings: list[Timing] = []
    for path in subject.packages:
        contenders, absent = _contenders(path, threads, (networks or {}).get(path.stem))
        timings += absent
        inputs = PORTABLE.open(path).inputs
        for batch in batches(inputs):
            if only_batches is None or batch in only_batches:
                progress(f"{path.name}, batch {batch}")
                timings += _race(path, contenders, noise(inputs, batch), batch, rounds)
    if not timings:
        raise ModelError(f"no package of {subject.label} admits a batch of {only_batches}")
    return timings


def _contenders(
    path: Path, threads: Sequence[int], network: Network | None
) -> tuple[list[_Contender], list[Timing]]:
    """Who can run the package here, and why some cannot."""
    found = [_Contender("portable", count, PORTABLE.open(path, count).predict) for count in threads]
    if network is not None:
        found += [_Contender("PyTorch", count, _with_threads(network, count)) for count in threads]
    absent = []
    for way in native_ways():
        try:
            found.append(_Contender(str(way), None, way.open(path).predict))
        except ModelError as error:
            absent.append(Timing(path.name, str(way), None, 1, fault=str(error)))
    return found, absent


def _with_threads(network: Network, threads: int) -> Callable[[Arrays], object]:
    return lambda inputs: network(inputs, threads)


def _race(
    path: Path, contenders: Sequence[_Contender], inputs: Arrays, batch: int, rounds: int
) -> list[Timing]:
    seconds: dict[_Contender, list[float]] = {contender: [] for contender in contenders}
    faults: dict[_Contender, str] = {}
    for number in range(_WARM_UP_ROUNDS + rounds):
        for contender in contenders if number % 2 else reversed(contenders):
            if contender in faults:
                continue
            start = time.perf_counter()
            try:
                contender.call(inputs)
            except ModelError as error:
                faults[contender] = str(error)
            seconds[contender].append(time.perf_counter() - start)
    timings = []
    for contender, taken in seconds.items():
        common = path.name, contender.runtime, contender.threads, batch
        if contender in faults:
            timings.append(Timing(*common, fault=faults[contender]))
        else:
            warm = [1000 * value for value in taken[_WARM_UP_ROUNDS:]]
            timings.append(Timing(*common, statistics.median(warm), min(warm)))
    return timings
