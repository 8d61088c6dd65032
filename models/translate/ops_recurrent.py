"""Recurrent layers.

MIL stacks an LSTM's gates input, forget, output, cell and a GRU's reset, new, update; ONNX wants input,
output, forget, cell and update, reset, new. MIL keeps both directions' states side by side,
(batch, directions * hidden); ONNX on an axis of their own, (directions, batch, hidden). A layer of direction
"reverse" reads its input backwards and, unlike ONNX's, leaves its output in the order of reading.

Source of what the definitions leave open: coremltools, converters/mil/mil/ops/tests/iOS14/test_recurrent.py.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .call import Call
from .graph import Graph
from .registry import Symbols, lowers

_LSTM_ORDER = (0, 2, 1, 3)
_GRU_ORDER = (2, 0, 1)
_LSTM_PEEPHOLE_ORDER = (0, 2, 1)
# coremltools writes "no clipping" as the largest finite number.
_NO_CLIP = 1e30
# Only those whose parameters have the same defaults in both worlds.
_ACTIVATIONS = {
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "scaled_tanh": "Tanh",
    "relu": "Relu",
    "hard_sigmoid": "HardSigmoid",
    "sigmoid_hard": "HardSigmoid",
}
_LIMITS = "no linear activation"


class _Layer:
    """What the three kinds of layer have in common."""

    def __init__(self, call: Call, graph: Graph) -> None:
        self.call = call
        self.graph = graph
        direction = call.text("direction", "forward")
        if direction not in ("forward", "reverse", "bidirectional"):
            raise call.malformed(f"direction {direction!r}")
        self.suffixes = ("", "_back") if direction == "bidirectional" else ("",)
        self.direction = direction if direction == "bidirectional" else "forward"
        self.is_reversed = direction == "reverse"
        self.hidden = call.array("weight_hh").shape[1]

    def input(self) -> str:
        return _reversed_in_time(self.graph, self.call.operand()) if self.is_reversed else self.call.operand()

    def stacked(self, key: str, order: Sequence[int]) -> str:
        """A weight for each direction, its gates in ONNX's order."""
        return self.graph.constant(
            np.stack([_reordered(self.call.floats(f"{key}{side}"), order) for side in self.suffixes])
        )

    def bias(self, order: Sequence[int], input_key: str, state_key: str) -> str:
        """ONNX has one bias for the input and one for the state, end to end."""

        def one(key: str) -> NDArray[np.float32]:
            if not self.call.has(key):
                return np.zeros(len(order) * self.hidden, np.float32)
            return _reordered(self.call.floats(key), order)

        pairs = [np.concatenate([one(input_key + side), one(state_key + side)]) for side in self.suffixes]
        return self.graph.constant(np.stack(pairs))

    def initial(self, key: str) -> str:
        """A state in ONNX's layout; zeros are its default, and leaving them out leaves the batch free."""
        if self.call.is_constant(key) and not self.call.array(key).any():
            return ""
        shape = self.graph.constant([-1, len(self.suffixes), self.hidden])
        split = self.graph.add("Reshape", self.call.operand(key), shape)
        return self.graph.add("Transpose", split, perm=[1, 0, 2])

    def activations(self, *keys: tuple[str, str]) -> list[str]:
        """ONNX's names, for each direction, of the activations given as (parameter, default)."""
        names = [self.call.text(key, default) for key, default in keys]
        if unknown := [name for name in names if name not in _ACTIVATIONS]:
            self.call.refuse(f"activation {unknown[0]!r}")
        return [_ACTIVATIONS[name] for name in names] * len(self.suffixes)

    def results(self, sequence: str, *states: str) -> list[str]:
        """Every step or the last one, then the final states, all in MIL's layout."""
        final = [self._side_by_side(state) for state in states]
        if not self.call.flag("output_sequence", False):
            return [self.graph.add("Unsqueeze", final[0], self.graph.constant([0])), *final]
        if len(self.suffixes) == 1:
            return [self.graph.add("Squeeze", sequence, self.graph.constant([1])), *final]
        beside = self.graph.add("Transpose", sequence, perm=[0, 2, 1, 3])
        return [self.graph.add("Reshape", beside, self.graph.constant([0, 0, -1])), *final]

    def _side_by_side(self, state: str) -> str:
        beside = self.graph.add("Transpose", state, perm=[1, 0, 2])
        return self.graph.add("Reshape", beside, self.graph.constant([0, -1]))


@lowers("lstm", limits=f"no clip; {_LIMITS}")
def lstm(call: Call, graph: Graph) -> Symbols:
    if call.number("clip", np.inf) < _NO_CLIP:
        call.refuse("clip")
    layer = _Layer(call, graph)
    inputs = [
        layer.input(),
        layer.stacked("weight_ih", _LSTM_ORDER),
        layer.stacked("weight_hh", _LSTM_ORDER),
        layer.bias(_LSTM_ORDER, "bias", "none"),
        "",
        layer.initial("initial_h"),
        layer.initial("initial_c"),
    ]
    if call.has("peephole"):
        inputs.append(layer.stacked("peephole", _LSTM_PEEPHOLE_ORDER))
    outputs = graph.add_many(
        "LSTM",
        inputs,
        3,
        hidden_size=layer.hidden,
        direction=layer.direction,
        activations=layer.activations(
            ("recurrent_activation", "sigmoid"), ("cell_activation", "tanh"), ("activation", "tanh")
        ),
    )
    return layer.results(*outputs)


@lowers("gru", limits=_LIMITS)
def gru(call: Call, graph: Graph) -> Symbols:
    layer = _Layer(call, graph)
    outputs = graph.add_many(
        "GRU",
        [
            layer.input(),
            layer.stacked("weight_ih", _GRU_ORDER),
            layer.stacked("weight_hh", _GRU_ORDER),
            layer.bias(_GRU_ORDER, "input_bias", "bias"),
            "",
            layer.initial("initial_h"),
        ],
        2,
        hidden_size=layer.hidden,
        direction=layer.direction,
        linear_before_reset=int(call.flag("reset_after", False)),
        activations=layer.activations(("recurrent_activation", "sigmoid"), ("activation", "tanh")),
    )
    return layer.results(*outputs)


@lowers("rnn", limits=_LIMITS)
def rnn(call: Call, graph: Graph) -> Symbols:
    layer = _Layer(call, graph)
    outputs = graph.add_many(
        "RNN",
        [
            layer.input(),
            layer.stacked("weight_ih", (0,)),
            layer.stacked("weight_hh", (0,)),
            layer.bias((0,), "bias", "none"),
            "",
            layer.initial("initial_h"),
        ],
        2,
        hidden_size=layer.hidden,
        direction=layer.direction,
        activations=layer.activations(("activation", "tanh")),
    )
    return layer.results(*outputs)


def _reordered(stacked: NDArray[np.float32], order: Sequence[int]) -> NDArray[np.float32]:
    gates = np.split(stacked, len(order))
    return np.concatenate([gates[index] for index in order])


def _reversed_in_time(graph: Graph, symbol: str) -> str:
    bounds = np.iinfo(np.int64)
    first, last, axis, step = ([bounds.max], [bounds.min], [0], [-1])
    return graph.add("Slice", symbol, *(graph.constant(value) for value in (first, last, axis, step)))
