"""Walks in a world: what a step shows, what is asked, and that the answer is not among what was shown."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_step_shows_label_and_action_and_asks_for_the_next_known_label():
    task = graph_walks(worlds.square(3), length=30, labels=7)
    walked = task.walks(20, generator())
    x, y = task.draw(20, generator())
    assert x.shape == (20, 30, 1 + 7 + 4) and task.inputs == 12 and task.outputs == 8
    assert torch.equal(x[..., :8].argmax(-1), 1 + walked.label[:, :-1])
    assert torch.equal(x[..., 8:].argmax(-1), walked.action) and (x.sum(-1) == 2).all()
    visited = worlds.steps(task.world, walked).visited
    assert torch.equal(y, torch.where(visited, 1 + walked.label[:, 1:], 0))
    everywhere = graph_walks(worlds.square(3), length=30, labels=7, everywhere=True)
    assert torch.equal(everywhere.draw(20, generator()).y, 1 + walked.label[:, 1:])


def test_the_held_out_walks_are_those_of_the_test():
    task = graph_walks(length=12)
    x, y = task.encode(task.test_walks())
    test = task.test()
    assert torch.equal(x, test.x) and torch.equal(y, test.y)
    assert not torch.equal(task.valid().x, test.x)


def test_labels_are_drawn_anew_for_each_walk_and_evenly():
    task = graph_walks(length=200, labels=5)
    label = task.walks(2000, generator()).label[:, 0]
    assert (label.bincount(minlength=5) / 2000 - 0.2).abs().max() < 5 * math.sqrt(0.16 / 2000)


def test_sizes_of_the_paper():
    task = graph_walks(worlds.square(11), length=500, labels=45, straight=2.0)
    assert task.chance == 1 / 45 and task.draw(2, generator()).x.shape == (2, 500, 50)


def test_loss_of_the_best_guess():
    task = graph_walks()
    y = task.draw(50, generator()).y
    assert float(task.objective.loss(torch.zeros(*y.shape, 21), y)) == pytest.approx(math.log(20))


def test_bad_sizes():
    with pytest.raises(BadInput, match="walking: labels must be a whole number of at least 2, got 1"):
        graph_walks(labels=1)
