"""What lenses do with input that is missing, constant, short, or wants a gradient, and leave alone."""

import inspect
import random
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.draws import few
from tests.lenses.operators import Given, empty
from tests.promises import normal
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses._weights import magnitude
from wavetrain.lenses.dynamics.bifurcation import bifurcation
from wavetrain.lenses.dynamics.fixed_points import fixed_points
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway
from wavetrain.lenses.dynamics.lyapunov import lyapunov
from wavetrain.lenses.dynamics.orbits import orbits
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.lenses.machines.automata import automata
from wavetrain.lenses.machines.coarse_graining import coarse_graining
from wavetrain.lenses.machines.lattice import lattice
from wavetrain.lenses.operator.dynamical_systems_form import dynamical_systems_form
from wavetrain.lenses.operator.effective_context import effective_context
from wavetrain.lenses.operator.head_count import head_count
from wavetrain.lenses.operator.interaction_rank import interaction_rank
from wavetrain.lenses.operator.toeplitz import toeplitz
from wavetrain.lenses.population.cca import cca
from wavetrain.lenses.population.cka import cka
from wavetrain.lenses.population.covariance import covariance
from wavetrain.lenses.population.decoding import decoding
from wavetrain.lenses.population.demixed import demixed
from wavetrain.lenses.population.dimension import dimension
from wavetrain.lenses.population.dsa import dsa
from wavetrain.lenses.population.predictivity import predictivity
from wavetrain.lenses.population.privileged_basis import privileged_basis
from wavetrain.lenses.population.procrustes import procrustes
from wavetrain.lenses.population.replay import replay
from wavetrain.lenses.population.replay_power import replay_power
from wavetrain.lenses.population.rotations import rotations
from wavetrain.lenses.population.rsa import rsa
from wavetrain.lenses.population.sequences import sequences
from wavetrain.lenses.population.timescales import timescales
from wavetrain.lenses.space.band_power import band_power
from wavetrain.lenses.space.gamma_events import gamma_events
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.grid_score import grid_score
from wavetrain.lenses.space.phase_amplitude_coupling import phase_amplitude_coupling
from wavetrain.lenses.space.phase_gradient import phase_gradient
from wavetrain.lenses.space.phase_precession import phase_precession
from wavetrain.lenses.space.place_fields import place_fields
from wavetrain.lenses.space.remapping import remapping
from wavetrain.lenses.space.six_fold import six_fold
from wavetrain.lenses.space.spindles import spindles
from wavetrain.lenses.space.synchrony import synchrony
from wavetrain.lenses.space.wave_patterns import wave_patterns
from wavetrain.testing.lenses import recorded

OPERATORS = [dynamical_systems_form, effective_context, head_count, interaction_rank, toeplitz]
LAYERS = [*OPERATORS, automata, gradient_highway, lattice, privileged_basis]
SYSTEMS = [bifurcation, fixed_points, lyapunov, orbits]
LIKENESS = [cca, cka, predictivity, procrustes, rsa]
ALONE = [dimension, rotations]  # of activity and nothing else
TRIALS = [covariance, demixed]
POPULATION = [decoding, grid_score, place_fields, remapping, six_fold]
RHYTHMS = [gamma_events, generalized_phase, phase_amplitude_coupling, phase_precession, spindles, synchrony]
RECORDINGS = [
    *RHYTHMS,
    band_power,
    phase_gradient,
    replay,
    replay_power,
    sequences,
    timescales,
    wave_patterns,
]


def layer() -> Elman:
    torch.manual_seed(0)
    return Elman(4, inputs=3).double()


def numbers(found: Iterable[Any]) -> bool:
    return all(np.isfinite(np.asarray(part, float)).all() for part in found)


@pytest.mark.parametrize("lens", OPERATORS, ids=lambda lens: lens.__name__)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (normal(2, 3, 4, 4).index_fill(0, torch.tensor([1]), float("nan")), "finite weights, got 48 of 96"),
        (normal(1, 1, 4, 4).index_fill(2, torch.tensor([3]), float("inf")), "finite weights, got 4 of 16"),
        (normal(1, 1, 4, 4) * 1j, "real weights"),
        (normal(0, 1, 4, 4), "at least one sequence"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(lens, weight: Tensor, message: str):
    with pytest.raises(BadInput, match=message):
        lens(Given(weight), empty(weight))


@pytest.mark.parametrize("lens", LAYERS, ids=lambda lens: lens.__name__)
def test_sequences_that_a_layer_cannot_read_are_refused(lens):
    missing = normal(2, 5, 3)
    missing[1, 2, 0] = float("nan")
    for x, message in {
        missing: "finite (weights|gradients|states)",
        normal(0, 5, 3): "at least one sequence",
        normal(2, 0, 3): "at least one step",
        normal(2, 5, 2): r"\(batch, time, 3\)",
    }.items():
        with pytest.raises(BadInput, match=message):
            lens(layer(), x)


@pytest.mark.parametrize("x", [torch.ones(2, 5, 3).double(), normal(1, 1, 3)], ids=["constant", "one step"])
@pytest.mark.parametrize("lens", LAYERS, ids=lambda lens: lens.__name__)
def test_constant_input_and_one_step_have_answers(lens, x: Tensor):
    found = lens(layer(), x)
    parts = found._asdict()
    if lens is privileged_basis:  # without phi
        assert np.isnan([parts.pop("score"), parts.pop("error")]).all()
    if lens is gradient_highway and x.shape[1] == 1:  # without a distance
        assert np.isnan([parts.pop("rate"), parts.pop("lasting")]).all()
    assert numbers(parts.values())


@pytest.mark.parametrize("lens", OPERATORS, ids=lambda lens: lens.__name__)
def test_layers_without_any_influence(lens):
    for weight in (torch.zeros(2, 3, 4, 4), torch.zeros(1, 1, 1, 1)):
        found = lens(Given(weight), empty(weight))
        assert numbers(found)
        assert not any(
            np.any(part) for name, part in found._asdict().items() if name not in ("chance", "heads")
        )


def asked(lens: Any, model: Elman, x: Tensor) -> Any:
    """What a lens says of a model and x, with a null of few draws."""
    draws = few(lens)
    if lens is space_time_spectrum:
        return lens(model(x)[0], **draws)
    if lens in SYSTEMS:
        return lens([model, model] if lens is bifurcation else model, model(x)[0].flatten(0, 1), **draws)
    if lens is dsa:
        return lens([model(x)[0], x])
    if lens in ALONE:
        return lens(model(x)[0], **draws)
    if lens in LIKENESS:
        return lens(model(x)[0], x, **draws)
    if lens in POPULATION:
        return lens(model(x)[0], x[..., :2], **draws)
    if lens is coarse_graining:
        weight = x.flatten()[:48, None] ** 2
        return lens(weight + weight.T, **draws)
    if lens in TRIALS:
        return lens(torch.cat([x, -x, x**2, x**3, x.abs()], 0), torch.arange(10) % 2, **draws)
    if lens in RECORDINGS:
        given = recorded()
        given = {name: torch.as_tensor(one) for name, one in given.items()} | {
            "recording": torch.as_tensor(given["recording"]) + 0 * x.sum(),  # that wants a gradient as x does
            "rate": given["rate"],
            "band": given["band"],
        }
        wanted = inspect.signature(lens).parameters.values()
        return lens(*(given[one.name] for one in wanted if one.default is one.empty), **draws)
    return lens(model, x, **draws)


@pytest.mark.parametrize(
    "lens",
    [
        *LAYERS,
        *SYSTEMS,
        *LIKENESS,
        *ALONE,
        dsa,
        *POPULATION,
        *TRIALS,
        coarse_graining,
        *RECORDINGS,
        space_time_spectrum,
    ],
    ids=lambda lens: lens.__name__,
)
def test_a_lens_draws_nothing_and_leaves_all_alone(lens):
    """Not the input, the layer, its mode, its gradients, nor any dice; nor does it need them in a mode."""
    model, x = layer(), normal(2, 30, 3)
    held = [part.detach().clone() for part in (*model.parameters(), *leaves(model.begin(2)))]
    wanting, kept, found = x.clone().requires_grad_(), x.clone(), []
    dice = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    for mode, given in ((True, wanting), (False, x)):
        model.train(mode)
        with torch.set_grad_enabled(mode):
            found.append(asked(lens, model, given))
        assert model.training is mode
    for name, one, two in zip(found[0]._fields, *found, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=name)
    assert (
        torch.equal(x, kept) and torch.equal(wanting, kept) and wanting.requires_grad and wanting.grad is None
    )
    after = (*model.parameters(), *leaves(model.begin(2)))
    assert all(torch.equal(one, two) for one, two in zip(held, after, strict=True))
    assert all(part.grad is None and part.requires_grad for part in model.parameters())
    assert torch.equal(torch.get_rng_state(), dice[0]) and random.getstate() == dice[2]
    assert np.array_equal(np.random.get_state()[1], dice[1])  # noqa: NPY002
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_magnitude_is_the_power_of_two_below_the_largest():
    for value, power in {
        1.0: 1.0,
        -3.0: 2.0,
        0.7: 0.5,
        1e308: 2.0**1023,
        3e-310: 2.0**-1029,
        0.0: 1.0,
    }.items():
        assert float(magnitude(torch.tensor([0.0, value], dtype=torch.float64))) == power
    rows = torch.tensor([[1.0, 0.0, 5.0], [-9.0, 0.0, 2.0]])
    assert magnitude(rows, (0,)).tolist() == [[8.0, 1.0, 4.0]]
