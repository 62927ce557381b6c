"""Echo state network: its spectral radius, its echoes, and that nothing of it learns."""

import pytest
import torch

from tests.promises import close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.echo_state import EchoState
from wavetrain.layers.recurrence.elman import Elman


def built(width: int = 40, inputs: int = 3, radius: float = 0.9, leak: float = 1.0) -> EchoState:
    torch.manual_seed(0)
    return EchoState(width, inputs, radius, leak).double()


@pytest.mark.parametrize("radius", [0.0, 0.3, 1.2])
def test_has_the_spectral_radius_that_was_asked_for(radius: float):
    largest = torch.linalg.eigvals(built(radius=radius).recur.weight).abs().max()
    assert largest.item() == pytest.approx(radius, abs=1e-5), "rounded to float32"


def test_nothing_of_it_learns():
    layer = EchoState(7, 2)
    assert not any(parameter.requires_grad for parameter in layer.parameters())
    assert sum(parameter.numel() for parameter in layer.parameters()) == 7 * 2 + 7 + 7 * 7


def test_weights_of_the_input_are_uniform_in_the_scale():
    torch.manual_seed(0)
    layer = EchoState(400, 50, scale=0.2)
    weight = layer.encode.weight
    assert 0.199 < weight.abs().max() <= 0.2 and 0.19 < layer.encode.bias.abs().max() <= 0.2
    assert abs(weight.std() - 0.2 / 3**0.5) < 0.001  # of a uniform number


def test_without_leak_it_is_the_elman_network_of_its_weights():
    layer, elman = generic(EchoState, 6, 3), generic(Elman, 6, 3)
    with torch.no_grad():
        elman.encode.load_state_dict(layer.encode.state_dict())
        elman.recur.weight.copy_(layer.recur.weight)
        elman.recur.bias.zero_()
    x, first = normal(2, 9, 3), normal(2, 6, seed=2)
    close(layer(x, first), elman(x, first), "forward, Elman network")
    close(stepped(layer, x, first), elman(x, first), "steps, Elman network")


def test_two_states_come_together_at_least_as_fast_as_promised():
    """|h - h'| shrinks by 1 - a (1 - s) a step, s the largest singular value of U."""
    layer = built(radius=0.4, leak=0.5)
    s = torch.linalg.matrix_norm(layer.recur.weight, 2)
    assert s < 1
    x = normal(1, 60, 3)
    one, other = (layer(x, normal(1, 40, seed=seed))[0] for seed in (3, 4))
    gap = (one - other).norm(dim=-1)[0]
    assert (gap[1:] <= gap[:-1] * (1 - 0.5 * (1 - s)) + 1e-15).all() and gap[-1] < 1e-6


def test_at_rest_its_tangent_is_a_power():
    """Around h = 0, x = 0, b = 0: d h_t / d x_s = ((1 - a) I + a U)^(t - s) a V."""
    layer = built(width=5, inputs=2, leak=0.3)
    with torch.no_grad():
        layer.encode.bias.zero_()
    blocks = layer.operator(torch.zeros(1, 6, 2, dtype=torch.double)).weight.unflatten(1, (5, 2))
    once = 0.7 * torch.eye(5, dtype=torch.double) + 0.3 * layer.recur.weight
    for t in range(6):
        for s in range(t + 1):
            expected = torch.linalg.matrix_power(once, t - s) @ (0.3 * layer.encode.weight)
            close(blocks[0, :, :, t, s], expected, f"block {t}, {s}")


def test_a_radius_of_zero_without_leak_has_no_past():
    layer, x = built(radius=0.0), normal(1, 8, 3)
    close(layer(x)[0], layer.encode(x).tanh(), "state, tanh of the drive")


def test_bad_sizes():
    for wrong in ({"radius": -0.1}, {"leak": 0.0}, {"leak": 1.5}, {"scale": 0.0}):
        with pytest.raises(BadInput, match="expected a radius of at least 0, a leak in"):
            EchoState(4, **wrong)
