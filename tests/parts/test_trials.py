"""Trials: random orders, patterns and their distractors, frames laid in time, accuracy by a fact."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from wavetrain.parts.trials import accuracy_by, answers, lay, one_of, order, patterns
from wavetrain.tasks.working_memory.visual_serial_recall import VisualSerialRecall


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_of_each_value_as_often():
    drawn = one_of((2, 5, 9), 30_000, generator())
    assert set(drawn.tolist()) == {2, 5, 9}
    share = torch.stack([(drawn == value).double().mean() for value in (2, 5, 9)])
    assert (share - 1 / 3).abs().max() < 5 * math.sqrt(2 / 9 / 30_000)


def test_order_puts_those_shown_first_in_any_order():
    shown = torch.tensor([True, False, True, True]).expand(6000, -1)
    ranks = order(shown, generator())
    assert (ranks.sort(1).values == torch.arange(4)).all()
    assert (ranks[:, 1] == 3).all()
    orders = (ranks[:, [0, 2, 3]] * torch.tensor([9, 3, 1])).sum(1).unique(return_counts=True)[1]
    assert len(orders) == 6 and (orders - 1000).abs().max() < 5 * math.sqrt(1000 * 5 / 6)


def test_lay_adds_what_is_shown_at_its_step():
    into = torch.zeros(1, 3, 2)
    what = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]])
    lay(into, torch.tensor([[2, 0, 2, 9]]), what, torch.tensor([[True, True, True, False]]))
    assert into.tolist() == [[[3, 4], [0, 0], [6, 8]]]
    y = torch.zeros(1, 3, dtype=torch.long)
    lay(y, torch.tensor([[1, 2]]), torch.tensor([[4, 5]]), torch.tensor([[True, False]]))
    assert y.tolist() == [[0, 4, 0]]


@pytest.mark.parametrize(("count", "cells"), [(4, 36), (9, 9), (5, 16)])
def test_patterns_differ_and_distractors_are_none_of_them(count: int, cells: int):
    differ = one_of((2, 4, 8), 400, generator())
    old, new = patterns(count, cells, differ, generator(2))
    assert old.shape == new.shape == (400, count, cells)
    for one in (old, new):
        assert (one.abs() == 1).all() and ((one > 0).sum(-1) == cells // 2).all()
    assert ((old != new).sum(-1) == differ[:, None]).all()
    shared = ((old > 0) & (new > 0)).sum(-1)  # dark cells
    assert (shared == cells // 2 - differ[:, None] // 2).all()
    for olds, news in zip(old.tolist(), new.tolist(), strict=True):
        known = {tuple(one) for one in olds}
        assert len(known) == count and not known & {tuple(one) for one in news}


def test_each_cell_of_a_pattern_is_dark_as_often():
    old, new = patterns(1, 16, torch.full((20_000,), 6), generator())
    for one in (old, new):
        assert one.mean(0).abs().max() < 5 / math.sqrt(20_000)


def test_accuracy_by_a_fact_of_the_trial_or_of_the_step():
    y = torch.tensor([[0, 1, 2], [2, 0, 1]])
    output = F.one_hot(torch.tensor([[1, 1, 1], [2, 2, 1]]), 3).double()
    output[..., 0] = 9.0  # what says that nothing is asked is no answer
    assert accuracy_by(output, y, torch.tensor([7, 3])) == {3: 1.0, 7: 0.5}
    assert accuracy_by(output, y, torch.tensor([[5, 6, 4], [4, 5, 6]])) == {4: 0.5, 6: 1.0}


def test_answers_in_chunks_are_those_at_once():
    network, x = nn.Linear(3, 2), torch.randn(7, 4, 3, generator=generator())
    torch.testing.assert_close(answers(network, x, chunk=3), network(x).detach())


def test_tested_is_the_test_part_with_its_facts():
    task = VisualSerialRecall()
    trials, (x, y) = task.tested(), task.test()
    assert torch.equal(trials.x, x) and torch.equal(trials.y, y)
    assert all(fact.shape in (y.shape, y.shape[:1]) for fact in trials.facts.values())
