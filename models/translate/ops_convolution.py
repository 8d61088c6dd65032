"""Convolutions. MIL pads axis by axis (begin, end, begin, end …), ONNX lists all begins, then all ends."""

from .call import Call
from .graph import Graph
from .onnx_writer import Attribute
from .registry import Symbols, lowers

_AUTO_PADS = {"valid": "VALID", "same": "SAME_UPPER", "same_lower": "SAME_LOWER"}


def padding(call: Call) -> dict[str, Attribute]:
    """ONNX's padding attributes; `pad` is present but void unless pad_type is custom."""
    kind = call.text("pad_type", "valid")
    if kind in _AUTO_PADS:
        return {"auto_pad": _AUTO_PADS[kind]}
    if kind != "custom":
        raise call.malformed(f"pad_type {kind!r}")
    pads = call.integers("pad")
    return {"pads": pads[0::2] + pads[1::2]}


@lowers("conv")
def conv(call: Call, graph: Graph) -> Symbols:
    num_axes = call.rank() - 2
    inputs = [call.operand(), call.operand("weight")]
    if call.has("bias"):
        inputs.append(call.operand("bias"))
    return graph.add(
        "Conv",
        *inputs,
        strides=call.integers("strides", [1] * num_axes),
        dilations=call.integers("dilations", [1] * num_axes),
        group=call.integer("groups", 1),
        **padding(call),
    )


@lowers("conv_transpose", limits="no pad_type same; output_shape only where the input's sizes are known")
def conv_transpose(call: Call, graph: Graph) -> Symbols:
    num_axes = call.rank() - 2
    inputs = [call.operand(), call.operand("weight")]
    if call.has("bias"):
        inputs.append(call.operand("bias"))
    strides = call.integers("strides", [1] * num_axes)
    dilations = call.integers("dilations", [1] * num_axes)
    pads = [0] * (2 * num_axes)
    kind = call.text("pad_type", "valid")
    if kind == "custom":
        pads = call.integers("pad")
    elif kind != "valid":
        call.refuse(f"pad_type {kind!r}")
    extra = [0] * num_axes
    if call.has("output_shape"):
        extra = _missing_at_the_end(call, strides, dilations, pads)
    return graph.add(
        "ConvTranspose",
        *inputs,
        strides=strides,
        dilations=dilations,
        group=call.integer("groups", 1),
        pads=pads[0::2] + pads[1::2],
        output_padding=extra if any(extra) else None,
    )


def _missing_at_the_end(call: Call, strides: list[int], dilations: list[int], pads: list[int]) -> list[int]:
    """How much longer than computed the stated output_shape is, per axis."""
    extra = []
    for axis, (stride, dilation, wanted) in enumerate(
        zip(strides, dilations, call.integers("output_shape")[2:])
    ):
        size, kernel = call.type().shape[axis + 2], call.type("weight").shape[axis + 2]
        if size is None or kernel is None:
            call.refuse("output_shape for sizes that are not known")
        computed = (size - 1) * stride + (kernel - 1) * dilation + 1 - pads[2 * axis] - pads[2 * axis + 1]
        extra.append(wanted - computed)
    return extra
