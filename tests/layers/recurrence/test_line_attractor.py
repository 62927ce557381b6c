"""Line attractor: a line of fixed points, the sum of the input, time constants, and two Toeplitz heads."""

import functools
import math

import pytest
import torch

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.line_attractor import LineAttractor


def attractor(width: int = 5, inputs: int = 3, gain: float | None = None, tau: float = 10.0) -> LineAttractor:
    """In general position, but for the gain where it is given."""
    layer = generic(functools.partial(LineAttractor, tau=tau), width, inputs)
    if gain is not None:
        with torch.no_grad():
            layer.gain.fill_(gain)
    return layer


@pytest.mark.parametrize("width", [1, 2, 6])
def test_connections_have_one_eigenvalue_and_it_is_the_gain(width: int):
    layer = attractor(width)
    r, left = layer.directions()
    close(left @ r, torch.tensor(1.0, dtype=torch.float64), "l . r, one")
    values = torch.linalg.eigvals(layer.gain * torch.outer(r, left)).abs().sort(descending=True).values
    close(values[0], layer.gain.abs(), "largest eigenvalue, gain")
    assert values[1:].max() < 1e-6 if width > 1 else True


def test_line_of_fixed_points():
    """Without input a place on the line stays, and what is off it goes by 1 - 1 / tau a step."""
    layer = attractor(gain=1.0, tau=4.0)
    r, left = layer.directions()
    still = torch.zeros(1, 12, 3, dtype=torch.float64)
    for place in (-3.0, 0.1, 7.0):
        h = layer(still, (place * r)[None])[0]
        close(h, (place * r).expand(1, 12, 5), "on the line, still there")
    off = normal(1, 5)
    off = off - (off @ left)[:, None] * r
    decay = 0.75 ** torch.arange(1, 13).double()
    close(layer(still, off)[0], off[:, None] * decay[None, :, None], "off the line, decaying")


def test_adds_up_its_input_in_any_order():
    layer, x = attractor(gain=1.0, tau=4.0), normal(2, 9, 3)
    _, left = layer.directions()
    place = layer(x)[0] @ left
    close(place, (layer.encode(x) @ left).cumsum(1) / 4, "place on the line, running sum")
    shuffled = layer(x[:, torch.randperm(9, generator=torch.Generator().manual_seed(0))])[0] @ left
    close(shuffled[:, -1], place[:, -1], "place after another order, in order")


def test_time_constant_is_tau_over_what_the_gain_lacks():
    """1% off at tau = 20 ms, in steps of 1 ms: the memory is down to 1 / e after 2 s."""
    layer = attractor(gain=0.99, tau=20.0)
    r, left = layer.directions()
    close(layer.decays().tolist(), [1 - 0.01 / 20, 1 - 1 / 20], "decays, written out")
    h = layer(torch.zeros(1, 2000, 3, dtype=torch.float64), r[None])[0]
    assert float((h[0, -1] @ left).detach()) == pytest.approx(math.exp(-1), rel=1e-3)


def test_operator_is_two_decaying_steps():
    """Head 0 along the line, head 1 off it; with gain 1 the first is all ones."""
    weight = attractor(gain=1.0, tau=4.0).operator(normal(2, 8, 3)).weight
    close(weight[:, 0], torch.ones(2, 8, 8, dtype=torch.float64).tril(), "along the line, all ones")
    age = torch.arange(8)[:, None] - torch.arange(8)
    close(weight[0, 1], (0.75 ** age.double()).tril(), "off the line, powers of 1 - 1 / tau")
    for head in attractor().operator(normal(1, 8, 3)).weight[0]:
        assert int(torch.linalg.matrix_rank(head[4:, :5])) == 1, "more than rank one below the diagonal"


def test_starts_symmetric_and_as_a_perfect_integrator():
    layer = LineAttractor(7)
    r, left = layer.directions()
    torch.testing.assert_close(r, left)
    assert layer.gain.item() == layer.decays()[0].item() == 1
    assert sum(parameter.numel() for parameter in layer.parameters()) == 7 * 7 + 7 + 7 + 1


def test_time_constants_shorter_than_a_step_are_refused():
    for tau in (0.5, 0.0, -3.0, float("nan")):
        with pytest.raises(BadInput, match="tau must be at least 1 step"):
            LineAttractor(4, tau=tau)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize(("tau", "gain"), [(1.0, 0.9), (3.5, 1.0)])
def test_variants_keep_the_promises(tau: float, gain: float, promise):
    promise(attractor(4, 2, gain, tau), normal(2, 7, 2))
