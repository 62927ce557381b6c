"""The claim about actions: its predicate, and that names are hidden from training."""

import math

import torch

from wavetrain.experiments.maps import predictive_actions as module


def test_predicate():
    holds = module.claim.holds
    yes = {"r2_predictive": 0.5, "predictive": 0.7, "reconstruction": 0.6, "untrained": 0.65}
    assert holds(yes) is True
    assert holds(yes | {"reconstruction": 0.69}) is False
    assert holds(yes | {"untrained": 0.7}) is False
    assert holds(yes | {"predictive": math.nan}) is False
    assert holds(yes | {"r2_predictive": 0.0}) is None


def test_names_are_not_asked_of_the_networks():
    named = module.made_up()
    for ahead in (0, 1):
        task = module.unnamed(named, ahead)
        assert torch.equal(task.train.x, named.train.x[:, :-1])
        assert torch.equal(task.train.y, named.train.x[:, ahead : ahead + 11])
        assert torch.equal(task.test().x, named.test().x[:, :-1])
