"""Requests answered: equal shapes go through a model together."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import DetectingSegmenter, Embedder, Segmenter

from ..hearing.requests import DetectRequest, EmbedRequest, Request, SegmentRequest

Output = NDArray[np.float32]


def run(requests: Sequence[Request], segmenter: Segmenter, embedder: Embedder) -> list[Output]:
    """One answer per request, in order, whichever sessions they came from."""
    answers: dict[int, Output] = {}
    batches: dict[tuple[type, int], list[int]] = defaultdict(list)
    pooled = [(index, request) for index, request in enumerate(requests) if isinstance(request, EmbedRequest)]
    for index, request in enumerate(requests):
        if not isinstance(request, EmbedRequest):
            batches[type(request), len(_audio(request))].append(index)
    for (kind, _), members in batches.items():
        audio = np.stack([_audio(requests[index]) for index in members])
        if kind is DetectRequest:
            assert isinstance(segmenter, DetectingSegmenter)  # nobody else's spec has a detector
            outputs = segmenter.detect(audio, np.stack([_memory(requests[index]) for index in members]))
        else:
            outputs = segmenter.segment(audio) if kind is SegmentRequest else embedder.frames(audio)
        answers.update(zip(members, outputs, strict=True))
    if pooled:
        vectors = embedder.embed([r.frames for _, r in pooled], [r.weights for _, r in pooled])
        answers.update(zip((index for index, _ in pooled), vectors, strict=True))
    return [answers[index] for index in range(len(requests))]


def _audio(request: Request) -> Output:
    assert not isinstance(request, EmbedRequest)
    return request.chunks if isinstance(request, DetectRequest) else request.audio


def _memory(request: Request) -> Output:
    assert isinstance(request, DetectRequest)
    return request.memory
