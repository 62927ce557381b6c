"""Units that compete: one is let through, who fires inhibits its own group alone, and what is refused."""

import math

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.competition import Competition
from wavetrain.spiking._competing import Competing


class Groups(Competing):
    def __init__(
        self, groups: int = 1, width: int = 4, mask: Tensor | None = None, cell: Competition | None = None
    ):
        super().__init__(width, 4, cell=cell or Competition(), dt=1.0, groups=groups, mask=mask)
        self.double()


def test_who_is_furthest_above_is_let_through_and_all_that_crossed_are_reset():
    layer = Groups()
    layer.encode.weight.data.copy_(torch.diag(torch.tensor([14.0, 20.0, 5.0, 15.0])))
    spikes, (v, silent, last) = layer.step(torch.ones(1, 4).double(), layer.begin(1))
    assert spikes.tolist() == [[0, 1, 0, 0]] and last.equal(spikes)
    assert v.tolist() == [[5, 5, 5, 5]] and silent.tolist() == [[5, 5, 0, 5]]


def test_of_equals_the_first_is_let_through():
    layer = Groups()
    layer.encode.weight.data.fill_(20.0)
    assert layer.step(torch.ones(1, 4).double(), layer.begin(1))[0].tolist() == [[1, 0, 0, 0]]


def test_a_spike_inhibits_the_others_of_its_group_one_step_later():
    """120 mV; not the unit itself, not those of other groups."""
    layer = Groups(groups=2)
    layer.encode.weight.data.zero_()
    spikes = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).double()
    zero = torch.zeros(1, 4).double()
    assert layer.step(zero, (zero, zero.int(), spikes))[1][0].tolist() == [[0, -120, 0, 0]]
    one = Groups(groups=1)
    one.encode.weight.data.zero_()
    assert one.step(zero, (zero, zero.int(), spikes))[1][0].tolist() == [[0, -120, -120, -120]]


def test_without_input_the_potential_decays_exactly():
    for dt in (1.0, 0.5):
        layer = Competing(4, 4, cell=Competition(), dt=dt).double()
        v, none = torch.full((1, 4), 10.0).double(), torch.zeros(1, 4).double()
        _, (v, _, _) = layer(none[:, None].expand(-1, round(20 / dt), -1), (v, none.int(), none))
        assert v[0, 0].item() == pytest.approx(10 * math.exp(-20 / 100), rel=1e-12)


def test_a_raised_threshold_is_above_that_of_the_cell():
    layer = Groups(cell=Competition(inhibition=0.0))
    layer.encode.weight.data.copy_(20 * torch.eye(4))
    layer.raised.data.copy_(torch.tensor([6.9, 7.0, 7.1, 0.0]))
    x = torch.eye(4).double()
    spikes, _ = layer.step(x, layer.begin(4))
    assert spikes.diagonal().tolist() == [1, 0, 0, 1]  # on the threshold there is no spike


def test_what_lies_outside_of_the_mask_is_not_seen():
    mask = torch.eye(4).bool()
    layer, x = Groups(mask=mask), torch.zeros(1, 1, 4).double()
    layer.encode.weight.data.fill_(5.0)
    x[..., 2] = 1.0
    assert layer(x)[1][0].tolist() == [[0, 0, 5, 0]]


def test_groups_permuted_give_outputs_permuted():
    draw = torch.Generator().manual_seed(0)
    layer, other = Groups(groups=2), Groups(groups=2)
    weight = 8 * torch.rand(4, 4, generator=draw).double()
    layer.encode.weight.data.copy_(weight)
    other.encode.weight.data.copy_(weight[[2, 3, 0, 1]])
    x = (torch.rand(3, 50, 4, generator=draw) < 0.5).double()
    found, expected = other(x)[0], layer(x)[0][..., [2, 3, 0, 1]]
    assert found.equal(expected) and found.any()


@pytest.mark.parametrize("groups", [0, 3])
def test_groups_are_of_equal_size(groups: int):
    with pytest.raises(BadInput, match="groups of equal size, got"):
        Groups(groups=groups)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(BadInput, match=r"a mask \(4, 4\), got \(2, 4\)"):
        Groups(mask=torch.ones(2, 4).bool())
