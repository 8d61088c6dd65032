"""Elements gathered, scattered and sorted by index."""

import numpy as np
from numpy.typing import NDArray

from tests.operators.case import CUBE, PLANE, Case, X, case, numbers
from tests.programs import Input

_Y = Input(CUBE)
_ROWS = np.array([2, 0])
_ALONG = np.array([[0, 2, 1, 1]])
_UPDATES = numbers(2, 4, seed=3)
_DATA = Input(PLANE)


def _scattered(mode: str) -> NDArray[np.float32]:
    """Rows 2 and 0 of PLANE met by the updates."""
    result = PLANE.copy()
    for row, update in zip(_ROWS, _UPDATES, strict=True):
        result[row] = {
            "update": update,
            "add": result[row] + update,
            "sub": result[row] - update,
            "mul": result[row] * update,
            "div": result[row] / update,
        }[mode]
    return result


_MODES = ("update", "add", "sub", "mul", "div")

CASES: list[Case] = [
    case("gather", PLANE[_ROWS], x=X, indices=Input(_ROWS)),
    case("gather", PLANE[:, 3], "one of an axis", x=X, indices=Input(3), axis=np.int32(-1)),
    case(
        "gather",
        np.stack([CUBE[0, [2, 1]], CUBE[1, [0, 0]]]),
        "batch by batch",
        x=_Y,
        indices=Input([[2, 1], [0, 0]]),
        axis=np.int32(1),
        batch_dims=np.int32(1),
    ),
    case("gather_nd", CUBE[[1, 0], [2, 1]], x=_Y, indices=Input([[1, 2], [0, 1]])),
    case(
        "gather_nd",
        np.stack([CUBE[0, 2], CUBE[1, 1]]),
        "batch by batch",
        x=_Y,
        indices=Input([[2], [1]]),
        batch_dims=np.int32(1),
    ),
    case("gather_along_axis", np.take_along_axis(PLANE, _ALONG, 0), x=X, indices=Input(_ALONG)),
    *(
        case(
            "scatter",
            _scattered(mode),
            mode,
            data=_DATA,
            indices=Input(_ROWS),
            updates=Input(_UPDATES),
            mode=mode,
        )
        for mode in _MODES
    ),
    case(
        "scatter",
        np.stack([PLANE[:, 0], _UPDATES[0][:3], PLANE[:, 2], _UPDATES[1][:3]], 1),
        "to columns",
        data=_DATA,
        indices=Input([1, 3]),
        updates=Input(_UPDATES[:, :3].T),
        axis=np.int32(1),
    ),
    case("scatter_nd", _scattered("add"), data=_DATA, indices=Input(_ROWS[:, None]), updates=Input(_UPDATES)),
    case(
        "scatter_along_axis",
        _scattered("mul"),
        data=_DATA,
        indices=Input(np.repeat(_ROWS[:, None], 4, 1)),
        updates=Input(_UPDATES),
        mode="mul",
    ),
    case(
        "topk",
        (-np.sort(-PLANE, 1)[:, :2], np.argsort(-PLANE, 1)[:, :2].astype(np.int32)),
        x=X,
        k=np.int32(2),
    ),
    case(
        "topk",
        (np.sort(PLANE, 0)[:1], np.argsort(PLANE, 0)[:1].astype(np.int32)),
        "the least",
        x=X,
        axis=np.int32(0),
        ascending=True,
    ),
    case("argsort", np.argsort(-PLANE, 1), x=X),
    case("argsort", np.argsort(PLANE, 0), "ascending", x=X, axis=np.int32(0), ascending=True),
    case("non_zero", np.argwhere(PLANE > 0), x=Input(PLANE > 0)),
    case(
        "one_hot",
        np.array([[0.5, 0.5, 2.0], [2.0, 0.5, 0.5]], np.float32),
        indices=Input([2, 0]),
        one_hot_vector_size=np.int32(3),
        on_value=np.float32(2),
        off_value=np.float32(0.5),
    ),
    case("reduce_argmax", PLANE.argmax(1), x=X, axis=np.int32(-1)),
    case("reduce_argmin", PLANE.argmin(0)[None], x=X, axis=np.int32(0), keep_dims=True),
    case("cumsum", PLANE.cumsum(1), x=X, axis=np.int32(1)),
    case(
        "cumsum",
        np.array([5.0, 3.0, 0.0], np.float32),
        "exclusive and reversed",
        x=Input([1.0, 2.0, 3.0]),
        exclusive=True,
        reverse=True,
    ),
]
