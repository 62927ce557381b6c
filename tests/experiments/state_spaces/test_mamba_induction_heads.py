"""Induction heads: what the predicate says of the published table, and the table of positions."""

import math

import torch

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


def test_the_published_table_holds():
    assert claim.holds(PUBLISHED) is True


def test_mamba_must_keep_it():
    assert claim.holds(PUBLISHED | {"mamba_x16": 0.94}) is False
    assert claim.holds(PUBLISHED | {"mamba_x16": math.nan, "mamba_x1": math.nan}) is False


def test_each_attention_must_lose_it():
    assert claim.holds(PUBLISHED | {"rotary_x16": 0.2}) is False
    assert claim.holds(PUBLISHED | {"absolute_x16": 0.2}) is False


def test_who_never_learned_loses_nothing():
    assert claim.holds(PUBLISHED | {"rotary_x1": 0.5}) is None
    assert claim.holds(PUBLISHED | {"absolute_x1": 0.5}) is None
    assert claim.holds(PUBLISHED | {"absolute_x1": 0.5, "mamba_x16": 0.5}) is False
    assert claim.holds(PUBLISHED | {"mamba_x1": 0.9, "mamba_x16": 0.1}) is False
    nobody = {"mamba_x1": 0.1, "absolute_x1": 0.1, "rotary_x1": 0.1}
    assert claim.holds(PUBLISHED | nobody) is None


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
