"""Several futures: what decides."""

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.evidence.claims import every
from wavetrain.experiments.memories import htm_branching
from wavetrain.experiments.memories.htm_branching import _over_time, claim


def figures(**changed: float) -> dict[str, float]:
    right = {f"found{endings}_htm": 1.0 for endings in (2, 4)} | {
        f"wrong{endings}_htm": 0.1 for endings in (2, 4)
    }
    few = {f"found{endings}_one_cell": 0.5 for endings in (2, 4)} | {
        f"wrong{endings}_one_cell": 0.0 for endings in (2, 4)
    }
    return right | few | changed


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"found2_htm": 0.94}, [False, True, None]),
        ({"wrong2_htm": 0.26}, [False, True, None]),
        ({"found4_htm": 0.94}, [True, False, None]),
        ({"wrong4_htm": 0.26}, [True, False, None]),
        ({"found2_one_cell": 1.0, "wrong2_one_cell": 2.0}, [True, True, True]),
        ({"found2_one_cell": 1.0, "wrong2_one_cell": 0.1}, [True, True, False]),
        ({"found4_one_cell": 1.0, "wrong4_one_cell": 0.1}, [True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    """The union of all futures has too many symbols."""
    assert answers(claim, figures(**changed)) == parts
    assert claim.holds(figures(**changed)) is every(parts)


@pytest.mark.parametrize("said", [0, 1])
def test_who_predicts_nothing_or_everything_fulfils_no_part(said: int):
    told = {
        f"{what}{endings}_{name}": float(said * many)
        for endings in (2, 4)
        for name in ("htm", "one_cell")
        for what, many in (("found", 1), ("wrong", 10 - endings))
    }
    assert answers(claim, told) == [False, False, None]


def test_who_predicts_what_is_possible_fulfils_all():
    exact = {f"found{endings}_htm": 1.0 for endings in (2, 4)} | {
        f"wrong{endings}_htm": 0.0 for endings in (2, 4)
    }
    assert answers(claim, figures(**exact)) == [True, True, True]


def test_symbols_are_counted_where_they_are_asked():
    said, asked = torch.zeros(80, 10, dtype=torch.bool), torch.zeros(80, dtype=torch.bool)
    asked[::2] = True
    said[:40, :3] = True
    said[1::2] = True
    assert _over_time(said, asked).tolist() == [3.0] * 20 + [0.0] * 20


def test_a_table_of_sequences_meets_the_limits_and_a_short_one_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("htm_branching") == [True, True, True]
    monkeypatch.setattr(htm_branching, "LONGEST", 4)  # too short to know how a sequence began
    assert exact_answers("htm_branching") == [False, False, None]
