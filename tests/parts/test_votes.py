"""Votes of units: who stands for what, and what they say."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.votes import assigned


def test_a_rare_class_is_not_at_a_disadvantage():
    """Means, not sums: nine weak answers to class 0 weigh less than one strong one to class 1."""
    counts = torch.tensor([[1.0]] * 9 + [[3.0]])
    assert assigned(counts, torch.tensor([0] * 9 + [1]), classes=2).stands.tolist() == [1]


def test_votes_are_means_over_the_units_of_a_class():
    """Two units of class 0 with 2 spikes each do not beat one of class 1 with 3."""
    votes = assigned(torch.eye(3), torch.tensor([0, 0, 1]), classes=3)
    assert votes.stands.tolist() == [0, 0, 1]
    assert votes.answers(torch.tensor([[2.0, 2.0, 3.0]])).tolist() == [1]


def test_by_share():
    """A unit that answers to both classes alike says nothing, as one would expect."""
    counts = torch.tensor([[4.0, 1.0], [4.0, 3.0]])
    votes = assigned(counts, torch.tensor([0, 1]), classes=2)
    assert votes.by_share(torch.tensor([[100.0, 1.0]])).tolist() == [1]  # of it 50 to 50, then 1/4 to 3/4


def test_silence_is_the_first_class():
    votes = assigned(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]), classes=2)
    for kind in (votes.answers, votes.by_share):
        assert kind(torch.zeros(1, 2)).tolist() == [0]


def test_units_that_stand_for_nothing_shown_never_answer_for_it():
    votes = assigned(torch.eye(2), torch.tensor([0, 1]), classes=5)
    assert set(votes.answers(torch.rand(50, 2)).tolist()) <= {0, 1}


@pytest.mark.parametrize("labels", [[0, 2], [-1, 0], [0, 1, 1]])
def test_refused(labels: list[int]):
    with pytest.raises(BadInput, match="assigned: expected"):
        assigned(torch.eye(2), torch.tensor(labels), classes=2)
