"""S4D: its starts, the kernel written out, a step that holds its input, a Toeplitz matrix of low rank."""

import functools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, Make, close, generic, maps, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.s4d import S4D, Start
from wavetrain.parts.stack import MLP, Stack


def small(width: int = 5, inputs: int = 3, states: int = 8, start: Start = Start.LIN) -> S4D:
    return generic(functools.partial(S4D, states=states, start=start), width, inputs)


def modes(layer: S4D) -> tuple[Tensor, Tensor, Tensor]:
    """dt (D, 1), A and C (D, N / 2), as in the paper."""
    return (
        layer.log_step.exp()[:, None],
        torch.complex(-layer.log_decay.exp(), layer.frequency),
        torch.view_as_complex(layer.c),
    )


@pytest.mark.parametrize(
    ("start", "smallest", "largest"),
    [
        (Start.LEGS, [0.2639, 0.9059, 1.7030, 2.6257, 3.6648, 4.8191], 1303.27),
        (Start.INV, [0.3234, 1.0019, 1.7264], 1283.43),
        (Start.LIN, [0.0, math.pi, 2 * math.pi], 31 * math.pi),
    ],
)
def test_starts(start: Start, smallest: list[float], largest: float):
    a = start.modes(64)
    assert (a.real == -0.5).all() and len(a) == 32
    frequency = a.imag.sort().values.tolist()
    assert frequency[: len(smallest)] == pytest.approx(smallest, abs=5e-5)
    assert frequency[-1] == pytest.approx(largest, abs=5e-3)


def test_real_start_does_not_oscillate():
    assert Start.REAL.modes(6).tolist() == [-1, -2, -3]


@pytest.mark.parametrize("start", Start)
def test_built_as_it_starts(start: Start):
    torch.manual_seed(0)
    layer = S4D(300, inputs=1, states=8, start=start)
    dt, a, c = modes(layer)
    torch.testing.assert_close(a[7], start.modes(8).to(a.dtype))
    assert 0.001 <= dt.min() < 0.0012 and 0.085 < dt.max() <= 0.1
    assert c.abs().square().mean().item() == pytest.approx(1, abs=0.1)


def test_is_the_formula():
    """The kernel, one lag at a time, and the convolution, one pair of steps at a time; L = 50, N = 8."""
    layer, x = small(width=4), normal(2, 50, 3)
    dt, a, c = modes(layer)
    u = layer.encode(x)
    v = layer.skip * u
    for lag in range(50):
        kernel = 2 * (c * ((dt * a).exp() - 1) / a * (dt * a * lag).exp()).real.sum(-1)
        v[:, lag:] += kernel * u[:, : 50 - lag]
    mixed = layer.operator(x).mix().squeeze(-1)
    torch.testing.assert_close(mixed, v, rtol=0, atol=1e-12)
    expected = layer.read(v.unsqueeze(-1))
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


def test_without_room_for_zeros_the_end_would_come_round():
    layer, x = small(), normal(1, 16, 3)
    operator = layer.operator(x)
    kernel, u = operator.weight[0, :, :, 0], operator.value[0, :, :, 0].T  # (D, T)
    round_about = torch.fft.irfft(torch.fft.rfft(kernel) * torch.fft.rfft(u), 16).T[None]
    y, _ = layer(x)
    assert (layer.read(round_about.unsqueeze(-1)) - y).abs().max() > 1e-2
    close(layer.read(operator.mix()), y, "with room, forward")


def test_holding_the_input_is_exact():
    """Half the step and each input twice: the same states, so the same outputs at every second step."""
    layer, x = small(), normal(2, 9, 3)
    y, last = layer(x)
    with torch.no_grad():
        layer.log_step -= math.log(2)
    twice, last_twice = layer(x.repeat_interleave(2, 1))
    close((twice[:, 1::2], last_twice), (y, last), "at half the step, at the whole")


def test_constant_input_settles_at_the_steady_state():
    layer = small()
    with torch.no_grad():
        layer.log_step.zero_()
    x = normal(1, 1, 3)
    _, a, c = modes(layer)
    u = layer.encode(x[:, 0])
    v = (layer.skip - 2 * (c / a).real.sum(-1)) * u
    close(layer(x.expand(1, 200, 3))[0][:, -1], layer.read(v.unsqueeze(-1)), "after 200 steps, D - C / A")


def test_toeplitz_of_low_rank():
    layer, x = small(states=4), normal(1, 30, 3)
    weight = layer.operator(x).weight[0]  # (D, T, T)
    close(weight[:, 1:, 1:], weight[:, :-1, :-1], "the matrix, moved along its diagonal")
    for cut in (5, 15, 25):
        assert (torch.linalg.matrix_rank(weight[:, cut:, :cut], rtol=1e-9) <= 4).all()


def test_a_delay_commutes():
    layer, x = small(3, 3), normal(1, 12, 3)
    late = torch.cat([torch.zeros(1, 4, 3, dtype=x.dtype), x], 1)
    close(layer(late)[0][:, 4:], layer(x)[0], "outputs to a late input, late outputs")


def test_published_size():
    """Four layers of 128 with encoder, norms and read-out: about 200 000 parameters."""
    one = sum(p.numel() for p in S4D(128).parameters())
    assert one == 128 * (1 + 2 * 32 + 2 * 32 + 1) + 256 * 129
    assert 195_000 < 4 * one + 4 * 128 + 10 * 129 + 4 * 256 < 205_000


def test_in_a_stack_it_has_a_tangent():
    """Forward mode runs through the step, whatever the state is made of, and warns of nothing."""
    torch.manual_seed(0)
    network = Stack([S4D(4, states=4), S4D(4, states=4)], 3, 2, MLP.NONE).double()
    maps.check_operator(network, normal(2, 5, 3))


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="states must be even, as modes come in pairs, got 5"):
        S4D(4, states=5)
    with pytest.raises(BadInput, match="states must be a whole number"):
        S4D(4, states=0)


def test_long_and_in_single_precision():
    """Float32 over 2000 steps of the fastest modes: phases of many turns."""
    torch.manual_seed(0)
    layer, x = S4D(4, inputs=1, start=Start.LEGS), normal(1, 2000, 1, dtype=torch.float32)
    y = layer(x)[0].detach().numpy()
    exact = layer.double()(x.double())[0].detach().numpy()
    assert np.abs(y - exact).max() < 2e-3 * np.abs(exact).max()


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("start", Start)
def test_starts_keep_the_promises(start: Start, promise):
    promise(small(states=6, start=start), normal(2, 6, 3))


MADE = {start.name: functools.partial(S4D, states=2, start=start) for start in Start}


@on_building(MADE, graphs={"REAL": MADE["REAL"]})  # the others differ in numbers alone
def test_starts_are_built_as_promised(make: Make, promise):
    promise(make)
