"""Induction heads: what the predicates say of the published table, and the table of positions."""

import math

import pytest
import torch

from tests.answers import exact_answers
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces import mamba_induction_heads
from wavetrain.experiments.state_spaces.mamba_induction_heads import (
    FACTORS,
    Placed,
    absolute,
    claim,
    full,
    mamba,
    rotary,
    smoke,
)
from wavetrain.tasks.recall.induction_heads import InductionHeads

PUBLISHED = {name: float(value) for name, value in claim.published.items()}


def answers(**changes: float) -> list[bool | None]:
    """Of Mamba, of attention with learned positions, and of attention with rotary ones."""
    return [part.holds(Measured(PUBLISHED | changes)) for part in claim.parts]


def test_the_published_table_holds():
    assert answers() == [True, True, True]


def test_mamba_must_keep_it():
    assert answers(mamba_x16=0.95) == [True, True, True]
    assert answers(mamba_x16=0.94) == [False, True, True]
    assert answers(mamba_x1=math.nan, mamba_x16=math.nan) == [False, True, True]


def test_each_attention_must_lose_it():
    assert answers(absolute_x16=0.2) == [True, False, True]
    assert answers(rotary_x16=0.2) == [True, True, False]


def test_who_never_learned_loses_nothing():
    assert answers(absolute_x1=0.94) == [True, None, True]
    assert answers(rotary_x1=0.94) == [True, True, None]
    assert answers(rotary_x1=math.nan, rotary_x16=math.nan) == [True, True, None]
    assert answers(absolute_x1=0.5, mamba_x16=0.5) == [False, None, True]
    assert answers(mamba_x1=0.9, mamba_x16=0.1) == [False, True, True]
    assert answers(rotary_x1=0.94, rotary_x16=0.2) == [True, True, False], "it did not lose what it has"


def test_at_chance_nobody_can_tell():
    chance = dict.fromkeys(PUBLISHED, 1 / 15)
    assert answers(**chance) == [None, None, None]
    assert answers(**chance | {"rotary_x16": 0.3}) == [None, None, None]


def test_perfect_recall_refutes_nothing():
    """Mamba without a mistake at every length; attention without one where it learned, guessing beyond."""
    exact = {name: 1.0 if name.startswith("mamba") or name.endswith("x1") else 1 / 15 for name in PUBLISHED}
    assert answers(**exact) == [True, True, True]


def test_a_place_adds_its_own_row():
    layer = Placed(3, 4, places=6)
    x = torch.zeros(2, 5, 3)
    assert torch.equal(layer(x), (layer.bias + layer.table[:5]).expand(2, -1, -1))


def test_rows_behind_the_training_length_are_there_and_never_trained():
    task = InductionHeads(smoke.length, smoke.vocabulary)
    stack = absolute(smoke, task)
    assert isinstance(stack.encode, Placed) and len(stack.encode.table) == FACTORS[-1] * smoke.length
    x, _ = task.draw(4, torch.Generator().manual_seed(1))
    stack(x)[0].square().sum().backward()
    grad = stack.encode.table.grad
    assert grad is not None
    assert (grad[: smoke.length] != 0).any(1).all() and (grad[smoke.length :] == 0).all()


def test_networks_are_as_large_as_the_published():
    """Two layers of attention have 137,000 parameters, embedding and head included: there is no MLP."""
    task = InductionHeads(full.length, full.vocabulary)
    size = sum(part.numel() for part in rotary(full, task).parameters())
    assert round(size, -3) == 137_000
    assert not mamba(full, task).mlps and not absolute(smoke, task).mlps


def test_the_rule_meets_the_limit_and_one_that_forgets_does_not(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("mamba_induction_heads", "smoke") == [True, None, None]
    assert exact_answers("mamba_induction_heads") == [True, None, None]
    rule = mamba_induction_heads.after_the_last

    def forgets(x: torch.Tensor) -> torch.Tensor:
        """Guesses where the token is more than a hundred steps back."""
        return torch.where((x[:, -101:-1] == x[:, -1:]).any(1), rule(x), 0)

    monkeypatch.setattr(mamba_induction_heads, "after_the_last", forgets)
    assert exact_answers("mamba_induction_heads") == [False, None, None]
