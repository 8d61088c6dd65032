"""Recurrent layers against their definitions, step by step in numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.models.errors import UnsupportedOperator
from tests.programs import Input, run_operation

STEPS, BATCH, SIZE, HIDDEN = 5, 3, 4, 2
Array = NDArray[np.float32]


def sigmoid(x: Array) -> Array:
    return (1 / (1 + np.exp(-x))).astype(np.float32)


def random(*shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def lstm_steps(x: Array, h: Array, c: Array, w: Array, r: Array, b: Array) -> tuple[Array, Array, Array]:
    """Outputs of every step, last hidden and cell state; gates stacked input, forget, output, cell."""
    steps = []
    for step in x:
        i, f, o, g = np.split(step @ w.T + h @ r.T + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.stack(steps), h, c


class Weights:
    """Random weights of one LSTM direction and of both."""

    def __init__(self) -> None:
        self.x = random(STEPS, BATCH, SIZE, seed=1)
        self.w, self.w_back = (random(4 * HIDDEN, SIZE, seed=seed) for seed in (2, 3))
        self.r, self.r_back = (random(4 * HIDDEN, HIDDEN, seed=seed) for seed in (4, 5))
        self.b, self.b_back = (random(4 * HIDDEN, seed=seed) for seed in (6, 7))
        self.h, self.c = (random(BATCH, 2 * HIDDEN, seed=seed) for seed in (8, 9))


def run_lstm(weights: Weights, direction: str, **changed: object) -> list[Array]:
    both = direction == "bidirectional"
    states = slice(None) if both else slice(HIDDEN)
    arguments: dict[str, object] = {
        "x": Input(weights.x),
        "initial_h": Input(weights.h[:, states]),
        "initial_c": Input(weights.c[:, states]),
        "weight_ih": weights.w,
        "weight_hh": weights.r,
        "bias": weights.b,
        "direction": direction,
        "output_sequence": True,
    }
    if both:
        arguments |= {
            "weight_ih_back": weights.w_back,
            "weight_hh_back": weights.r_back,
            "bias_back": weights.b_back,
        }
    return run_operation("lstm", "float32 3", "float32 2", "float32 2", **(arguments | changed))


def test_lstm_gates_are_input_forget_output_cell() -> None:
    weights = Weights()
    expected = lstm_steps(
        weights.x, weights.h[:, :HIDDEN], weights.c[:, :HIDDEN], weights.w, weights.r, weights.b
    )
    for found, wanted in zip(run_lstm(weights, "forward"), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_bidirectional_lstm_lays_forward_and_backward_side_by_side() -> None:
    weights = Weights()
    forward = lstm_steps(
        weights.x, weights.h[:, :HIDDEN], weights.c[:, :HIDDEN], weights.w, weights.r, weights.b
    )
    back, back_h, back_c = lstm_steps(
        weights.x[::-1],
        weights.h[:, HIDDEN:],
        weights.c[:, HIDDEN:],
        weights.w_back,
        weights.r_back,
        weights.b_back,
    )
    sequence, last_h, last_c = run_lstm(weights, "bidirectional")
    np.testing.assert_allclose(sequence, np.concatenate([forward[0], back[::-1]], -1), atol=1e-6)
    np.testing.assert_allclose(last_h, np.concatenate([forward[1], back_h], -1), atol=1e-6)
    np.testing.assert_allclose(last_c, np.concatenate([forward[2], back_c], -1), atol=1e-6)


def test_reverse_lstm_leaves_its_output_in_the_order_of_reading() -> None:
    weights = Weights()
    expected, _, _ = lstm_steps(
        weights.x[::-1], weights.h[:, :HIDDEN], weights.c[:, :HIDDEN], weights.w, weights.r, weights.b
    )
    np.testing.assert_allclose(run_lstm(weights, "reverse")[0], expected, atol=1e-6)


def test_lstm_without_sequence_gives_the_last_step_of_each_direction() -> None:
    weights = Weights()
    last, hidden, _ = run_lstm(weights, "bidirectional", output_sequence=False)
    np.testing.assert_array_equal(last[0], hidden)


def test_constant_zero_states_leave_the_batch_free() -> None:
    weights = Weights()
    zeros = np.zeros((1, HIDDEN), np.float32)
    sequence, _, _ = run_lstm(weights, "forward", initial_h=zeros, initial_c=zeros)
    start = np.zeros((BATCH, HIDDEN), np.float32)
    expected, _, _ = lstm_steps(weights.x, start, start, weights.w, weights.r, weights.b)
    np.testing.assert_allclose(sequence, expected, atol=1e-6)


def test_lstm_without_bias_has_none() -> None:
    weights = Weights()
    weights.b = np.zeros_like(weights.b)
    with_zeros = run_lstm(weights, "forward")[0]
    arguments = {"initial_h": Input(weights.h[:, :HIDDEN]), "initial_c": Input(weights.c[:, :HIDDEN])}
    without = run_operation(
        "lstm",
        "float32 3",
        "float32 2",
        "float32 2",
        x=Input(weights.x),
        weight_ih=weights.w,
        weight_hh=weights.r,
        output_sequence=True,
        **arguments,
    )[0]
    np.testing.assert_array_equal(without, with_zeros)


def test_peepholes_see_the_cell() -> None:
    weights = Weights()
    peephole = random(3 * HIDDEN, seed=10)
    h, c = weights.h[:, :HIDDEN], weights.c[:, :HIDDEN]
    p_i, p_f, p_o = np.split(peephole, 3)
    for step in weights.x:
        i, f, o, g = np.split(step @ weights.w.T + h @ weights.r.T + weights.b, 4, axis=1)
        before = c
        c = sigmoid(f + p_f * before) * before + sigmoid(i + p_i * before) * np.tanh(g)
        h = sigmoid(o + p_o * c) * np.tanh(c)
    np.testing.assert_allclose(run_lstm(weights, "forward", peephole=peephole)[1], h, atol=1e-6)


@pytest.mark.parametrize(("key", "value"), [("clip", np.float32(1.0)), ("activation", "linear")])
def test_forms_of_lstm_that_onnx_lacks_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(UnsupportedOperator, match=r"operator 'lstm' \(result_0\): .* has no translation"):
        run_lstm(Weights(), "forward", **{key: value})


def test_the_largest_clip_is_none() -> None:
    weights = Weights()
    clipped = run_lstm(weights, "forward", clip=np.finfo(np.float32).max)
    np.testing.assert_array_equal(clipped[0], run_lstm(weights, "forward")[0])


@pytest.mark.parametrize("resets_after", [False, True])
def test_gru_gates_are_reset_new_update(resets_after: bool) -> None:
    x, h = random(STEPS, BATCH, SIZE, seed=1), random(BATCH, HIDDEN, seed=2)
    w, r = random(3 * HIDDEN, SIZE, seed=3), random(3 * HIDDEN, HIDDEN, seed=4)
    b, input_b = random(3 * HIDDEN, seed=5), random(3 * HIDDEN, seed=6)
    found = run_operation(
        "gru",
        "float32 3",
        "float32 2",
        x=Input(x),
        initial_h=Input(h),
        weight_ih=w,
        weight_hh=r,
        bias=b,
        input_bias=input_b,
        reset_after=resets_after,
        output_sequence=True,
    )
    w_r, w_n, w_z = np.split(w, 3)
    r_r, r_n, r_z = np.split(r, 3)
    b_r, b_n, b_z = np.split(b, 3)
    i_r, i_n, i_z = np.split(input_b, 3)
    for index, step in enumerate(x):
        reset = sigmoid(step @ w_r.T + h @ r_r.T + b_r + i_r)
        update = sigmoid(step @ w_z.T + h @ r_z.T + b_z + i_z)
        state = reset * (h @ r_n.T + b_n) if resets_after else (reset * h) @ r_n.T + b_n
        h = (1 - update) * np.tanh(step @ w_n.T + i_n + state) + update * h
        np.testing.assert_allclose(found[0][index], h, atol=1e-6)
    np.testing.assert_allclose(found[1], h, atol=1e-6)


def test_rnn_is_one_gate() -> None:
    x, h = random(STEPS, BATCH, SIZE, seed=1), random(BATCH, HIDDEN, seed=2)
    w, r, b = random(HIDDEN, SIZE, seed=3), random(HIDDEN, HIDDEN, seed=4), random(HIDDEN, seed=5)
    found = run_operation(
        "rnn",
        "float32 3",
        "float32 2",
        x=Input(x),
        initial_h=Input(h),
        weight_ih=w,
        weight_hh=r,
        bias=b,
        activation="relu",
    )
    for step in x:
        h = np.maximum(step @ w.T + h @ r.T + b, 0)
    np.testing.assert_allclose(found[0][0], h, atol=1e-6)
    np.testing.assert_allclose(found[1], h, atol=1e-6)
