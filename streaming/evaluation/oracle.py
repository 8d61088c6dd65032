"""The reference in the segmentation model's place: what the rest would do if every voice were heard.

What remains of DER then is naming (and the edges of frames and cells).
"""

import numpy as np
from numpy.typing import NDArray

from hocket.models.roles import SegmenterSpec

from ..grid import Grid
from ..hearing.powerset import Powerset
from ..hearing.requests import SegmentRequest
from ..metrics import Lanes

CERTAIN = 10.0  # logit of the true class; the others get its negative: probabilities of 0 and 1 to 1e-8
TIE_BREAK = 0.01  # what speech in the window weighs beside being active: decides only between equals


class OracleSegmenter:
    """Class scores of a window as the reference has them, in the shape of a segmentation model's own."""

    def __init__(self, reference: Lanes, spec: SegmenterSpec) -> None:
        self._reference = reference
        self._spec = spec
        self._cell = Grid(spec.rate).cell
        self._members = Powerset(spec.classes).members

    @property
    def silence(self) -> int:
        """Index of the class without speakers."""
        return self._spec.classes.index(())

    def logits(self, request: SegmentRequest) -> NDArray[np.float32]:
        """(frames, classes) float32: +10 for the class that is true at the frame's centre, -10 for the rest.

        Local speakers are numbered by first appearance in the window. Of more speakers than the model can
        tell apart, or more at once than a class holds, those who say most in the window remain.
        """
        active = self._locals(self._at_frames(request))
        weight = 1 + TIE_BREAK * active.mean(axis=0)
        agreement = (np.where(active, 1, -1) * weight) @ self._members.T
        logits = np.full(agreement.shape, -CERTAIN, np.float32)
        logits[np.arange(len(logits)), agreement.argmax(axis=1)] = CERTAIN
        return logits

    def _at_frames(self, request: SegmentRequest) -> NDArray[np.bool_]:
        """(frames, reference speakers): who speaks at the frames' centres; nobody outside the recording."""
        spec = self._spec
        # Frames whose field of view, as far behind the centre as before it, lies inside the window.
        num_frames = (request.stop - request.start - 2 * spec.frame_offset - 1) // spec.frame_step + 1
        centres = request.start + spec.frame_offset + spec.frame_step * np.arange(num_frames)
        cells = centres // self._cell
        inside = (cells >= 0) & (cells < self._reference.num_cells)
        active = np.zeros((num_frames, len(self._reference.labels)), np.bool_)
        active[inside] = self._reference.cells[:, cells[inside]].T
        return active

    def _locals(self, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(frames, local speakers) of (frames, reference speakers)."""
        num_locals = self._members.shape[1]
        spoken = active.sum(axis=0)
        most = np.argsort(-spoken, kind="stable")[:num_locals]
        present = most[spoken[most] > 0]
        order = present[np.argsort(active[:, present].argmax(axis=0), kind="stable")]
        out = np.zeros((len(active), num_locals), np.bool_)
        out[:, : len(order)] = active[:, order]
        return out
