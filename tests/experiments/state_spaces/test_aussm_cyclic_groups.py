"""The predicates of aussm_cyclic_groups know all three answers."""

import pytest
import torch

from tests.answers import exact_answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments._known import Known
from wavetrain.experiments.state_spaces import aussm_cyclic_groups
from wavetrain.experiments.state_spaces.aussm_cyclic_groups import claim

COUNTS = {"aussm_c3": 0.99, "aussm_c6": 0.95, "mamba_c3": 0.34, "mamba_c6": 0.18}
TRAINED = {"aussm_c3_trained": 1.0, "aussm_c6_trained": 1.0, "mamba_c3_trained": 0.5, "mamba_c6_trained": 0.5}


def answers(**changes: float) -> list[bool | None]:
    return [part.holds(Measured(COUNTS | TRAINED | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    assert answers() == [True, True]
    assert answers(aussm_c3=0.9, aussm_c6=0.9, mamba_c3=0.499, mamba_c6=0.499) == [True, True]
    for group in ("c3", "c6"):
        assert answers(**{f"aussm_{group}": 0.89}) == [False, True]
        assert answers(**{f"mamba_{group}": 0.5}) == [True, False]


def test_where_nobody_learns_a_group_nothing_is_told():
    for group in ("c3", "c6"):
        lost = {f"aussm_{group}_trained": 0.89, f"aussm_{group}": 0.2}
        assert answers(**lost) == [None, None]
        assert answers(**lost | {f"mamba_{group}_trained": 0.9}) == [False, True]


def test_at_chance_nobody_can_tell():
    chance = {name: 1 / int(name.split("_")[1][1]) for name in COUNTS | TRAINED}
    assert answers(**chance) == [None, None]


def test_exact_counting_refutes_nothing():
    """Without a mistake by the one, and at chance by the other."""
    exact = dict.fromkeys(("aussm_c3", "aussm_c6"), 1.0)
    assert answers(**exact, mamba_c3=1 / 3, mamba_c6=1 / 6) == [True, True]


def test_a_counter_meets_the_limit_and_one_that_slips_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("aussm_cyclic_groups", "smoke") == [True, None]
    assert exact_answers("aussm_cyclic_groups") == [True, None]

    def slips(order: int) -> Known:
        """Misses one element in a hundred."""
        return Known(order, lambda x: (x * (torch.arange(x.shape[1]) % 100 != 50)).cumsum(1) % order)

    monkeypatch.setattr(aussm_cyclic_groups, "counter", slips)
    assert exact_answers("aussm_cyclic_groups") == [False, None]
