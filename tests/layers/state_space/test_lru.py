"""Linear recurrent unit: the formula written out, the ring that it starts on, and the scale of its state."""

import functools
import math

import pytest
import torch

from tests.promises import ON_SEQUENCES, Make, close, generic, maps, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.lru import LRU
from wavetrain.parts.stack import MLP, Stack


def eigenvalues(layer: LRU) -> torch.Tensor:
    return torch.complex(-layer.nu.exp(), layer.theta.exp()).exp()


def test_is_the_formula():
    layer, x = generic(functools.partial(LRU, states=6), 4, 3), normal(2, 9, 3)
    first = torch.complex(normal(2, 6, seed=2), normal(2, 6, seed=3))
    b, c = (torch.complex(*part) for part in (layer.b, layer.c))
    u, h, steps = layer.encode(x), first, []
    for t in range(9):
        drive = torch.stack([b @ (row + 0j) for row in u[:, t]])
        h = eigenvalues(layer) * h + layer.log_gamma.exp() * drive
        steps.append(torch.stack([(c @ row).real for row in h]) + layer.skip * u[:, t])
    close(layer(x, first), (torch.stack(steps, 1), h), "forward, written out")
    close(stepped(layer, x, first), (torch.stack(steps, 1), h), "steps, written out")


def test_by_hand():
    """One unit that turns by a quarter and halves: C h of an impulse is 1, 0, -1/4, 0, 1/16."""
    layer = LRU(1).double()
    with torch.no_grad():
        layer.nu.fill_(math.log(math.log(2)))
        layer.theta.fill_(math.log(math.pi / 2))
        layer.log_gamma.zero_()
        for part, value in ((layer.b, (1.0, 0.0)), (layer.c, (1.0, 0.0))):
            part.copy_(torch.tensor(value).view(2, 1, 1))
        layer.skip.fill_(3)
    x = torch.tensor([1.0, 0, 0, 0, 0], dtype=torch.float64).view(1, 5, 1)
    expected = torch.tensor([4.0, 0, -1 / 4, 0, 1 / 16], dtype=torch.float64)
    close(layer(x)[0].flatten(), expected, "an impulse, by hand")


@pytest.mark.parametrize(("smallest", "largest", "phase"), [(0.0, 1.0, 6.28), (0.9, 0.99, 0.3)])
def test_starts_uniform_on_the_ring(smallest: float, largest: float, phase: float):
    torch.manual_seed(0)
    start = eigenvalues(LRU(1, states=4000, smallest=smallest, largest=largest, phase=phase).double())
    size, angle = start.abs(), start.angle() % (2 * math.pi)
    assert smallest < size.min() and size.max() < largest and angle.max() <= phase
    share = (size.square() - smallest**2) / (largest**2 - smallest**2)  # of the area inside each one
    assert share.mean().item() == pytest.approx(0.5, abs=0.02) and share.var().item() == pytest.approx(
        1 / 12, abs=0.01
    )
    assert (angle / phase).mean().item() == pytest.approx(0.5, abs=0.02)


def test_white_input_gives_a_state_of_variance_one():
    """The power of lambda^l gamma summed over all lags is 1, and a row of B has norm 1 on average."""
    torch.manual_seed(0)
    layer = LRU(64, states=500, largest=0.99).double()
    power = layer.log_gamma.exp().square() / (1 - eigenvalues(layer).abs().square())
    torch.testing.assert_close(power, torch.ones_like(power), rtol=1e-4, atol=0)
    rows = layer.b.square().sum((0, 2))
    assert rows.mean().item() == pytest.approx(1, abs=0.03)


def test_is_stable_wherever_its_parameters_go():
    layer = generic(LRU, 8, 8)
    with torch.no_grad():
        for part in (layer.nu, layer.theta):
            part.normal_(0, 3)
    assert (eigenvalues(layer).abs() < 1).all()


def test_operator_is_the_impulse_response():
    layer = generic(functools.partial(LRU, states=4), 3, 3)
    weight = layer.operator(normal(1, 6, 3)).weight.unflatten(1, (3, 3))  # (1, D, D, T, T)
    for channel in range(3):
        x = torch.zeros(1, 6, 3, dtype=torch.float64)
        x[:, 0, channel] = 1
        close(weight[0, :, channel, :, 0].T, layer(x)[0][0], f"an impulse in channel {channel}")


def test_size():
    assert sum(p.numel() for p in LRU(64, states=32).parameters()) == 3 * 32 + 4 * 32 * 64 + 64


def test_in_a_stack_it_has_a_tangent():
    """Forward mode runs through the step, whatever the state is made of, and warns of nothing."""
    torch.manual_seed(0)
    network = Stack([LRU(4, states=3), LRU(4, states=3)], 3, 2, MLP.PLAIN).double()
    maps.check_operator(network, normal(2, 5, 3))


def test_what_does_not_fit_is_refused():
    for smallest, largest in ((0.5, 0.5), (-0.1, 1.0), (0.0, 1.1)):
        with pytest.raises(BadInput, match="0 <= smallest < largest <= 1"):
            LRU(4, smallest=smallest, largest=largest)
    for phase in (0.0, 7.0):
        with pytest.raises(BadInput, match="phase above 0"):
            LRU(4, phase=phase)
    with pytest.raises(BadInput, match="states must be a whole number"):
        LRU(4, states=0)


VARIANTS = {
    "few states": functools.partial(LRU, states=2),
    "slow ring": functools.partial(LRU, states=9, smallest=0.9, largest=0.999, phase=0.3),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 5, 3), normal(2, 7, 3))


@on_building(VARIANTS, graphs={"slow ring": VARIANTS["slow ring"]})
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
