"""Selective copying: the predicates, and a Mamba block without its selection."""

import math

import pytest
import torch

from tests.answers import exact_answers
from tests.promises import normal
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces import mamba_selective_copying
from wavetrain.experiments.state_spaces.mamba_selective_copying import claim, fixed, selective

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def answers(**changes: float) -> list[bool | None]:
    """With selection, and without it."""
    return [part.holds(Measured(PUBLISHED | changes)) for part in claim.parts]


def test_the_published_table_holds():
    assert answers() == [True, True]


def test_each_part_on_either_side():
    assert answers(selective=0.9) == [True, True]
    assert answers(fixed=0.6) == [True, False]
    assert answers(fixed=0.59) == [True, True]
    assert answers(selective=0.89, fixed=0.6) == [False, False]
    assert answers(selective=math.nan) == [False, True]


def test_where_neither_learns_nobody_can_tell():
    assert answers(selective=0.89) == [None, None]
    assert answers(selective=1 / 14, fixed=1 / 14) == [None, None]


def test_perfect_recall_refutes_nothing():
    assert answers(selective=1.0, fixed=1 / 14) == [True, True]


@torch.no_grad()
def test_a_fixed_block_uses_the_same_step_and_maps_for_every_input():
    """Step size, B and C are made from one vector, with as many numbers as selection would give."""
    torch.manual_seed(0)
    x = normal(2, 6, 4).float()
    chosen, constant = selective(4), fixed(4)
    width = chosen.x_proj.in_features
    seen = torch.randn(2, 6, width)
    one, other = constant.x_proj(seen), constant.x_proj(-seen)
    assert torch.equal(one, other) and one.shape == chosen.x_proj(seen).shape
    assert torch.equal(one, one[:1, :1].expand_as(one))
    assert not torch.equal(chosen.x_proj(seen), chosen.x_proj(-seen))
    assert constant(x)[0].shape == x.shape


def test_a_list_of_the_data_meets_the_limit_and_one_out_of_order_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("mamba_selective_copying", "smoke") == [True, None]
    assert exact_answers("mamba_selective_copying") == [True, None]
    rule = mamba_selective_copying.listed
    monkeypatch.setattr(mamba_selective_copying, "listed", lambda x, count: rule(x, count).roll(1, 1))
    assert exact_answers("mamba_selective_copying") == [None, None]  # nobody has learned
