"""S4: LegS as diagonal plus low rank, the paper's kernel by Cauchy sums, and a step that never grows."""

import functools

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, Make, close, generic, maps, normal
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.s4 import S4
from wavetrain.parts.hippo import legs, legs_modes
from wavetrain.parts.stack import MLP, Stack


def full(layer: S4) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """dt, Lambda, P, B and C of one feature over all N modes, conjugates included."""
    parts = [torch.complex(-layer.log_decay.exp(), layer.frequency)]
    parts += [torch.view_as_complex(part) for part in (layer.p, layer.b, layer.c)]
    return layer.log_step.exp()[0], *(torch.cat([part[0], part[0].conj()]) for part in parts)


def discrete(dt: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The bilinear rule by dense matrices."""
    unit = torch.eye(len(a), dtype=a.dtype)
    step = torch.linalg.solve(unit - dt / 2 * a, torch.cat([unit + dt / 2 * a, dt * b[:, None]], 1))
    return step[:, :-1], step[:, -1]


def kernel_by_powers(dt: Tensor, a: Tensor, b: Tensor, c: Tensor, time: int) -> Tensor:
    matrix, x = discrete(dt, a, b)
    taps = []
    for _ in range(time):
        taps.append(c @ x)
        x = matrix @ x
    return torch.stack(taps)


def kernel(layer: S4, time: int) -> Tensor:
    """What an impulse leaves, without D."""
    taps = layer.operator(normal(1, time, layer.inputs)).weight[0, 0, :, 0].clone()
    taps[0] -= layer.skip[0]
    return taps


@pytest.mark.parametrize("states", [2, 8, 64])
def test_legs_is_normal_plus_low_rank(states: int):
    a, b = legs(states)
    normal_part = a + torch.outer(b, b) / 2
    unit = torch.eye(states, dtype=a.dtype)
    torch.testing.assert_close(normal_part + normal_part.T, -unit)
    torch.testing.assert_close(normal_part @ normal_part.T, normal_part.T @ normal_part)
    assert (a.triu(1) == 0).all() and a.diagonal().tolist() == [-(n + 1.0) for n in range(states)]
    eigenvalues = torch.linalg.eigvals(normal_part)
    torch.testing.assert_close(eigenvalues.real, torch.full_like(b, -0.5), rtol=0, atol=1e-9)
    upper = eigenvalues.imag.sort().values[states // 2 :]
    torch.testing.assert_close(legs_modes(states)[0].imag, upper, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("states", [2, 8])
def test_starts_as_legs(states: int):
    """The eigenvalues of the discrete matrix are those of LegS, -1 to -N, under the bilinear rule."""
    torch.manual_seed(0)
    layer = S4(1, states=states).double()
    modes, b = legs_modes(states)
    zero, exact = torch.zeros_like(b), (modes.imag, torch.full_like(b, 0.5).log())
    exact += torch.stack([b / 2**0.5, zero], -1), torch.stack([b, zero], -1)
    for part, start in zip((layer.frequency, layer.log_decay, layer.p, layer.b), exact, strict=True):
        torch.testing.assert_close(part[0], start, rtol=1e-6, atol=0)
        part.data[0] = start  # in all the digits of float64
    dt = layer.log_step.exp().item()
    k = torch.arange(states, 0, -1, dtype=torch.float64)
    found = torch.linalg.eigvals(layer._system()[0][0])
    expected = (1 - dt * k / 2) / (1 + dt * k / 2)
    torch.testing.assert_close(found.real.sort().values, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.imag, torch.zeros_like(k), rtol=0, atol=1e-6)
    # the energy that an impulse leaves in the state does not depend on the basis either
    a, dense_b = legs(states)
    matrix, x = discrete(torch.tensor(dt, dtype=torch.float64), a, dense_b)
    for _ in range(5):
        x = matrix @ x
    _, state = layer(torch.eye(6, dtype=torch.float64)[:1].unsqueeze(-1))
    torch.testing.assert_close(2 * state.square().sum(), x.square().sum(), rtol=1e-9, atol=0)


def test_kernel_is_that_of_the_dense_system():
    layer = generic(functools.partial(S4, states=8), 2, 2)
    dt, rates, p, b, c = full(layer)
    dense = torch.diag(rates) - torch.outer(p, p.conj())
    expected = kernel_by_powers(dt, dense, b, c, 50)
    torch.testing.assert_close(expected.imag, torch.zeros(50, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(kernel(layer, 50), expected.real, rtol=0, atol=1e-11)


@pytest.mark.parametrize("time", [1, 7, 31, 101])
def test_kernel_is_the_papers_by_cauchy_sums(time: int):
    """At the roots of unity z, with C (1 - A^L) in the place of C; odd lengths leave z = -1 out."""
    layer = generic(functools.partial(S4, states=8), 2, 2)
    dt, rates, p, b, c = full(layer)
    matrix, _ = discrete(dt, torch.diag(rates) - torch.outer(p, p.conj()), b)
    c = c - c @ torch.linalg.matrix_power(matrix, time)
    z = torch.exp(-2j * torch.pi * torch.arange(time, dtype=torch.float64) / time)
    g = 2 / dt * (1 - z) / (1 + z)
    resolvent = 1 / (g[:, None] - rates)  # (L, N)
    r00, r01, r10, r11 = (resolvent @ v for v in (c * b, c * p, p.conj() * b, p.conj() * p))
    generating = 2 / (1 + z) * (r00 - r01 * r10 / (1 + r11))
    close(torch.fft.ifft(generating), kernel(layer, time) + 0j, "Cauchy sums, powers by doubling")


def test_powers_never_grow():
    """LegS in its modes contracts in every direction, whatever dt is."""
    torch.manual_seed(0)
    layer = S4(40).double()
    with torch.no_grad():
        layer.log_step.uniform_(-9, 3)
    size = torch.linalg.matrix_norm(layer._system()[0], 2)
    assert size.max() < 1


def test_single_precision_over_a_thousand_steps():
    torch.manual_seed(0)
    layer, x = S4(8, inputs=1), normal(1, 1000, 1, dtype=torch.float32)
    y = layer(x)[0].double()
    exact = layer.double()(x.double())[0]
    assert (y - exact).abs().max() < 1e-3 * exact.abs().max()


def test_size():
    """For each feature dt, D and N / 2 modes with real and imaginary parts of Lambda, P, B and C."""
    assert sum(p.numel() for p in S4(16, states=8).parameters()) == 16 * (2 + 4 * 8) + 16 * 17


def test_in_a_stack_it_has_a_tangent():
    """Forward mode runs through the step, whatever the state is made of, and warns of nothing."""
    torch.manual_seed(0)
    network = Stack([S4(4, states=4), S4(4, states=4)], 3, 2, MLP.NONE).double()
    maps.check_operator(network, normal(2, 5, 3))


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="states must be even, as modes come in pairs, got 3"):
        S4(4, states=3)
    with pytest.raises(BadInput, match="states must be a whole number"):
        S4(4, states=-2)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_few_states_keep_the_promises(promise):
    promise(generic(functools.partial(S4, states=4), 5, 3), normal(2, 7, 3))


@on_building({"few states": functools.partial(S4, states=2)}, graphs={})  # the lines are those of many
def test_few_states_are_built_as_promised(make: Make, promise):
    promise(make)
