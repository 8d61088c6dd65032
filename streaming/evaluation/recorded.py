"""What the models answered, kept: a recording heard a second time asks them nothing.

Answers are kept by what was asked (a digest of the request's arrays), not by where in a recording it stood:
other latencies, other settings and other engines find what fits them and ask for the rest.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import DetectingSegmenter, Embedder, Segmenter

from ..engine import compute
from ..errors import FormatError
from ..hearing.requests import DetectRequest, EmbedRequest, Request

Output = NDArray[np.float32]
Answer = Callable[[Sequence[Request]], list[Output]]

_MAGIC = b"hocket model outputs 1\n"
_KEY = 16  # bytes of a request's digest
_MOST_DIMENSIONS = 4


class Kept(Protocol):
    """Outputs by key."""

    def get(self, key: bytes) -> Output | None:
        """The output kept under `key`, None where there is none."""
        ...

    def put(self, key: bytes, output: Output) -> None:
        """Keep a new output, or decline to."""
        ...


class InMemory:
    """Keeps up to `capacity` bytes; what comes later is declined."""

    def __init__(self, capacity: int = 2**29) -> None:
        self._free = capacity
        self._outputs: dict[bytes, Output] = {}

    def get(self, key: bytes) -> Output | None:
        return self._outputs.get(key)

    def put(self, key: bytes, output: Output) -> None:
        if output.nbytes <= self._free:
            # A copy: a row of a batch would keep the whole batch.
            self._outputs[key] = output.copy()
            self._free -= output.nbytes


class OnDisk:
    """Keeps everything in one file, which is only ever added to; one process at a time writes it.

    Layout: a magic line, then per output its key (16 bytes), the number of its dimensions and each of them
    (32 bits, little-endian), and its float32 values. What an interrupted process left unfinished at the end
    is dropped. Raises FormatError for a file that is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[bytes, tuple[tuple[int, ...], int]] = {}  # shape, offset of the values
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(_MAGIC)
        with path.open("r+b") as file:
            self._end = self._find_places(file)
            file.truncate(self._end)

    def get(self, key: bytes) -> Output | None:
        if key not in self._places:
            return None
        shape, offset = self._places[key]
        return np.fromfile(self.path, "<f4", math.prod(shape), offset=offset).reshape(shape)

    def put(self, key: bytes, output: Output) -> None:
        head = key + struct.pack(f"<{1 + output.ndim}I", output.ndim, *output.shape)
        with self.path.open("ab") as file:
            file.write(head + np.ascontiguousarray(output, "<f4").tobytes())
        self._places[key] = output.shape, self._end + len(head)
        self._end += len(head) + output.nbytes

    def _find_places(self, file: BinaryIO) -> int:
        """Fills `_places`; returns where the last whole output ends."""
        size = file.seek(0, 2)
        file.seek(0)
        if (found := file.read(len(_MAGIC))) != _MAGIC:
            raise FormatError(
                f"{self.path} begins with {found[:12]!r}, expected kept model outputs: remove it, or name "
                "another folder"
            )
        whole = len(_MAGIC)
        while len(head := file.read(_KEY + 4)) == _KEY + 4:
            (num_dimensions,) = struct.unpack_from("<I", head, _KEY)
            dimensions = file.read(4 * num_dimensions) if num_dimensions <= _MOST_DIMENSIONS else b""
            if not dimensions or len(dimensions) < 4 * num_dimensions:
                break
            shape = struct.unpack(f"<{num_dimensions}I", dimensions)
            values = file.tell()
            if values + 4 * math.prod(shape) > size:
                break
            self._places[head[:_KEY]] = shape, values
            whole = file.seek(values + 4 * math.prod(shape))
        return whole


class Remembered:
    """Answers of `rest`, each computed once."""

    def __init__(self, rest: Answer, kept: Kept | None = None) -> None:
        self._rest = rest
        self._kept: Kept = InMemory() if kept is None else kept

    def __call__(self, requests: Sequence[Request]) -> list[Output]:
        keys = [_digest(request) for request in requests]
        known = [self._kept.get(key) for key in keys]
        outputs = completed(known, requests, self._rest)
        for key, before, output in zip(keys, known, outputs, strict=True):
            if before is None:
                self._kept.put(key, output)
        return outputs


def remembered(
    segmenter: Segmenter, embedder: Embedder, name: str = "", folder: Path | None = None
) -> Remembered:
    """The models' answers for one recording, each computed once: in memory, or for good in a folder.

    name: of the recording; with a folder, its outputs are NAME-MODELS.outputs there, MODELS being a digest
    of these models. Raises FormatError for a file of that name that is something else.
    """
    ask = partial(compute.run, segmenter=segmenter, embedder=embedder)
    if folder is None:
        return Remembered(ask)
    return Remembered(ask, OnDisk(folder / f"{name}-{fingerprint(segmenter, embedder)}.outputs"))


def fingerprint(segmenter: Segmenter, embedder: Embedder) -> str:
    """A digest of what two models answer to one sound, as 12 hex digits.

    Other weights, another runtime that rounds otherwise, and another model under the same name all differ;
    another calibration on the card does not.
    """
    window, hop = segmenter.spec.lengths[0], embedder.spec.lookback + embedder.spec.hop
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, max(window, embedder.spec.preroll + hop)))
    sound = noise.astype(np.float32)
    frames = embedder.frames(sound[:, : embedder.spec.preroll + hop])
    answers = [
        segmenter.segment(sound[:, :window]),
        frames,
        embedder.embed([frames[0]], [np.ones(len(frames[0]), np.float32)]),
    ]
    if isinstance(segmenter, DetectingSegmenter) and (detector := segmenter.spec.detector):
        chunk = sound[:, np.newaxis, : detector.lookback + detector.chunk]
        answers.append(segmenter.detect(chunk, np.zeros((1, detector.memory), np.float32)))
    digest = blake2b(digest_size=6)
    for answer in answers:
        digest.update(np.ascontiguousarray(answer).data)
    return digest.hexdigest()


def completed(known: Sequence[Output | None], requests: Sequence[Request], rest: Answer) -> list[Output]:
    """`known` with its gaps filled by `rest`, in order."""
    open_requests = [request for request, output in zip(requests, known, strict=True) if output is None]
    computed: Iterator[Output] = iter(rest(open_requests) if open_requests else [])
    return [next(computed) if output is None else output for output in known]


def _arrays(request: Request) -> tuple[Output, ...]:
    match request:
        case EmbedRequest():
            return request.frames, request.weights
        case DetectRequest():
            return request.chunks, request.memory
        case _:
            return (request.audio,)


def _digest(request: Request) -> bytes:
    digest = blake2b(type(request).__name__.encode(), digest_size=_KEY)
    for array in _arrays(request):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
