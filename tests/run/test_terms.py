"""The bounds of what is the same for all layers: the last value that is taken, and the first that is not."""

import math
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.run.terms import Terms, plain


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("parameters", [1, 10**8], [0, -1, 10**8 + 1]),
        ("steps", [1, 10**9], [0, 10**9 + 1]),
        ("batch", [1, 10**6], [0, 10**6 + 1]),
        ("depth", [1, 1000], [0, 1001]),
        ("clip", [1e-9, 1e30, math.inf], [0.0, -1.0, math.nan]),
        ("rates", [(1.0,), (1e-9, 1.0)], [(), (0.0,), (1e-3, 1.001), (1e-3, -1e-3), (math.nan,)]),
        ("search", [1e-9, 1.0], [0.0, -0.1, 1.001, math.nan]),
        ("seeds", [(0,), (7, 0, 3)], [(), (1, 1), (0, 1, 0), (-1, 0)]),
    ],
)
def test_terms_have_bounds(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert getattr(Terms(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(BadInput, match="compare: expected ") as error:
            Terms(**{name: value})
        assert str(error.value).endswith(f"got {value}")


def test_as_json_has_them() -> None:
    assert plain(Terms(rates=(0.1,), seeds=(0, 1))) == {
        "parameters": 20_000,
        "steps": 400,
        "batch": 32,
        "depth": 2,
        "rates": [0.1],
        "search": 0.25,
        "seeds": [0, 1],
        "clip": 1.0,
    }
