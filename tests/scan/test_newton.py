"""Newton's method on a whole sequence against the walk: values, gradients, how fast, and what if it fails."""

import importlib
import math
from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.promises import close, normal
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan import Info, Newton, blocks


class Gated(NamedTuple):
    """The sheet's test cell, a gated unit: drive (..., 3, D), state (..., 1, D)."""

    a: Tensor  # (3, D)

    def next(self, drive: Tensor, state: Tensor) -> Tensor:
        return self._both(drive, state)[0]

    def linearise(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return self._both(drive, state)

    def _both(self, drive: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        z = torch.sigmoid(drive[..., :1, :] + self.a[0] * h)
        r = torch.sigmoid(drive[..., 1:2, :] + self.a[1] * h)
        c = torch.tanh(drive[..., 2:, :] + self.a[2] * h * r)
        inner = z * self.a[2] * (1 - c**2) * (r + h * self.a[1] * r * (1 - r))
        return (1 - z) * h + z * c, ((1 - z) + (c - h) * self.a[0] * z * (1 - z) + inner).unsqueeze(-2)


class Turning(NamedTuple):
    """Two parts a channel that turn into each other: h' = squash(A h + drive), A (2, 2, D)."""

    a: Tensor
    squash: bool

    def next(self, drive: Tensor, state: Tensor) -> Tensor:
        total = (self.a * state.unsqueeze(-3)).sum(-2) + drive
        return total.tanh() if self.squash else total

    def linearise(self, drive: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        now = self.next(drive, state)
        slope = 1 - now**2 if self.squash else torch.ones_like(now)
        return now, slope.unsqueeze(-2) * self.a


def gated(scale: float, time: int = 512, batch: int = 1) -> tuple[Gated, Tensor, Tensor]:
    """Six channels, recurrent weights scale N(0, 1), drive N(0, 1), as in the sheet."""
    a = scale * normal(3, 6, seed=3)
    return Gated(a), normal(batch, time, 3, 6, seed=4), torch.zeros(batch, 1, 6, dtype=torch.float64)


def walk(cell: Gated | Turning, drive: Tensor, state: Tensor) -> Tensor:
    with scan.only_plain():
        return scan.newton(cell, drive, state)[0]


def error(scale: float, steps: int) -> float:
    cell, drive, state = gated(scale)
    h, _ = scan.newton(cell, drive, state, Newton(cap=steps, fallback=False))
    return (h - walk(cell, drive, state)).abs().max().item()


# --- the linear recurrence inside -----------------------------------------------------------------------


@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 3, 4, 5, 8, 13, 31]),
    parts=st.integers(1, 3),
    width=st.integers(1, 19),
)
def test_blocks_are_the_recurrence(batch: int, time: int, parts: int, width: int):
    jacobian, b = normal(batch, time, parts, parts, width), normal(batch, time, parts, width, seed=2)
    jacobian = 0.5 * jacobian
    jacobian[:, 0] = 0
    d, steps = torch.zeros_like(b[:, 0]), []
    for t in range(time):
        d = torch.einsum("bijk,bjk->bik", jacobian[:, t], d) + b[:, t]
        steps.append(d)
    expected = torch.stack(steps, 1)
    close(blocks.walk(jacobian, b), expected, "in one walk, written out")
    close(blocks.reduce(jacobian, b), expected, "by doubling, written out")
    close(blocks.walk(jacobian.mT.contiguous().mT, b), expected, "in another layout, written out")


@pytest.mark.parametrize("time", [1, 2, 3, 8, 9, 100])
def test_doubling_takes_as_many_rounds_as_the_length_has_bits(time: int, monkeypatch: pytest.MonkeyPatch):
    rounds = []
    cat = torch.cat
    monkeypatch.setattr(torch, "cat", lambda *args: rounds.append(1) or cat(*args))
    blocks.reduce(torch.zeros(1, time, 1, 1, 1), torch.zeros(1, time, 1, 1))
    assert len(rounds) == 2 * math.ceil(math.log2(time))  # b and J in each round


# --- how fast --------------------------------------------------------------------------------------------


def test_linear_cell_takes_one_step():
    a, drive, state = 0.3 * normal(2, 2, 5), normal(3, 40, 2, 5), normal(3, 2, 5)
    cell = Turning(a, squash=False)
    h, info = scan.newton(cell, drive, state, Newton(cap=1, fallback=False))
    close(h, walk(cell, drive, state), "one step, the walk")
    assert info.residual.max() < 1e-12


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_first_states_are_exact_whatever_the_cell(steps: int):
    """Each step makes one more state exact, and the guess the first; with the cap at T nothing is left."""
    cell, drive, state = gated(4, time=10)
    h, _ = scan.newton(cell, drive, state, Newton(cap=steps, fallback=False))
    close(h[:, : steps + 1], walk(cell, drive, state)[:, : steps + 1], f"first {steps + 1} states, the walk")


def test_error_is_squared():
    errors = [error(1.0, steps) for steps in range(1, 8)]
    falling = [one for one in errors if 1e-7 < one < 1e-2]
    for before, after in zip(falling, errors[errors.index(falling[0]) + 1 :], strict=False):
        assert after < 100 * before**2, errors
    assert errors[-1] < 1e-13


def test_three_steps_are_right_only_for_small_recurrent_weights():
    assert error(0.25, 3) < 1e-6
    assert error(0.5, 3) < 1e-3
    assert error(2, 3) > 0.1 and error(4, 3) > 0.1


@pytest.mark.parametrize("scale", [0.25, 0.5])
def test_iterations_do_not_grow_with_the_length(scale: float):
    found = [scan.newton(*gated(scale, time), Newton())[1] for time in (64, 512, 4096)]
    assert all(info.converged.all() for info in found)
    assert max(int(info.iterations) for info in found) <= int(found[0].iterations) + 1


def test_damping_ends_at_the_same_states_and_takes_longer():
    cell, drive, state = gated(0.5)
    h, info = scan.newton(cell, drive, state, Newton(cap=60, damping=0.5))
    whole = scan.newton(cell, drive, state, Newton())[1]
    assert info.converged.all() and info.iterations > whole.iterations
    close(h, walk(cell, drive, state), "damped, the walk")


def test_tolerance_says_when_to_stop():
    cell, drive, state = gated(1.0)
    loose = scan.newton(cell, drive, state, Newton(tolerance=0.5))[1]
    tight = scan.newton(cell, drive, state, Newton(tolerance=1e-12))[1]
    assert loose.iterations < tight.iterations and loose.residual > tight.residual
    assert loose.converged.all() and tight.converged.all()


def test_float32():
    cell, drive, state = gated(0.5)
    cell = Gated(cell.a.float())
    h, info = scan.newton(cell, drive.float(), state.float(), Newton())
    assert h.dtype == info.residual.dtype == torch.float32 and info.converged.all()
    torch.testing.assert_close(h, walk(cell, drive.float(), state.float()), rtol=1e-5, atol=1e-5)


# --- what if it fails ------------------------------------------------------------------------------------


def test_divergence_at_scale_four_is_caught():
    cell, drive, state = gated(4)
    lost, info = scan.newton(cell, drive, state, Newton(cap=12, fallback=False))
    assert not info.converged.any() and info.residual > 0.01 and info.iterations == 12
    assert (lost - walk(cell, drive, state)).abs().max() > 0.1
    h, info = scan.newton(cell, drive, state, Newton(cap=12))
    assert "1 of 1 not converged" in scan.routes()["newton"]
    assert not info.converged.any() and info.residual < 1e-12 and info.iterations == 12
    torch.testing.assert_close(h, walk(cell, drive, state), rtol=0, atol=0)


def test_only_what_has_not_converged_is_walked():
    """A sequence with no number in it from step 20 on is walked; those beside it are not."""
    cell, drive, state = gated(0.5, time=50, batch=3)
    drive[1, 20:] = torch.nan
    h, info = scan.newton(cell, drive, state, Newton())
    assert info.converged.tolist() == [True, False, True]
    expected = walk(cell, drive, state)
    close(h[::2], expected[::2], "beside a sequence of NaN, the walk")
    close(h[1, :20], expected[1, :20], "before the first NaN, the walk")
    assert h[1, 20:].isnan().all()


def test_each_sequence_ends_as_by_itself():
    cell, drive, state = gated(1.0, batch=4)
    drive[2] *= 3
    together, info = scan.newton(cell, drive, state, Newton())
    for row in range(4):
        alone, own = scan.newton(cell, drive[row : row + 1], state[row : row + 1], Newton())
        close(together[row], alone[0], f"sequence {row} among others, alone")
        assert info.iterations[row] == own.iterations


@pytest.mark.parametrize("how", [Newton(), Newton(cap=1), Newton(cap=0)], ids=str)
def test_gradients_are_those_of_the_walk(how: Newton):
    """Also where the states come from the walk, so that nothing but backward is parallel."""
    for cell, sums, parts in ((Gated(normal(3, 5)), 3, 1), (Turning(0.7 * normal(2, 2, 5), True), 2, 2)):
        inputs = [cell.a, normal(2, 9, sums, 5, seed=5), normal(2, parts, 5, seed=6)]
        slopes = []
        for plain in (False, True):
            a, drive, state = (part.clone().requires_grad_() for part in inputs)
            with scan.only_plain() if plain else torch.enable_grad():
                h, _ = scan.newton(cell._replace(a=a), drive, state, how)
            slopes.append(torch.autograd.grad((h * normal(*h.shape, seed=7)).sum(), [a, drive, state]))
        close(slopes[0], slopes[1], "gradients by one linear recurrence, by back-propagation through time")


def test_gradients_by_differences():
    inputs = [normal(3, 2), normal(2, 5, 3, 2, seed=5), normal(2, 1, 2, seed=6)]
    turning = [0.7 * normal(2, 2, 2), normal(2, 5, 2, 2, seed=5), normal(2, 2, 2, seed=6)]
    for make, values in ((Gated, inputs), (lambda a: Turning(a, True), turning)):
        watched = [part.requires_grad_() for part in values]

        def run(a: Tensor, drive: Tensor, state: Tensor, make=make) -> Tensor:
            return scan.newton(make(a), drive, state, Newton())[0]

        assert torch.autograd.gradcheck(run, watched)


# --- routes and errors -----------------------------------------------------------------------------------


def test_the_route_is_chosen_by_itself_and_can_be_forced(monkeypatch: pytest.MonkeyPatch):
    """On CPU the walk takes less time, however long the sequence is: Newton's method must be asked for."""
    monkeypatch.setattr(importlib.import_module("wavetrain.scan.newton"), "WORTH", 20)
    cell, drive, state = gated(0.5, time=40)
    for some, how, route in (
        (drive[:, :2], None, "plain"),
        (drive, None, "plain"),
        (drive[:, :2], Newton(), "numba"),
        (drive, Newton(), "numba"),
    ):
        scan.newton(cell, some, state, how)
        assert scan.routes()["newton"] == route
    with scan.only_plain():
        _, info = scan.newton(cell, drive, state, Newton())
    assert scan.routes()["newton"] == "plain"
    assert isinstance(info, Info) and info.iterations.tolist() == [0] and not info.converged.any()


def test_reduction_gives_the_same(monkeypatch: pytest.MonkeyPatch):
    """The route of machines without numba's walk."""
    cell, drive, state = gated(0.5, time=37, batch=2)
    newton = importlib.import_module("wavetrain.scan.newton")
    monkeypatch.setattr(newton, "chosen", lambda *tensors, **named: None)
    drive.requires_grad_()
    h, info = scan.newton(cell, drive, state, Newton())
    assert info.converged.all() and scan.routes()["newton"] == "reduction"
    close(h, walk(cell, drive, state), "by doubling, the walk")
    close(
        torch.autograd.grad(h.sum(), drive),
        torch.autograd.grad(walk(cell, drive, state).sum(), drive),
        "gradient by doubling, by the walk",
    )


def test_bad_input_is_refused():
    cell, drive, state = gated(0.5, time=4)
    for wrong, first, words in (
        (drive[0], state, "expected drive"),
        (drive[:, :0], state, "at least one step"),
        (drive, state[:, 0], "expected state"),
        (drive, state[..., :5], "expected state"),
        (drive, state.float(), "one dtype"),
    ):
        with pytest.raises(BadInput, match=words):
            scan.newton(cell, wrong, first)
    for option in ({"tolerance": 0.0}, {"tolerance": math.nan}, {"cap": -1}, {"cap": 2.5}, {"damping": 0.0}):
        with pytest.raises(BadInput, match=f"Newton: {next(iter(option))} must"):
            Newton(**option)
