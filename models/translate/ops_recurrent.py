"""Recurrent layers.

MIL orders an LSTM's gates input, forget, output, cell; ONNX input, output, forget, cell. MIL has one summed
bias, ONNX one for the input and one for the state. Both directions of MIL's states lie side by side,
(batch, 2 * hidden); ONNX keeps them on an axis of their own, (2, batch, hidden).
"""

import numpy as np
from numpy.typing import NDArray

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

_LSTM_ACTIVATIONS = {"recurrent_activation": "sigmoid", "cell_activation": "tanh", "activation": "tanh"}
# coremltools writes "no clipping" as the largest finite number.
_NO_CLIP = 1e30


@lowers("lstm", limits="forward or bidirectional; sigmoid and tanh only; no peephole, no clip")
def lstm(call: Call, graph: Graph) -> Symbols:
    direction = call.text("direction", "forward")
    if direction not in ("forward", "bidirectional"):
        call.refuse(f"direction {direction!r}")
    for key, activation in _LSTM_ACTIVATIONS.items():
        if call.text(key, activation) != activation:
            call.refuse(f"{key} {call.text(key)!r}")
    if call.has("peephole") or call.has("peephole_back"):
        call.refuse("peephole")
    if call.number("clip", np.inf) < _NO_CLIP:
        call.refuse("clip")
    suffixes = ("", "_back") if direction == "bidirectional" else ("",)
    hidden = call.floats("weight_hh").shape[1]
    outputs = graph.add_many(
        "LSTM",
        [
            call.operand(),
            graph.constant(np.stack([_onnx_gates(call.floats(f"weight_ih{side}")) for side in suffixes])),
            graph.constant(np.stack([_onnx_gates(call.floats(f"weight_hh{side}")) for side in suffixes])),
            graph.constant(np.stack([_lstm_bias(call, f"bias{side}", hidden) for side in suffixes])),
            "",
            _initial_state(call, graph, "initial_h", len(suffixes), hidden),
            _initial_state(call, graph, "initial_c", len(suffixes), hidden),
        ],
        3,
        hidden_size=hidden,
        direction=direction,
    )
    sequence, *states = outputs
    final = [_side_by_side(graph, state) for state in states]
    if call.flag("output_sequence", False):
        return [_merge_directions(graph, sequence, len(suffixes)), *final]
    if len(suffixes) > 1:
        call.refuse("bidirectional without output_sequence")
    return [graph.add("Unsqueeze", final[0], graph.constant([0])), *final]


def _onnx_gates(stacked: NDArray[np.float32]) -> NDArray[np.float32]:
    input_gate, forget_gate, output_gate, cell_gate = np.split(stacked, 4)
    return np.concatenate([input_gate, output_gate, forget_gate, cell_gate])


def _lstm_bias(call: Call, key: str, hidden: int) -> NDArray[np.float32]:
    none = np.zeros(4 * hidden, np.float32)
    return np.concatenate([_onnx_gates(call.floats(key)) if call.has(key) else none, none])


def _initial_state(call: Call, graph: Graph, key: str, num_directions: int, hidden: int) -> str:
    """(batch, directions * hidden) to (directions, batch, hidden); zeros are ONNX's default."""
    if call.is_constant(key) and not call.array(key).any():
        return ""
    split = graph.add("Reshape", call.operand(key), graph.constant([-1, num_directions, hidden]))
    return graph.add("Transpose", split, perm=[1, 0, 2])


def _merge_directions(graph: Graph, sequence: str, num_directions: int) -> str:
    """(time, directions, batch, hidden) to (time, batch, directions * hidden)."""
    if num_directions == 1:
        return graph.add("Squeeze", sequence, graph.constant([1]))
    beside = graph.add("Transpose", sequence, perm=[0, 2, 1, 3])
    return graph.add("Reshape", beside, graph.constant([0, 0, -1]))


def _side_by_side(graph: Graph, state: str) -> str:
    """(directions, batch, hidden) to (batch, directions * hidden)."""
    beside = graph.add("Transpose", state, perm=[1, 0, 2])
    return graph.add("Reshape", beside, graph.constant([0, -1]))
