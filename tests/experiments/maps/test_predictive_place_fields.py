"""The claim about place fields: its predicate, and the eight images of the rat's path."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.errors import BadInput
from wavetrain.experiments.maps import predictive_place_fields as module
from wavetrain.tasks.maps.random_walks import RandomWalks


def test_predicate():
    holds = module.claim.holds
    learned = {"r2_predictive_walks": 0.5, "r2_reconstruction_walks": 0.9}
    yes = learned | {"predictive_walks": 0.05, "shifted_predictive_walks": 0.01}
    yes |= {"reconstruction_walks": 0.03, "shifted_reconstruction_walks": 0.01}
    assert holds(yes) is True
    assert holds(yes | {"reconstruction_walks": 0.04}) is False
    assert holds(yes | {"shifted_predictive_walks": 0.03}) is False, "information from few samples alone"
    assert holds(yes | {"predictive_walks": math.nan}) is False
    assert holds(yes | {"r2_reconstruction_walks": 0.1}) is None
    assert holds(yes | {"r2_predictive_walks": math.nan}) is None
    assert answers(module.claim, yes) == [True, True]
    assert answers(module.claim, yes | {"reconstruction_walks": 0.04}) == [False, True]
    assert answers(module.claim, yes | {"shifted_predictive_walks": 0.025}) == [True, False]


def test_of_two_that_carry_no_more_than_a_shift_leaves_none_is_ahead():
    learned = {"r2_predictive_walks": 0.5, "r2_reconstruction_walks": 0.9}
    chance = {"predictive_walks": 0.02, "shifted_predictive_walks": 0.02}
    chance |= {"reconstruction_walks": 0.01, "shifted_reconstruction_walks": 0.01}
    assert answers(module.claim, learned | chance) == [None, False]
    assert answers(module.claim, learned | chance | {"reconstruction_walks": 0.02}) == [False, False]


def test_rivals_see_the_same_and_are_asked_one_step_apart():
    world = module.walked(module.smoke, torch.Generator().manual_seed(1))
    now, next_ = world.task(0), world.task(1)
    assert torch.equal(now.train.x, next_.train.x) and torch.equal(now.train.x, now.train.y)
    assert torch.equal(next_.train.x[:, 1:], next_.train.y[:, :-1])
    parts = [{row.tobytes() for row in part.numpy()} for part in world[:3]]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_places_belong_to_the_inputs():
    world = module.walked(module.smoke, torch.Generator().manual_seed(1))
    task = RandomWalks(module.smoke.time, module.smoke.cells)
    sensed, place = task.walk(module.smoke.walks, torch.Generator().manual_seed(2**32 - 2))
    assert torch.equal(world.place, place[:, :-1]) and torch.equal(world.test, sensed)


def test_the_rat_is_seen_in_eight_images():
    try:
        world = module.foraged(module.small)
    except BadInput as error:
        pytest.skip(str(error))
    images = world.place.unflatten(0, (8, -1))
    assert world.place.abs().max() <= 1
    first = images[0]
    turned = torch.stack([-first[..., 1], first[..., 0]], -1)
    assert any(torch.equal(image, turned) for image in images), "no image is turned by a quarter"
    assert len({image.numpy().tobytes() for image in images}) == 8
    step = world.place.diff(dim=1).norm(dim=-1)
    assert 0.05 < step.median() < 0.15, "a sample is about as long as a step of the walks"
