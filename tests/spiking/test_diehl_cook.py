"""Diehl and Cook's layer: at most one spike a step, batches are their rows, and evaluation moves nothing."""

import torch

from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.spiking import DiehlCook


def digits(batch: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    return poisson_spikes(128 * torch.rand(batch, 64, generator=draw), 100, draw)


@torch.no_grad()
def test_at_most_one_spike_a_step():
    torch.manual_seed(0)
    layer = DiehlCook(30, inputs=64)
    y, _ = layer(3 * digits(8))
    assert y.sum(-1).max() == 1 and y.sum() > 50


@torch.no_grad()
def test_a_batch_is_its_rows_whatever_its_size():
    torch.manual_seed(0)
    layer, x = DiehlCook(30, inputs=64), digits(9)
    together = layer(x)[0]
    assert together.equal(torch.cat([layer(row)[0] for row in x.split(1)]))
    assert together.equal(torch.cat([layer(rows)[0] for rows in x.split(4)]))


@torch.no_grad()
def test_evaluation_moves_nothing():
    layer = DiehlCook(30, inputs=64)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer(digits(4))
    torch.testing.assert_close(dict(layer.state_dict()), before, rtol=0, atol=0)


def test_weights_begin_between_0_and_03():
    weight = DiehlCook(100, inputs=64).encode.weight
    assert 0 <= weight.min() < 0.01 and 0.29 < weight.max() <= 0.3
