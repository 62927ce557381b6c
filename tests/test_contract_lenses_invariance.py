"""What no lens may depend on: the size and the zero of what it looks at, and the unit of places.

Each lens is asked twice. `SAME` names what must then be the same, `ALONG` what must follow by a power of the
factor; a part in neither may change (a rate is in the unit of activity).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from torch import Tensor

from tests.lenses.operators import Given, empty
from tests.promises import normal
from wavetrain import find
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.lenses.dynamics.bifurcation import bifurcation
from wavetrain.lenses.dynamics.fixed_points import fixed_points
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway
from wavetrain.lenses.dynamics.lyapunov import lyapunov
from wavetrain.lenses.dynamics.orbits import orbits
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.lenses.machines.automata import Automata, automata
from wavetrain.lenses.machines.coarse_graining import coarse_graining
from wavetrain.lenses.machines.lattice import lattice
from wavetrain.lenses.operator.credit_operator import credit_operator
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
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.scan import Activation
from wavetrain.testing.lenses import recorded

WEIGHT = normal(2, 3, 6, 6).tril()
TRIALS = normal(24, 30, 3, seed=9)
TRIALS[::2] += 0.3
WEIGHTS = normal(24, 24, seed=10).abs()
WEIGHTS = WEIGHTS + WEIGHTS.T
SLOW = lfilter([1], [1, -0.9], normal(600, 2, seed=8).numpy(), axis=0)
PLACE = torch.tanh(normal(3, 310, 2).unfold(1, 11, 1).sum(-1) / 4)  # slow, and all over the box
ACTIVITY = normal(3, 300, 4, seed=5).abs() + (PLACE[..., :1] > 0)
STATES = normal(9, 4, seed=6)
SMALL, LARGE = 1e-200, 1e200  # squares of neither are numbers


GIVEN = recorded()
RECORDING, RATE, BAND, POSITIONS = (GIVEN[name] for name in ("recording", "rate", "band", "positions"))


class Look(NamedTuple):
    """A lens at what it is given times a factor, and what becomes of the parts of its answer."""

    at: Callable[[float], Any]
    same: str
    along: str = ""  # times the factor


def operator(lens: Callable[..., Any]) -> Callable[[float], Any]:
    return lambda factor: lens(Given(factor * WEIGHT), empty(WEIGHT))


def gradient(factor: float) -> Any:
    """Of h' = W h + x, read times the factor."""
    layer = Episodic(3, hidden=5, activation=Activation.IDENTITY).double()
    with torch.no_grad():
        for part, seed in ((layer.recur.weight, 1), (layer.encode.weight, 2), (layer.out.weight, 3)):
            part.copy_(0.4 * normal(*part.shape, seed=seed))
        layer.out.weight.mul_(factor)
    return gradient_highway(layer, normal(2, 7, 3))


def credited(factor: float) -> Any:
    """Under a rule, read times the root of the factor: it counts in the error and on the way back."""
    torch.manual_seed(0)
    layer, read = Elman(4, inputs=2).double(), torch.nn.Linear(4, 2, bias=False).double()
    with torch.no_grad():
        read.weight.mul_(factor**0.5)
    return credit_operator(layer, normal(2, 5, 2), TruncatedBackpropagation(steps=2), read)


def basis(recur: float, write: float) -> Any:
    """Of h' = W h + G x, with one of the two times a factor."""
    layer = Episodic(2, hidden=8, activation=Activation.IDENTITY).double()
    with torch.no_grad():
        layer.recur.weight.copy_(recur * 0.4 * normal(8, 8))
        layer.encode.weight.copy_(write * normal(8, 2, seed=2))
    phi = torch.diag(torch.ones(6), 2)[:6, :6].double()
    phi[4:, :2] = torch.eye(2)
    return privileged_basis(layer, normal(2, 1, 2), phi)


def tangent(factor: float, gain: float = 1.2) -> Callable[[Tensor], Tensor]:
    """The map h' = tanh(W h), of states in units of the factor."""
    recur = gain * normal(4, 4, seed=7)
    return lambda h: factor * torch.tanh(h / factor @ recur.T)


def machine(factor: float) -> Any:
    """Of h' = W h + G x with G times the factor, and so all states."""
    layer = Episodic(3, hidden=5, activation=Activation.IDENTITY).double()
    with torch.no_grad():
        for part, seed in ((layer.recur.weight, 1), (layer.encode.weight, 2), (layer.out.weight, 3)):
            part.copy_(0.4 * normal(*part.shape, seed=seed))
        layer.encode.weight.mul_(factor)
    word = torch.randint(3, (4, 30), generator=torch.Generator().manual_seed(0))
    return automata(layer, torch.eye(3).double()[word], clusters=5, shuffles=9)


def order(factor: float) -> Any:
    """Of h' = W h + x with W times the factor."""
    layer = Episodic(1, hidden=6, activation=Activation.IDENTITY).double()
    with torch.no_grad():
        layer.recur.weight.copy_(factor * normal(6, 6))
    return lattice(layer, torch.zeros(1, 1, 1), 0.8, shuffles=9)


def circle(factor: float) -> Callable[[Tensor], Tensor]:
    """A turn by 0.6435 rad that settles on a circle, of a radius of the factor."""
    turn = torch.tensor([[0.8, 0.6], [-0.6, 0.8]]).double()
    return lambda h: h @ turn * (1.1 - 0.1 * ((h / factor) ** 2).sum(1, keepdim=True))


LOOKS = {
    "automata": Look(machine, " ".join(set(Automata._fields) - {"counter"})),
    "effective_context": Look(operator(effective_context), "profile mean reach"),
    "head_count": Look(operator(head_count), "heads error value", "weight"),
    "interaction_rank": Look(operator(interaction_rank), "singular rank together heads"),
    "toeplitz": Look(operator(toeplitz), "share common whole chance", "kernel"),
    "dynamical_systems_form": Look(
        operator(dynamical_systems_form), "size states transition read error", "write skip"
    ),
    "bifurcation": Look(
        lambda factor: bifurcation(
            [tangent(factor, gain) for gain in (0.1, 0.3, 0.9)], factor * STATES, event=1.0
        ),
        "leading points stable crossing error angle period null p",
    ),
    "cca": Look(
        lambda factor: cca(factor * ACTIVITY, ACTIVITY[..., :2] ** 2, draws=9),
        "score error correlations held_out kept kept_other null p samples",
    ),
    "cka": Look(
        lambda factor: cka(factor * ACTIVITY, ACTIVITY[..., :2] ** 2, draws=9), "score error null p samples"
    ),
    "coarse_graining": Look(
        lambda factor: coarse_graining(factor * WEIGHTS, 2, steps=50, draws=5),
        "member ensembles variation strength distance exchanged rate mismatch window least null p",
    ),
    "covariance": Look(
        lambda factor: covariance(factor * TRIALS, np.arange(24) % 2, 2, draws=5),
        "accuracy error nearest rank mean apart null p",
    ),
    "decoding": Look(
        lambda factor: decoding(factor * ACTIVITY, PLACE, draws=5),
        "decoded error chance r2 spread known null p",
    ),
    "demixed": Look(
        lambda factor: demixed(factor * TRIALS, np.arange(24) % 2, draws=5),
        "share signal error explained labels null p",
    ),
    "dimension": Look(
        lambda factor: dimension(factor * ACTIVITY, draws=9), "ratio error components variance null p samples"
    ),
    "credit_operator": Look(credited, "cosine by_distance", "size exact"),
    "dsa": Look(
        lambda factor: dsa([factor * ACTIVITY, factor * PLACE]),
        "angle spectral error p p_angle floor floor_angle",
    ),
    "fixed_points": Look(
        lambda factor: fixed_points(tangent(factor), factor * STATES),
        "fixed unstable stable time frequency starts lost p",
        "point null",
    ),
    "gradient_highway": Look(gradient, "rate lasting", "norm profile"),
    "lyapunov": Look(
        lambda factor: lyapunov(tangent(factor), factor * STATES, steps=50, warm=20),
        "exponents error each stretches p dimension entropy",
        "last",
    ),
    "lattice": Look(order, "element below cover upper kept completion null p", "strength threshold"),
    "predictivity": Look(
        lambda factor: predictivity(factor * ACTIVITY, ACTIVITY[..., :2] ** 2, draws=5),
        "score error each r2 null p samples",
    ),
    "procrustes": Look(
        lambda factor: procrustes(factor * ACTIVITY, factor * ACTIVITY**2, draws=9),
        "angle error rotation null p samples",
        "distance before",
    ),
    "replay": Look(
        lambda factor: replay(GIVEN["counts"], factor * GIVEN["place"], RATE, draws=9),
        "start duration score fit direction p_cells p_order p_places p_fit share field null p",
        "speed ends",
    ),
    "replay_power": Look(
        lambda factor: replay_power(GIVEN["counts"], factor * GIVEN["place"], RATE, planted=20, draws=19),
        "events sweeps disorder least",
    ),
    "rotations": Look(
        lambda factor: rotations(factor * ACTIVITY, planes=2, draws=3),
        "r2 error r2_any frequency variance held null p",
        "projected",
    ),
    "rsa": Look(
        lambda factor: rsa(factor * ACTIVITY[:, :9], ACTIVITY[:, :9, :2] ** 2, draws=9),
        "score error distance distance_other null p pairs",
    ),
    "sequences": Look(
        lambda factor: sequences(factor * RECORDING[:, :5], RATE, 0.05, draws=5),
        "score latency order lag strength null null_shifts p",
    ),
    "timescales": Look(
        lambda factor: timescales(factor * SLOW, RATE, draws=9),
        "tau error spectral lasting fit autocorrelation null p",
    ),
    "orbits": Look(
        lambda factor: orbits(circle(factor), factor * STATES[:2, :2], surrogates=9),
        "frequency period share closed rest phase multiplier null p",
        "size cycle states",
    ),
    "privileged_basis-recurrence": Look(
        lambda factor: basis(factor, 1.0), "basis dual kept wanted score activity", "transition"
    ),
    "privileged_basis-input": Look(
        lambda factor: basis(1.0, factor), "basis dual kept transition found wanted score", "activity"
    ),
    "band_power": Look(
        lambda factor: band_power(factor * RECORDING[:, :2], RATE, draws=9),
        "share peak excess slope null p frequency windows",
    ),
    "gamma_events": Look(
        lambda factor: gamma_events(factor * RECORDING[:, :2], RATE, draws=9),
        "time duration channel trial phase rate rate_error locking preferred preferred_error rayleigh single "
        "null p",
        "amplitude limit",
    ),
    "generalized_phase": Look(
        lambda factor: generalized_phase(factor * RECORDING, RATE, BAND),
        "phase frequency used mended border",
        "amplitude",
    ),
    "grid_score": Look(
        lambda factor: grid_score(factor * ACTIVITY, PLACE, 8, shifts=9),
        "autocorrelogram grid square band null_grid null_band p_grid p_band dropped",
        "rate",
    ),
    "place_fields": Look(
        lambda factor: place_fields(factor * ACTIVITY, PLACE, 8, shifts=9),
        "occupancy label fields size information sparsity null p dropped",
        "rate",
    ),
    "remapping": Look(
        lambda factor: remapping(factor * ACTIVITY, PLACE, bins=6, shuffles=9),
        "within between grid_within grid_between at_place_within at_place_between null p dropped",
    ),
    "six_fold": Look(lambda factor: six_fold(factor * ACTIVITY, PLACE), "fold angle dropped", "weight mean"),
    "phase_precession": Look(
        lambda factor: phase_precession(GIVEN["phase"], factor * GIVEN["value"], draws=9),
        "offset resultant correlation null p spikes",
    ),
    "phase_amplitude_coupling": Look(
        lambda factor: phase_amplitude_coupling(factor * RECORDING[:, :2], RATE, draws=9),
        "modulation vector preferred preferred_error profile null z p used",
    ),
    "spindles": Look(
        lambda factor: spindles(factor * RECORDING[:, :2], RATE, BAND, draws=2),
        "onset duration channel trial frequency rate rate_error bursts null p used",
        "amplitude limit",
    ),
    "synchrony": Look(
        lambda factor: synchrony(factor * RECORDING[:, :3], RATE, BAND, draws=9),
        "plv lag lag_error pli coherence imaginary p_plv p_pli p_coherence null_plv independent floor used "
        "segments",
    ),
    "wave_patterns": Look(
        lambda factor: wave_patterns(factor * RECORDING, RATE, POSITIONS, BAND, draws=5),
        "time trial known frequency strength travel p_moment kind wavevector direction speed speed_error "
        "rotation winding centre source outward mean null p heading directed p_directed",
        "amplitude",
    ),
    "phase_gradient": Look(
        lambda factor: phase_gradient(factor * RECORDING, RATE, POSITIONS, BAND, draws=5),
        " ".join(phase_gradient(RECORDING, RATE, POSITIONS, BAND, draws=0)._fields),
    ),
    "space_time_spectrum": Look(
        lambda factor: space_time_spectrum(factor * ACTIVITY, surrogates=9),
        " ".join(space_time_spectrum(ACTIVITY, surrogates=0)._fields),
    ),
}


def alike(one: Any, two: Any, names: str, factor: float = 1.0, rtol: float = 1e-9) -> None:
    assert names, "nothing is compared"
    for name in names.split():
        a, b = np.asarray(getattr(one, name), float), np.asarray(getattr(two, name), float) / factor
        size = np.nanmax(np.abs(a), initial=0.0)
        assert np.isfinite(a).any() or not a.size, f"{name} is all NaN"
        np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol * size, err_msg=name)


def test_every_lens_is_here():
    assert {name.split("-")[0] for name in LOOKS} == {one.name for one in find.members("lenses")}


@pytest.mark.parametrize("factor", [SMALL, 1e-30, 3.0, 1e30, LARGE])
@pytest.mark.parametrize("name", LOOKS)
def test_size_changes_nothing_but_what_follows_it(name: str, factor: float):
    look = LOOKS[name]
    one, two = look.at(1.0), look.at(factor)
    alike(one, two, look.same)
    if look.along:
        alike(one, two, look.along, factor)


CHANNELS: dict[str, Callable[[Any], Any]] = {
    "wave_patterns": lambda at: wave_patterns(RECORDING, RATE, at, BAND, draws=5),
    "phase_gradient": lambda at: phase_gradient(RECORDING, RATE, at, BAND, draws=5),
}


SPACE = {
    "wave_patterns": {
        0: "strength travel p_moment direction rotation winding p",
        1: "speed speed_error",
        -1: "wavevector outward",
    },
    "phase_gradient": {
        0: "direction fit ordered aligned heading steady share mean null p p_steady",
        1: "wavelength speed",
        -1: "gradient",
        -2: "divergence curl mean_divergence mean_curl",
    },
}  # what follows the power of a unit of length


@pytest.mark.parametrize(("unit", "zero"), [(100.0, 0.0), (1e-9, 0.0), (0.37, -5.0)])
@pytest.mark.parametrize("name", CHANNELS)
def test_zero_of_channels_changes_nothing_and_their_unit_what_follows_it(name: str, unit: float, zero: float):
    one, two = CHANNELS[name](POSITIONS), CHANNELS[name](unit * POSITIONS + zero)
    for power, names in SPACE[name].items():
        alike(one, two, names, unit**power, rtol=1e-5)


SHIFTS = {
    "cca": (lambda a: cca(a, ACTIVITY[..., :2] ** 2, draws=9), LOOKS["cca"].same),
    "cka": (lambda a: cka(a, ACTIVITY**2, draws=9), LOOKS["cka"].same),
    "dsa": (lambda a: dsa([a, PLACE]), LOOKS["dsa"].same),
    "decoding": (lambda a: decoding(a, PLACE, draws=5), LOOKS["decoding"].same),
    "dimension": (lambda a: dimension(a, draws=9), LOOKS["dimension"].same),
    "predictivity": (
        lambda a: predictivity(a, ACTIVITY[..., :2] ** 2, draws=5),
        LOOKS["predictivity"].same,
    ),
    "rotations": (lambda a: rotations(a, planes=2, draws=3), LOOKS["rotations"].same),
    "procrustes": (lambda a: procrustes(a, ACTIVITY**2, draws=9), LOOKS["procrustes"].same),
    "grid_score": (lambda a: grid_score(a, PLACE, 8, shifts=9), LOOKS["grid_score"].same),
    "remapping": (lambda a: remapping(a, PLACE, bins=6, shuffles=9), LOOKS["remapping"].same),
    "six_fold": (lambda a: six_fold(a, PLACE), "fold weight angle dropped"),
    "space_time_spectrum": (
        lambda a: space_time_spectrum(a, surrogates=9),
        LOOKS["space_time_spectrum"].same,
    ),
}


RECORDED = {
    "band_power": lambda recording: band_power(recording[:, :2], RATE, draws=9),
    "gamma_events": lambda recording: gamma_events(recording[:, :2], RATE, draws=9),
    "generalized_phase": lambda recording: generalized_phase(recording, RATE, BAND),
    "phase_amplitude_coupling": lambda recording: phase_amplitude_coupling(recording[:, :2], RATE, draws=9),
    "spindles": lambda recording: spindles(recording[:, :2], RATE, BAND, draws=2),
    "sequences": lambda recording: sequences(recording[:, :5], RATE, 0.05, draws=5),
    "synchrony": lambda recording: synchrony(recording[:, :3], RATE, BAND, draws=9),
    "phase_gradient": lambda recording: phase_gradient(recording, RATE, POSITIONS, BAND, draws=5),
    "wave_patterns": lambda recording: wave_patterns(recording, RATE, POSITIONS, BAND, draws=5),
}


@pytest.mark.parametrize("shift", [1.0, 1e4])
@pytest.mark.parametrize("name", RECORDED)
def test_zero_of_a_recording_changes_nothing(name: str, shift: float):
    one, two = RECORDED[name](RECORDING), RECORDED[name](RECORDING + shift)
    alike(one, two, " ".join(LOOKS[name].same.split() + LOOKS[name].along.split()), rtol=1e-7)


@pytest.mark.parametrize("shift", [-0.0, 1.0, 1e4])
@pytest.mark.parametrize("name", SHIFTS)
def test_zero_of_activity_changes_nothing(name: str, shift: float):
    lens, same = SHIFTS[name]
    alike(lens(ACTIVITY), lens(ACTIVITY + shift), same, rtol=1e-8)


PLACES: dict[str, Callable[[Tensor], Any]] = {
    "grid_score": lambda at: grid_score(ACTIVITY, at, 8, shifts=9),
    "place_fields": lambda at: place_fields(ACTIVITY, at, 8, shifts=9),
    "remapping": lambda at: remapping(ACTIVITY, at, bins=6, shuffles=9),
    "six_fold": lambda at: six_fold(ACTIVITY, at),
}


@pytest.mark.parametrize(("unit", "zero"), [(100.0, 0.0), (1e-9, 0.0), (0.37, -5.0), (LARGE, 0.0)])
@pytest.mark.parametrize("name", PLACES)
def test_unit_and_zero_of_places_change_nothing(name: str, unit: float, zero: float):
    one, two = PLACES[name](PLACE), PLACES[name](unit * PLACE + zero)
    label = () if name != "place_fields" else ("p_label",)  # of which there is none
    alike(one, two, " ".join(part for part in one._fields if part not in label))


@pytest.mark.parametrize("name", ["effective_context", "head_count", "interaction_rank", "toeplitz"])
@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
def test_weights_in_float32_are_read_without_loss(name: str, factor: float):
    """Their squares are no numbers of float32."""
    lens = LOOKS[name].at.__closure__[0].cell_contents
    alike(
        lens(Given(WEIGHT), empty(WEIGHT)),
        lens(Given((factor * WEIGHT).float()), empty(WEIGHT)),
        LOOKS[name].same,
        rtol=1e-5,
    )


def test_float32_layers_say_the_same():
    """The whole way, through the layer's own computing."""
    torch.manual_seed(0)
    layer, x = Elman(4, inputs=3).double(), normal(2, 9, 3)
    for lens in (effective_context, gradient_highway, toeplitz, privileged_basis):
        one = lens(layer.double(), x)
        two = lens(layer.float(), x.float())
        names = {"effective_context": "profile mean reach", "privileged_basis": "transition activity"}
        alike(one, two, names.get(lens.__name__, " ".join(one._fields)), rtol=1e-3)
