"""Transitive inference: ranks add up, no two items are alike, and both ends never meet."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts import worlds
from wavetrain.tasks.maps.transitive_inference import transitive_inference


def test_ranks_are_differences():
    task = transitive_inference(items=6)
    walked = task.walks(200, torch.Generator().manual_seed(1))
    rank = torch.tensor([int(name) for name in task.world.actions])
    assert torch.equal(walked.node[:, 1:] - walked.node[:, :-1], rank[walked.action])
    assert rank.abs().max() == 4  # the pair of both ends, 5 apart, is never shown
    assert not ((walked.node[:, 1:] - walked.node[:, :-1]).abs() == 5).any()


def test_items_are_different_and_in_any_order():
    task = transitive_inference(items=4, labels=4, length=60)
    walked = task.walks(500, torch.Generator().manual_seed(2))
    given = torch.zeros(500, 4, dtype=torch.long).scatter(1, walked.node, walked.label)
    assert torch.equal(given.sort(1).values, torch.arange(4).expand(500, -1))
    assert len(given.unique(dim=0)) == 24


def test_pairs_that_were_never_shown_are_asked():
    task = transitive_inference()
    seen = worlds.steps(task.world, task.test_walks())
    assert (seen.visited & seen.new_pair).double().mean() > 0.2


def test_bad_sizes():
    with pytest.raises(BadInput, match="items must be a whole number of at least 3, got 2"):
        transitive_inference(2)
    with pytest.raises(BadInput, match="6 nodes need as many unique labels, got 5"):
        transitive_inference(6, labels=5).test()
