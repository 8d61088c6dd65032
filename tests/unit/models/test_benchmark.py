"""What is timed: every admitted batch, for every contender, in turns."""

from pathlib import Path

import pytest

from hocket.models import subject
from hocket.models.benchmark import bench
from hocket.models.errors import ModelError
from hocket.models.predictor import Arrays
from hocket.models.subject import Subject, batches, find_subject

PACKAGES = Path(__file__).parents[2] / "fixtures" / "packages"
RECURRENT = Subject("recurrent", (PACKAGES / "recurrent.mlpackage",))


def test_every_admitted_batch_is_timed_for_every_number_of_threads() -> None:
    admitted = batches(subject.PORTABLE.open(RECURRENT.packages[0]).inputs)
    timings = bench(RECURRENT, threads=(1, 2), rounds=2)
    assert {(timing.threads, timing.batch) for timing in timings} == {
        (threads, batch) for threads in (1, 2) for batch in admitted
    }
    for timing in timings:
        assert timing.least is not None
        assert timing.median is not None
        assert 0 < timing.least <= timing.median
        assert timing.per_row == timing.median / timing.batch
        assert timing.to_dict()["per_row"] == timing.per_row


def test_networks_take_turns_with_packages() -> None:
    calls: list[tuple[list[str], int]] = []

    def network(inputs: Arrays, threads: int) -> None:
        calls.append((sorted(inputs), threads))

    timings = bench(RECURRENT, only_batches=(1,), rounds=3, networks={"recurrent": network, "other": network})
    assert [timing.runtime for timing in timings] == ["portable", "PyTorch"]
    (name,) = (spec.name for spec in subject.PORTABLE.open(RECURRENT.packages[0]).inputs)
    assert calls == [([name], 1)] * 5  # two of them to warm up


def test_a_network_that_fails_is_told_of() -> None:
    def network(inputs: Arrays, threads: int) -> None:
        raise ModelError("too large")

    *_, timing = bench(RECURRENT, only_batches=(1,), rounds=1, networks={"recurrent": network})
    assert (timing.fault, timing.median, timing.per_row) == ("too large", None, None)


def test_units_that_cannot_run_the_package_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hocket.models.coreml.platform.system", lambda: "Linux")
    monkeypatch.setattr(subject, "native_available", lambda: True)
    timings = bench(RECURRENT, only_batches=(1,), rounds=1)
    native = [timing for timing in timings if timing.runtime.startswith("native")]
    assert len(native) == 4
    assert all("Core ML runs on macOS only" in timing.fault for timing in native)


def test_a_batch_that_nothing_admits_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"no package of recurrent admits a batch of \[1000\]"):
        bench(RECURRENT, only_batches=[1000])


def test_the_head_is_timed_in_batches_that_both_its_inputs_admit() -> None:
    trunk, head = find_subject("campplus-zh-en").packages
    assert batches(subject.PORTABLE.open(trunk).inputs) == (1, 2, 4, 8, 16, 32)
    assert batches(subject.PORTABLE.open(head).inputs) == (1, 2, 4, 8, 16)
