"""Every operator with a translation gives what numpy, or a calculation by hand, says it should."""

from pathlib import Path

import numpy as np
import pytest

from hocket.models.translate.operators import markdown
from hocket.models.translate.registry import TABLE
from tests.operators import elementwise, indexing, layers, shaping
from tests.operators.case import Case
from tests.programs import run_operation

_CASES = elementwise.CASES + indexing.CASES + layers.CASES + shaping.CASES
_TESTED_ELSEWHERE = {"lstm", "gru", "rnn"}


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_operator_gives_what_its_definition_says(case: Case) -> None:
    results = run_operation(case.kind, *case.results, **case.arguments)
    for found, expected in zip(results, case.expected, strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_every_operator_with_a_translation_is_tested() -> None:
    assert {case.kind for case in _CASES} | _TESTED_ELSEWHERE == set(TABLE)


def test_the_table_of_operators_in_the_documentation_is_current() -> None:
    documented = Path(__file__).parents[4] / "docs" / "operators.md"
    assert documented.read_text(encoding="utf-8") == markdown()
