"""Linear state space layer: three views of one system, LegS under each rule, gates as Euler steps, memory."""

import functools

import numpy as np
import pytest
import torch

from tests.promises import ON_SEQUENCES, Make, close, generic, maps, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.lssl import LSSL
from wavetrain.parts.hippo import legs
from wavetrain.parts.linear_system import krylov
from wavetrain.parts.stack import MLP, Stack


def small(width: int = 4, inputs: int = 3) -> LSSL:
    return generic(functools.partial(LSSL, states=8), width, inputs)


def test_krylov_columns_are_powers():
    matrix, vector = normal(3, 5, 5), normal(3, 5, seed=2)
    for length in (1, 2, 3, 4, 7, 8, 9):
        columns = krylov(matrix, vector, length)
        assert columns.shape == (3, 5, length)
        for power in range(length):
            expected = torch.linalg.matrix_power(matrix, power) @ vector[..., None]
            close(columns[..., power], expected.squeeze(-1), f"column {power} of {length}")


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_is_the_formula(alpha: float):
    layer, x = generic(functools.partial(LSSL, states=8, readings=2, alpha=alpha), 3, 3), normal(2, 50, 3)
    unit, steps = torch.eye(8, dtype=torch.float64), []
    state = torch.zeros(2, 3, 8, dtype=torch.float64)
    for t in range(50):
        v = torch.empty(2, 3, 2, dtype=torch.float64)
        for row in range(2):
            for d in range(3):
                dt, u = layer.log_step[d].exp(), layer.encode(x)[row, t, d]
                right = (unit + (1 - alpha) * dt * layer.a) @ state[row, d] + dt * layer.b[d] * u
                state[row, d] = torch.linalg.solve(unit - alpha * dt * layer.a, right).detach()
                v[row, d] = (layer.c[d] @ state[row, d] + layer.skip[d] * u).detach()
        steps.append(v.flatten(1))
    v = torch.stack(steps, 1)
    mixed = layer.operator(x).mix().squeeze(-1)
    torch.testing.assert_close(mixed, v, rtol=1e-10, atol=1e-11)
    close(layer(x)[0], layer.read(v.unsqueeze(-1)), "forward, written out")
    close(stepped(layer, x)[0], layer.read(v.unsqueeze(-1)), "steps, written out")


def test_bilinear_legs_is_stable_and_forward_euler_is_not():
    torch.manual_seed(0)
    k = torch.arange(1, 65, dtype=torch.float64)
    for alpha in (0.0, 0.5, 1.0):
        layer = LSSL(6, alpha=alpha).double()
        with torch.no_grad():
            layer.log_step.uniform_(-7, 1)
        dt = layer.log_step.exp()[:, None]
        matrix = layer._system()[0]  # lower triangular: its eigenvalues lie on the diagonal
        assert matrix.triu(1).abs().max() < 1e-9
        eigenvalues = (1 - (1 - alpha) * dt * k) / (1 + alpha * dt * k)
        torch.testing.assert_close(matrix.diagonal(dim1=1, dim2=2), eigenvalues)
        unstable = eigenvalues.abs().amax(1) > 1
        assert torch.equal(unstable, (dt.squeeze(1) * 64 > 2) & (alpha == 0))


def test_constant_input_fills_the_first_coefficient_alone():
    """The steady state - A^-1 B is (1, 0, ..., 0): a constant is the first Legendre polynomial."""
    a, b = legs(8)
    steady = torch.zeros(8, dtype=torch.float64)
    steady[0] = 1
    torch.testing.assert_close(-torch.linalg.solve(a, b), steady, rtol=0, atol=1e-12)
    layer = LSSL(1, states=8).double()
    with torch.no_grad():
        layer.log_step.zero_()
        layer.a.copy_(a)
        layer.b.copy_(b)
    _, last = layer(torch.ones(1, 300, 1, dtype=torch.float64))
    torch.testing.assert_close(last[0, 0], steady, rtol=0, atol=1e-10)


def test_gated_recurrence_is_backward_euler():
    """x_t = (1 - s) x_{t-1} + s u_t with s = sigmoid(z) is a step of exp(z) along x' = -x + u."""
    layer = LSSL(5, states=1, alpha=1.0).double()
    assert layer.a.tolist() == [[-1]] and (layer.b == 1).all()
    x, state = normal(3, 5), normal(3, 5, seed=2)
    gate = layer.log_step.sigmoid()
    expected = (1 - gate) * state + gate * x
    close(layer.step(x, state.unsqueeze(-1))[1].squeeze(-1), expected, "a step, a gate")


def test_toeplitz_of_low_rank():
    weight = small().operator(normal(1, 40, 3)).weight[0]  # (D, T, T)
    close(weight[:, 1:, 1:], weight[:, :-1, :-1], "the matrix, moved along its diagonal")
    assert (torch.linalg.matrix_rank(weight[:, 20:, :20], rtol=1e-9) <= 8).all()


def test_legs_remembers_a_slow_input_and_a_random_matrix_does_not():
    """A ridge read-out of 64 states gives the input 64 steps ago; it lies below 0.05 cycles a step."""
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft(random.standard_normal(6000))
    spectrum[np.fft.rfftfreq(6000) > 0.05] = 0
    u = np.fft.irfft(spectrum)
    u /= u.std()
    layer = LSSL(1).double()
    errors = {}
    for name in ("legs", "random"):
        with torch.no_grad():
            layer.log_step.fill_(1 / 64).log_()
            if name == "random":
                layer.a.copy_(torch.from_numpy(random.standard_normal((64, 64)) / 8 - np.eye(64)))
            a, b = (part[0].numpy() for part in layer._system()[:2])
        x, states = np.zeros(64), np.empty((4000, 64))
        for t, now in enumerate(u[:4000]):
            x = a @ x + b * now
            states[t] = x
        seen, wanted = states[500:3000], u[436:2936]
        ridge = np.linalg.solve(seen.T @ seen + 1e-8 * np.eye(64), seen.T @ wanted)
        errors[name] = np.mean((states[3000:] @ ridge - u[2936:3936]) ** 2)
    assert errors["legs"] < 1e-3 and errors["random"] > 20 * errors["legs"]


def test_fixed_leaves_matrix_and_step_as_they_are():
    names = {name for name, part in LSSL(4, fixed=True).named_parameters() if not part.requires_grad}
    assert names == {"a", "log_step"}


def test_size():
    sizes = LSSL(16, states=8, readings=2).parameters()
    assert sum(p.numel() for p in sizes) == 8 * 8 + 16 * (1 + 8 + 2 * 8 + 2) + 16 * 33


def test_in_a_stack_it_has_a_tangent():
    """Forward mode runs through the step, whatever the state is made of, and warns of nothing."""
    torch.manual_seed(0)
    network = Stack([LSSL(4, states=3), LSSL(4, states=3)], 3, 2, MLP.NONE).double()
    maps.check_operator(network, normal(2, 5, 3))


def test_what_does_not_fit_is_refused():
    for alpha in (-0.1, 1.5):
        with pytest.raises(BadInput, match="alpha from 0 to 1"):
            LSSL(4, alpha=alpha)
    for bad in ({"states": 0}, {"readings": 0}):
        with pytest.raises(BadInput, match="must be a whole number"):
            LSSL(4, **bad)


VARIANTS = {
    "three readings": functools.partial(LSSL, states=5, readings=3),
    "backward Euler": functools.partial(LSSL, states=3, alpha=1.0),
    "fixed": functools.partial(LSSL, states=4, fixed=True),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 5, 3), normal(2, 7, 3))


@on_building(
    VARIANTS, graphs={"all at once": functools.partial(LSSL, states=4, readings=3, alpha=1.0, fixed=True)}
)
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
