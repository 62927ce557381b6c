"""Ring: powers of the move written out, the shift register, dispersion, and reading as convolution."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.ring import Ring

VARIANTS = {
    "cut": functools.partial(Ring, cells=3),
    "cut, slow and leaking": functools.partial(Ring, cells=4, speed=0.3, keep=0.9),
    "closed": functools.partial(Ring, cells=3, closed=True),
    "closed, slow and leaking": functools.partial(Ring, cells=5, closed=True, speed=0.6, keep=0.8),
    "one cell": functools.partial(Ring, cells=1, closed=True, keep=0.5),
}


def ring(width: int = 1, inputs: int = 1, cells: int = 6, **settings) -> Ring:
    """A ring into which input goes as it is, where that fits."""
    layer = generic(functools.partial(Ring, cells=cells, **settings), width, inputs)
    if width == inputs:
        with torch.no_grad():
            layer.encode.weight.copy_(torch.eye(width))
    return layer


def move(layer: Ring) -> Tensor:
    """The matrix A of a step, (n, n), written out."""
    shift = torch.diag(torch.ones(layer.cells - 1, dtype=torch.float64), -1)
    if layer.closed:
        shift[0, -1] += 1
    return layer.keep * ((1 - layer.speed) * torch.eye(layer.cells, dtype=shift.dtype) + layer.speed * shift)


@pytest.mark.parametrize("variant", VARIANTS)
def test_is_the_matrix_formula(variant: str):
    """y_t = sum over s of c . A^(t-s) e_0 u_s + c . A^(t+1) h_0, and h_T in the same way."""
    layer, x = generic(VARIANTS[variant], 2, 3), normal(2, 9, 3)
    first = normal(2, 2, layer.cells, seed=5)
    u, a = layer.encode(x), move(layer)
    h, outputs = first, []
    for t in range(9):
        h = h @ a.T
        h[..., 0] = h[..., 0] + u[:, t]
        outputs.append((layer.profile * h).sum(-1))
    close(layer(x, first), (torch.stack(outputs, 1), h), "forward, written out")
    close(stepped(layer, x, first), (torch.stack(outputs, 1), h), "steps, written out")
    power = [layer.profile @ torch.linalg.matrix_power(a, age)[:, 0] for age in range(9)]
    for t, s in ((8, 0), (8, 8), (5, 2)):
        close(layer.operator(x).weight[0, :, t, s], power[t - s], f"weight from {s} to {t}, c . A^(t-s) e_0")


@pytest.mark.parametrize(("cells", "time"), [(64, 200), (64, 10), (1, 5), (7, 7), (7, 8)])
def test_reading_is_convolving(cells: int, time: int):
    layer, x = ring(cells=cells), normal(1, time, 1)
    expected = np.convolve(x[0, :, 0].numpy(), layer.profile[0].detach().numpy())[:time]
    close(layer(x)[0][0, :, 0].detach().numpy(), expected, "output, convolution with the profile")


def test_cut_ring_holds_the_last_inputs_by_age():
    layer, x = ring(width=2, inputs=2, cells=5), normal(3, 13, 2)
    _, h = layer(x)
    close(h, x[:, -5:].flip(1).mT, "state, the last five inputs from the newest")


def test_shift_is_orthogonal_when_closed_and_nilpotent_when_cut():
    eye = torch.eye(6, dtype=torch.float64)
    closed, cut = (ring(closed=closed)._move(eye).T for closed in (True, False))
    close(closed, move(ring(closed=True)), "the move, written out")
    close(torch.linalg.matrix_power(closed, 6), eye, "once round, the identity")
    close(closed @ closed.T, eye, "S S', the identity")
    roots = torch.linalg.eigvals(closed)
    close(roots**6, torch.ones_like(roots), "eigenvalues, sixth roots of one")
    close(torch.linalg.matrix_power(cut, 6), 0 * eye, "once along the cut ring, nothing")
    assert float(torch.linalg.matrix_norm(cut, 2)) == pytest.approx(1)


def test_eigenvalues_of_a_slow_ring():
    layer = ring(closed=True, speed=0.3, keep=0.9)
    found = torch.linalg.eigvals(move(layer)).numpy()
    expected = 0.9 * (0.7 + 0.3 * np.exp(-2j * np.pi * np.arange(6) / 6))
    for one in expected:
        assert np.abs(found - one).min() < 1e-12


@pytest.mark.parametrize(("speed", "age"), [(0.3, 20), (0.5, 41), (1.0, 17)])
def test_a_slow_pulse_moves_and_spreads(speed: float, age: int):
    """After t steps its mean place is v t and its variance t v (1 - v)."""
    layer = ring(cells=64, speed=speed)
    pulse = torch.zeros(1, age + 1, 1, dtype=torch.float64)
    pulse[:, 0] = 1
    h = layer(pulse)[1][0, 0].detach().numpy()
    place = np.arange(64)
    mean = (place * h).sum()
    assert h.sum() == pytest.approx(1) and mean == pytest.approx(speed * age)
    assert ((place - mean) ** 2 * h).sum() == pytest.approx(age * speed * (1 - speed), abs=1e-9)


@pytest.mark.parametrize("closed", [True, False])
def test_kernel_comes_round_only_when_closed(closed: bool):
    layer = ring(cells=4, closed=closed, keep=0.9)
    kernel = layer.operator(normal(1, 11, 1)).weight[0, 0, :, 0]
    age = torch.arange(11)
    expected = layer.profile[0, age % 4] * 0.9 ** age.double() * (closed | (age < 4))
    close(kernel, expected, "first column, the profile round and round")


def test_two_rings_commute_and_their_kernels_convolve():
    one, two = (generic(VARIANTS[name], 1, 1, seed) for seed, name in enumerate(["cut", "closed"]))
    first, second = (layer.operator(normal(1, 10, 1)).weight[0, 0] for layer in (one, two))
    close(first @ second, second @ first, "one after the other, in the other order")
    kernel = np.convolve(first[:, 0].detach().numpy(), second[:, 0].detach().numpy())[:10]
    close((first @ second)[:, 0].detach().numpy(), kernel, "kernel of both, convolution of the kernels")


def test_a_closed_ring_without_leak_cannot_tell_ages_a_turn_apart():
    layer = ring(cells=4, closed=True)
    early, late = torch.zeros(2, 1, 9, 1, dtype=torch.float64)
    early[:, 2], late[:, 6] = 1, 1
    close(layer(early)[1], layer(late)[1], "state after a pulse four steps earlier, later")


def test_bad_settings_are_refused():
    for settings in ({"speed": 0.0}, {"speed": 1.5}, {"keep": 0.0}, {"keep": 1.1}, {"keep": float("nan")}):
        with pytest.raises(BadInput, match=next(iter(settings))):
            Ring(4, **settings)
    with pytest.raises(BadInput, match="cells"):
        Ring(4, cells=0)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 3, 2), normal(2, 7, 2))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_closed_rings_are_built_as_promised(promise):
    promise(VARIANTS["closed, slow and leaking"])
