"""Tensors reshaped, joined, padded, sliced and resized."""

import numpy as np
from numpy.typing import NDArray

from tests.operators.case import CUBE, IMAGE, PLANE, Case, X, case
from tests.programs import Input, known

_Y = Input(CUBE)
_PICTURE = Input(IMAGE)
_BLOCKS = Input(IMAGE[:, :, :, :4])
_SMALL = np.array([[[0.0, 1.0], [2.0, 3.0]]], np.float32)


def _changed(array: NDArray[np.float32], places: tuple[slice, ...], value: float) -> NDArray[np.float32]:
    changed = array.copy()
    changed[places] = value
    return changed


_SHAPES: list[Case] = [
    case("reshape", CUBE.reshape(2, 2, 6), "keeps one size and infers one", x=_Y, shape=np.array([0, 2, -1])),
    case("reshape", CUBE.reshape(4, 6), "to a computed shape", x=_Y, shape=Input([4, 6])),
    case("transpose", CUBE.transpose(2, 0, 1), x=_Y, perm=np.array([-1, 0, 1])),
    case("expand_dims", CUBE[:, None, :, :, None], x=_Y, axes=np.array([1, -1])),
    case("squeeze", PLANE, x=Input(PLANE[:, None, :, None]), axes=np.array([1, -1])),
    case("shape", np.array([2, 3, 4]), x=_Y),
    case("concat", np.concatenate([PLANE, PLANE], 1), values=[X, X], axis=np.int32(-1)),
    case("concat", np.array([5, 7]), "joins scalars", values=[Input(5), Input(7)], axis=np.int32(0)),
    case("stack", np.stack([PLANE, PLANE], 1), values=[X, X], axis=np.int32(1)),
    case("split", (PLANE[:, :1], PLANE[:, 1:]), x=X, split_sizes=np.array([1, 3]), axis=np.int32(1)),
    case("split", (PLANE[:, :2], PLANE[:, 2:]), "evenly", x=X, num_splits=np.int32(2), axis=np.int32(-1)),
    case("fill", np.full((2, 3), 7.5, np.float32), shape=Input([2, 3]), value=np.float32(7.5)),
    case("fill", np.full((2, 3), 4), "whole numbers", shape=Input([2, 3]), value=np.int32(4)),
    case("fill_like", np.full((3, 4), 2.5, np.float32), ref_tensor=X, value=np.float32(2.5)),
    case("tile", np.tile(PLANE, (2, 3)), x=X, reps=np.array([2, 3])),
    case("flatten2d", CUBE.reshape(6, 4), x=_Y, axis=np.int32(-1)),
    case("flatten2d", CUBE.reshape(24, 1), "to rows of one", x=_Y, axis=np.int32(3)),
    case(
        "reshape_like",
        CUBE.reshape(3, 4, 2),
        x=_Y,
        ref_tensors=[X, Input(np.zeros((7, 2, 1)))],
        begins=[known(0), known(1)],
        ends=[known(2), known(2)],
        end_masks=[known(True), known(False)],
    ),
    case("range_1d", np.arange(1, 9, 3), start=Input(1), end=Input(9), step=np.int32(3)),
    case("range_1d", np.arange(0, 1, 0.25, np.float32), "floats", start=0.0, end=Input(1.0), step=0.25),
    case("pad", np.pad(PLANE, ((1, 2), (0, 3))), x=X, pad=np.array([1, 2, 0, 3])),
    case(
        "pad",
        np.pad(CUBE, ((0, 0), (0, 0), (2, 1)), constant_values=1.5),
        "only the last axes",
        x=_Y,
        pad=np.array([2, 1]),
        constant_val=np.float32(1.5),
    ),
    case("pad", np.pad(PLANE, 1), "by a computed amount", x=X, pad=Input([1, 1, 1, 1])),
    case("pad", np.pad(PLANE, 1, "reflect"), "reflecting", x=X, pad=np.array([1] * 4), mode="reflect"),
    case("pad", np.pad(PLANE, 1, "edge"), "replicating", x=X, pad=np.array([1] * 4), mode="replicate"),
]

_SLICES: list[Case] = [
    case(
        "slice_by_index",
        CUBE[1:, :2, ::2],
        x=_Y,
        begin=np.array([1, 0, 0]),
        end=np.array([0, -1, 0]),
        stride=np.array([1, 1, 2]),
        begin_mask=np.array([False, True, True]),
        end_mask=np.array([True, False, True]),
    ),
    case(
        "slice_by_index",
        CUBE[:, -1, 1:-1],
        "squeezes the last of an axis",
        x=_Y,
        begin=np.array([0, -1, 1]),
        end=np.array([0, 0, -1]),
        end_mask=np.array([True, False, False]),
        squeeze_mask=np.array([False, True, False]),
    ),
    case(
        "slice_by_index",
        CUBE[1, 1:, 2],
        "from computed places",
        x=_Y,
        begin=Input([1, 1, 2]),
        end=Input([9, 9, 9]),
        end_mask=np.array([False, True, False]),
        squeeze_mask=np.array([True, False, True]),
    ),
    case(
        "slice_by_index",
        PLANE[::-1, 2:0:-1],
        "backwards",
        x=X,
        begin=np.array([0, 2]),
        end=np.array([0, 0]),
        stride=np.array([-1, -1]),
        begin_mask=np.array([True, False]),
        end_mask=np.array([True, False]),
    ),
    case("slice_by_size", PLANE[1:, 2:3], x=X, begin=np.array([1, 2]), size=np.array([-1, 1])),
    case("slice_by_size", PLANE[-2:, 1:3], "from the end", x=X, begin=Input([-2, 1]), size=Input([2, 2])),
    case(
        "slice_update",
        _changed(PLANE, (slice(1, 3), slice(None, None, 2)), 9.0),
        x=X,
        update=Input(np.full((2, 2), 9.0)),
        begin=np.array([1, 0]),
        end=np.array([3, 4]),
        stride=np.array([1, 2]),
    ),
    case(
        "crop", IMAGE[:, :, 1:-2, 2:], x=_PICTURE, crop_height=np.array([1, 2]), crop_width=np.array([2, 0])
    ),
    case(
        "sliding_windows",
        np.stack([PLANE[:, 0:2], PLANE[:, 2:4]], 1),
        x=Input(PLANE, is_fixed=True),
        axis=np.int32(1),
        size=np.int32(2),
        stride=np.int32(2),
    ),
    case("reverse", CUBE[:, ::-1, ::-1], x=_Y, axes=np.array([1, -1])),
    case("reverse", CUBE[::-1, ::-1, ::-1], "every axis", x=_Y),
    case(
        "reverse_sequence",
        np.stack([PLANE[0], PLANE[1][[1, 0, 2, 3]], PLANE[2][::-1]]),
        x=X,
        lengths=Input([1, 2, 4]),
        batch_axis=np.int32(0),
        seq_axis=np.int32(1),
    ),
    case("band_part", np.tril(np.triu(PLANE, -1), 1), x=X, lower=np.int32(1), upper=np.int32(1)),
    case("band_part", np.triu(PLANE), "upper triangle", x=X, lower=np.int32(0), upper=np.int32(-1)),
]

_RESIZED: list[Case] = [
    case(
        "upsample_nearest_neighbor",
        IMAGE.repeat(2, 2).repeat(3, 3),
        x=_PICTURE,
        scale_factor_height=np.int32(2),
        scale_factor_width=np.int32(3),
    ),
    case(
        "upsample_bilinear",
        np.array([[[0, 0.25, 0.75, 1], [2, 2.25, 2.75, 3]]], np.float32),
        "between corners",
        x=Input(_SMALL),
        scale_factor_width=np.int32(2),
        align_corners=False,
    ),
    case(
        "upsample_bilinear",
        np.array([[[0, 1 / 3, 2 / 3, 1], [2, 7 / 3, 8 / 3, 3]]], np.float32),
        "corner to corner",
        x=Input(_SMALL),
        scale_factor_width=np.int32(2),
        align_corners=True,
    ),
    case(
        "resize_bilinear",
        np.array([[[0, 0.4, 0.8, 1, 1], [2, 2.4, 2.8, 3, 3]]], np.float32),
        x=Input(_SMALL),
        target_size_height=np.int32(2),
        target_size_width=np.int32(5),
    ),
    case(
        "resize_bilinear",
        np.array([[[0, 0.1, 0.5, 0.9, 1], [2, 2.1, 2.5, 2.9, 3]]], np.float32),
        "unaligned corners",
        x=Input(_SMALL),
        target_size_height=np.int32(2),
        target_size_width=np.int32(5),
        sampling_mode="UNALIGN_CORNERS",
    ),
    case(
        "resize",
        np.array([[[0, 0.5, 1, 1], [2, 2.5, 3, 3]]], np.float32),
        "keeping a size",
        x=Input(_SMALL),
        shape=Input([0, 4]),
        resized_dims=np.uint32(2),
    ),
    case(
        "depth_to_space",
        np.array([[[[0, 1], [2, 3]]]], np.float32),
        x=Input(np.arange(4.0).reshape(1, 4, 1, 1)),
        block_size=np.int32(2),
    ),
    case(
        "space_to_depth",
        IMAGE[:, :, :, :4].reshape(2, 3, 3, 2, 2, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 12, 3, 2),
        x=_BLOCKS,
        block_size=np.int32(2),
    ),
    case(
        "pixel_shuffle",
        np.array([[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]], np.float32),
        x=Input(np.arange(8.0).reshape(1, 8, 1, 1)),
        upscale_factor=np.int32(2),
    ),
    case(
        "pixel_unshuffle",
        np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1),
        x=Input([[[[0.0, 1], [2, 3]], [[4, 5], [6, 7]]]], is_fixed=True),
        downscale_factor=np.int32(2),
    ),
    case(
        "upsample_nearest_neighbor",
        np.array([[[1.5, -2.5]] * 3], np.float32),
        "by fractions",
        x=Input([[[1.5, -2.5, 3.5]]], is_fixed=True),
        scale_factor_height=np.float32(3.17),
        scale_factor_width=np.float32(0.67),
    ),
]

CASES = _SHAPES + _SLICES + _RESIZED
