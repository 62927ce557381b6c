"""Digits as spikes: rates, one pass in batches, and votes."""

import torch

from wavetrain.experiments.spikes._digits import INTERVALS, POISSON, Shown, count, learn, right
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP
from wavetrain.spiking.diehl_cook import DiehlCook


def test_a_white_pixel_fires_128_times_a_second():
    for code in (POISSON, INTERVALS):
        spikes = Shown(code, torch.Generator().manual_seed(0))(torch.ones(30, 40))
        assert spikes.shape == (30, 100, 40)
        assert abs(float(spikes.mean()) - 0.128) < 0.012


def test_learning_sees_each_image_once_and_counting_none():
    torch.manual_seed(0)
    layer, seen = DiehlCook(10, inputs=16), []
    images, show = torch.rand(10, 16), Shown(POISSON, torch.Generator().manual_seed(0))
    counts = learn(layer, MinibatchSTDP(total=8.0), images, 4, show, seen.append)
    assert counts.shape == (10, 10) and seen == [4, 8, 10]
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    assert count(layer, images, show).shape == (10, 10)
    torch.testing.assert_close(dict(layer.state_dict()), before, rtol=0, atol=0)


def test_units_that_answer_to_one_class_each_are_right():
    labels = torch.arange(10)
    assert right((torch.eye(10), labels), (torch.eye(10).flip(0), labels.flip(0))) == 1.0
