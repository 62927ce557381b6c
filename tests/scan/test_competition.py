"""Competing units: the kernel against the definition, where sums are exact to the last bit, and learning."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import few
from wavetrain import scan
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.competition import Competition
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP
from wavetrain.spiking._competing import Competing

GRID = 2.0**-16
CELL = Competition(threshold=3.0, reset=1.0, refractory=2.0, inhibition=4.0, raised=0.125)


class Groups(Competing):
    """Groups of units, and connections of which some are missing."""

    def __init__(self, width: int, inputs: int, cell: Competition, groups: int, mask: Tensor | None):
        super().__init__(width, inputs, cell=cell, dt=1.0, groups=groups, mask=mask)


def layer(inputs: int, size: int, groups: int, masked: bool, seed: int, cell: Competition = CELL) -> Groups:
    draw = torch.Generator().manual_seed(seed)
    width = size * groups
    mask = torch.rand(width, inputs, generator=draw) < 0.6 if masked else None
    made = Groups(width, inputs, cell, groups, mask).double()
    weight = torch.rand(width, inputs, generator=draw, dtype=torch.float64)
    raised = torch.rand(width, generator=draw, dtype=torch.float64)
    for parameter, values in ((made.encode.weight, weight), (made.raised, raised)):
        parameter.data.copy_((values / GRID).round() * GRID)
    return made


def trains(batch: int, time: int, inputs: int, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(batch, time, inputs, generator=draw, dtype=torch.float64) < 0.4).double()


shapes = {
    "inputs": st.sampled_from([1, 3, 8, 17]),
    "size": st.sampled_from([1, 2, 5]),
    "groups": st.sampled_from([1, 3]),
    "masked": st.booleans(),
    "batch": st.integers(1, 4),
    "time": st.sampled_from([1, 2, 7, 30]),
    "seed": st.integers(0, 99),
}


@few
@given(**shapes)
@torch.no_grad()
def test_the_kernel_is_the_definition(inputs, size, groups, masked, batch, time, seed):
    """To the last bit, with the state of a run before it."""
    made, x = layer(inputs, size, groups, masked, seed), trains(batch, time + 5, inputs, seed + 1)
    made.cell = Competition(threshold=3.0, reset=1.0, refractory=2.0, inhibition=4.0, tau=1e9)  # exact sums
    _, state = made(x[:, :5])
    found = made(x[:, 5:], state)
    assert scan.routes()["competition"] == "numba"
    with scan.only_plain():
        expected = made(x[:, 5:], made(x[:, :5])[1])
    assert scan.routes()["competition"] == "plain"
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert found[0].equal(expected[0])


@few
@given(**shapes, over=st.sampled_from(list(OverBatch)))
def test_learning_is_the_definition(inputs, size, groups, masked, batch, time, seed, over):
    """Weights, thresholds and spikes, with large steps so that weights meet their bounds."""
    made, x = layer(inputs, size, groups, masked, seed), trains(batch, time, inputs, seed + 1)
    rule = MinibatchSTDP(
        0.2, 0.1, total=None, bounds=Bounds(0.1 if not masked else 0.0, 0.9), over_batch=over
    )
    found = rule.taught(made, x)
    assert scan.routes()["competition"] == "numba"
    with scan.only_plain():
        expected = rule.taught(made, x)
    assert found[0].equal(expected[0])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_what_is_not_a_number_is_seen():
    made = layer(3, 4, 1, False, 0)
    x = trains(2, 6, 3, 0)
    x[1, 2, 0] = torch.nan
    for grads in (False, True):
        with torch.set_grad_enabled(grads):
            y = made(x)[0]
        assert y[0].isfinite().all() and y[1, :2].isfinite().all() and y[1, 2].isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_given_is_written_to(dtype: torch.dtype):
    made, x = layer(5, 3, 2, True, 1).to(dtype), trains(2, 9, 5, 1).to(dtype)
    before = {name: value.clone() for name, value in made.state_dict().items()}, x.clone()
    MinibatchSTDP(total=1.0).taught(made, x)
    with torch.no_grad():
        made(x, made.begin(2))
    torch.testing.assert_close((dict(made.state_dict()), x), before, rtol=0, atol=0)
