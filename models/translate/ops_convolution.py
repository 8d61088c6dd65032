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
