"""Dynamical systems form: states that layers are known to need, and systems that make the same weights."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.operators import Given, empty, system
from tests.promises import generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.linear_attention import Decay, Feature, LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.aussm import AUSSM
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.lenses.operator.dynamical_systems_form import DynamicalSystemsForm, dynamical_systems_form


def look(weight: Tensor, states: int | None = None) -> DynamicalSystemsForm:
    return dynamical_systems_form(Given(weight), empty(weight), states)


def run(form: DynamicalSystemsForm) -> np.ndarray:
    """The recurrence as it is written, driven by an impulse at each step: (B, H, T, T)."""
    batch, heads, time, n = form.write.shape
    weight = np.zeros((batch, heads, time, time))
    for then in range(time):
        h = np.zeros((batch, heads, n))
        for now in range(time):
            u = float(now == then)
            weight[..., now, then] = (form.read[..., now, :] * h).sum(-1) + form.skip[..., now] * u
            h = np.einsum("bhij,bhj->bhi", form.transition[..., now, :, :], h) + form.write[..., now, :] * u
    return weight


X = normal(2, 20, 3)
STATES = {
    "linear attention": (functools.partial(LinearAttention, heads=2), 3),  # features of a head
    "with gates": (functools.partial(LinearAttention, heads=3, decay=Decay.GATED), 2),
    "without division": (
        functools.partial(LinearAttention, heads=1, feature=Feature.IDENTITY),
        4,
    ),  # inputs, bias
    "Mamba": (functools.partial(Mamba, states=4, expand=1), 4),
    "Mamba-2": (functools.partial(Mamba2, states=4, expand=1), 4),
    "LRU": (functools.partial(LRU, states=2), 4),  # complex states count twice
    "AUSSM": (functools.partial(AUSSM, states=3), 6),
    "tanh": (functools.partial(Elman), 6),
}


@pytest.mark.parametrize("name", STATES)
def test_layers_need_their_states_and_no_more(name: str):
    make, states = STATES[name]
    layer = generic(make, 6, 3)
    form = dynamical_systems_form(layer, X)
    assert form.states == states == form.size.max()
    weight = layer.operator(X).weight.detach()
    np.testing.assert_allclose(run(form), weight, atol=1e-9 * float(weight.abs().max()))
    assert form.error[states] < 1e-9 < form.error[states - 1]


@pytest.mark.parametrize("time", [8, 9, 20])
def test_softmax_needs_half_the_sequence(time: int):
    layer = generic(functools.partial(SoftmaxAttention, heads=1, rotary=False), 6, 3)
    form = dynamical_systems_form(layer, 4 * X[:, :time])
    assert form.states == time // 2
    most = np.minimum(np.arange(1, time + 1), np.arange(time - 1, -1, -1))  # steps before and after
    assert (form.size == most).all()
    np.testing.assert_allclose(run(form), layer.operator(4 * X[:, :time]).weight.detach(), atol=1e-12)


def test_size_of_a_known_system():
    """States are carried from the first input on, and not past the last."""
    a, one = torch.diag(torch.tensor([0.9, 0.5]).double()), torch.ones(2, 1).double()
    form = look(system(a, one, one.T, 6))
    np.testing.assert_array_equal(form.size[0, 0], [1, 2, 2, 2, 1, 0])
    np.testing.assert_allclose(form.skip[0, 0], 2)


def test_what_is_kept_is_the_best_for_one_step_back():
    """A delay of one step for all: a single state of the present input."""
    weight = torch.diag(torch.ones(7).double(), -1)[None, None]
    form = look(weight)
    assert form.states == 1 and (form.size[0, 0] == [1] * 7 + [0]).all()
    np.testing.assert_allclose(form.transition, 0, atol=1e-15)
    np.testing.assert_allclose(form.write[0, 0, :-1] * form.read[0, 0, 1:], 1)


@pytest.mark.parametrize("states", [0, 1, 3, 10])
def test_error_is_that_of_the_smaller_system(states: int):
    layer = generic(functools.partial(SoftmaxAttention, heads=2), 6, 3)
    form = dynamical_systems_form(layer, X, states)
    weight = layer.operator(X).weight.detach()
    assert form.states == states == form.write.shape[-1]
    left = np.linalg.norm(run(form) - weight.numpy()) / weight.norm()
    np.testing.assert_allclose(form.error[states], left, atol=1e-12)


def test_smaller_systems_of_softmax_leave_more():
    error = dynamical_systems_form(generic(SoftmaxAttention, 6, 3), X).error
    assert (np.diff(error) < 0).all() and error[-1] < 1e-12 < error[-2]
    assert len(error) == 11


def test_transitions_never_stretch():
    form = dynamical_systems_form(generic(SoftmaxAttention, 6, 3), X)
    assert np.linalg.norm(form.transition, 2, (-2, -1)).max() <= 1 + 1e-12


def test_no_past_and_one_step():
    diagonal = torch.diag(normal(5))[None, None]
    form = look(diagonal)
    assert form.states == 0 and form.write.shape == (1, 1, 5, 0) and form.error.max() < 1e-15
    np.testing.assert_allclose(run(form), diagonal)
    form = look(torch.ones(1, 1, 1, 1))
    assert form.states == 0 and form.skip == 1


def test_bad_input():
    weight = torch.zeros(1, 1, 6, 6)
    with pytest.raises(BadInput, match="expected 0 to 3 states, half the steps, got 4"):
        look(weight, 4)
    with pytest.raises(BadInput, match="tolerance between 0 and 1"):
        dynamical_systems_form(Given(weight), empty(weight), tolerance=2.0)


def test_heads_and_steps_are_read_apart_and_at_their_size():
    """Two heads of two sequences with as many steps: weights, B, C and D of a delay of one step, by hand."""
    weight = torch.zeros(2, 2, 3, 3).double()
    for row, head in ((0, 0), (0, 1), (1, 0), (1, 1)):
        size = 2.0 ** (10 * (2 * row + head))
        weight[row, head] = size * torch.tensor([[1.0, 0, 0], [5, 2, 0], [0, 7, 3]])
        np.testing.assert_allclose(torch.linalg.matrix_rank(weight[row, head, 1:, :1]), 1)
    form = look(weight)
    size = np.array([[1, 2.0**10], [2.0**20, 2.0**30]])[..., None]
    np.testing.assert_allclose(form.skip, size * [1, 2, 3])
    np.testing.assert_allclose(np.abs(form.write[..., 0]), size * [5, 7, 0], rtol=1e-12)
    np.testing.assert_allclose(np.abs(form.read[..., 0]), np.ones((2, 2, 1)) * [0, 1, 1], rtol=1e-12)
    np.testing.assert_allclose(run(form), weight, rtol=1e-12)
    assert form.size.tolist() == [[[1, 1, 0]] * 2] * 2 and form.states == 1


@pytest.mark.parametrize(("kind", "least"), [(torch.float64, 1e-10), (torch.float32, 8 * 2.0**-23)])
def test_a_state_counts_from_the_tolerance_or_from_rounding_of_its_own_head(kind: torch.dtype, least: float):
    """Two ways from steps 0 and 1 to steps 6 and 7, the second `share` as strong; a head of a millionth."""
    for share, states in ((0.7 * least, 1), (1.4 * least, 2)):
        weight = torch.zeros(1, 2, 8, 8, dtype=kind)
        weight[0, 0, 6, 0], weight[0, 0, 7, 1] = 1.5, 1.5 * share
        weight[0, 1] = 2.0**-20 * weight[0, 0]
        form = look(weight)
        assert form.states == states and form.size.max(-1).tolist() == [[states] * 2]
    loose = dynamical_systems_form(Given(weight), empty(weight), tolerance=2 * share)
    assert loose.states == 1
    np.testing.assert_allclose(loose.error[[0, 2, 4]], [1, 0, 0], atol=1e-12)
