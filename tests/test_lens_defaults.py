"""The defaults of lenses: what the documentation says, given as an argument, is what stands without it.

Each argument is tried with its documented value, which must change nothing, and with another, which must
change something: a default that no figure depends on would pin nothing. Where None stands for a value that is
found, that value is given. The map of a unit that fires in one bin is worked out by hand.
"""

import functools
import inspect
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.operators import Given, empty
from tests.promises import normal
from wavetrain import find
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.dynamics.bifurcation import bifurcation
from wavetrain.lenses.dynamics.fixed_points import fixed_points
from wavetrain.lenses.dynamics.lyapunov import lyapunov
from wavetrain.lenses.dynamics.orbits import orbits
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.lenses.machines.automata import automata
from wavetrain.lenses.machines.coarse_graining import coarse_graining
from wavetrain.lenses.machines.lattice import Acyclic, lattice
from wavetrain.lenses.operator.credit_operator import credit_operator
from wavetrain.lenses.operator.dynamical_systems_form import dynamical_systems_form
from wavetrain.lenses.operator.head_count import head_count
from wavetrain.lenses.operator.interaction_rank import interaction_rank
from wavetrain.lenses.population.cca import cca
from wavetrain.lenses.population.cka import cka
from wavetrain.lenses.population.covariance import covariance
from wavetrain.lenses.population.decoding import Decoder, decoding
from wavetrain.lenses.population.demixed import demixed
from wavetrain.lenses.population.dimension import dimension
from wavetrain.lenses.population.dsa import dsa
from wavetrain.lenses.population.predictivity import predictivity
from wavetrain.lenses.population.privileged_basis import privileged_basis
from wavetrain.lenses.population.procrustes import procrustes
from wavetrain.lenses.population.replay import replay
from wavetrain.lenses.population.replay_power import replay_power
from wavetrain.lenses.population.rotations import rotations
from wavetrain.lenses.population.rsa import Comparison, Distance, rsa
from wavetrain.lenses.population.sequences import sequences
from wavetrain.lenses.population.timescales import timescales
from wavetrain.lenses.space.band_power import BANDS, band_power
from wavetrain.lenses.space.gamma_events import gamma_events
from wavetrain.lenses.space.generalized_phase import generalized_phase
from wavetrain.lenses.space.grid_score import grid_score
from wavetrain.lenses.space.phase_amplitude_coupling import phase_amplitude_coupling
from wavetrain.lenses.space.phase_gradient import phase_gradient
from wavetrain.lenses.space.phase_precession import phase_precession
from wavetrain.lenses.space.place_fields import place_fields
from wavetrain.lenses.space.remapping import remapping
from wavetrain.lenses.space.spindles import spindles
from wavetrain.lenses.space.synchrony import synchrony
from wavetrain.lenses.space.wave_patterns import Null, wave_patterns
from wavetrain.parts.automaton import Automaton
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation
from wavetrain.testing.lenses import recorded

TIME = 120
PLACE = torch.tanh(normal(3, TIME + 10, 2).unfold(1, 11, 1).sum(-1) / 4)
ACTIVITY = normal(3, TIME, 4, seed=5).abs() + (PLACE[..., :1] > 0)
LEAST, MOST = PLACE.amin((0, 1)).tolist(), PLACE.amax((0, 1)).tolist()
UNITS = 8
FIELD = normal(2, 40, UNITS, seed=3).cumsum(1)
SEVERAL = normal(9, 40, UNITS, seed=3).cumsum(1)  # conditions
WEIGHTS = normal(48, 48, seed=10).abs()
WEIGHTS = WEIGHTS + WEIGHTS.T
GIVEN = recorded()
RECORDING, RATE, BAND, POSITIONS = (GIVEN[name] for name in ("recording", "rate", "band", "positions"))


class Argument(NamedTuple):
    """What stands by default, and another value."""

    default: Any
    other: Any


BOX = {
    "bins": Argument(20, 19),
    "smooth": Argument(1.0, 0.9),
    "low": Argument(LEAST, -1.5),
    "high": Argument(MOST, 1.5),
    "seed": Argument(0, 1),
}
AWAY = Argument(TIME // 10, 3)


def maps(*sizes: float) -> Tensor:
    """Weights (1, 3, 2, 2) whose maps from step to step are e_1, and e_1 with a little of e_2 or e_3."""
    weight = torch.zeros(1, 3, 2, 2, dtype=torch.float64)
    weight[0, 0] = torch.tensor([[1.0, 0], [1, 1]])
    weight[0, 1, 1, 0], weight[0, 2, 1, 1] = sizes
    return weight


def block(*sizes: float) -> Tensor:
    """Weights (1, 1, T, T) of a system with these singular values at the middle step."""
    middle = len(sizes)
    weight = torch.zeros(1, 1, 2 * middle, 2 * middle, dtype=torch.float64)
    weight[0, 0, middle:, :middle] = torch.diag(torch.tensor(sizes, dtype=torch.float64))
    return weight


def basis(**words: Any) -> Any:
    torch.manual_seed(0)
    return privileged_basis(Elman(6, inputs=2).double(), normal(2, 5, 2), **words)


def small(gain: float = 1.0) -> Elman:
    torch.manual_seed(0)
    layer = Elman(4, inputs=2).double()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.mul_(gain)
    return layer


def spun(h: Tensor, x: Tensor | float = 0.0) -> Tensor:
    """A turn by 0.5 rad that settles on a circle, the larger the more there is of an input."""
    c, s = np.cos(0.5), np.sin(0.5)
    turned = h @ torch.tensor([[c, s], [-s, c]])
    return turned * (1.1 + x - 0.1 * (h**2).sum(1, keepdim=True))


WORDS = torch.eye(2).double()[torch.randint(2, (20, 15), generator=torch.Generator().manual_seed(0))]
WORDS[:, 0] = WORDS[:1, 0]


def machine(**words: Any) -> Any:
    torch.manual_seed(0)
    return automata(Elman(3, inputs=2).double(), WORDS, **({"shuffles": 5} | words))


LOOKS = {
    "automata": machine,
    "bifurcation": lambda **words: bifurcation([small(0.5), small(4.0)], normal(9, 4), **words),
    "dynamical_systems_form": lambda **words: dynamical_systems_form(
        Given(block(1, 3e-10, 3e-11)), empty(block(1, 1, 1)), **words
    ),
    "cca": lambda **words: cca(FIELD, FIELD**2, **({"draws": 5} | words)),
    "cka": lambda **words: cka(FIELD, FIELD**2, **({"draws": 5} | words)),
    "coarse_graining": lambda **words: coarse_graining(WEIGHTS, **({"draws": 5} | words)),
    "covariance": lambda **words: covariance(
        normal(24, 30, 3, seed=9), np.arange(24) % 2, **({"draws": 5} | words)
    ),
    "decoding": lambda **words: decoding(ACTIVITY, PLACE, **({"draws": 2} | words)),
    "demixed": lambda **words: demixed(normal(24, 9, 5, seed=9), np.arange(24) % 2, **({"draws": 5} | words)),
    "credit_operator": lambda **words: credit_operator(small(), normal(2, 5, 2), **words),
    "dimension": lambda **words: dimension(FIELD, **({"draws": 5} | words)),
    "dsa": lambda **words: dsa([FIELD, FIELD**2], **words),
    "fixed_points": lambda **words: fixed_points(small(), normal(9, 4), **words),
    "band_power": lambda **words: band_power(RECORDING[:, :1], RATE, **({"draws": 5} | words)),
    "gamma_events": lambda **words: gamma_events(RECORDING[:, :1], RATE, **({"draws": 5} | words)),
    "generalized_phase": lambda **words: generalized_phase(RECORDING, RATE, **words),
    "grid_score": lambda **words: grid_score(ACTIVITY, PLACE, **({"shifts": 5} | words)),
    "head_count": lambda **words: head_count(Given(maps(3e-8, 5e-9)), empty(maps(1, 1)), **words),
    "interaction_rank": lambda **words: interaction_rank(Given(maps(6e-8, 6e-9)), empty(maps(1, 1)), **words),
    "lyapunov": lambda **words: lyapunov(small(), normal(1, 4), **words),
    "lattice": lambda **words: lattice(small(), normal(2, 5, 2), **({"shuffles": 5} | words)),
    "orbits": lambda **words: orbits(spun, normal(1, 2), **({"surrogates": 5} | words)),
    "place_fields": lambda **words: place_fields(ACTIVITY, PLACE, **({"shifts": 5} | words)),
    "privileged_basis": basis,
    "predictivity": lambda **words: predictivity(FIELD, FIELD**2, **({"draws": 5} | words)),
    "procrustes": lambda **words: procrustes(FIELD, FIELD**2, **({"draws": 5} | words)),
    "replay": lambda **words: replay(GIVEN["counts"], GIVEN["place"], RATE, **({"draws": 5} | words)),
    "replay_power": lambda **words: replay_power(
        GIVEN["counts"], GIVEN["place"], RATE, **({"draws": 19} | words)
    ),
    "rotations": lambda **words: rotations(SEVERAL, **({"draws": 2} | words)),
    "rsa": lambda **words: rsa(FIELD[:, :9], FIELD[:, 9:18] ** 2, **({"draws": 5} | words)),
    "sequences": lambda **words: sequences(RECORDING[:320, :5], RATE, **({"draws": 5} | words)),
    "timescales": lambda **words: timescales(RECORDING[:, :1], RATE, **({"draws": 5} | words)),
    "remapping": lambda **words: remapping(ACTIVITY, PLACE, **({"shuffles": 5} | words)),
    "phase_amplitude_coupling": lambda **words: phase_amplitude_coupling(
        RECORDING[:, :1], RATE, **({"draws": 5} | words)
    ),
    "phase_precession": lambda **words: phase_precession(
        -4 * GIVEN["phase"], GIVEN["value"], **({"draws": 5} | words)
    ),
    "spindles": lambda **words: spindles(RECORDING[:, :1], RATE, **words),
    "synchrony": lambda **words: synchrony(RECORDING[:, :2], RATE, BAND, **({"draws": 5} | words)),
    "wave_patterns": lambda **words: wave_patterns(
        RECORDING, RATE, POSITIONS, BAND, **({"draws": 5} | words)
    ),
    "phase_gradient": lambda **words: phase_gradient(
        RECORDING, RATE, POSITIONS, BAND, **({"draws": 5} | words)
    ),
    "space_time_spectrum": lambda **words: space_time_spectrum(FIELD, **({"surrogates": 5} | words)),
}
ARGUMENTS = {
    "automata": {
        "clusters": Argument(12, 3),
        "skip": Argument(0, 1),
        "read": Argument(None, lambda y: -y),
        "truth": Argument(None, Automaton([[0, 0]], [0])),
        "seed": Argument(0, 1),
    },
    "bifurcation": {
        "x": Argument(torch.zeros(2), torch.ones(2)),
        "event": Argument(None, 1.0),
        "rate": Argument(1.0, 2.0),
    },
    "dynamical_systems_form": {"states": Argument(2, 1), "tolerance": Argument(1e-10, 1e-9)},
    "band_power": {
        "bands": Argument(BANDS, BANDS[:3]),
        "window": Argument(2.0, 1.6),
        "seed": Argument(0, 1),
    },
    "gamma_events": {
        "fast": Argument((50.0, 90.0), (50.0, 80.0)),
        "slow": Argument((1.0, 4.0), (1.0, 5.0)),
        "deviations": Argument(1.5, 1.6),
        "cycles": Argument(2.0, 1.0),
        "seed": Argument(0, 1),
    },
    "generalized_phase": {
        "band": Argument((5.0, 40.0), (5.0, 41.0)),
        "lowest": Argument(5.0, 6.0),
        "stretch": Argument(3, 2),
    },
    "grid_score": BOX | {"away": AWAY},
    "cca": {"keep": Argument(1.0, 0.8), "seed": Argument(0, 1)},
    "cka": {"debiased": Argument(True, False), "seed": Argument(0, 1)},
    "coarse_graining": {"levels": Argument(4, 3), "steps": Argument(0, 30), "seed": Argument(0, 1)},
    "covariance": {"order": Argument(1, 2), "lag": Argument(1, 2), "seed": Argument(0, 1)},
    "decoding": {
        "decoder": Argument(Decoder.RIDGE, Decoder.WIENER),
        "bins": Argument(20, 19),
        "history": Argument(10, 9),
        "ahead": Argument(0, 1),
        "seed": Argument(0, 1),
    },
    "demixed": {"components": Argument(3, 2), "seed": Argument(0, 1)},
    "dimension": {"seed": Argument(0, 1)},
    "credit_operator": {
        "rule": Argument(None, TruncatedBackpropagation(steps=2)),
        "read": Argument(None, torch.nn.Linear(4, 3).double()),
        "answers": Argument(None, torch.ones(2, 5, 2).double()),
    },
    "dsa": {"delays": Argument(4, 3), "rank": Argument(14, 13)},
    "fixed_points": {
        "x": Argument(torch.zeros(2), torch.ones(2)),
        "tolerance": Argument(1e-9, 1e-30),
        "descent": Argument(60, 1),
        "rate": Argument(1.0, 2.0),
    },
    "head_count": {"tolerance": Argument(1e-8, 1e-7)},
    "interaction_rank": {"tolerance": Argument(1e-8, 1e-7)},
    "lattice": {
        "quantile": Argument(1 - 1 / 4, 0.5),
        "acyclic": Argument(Acyclic.CONDENSE, Acyclic.INDEX),
        "seed": Argument(0, 1),
    },
    "lyapunov": {
        "x": Argument(torch.zeros(1200, 2), torch.ones(1200, 2)),
        "steps": Argument(1000, 900),
        "warm": Argument(200, 100),
        "count": Argument(4, 3),
        "rate": Argument(1.0, 2.0),
    },
    "orbits": {
        "x": Argument(torch.zeros(1), torch.full((1,), 0.1)),
        "steps": Argument(400, 300),
        "warm": Argument(400, 3),
        "directions": Argument(2, 1),
        "rate": Argument(1.0, 2.0),
        "seed": Argument(0, 1),
    },
    "place_fields": BOX
    | {
        "away": AWAY,
        "part": Argument(0.5, 0.6),
        "least": Argument(3, 4),
        "label": Argument(None, (PLACE[..., 0] > 0).long()),
    },
    "privileged_basis": {
        "phi": Argument(None, torch.eye(6).double()),
        "columns": Argument(6 // 2, 2),
        "readout": Argument(False, True),
    },
    "predictivity": {"repeats": Argument(None, torch.stack([FIELD**2, FIELD**3])), "seed": Argument(0, 1)},
    "procrustes": {"seed": Argument(0, 1)},
    "replay": {"bins": Argument(40, 39), "running": Argument(0.05, 0.4), "seed": Argument(0, 1)},
    "replay_power": {
        "bins": Argument(40, 20),
        "running": Argument(0.05, 0.4),
        "planted": Argument(100, 50),
        "length": Argument(1.0, 0.5),
        "seed": Argument(0, 1),
    },
    "rotations": {"planes": Argument(UNITS // 2 - 1, 2), "rate": Argument(1.0, 2.0), "seed": Argument(0, 1)},
    "rsa": {
        "distance": Argument(Distance.SQUARED, Distance.CORRELATION),
        "comparison": Argument(Comparison.PEARSON, Comparison.SPEARMAN),
        "whiten": Argument(False, True),
        "seed": Argument(0, 1),
    },
    "sequences": {"longest": Argument(20 / RATE, 10 / RATE), "seed": Argument(0, 1)},
    "timescales": {"seed": Argument(0, 1)},
    "remapping": BOX | {"grid": Argument(ACTIVITY, ACTIVITY.flip(-1) ** 2)},
    "phase_amplitude_coupling": {
        "slow": Argument((4.0, 8.0), (4.0, 7.0)),
        "fast": Argument((50.0, 90.0), (50.0, 80.0)),
        "seed": Argument(0, 1),
    },
    "phase_precession": {"most": Argument(2.0, 1.0), "seed": Argument(0, 1)},
    "spindles": {
        "band": Argument((12.0, 15.0), (11.0, 15.0)),
        "broad": Argument((1.0, 30.0), (1.0, 31.0)),
        "seed": Argument(0, 1),
        "draws": Argument(19, 2),
    },
    "synchrony": {"seed": Argument(0, 1)},
    "wave_patterns": {
        "every": Argument(1 / BAND[0], 0.2),
        "null": Argument(Null.STILL, Null.SHUFFLED),
        "seed": Argument(0, 1),
    },
    "phase_gradient": {"every": Argument(1 / BAND[0], 0.2), "seed": Argument(0, 1)},
    "space_time_spectrum": {
        "speed": Argument(None, 0.5),
        "slack": Argument(1.0, 2.0),
        "position": Argument(None, torch.arange(UNITS) * 2.0),
        "period": Argument(None, UNITS + 1.0),
        "seed": Argument(0, 1),
    },
}
DRAWS = {
    "automata": "shuffles",
    "lattice": "shuffles",
    "grid_score": "shifts",
    "place_fields": "shifts",
    "remapping": "shuffles",
}
DRAWS |= {"space_time_spectrum": "surrogates", "orbits": "surrogates"}
DRAWS |= dict.fromkeys(
    ("cca", "cka", "coarse_graining", "demixed", "dimension", "procrustes", "replay", "rsa", "timescales"),
    "draws",
)
DRAWS |= dict.fromkeys(
    ("band_power", "gamma_events", "phase_amplitude_coupling", "phase_precession"), "draws"
)
NINETY_NINE = dict.fromkeys(
    (
        "covariance",
        "decoding",
        "phase_gradient",
        "predictivity",
        "replay_power",
        "rotations",
        "sequences",
        "synchrony",
        "wave_patterns",
    ),
    "draws",
)


def alike(one: Any, two: Any) -> bool:
    """Whether all parts of two answers are the same, bit for bit."""
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(one, two, strict=True)]
    return all(a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def test_every_argument_with_a_default_is_here() -> None:
    for found in find.members("lenses"):
        arguments = inspect.signature(found.load()).parameters.values()
        named = {one.name for one in arguments if one.default is not one.empty}
        drawn = {(DRAWS | NINETY_NINE).get(found.name)} - {None}
        assert named == set(ARGUMENTS.get(found.name, {})) | drawn, found.name


CASES = [(lens, argument) for lens, arguments in ARGUMENTS.items() for argument in arguments]
ALONG_A_RING = torch.arange(float(UNITS))


def beside(lens: str, argument: str) -> tuple[tuple[str, Any], ...]:
    """What must be given beside an argument, so that it is asked for."""
    if argument == "period":  # a length wants places: units in the order of their index, on a ring of as many
        return (("position", ALONG_A_RING),)
    if lens == "covariance" and argument != "order":
        return (("order", 2),)
    if lens == "decoding" and argument in ("bins", "history", "ahead"):
        return (("decoder", Decoder.BAYES if argument == "bins" else Decoder.WIENER),)
    return ()


@functools.cache
def plain(lens: str, given: tuple[tuple[str, Any], ...]) -> Any:
    return LOOKS[lens](**dict(given if lens in ("covariance", "decoding") else ()))


GROUPS = {(lens, beside(lens, argument)): None for lens, argument in CASES}


@pytest.mark.parametrize(("lens", "given"), GROUPS)
def test_the_documented_values_change_nothing(lens: str, given: tuple[tuple[str, Any], ...]) -> None:
    """All of them at once: each of them changes something where it is another, as the next test finds."""
    documented = {name: one.default for name, one in ARGUMENTS[lens].items() if beside(lens, name) == given}
    if "period" in documented:
        documented["period"] = float(UNITS)
    assert alike(plain(lens, given), LOOKS[lens](**(documented | dict(given))))


@pytest.mark.parametrize(("lens", "argument"), CASES)
def test_another_value_changes_something(lens: str, argument: str) -> None:
    given = beside(lens, argument)
    assert not alike(
        plain(lens, given), LOOKS[lens](**dict(given), **{argument: ARGUMENTS[lens][argument].other})
    )


def test_ninety_nine_draws_make_the_null_of_many_channels() -> None:
    assert len(sequences(RECORDING[:320, :5], RATE).null) == 99
    assert len(covariance(normal(24, 30, 3, seed=9), np.arange(24) % 2).null) == 99
    assert (
        len(decoding(ACTIVITY, PLACE).null)
        == len(predictivity(FIELD, FIELD).null)
        == len(rotations(SEVERAL).null)
        == 99
    )
    power = [
        replay_power(GIVEN["counts"], GIVEN["place"], RATE, planted=30, **words)
        for words in ({}, {"draws": 99}, {"draws": 19})
    ]
    assert alike(power[0], power[1]) and not alike(power[0], power[2])
    assert len(wave_patterns(RECORDING[:400], RATE, POSITIONS, BAND).null) == 99
    assert len(phase_gradient(RECORDING[:400], RATE, POSITIONS, BAND).null) == 99
    assert len(synchrony(RECORDING[:, :2], RATE, BAND).null_plv) == 99


@pytest.mark.parametrize("lens", DRAWS)
def test_two_hundred_draws_make_the_null(lens: str) -> None:
    given = {"bins": 5}
    look = {
        "automata": lambda: automata(Elman(2).double(), WORDS).null,
        "grid_score": lambda: grid_score(ACTIVITY[..., :1], PLACE, **given).null_grid,
        "lattice": lambda: lattice(small(), normal(2, 5, 2)).null,
        "cca": lambda: cca(FIELD, FIELD).null,
        "cka": lambda: cka(FIELD, FIELD).null,
        "coarse_graining": lambda: coarse_graining(WEIGHTS).null,
        "demixed": lambda: demixed(normal(24, 9, 5), np.arange(24) % 2).null,
        "dimension": lambda: dimension(FIELD).null,
        "procrustes": lambda: procrustes(FIELD, FIELD).null,
        "replay": lambda: replay(GIVEN["counts"], GIVEN["place"], RATE).null[0],
        "rsa": lambda: rsa(FIELD[:, :9], FIELD[:, :9]).null,
        "timescales": lambda: timescales(RECORDING[:400, :1], RATE).null,
        "orbits": lambda: orbits(spun, normal(1, 2)).null[0],
        "place_fields": lambda: place_fields(ACTIVITY[..., :1], PLACE, **given).null,
        "remapping": lambda: remapping(ACTIVITY, PLACE, **given).null,
        "space_time_spectrum": lambda: space_time_spectrum(FIELD[:1, :9]).null,
        "band_power": lambda: band_power(RECORDING[:, :1], RATE).null,
        "gamma_events": lambda: gamma_events(RECORDING[:, :1], RATE).null,
        "phase_precession": lambda: phase_precession(GIVEN["phase"], GIVEN["value"]).null,
        "phase_amplitude_coupling": lambda: phase_amplitude_coupling(RECORDING[:, :1], RATE).null,
    }
    assert len(look[lens]()) == 200


def bump() -> np.ndarray:
    """A Gaussian of deviation 1, cut at 4, of sum 1: what smoothing leaves of one bin."""
    weight = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    return weight / weight.sum()


CENTRES = torch.cartesian_prod(torch.arange(20), torch.arange(20)).double()  # one visit to each of 20 x 20


@pytest.mark.parametrize("lens", ["grid_score", "place_fields"])
def test_the_map_of_a_unit_that_fires_in_one_bin(lens: str) -> None:
    """Smoothed by one bin, as visits are: the outer product of two Gaussians; its half has five bins."""
    activity = (torch.tensor([9.0, 11.0]) == CENTRES).all(-1).double()[None, :, None]
    look = {"grid_score": grid_score, "place_fields": place_fields}[lens]
    seen = look(activity, CENTRES[None], shifts=1)
    wanted = np.zeros((20, 20))
    wanted[5:14, 7:16] = np.outer(bump(), bump())
    np.testing.assert_allclose(seen.rate[0], wanted, atol=1e-12)
    if lens == "place_fields":
        assert seen.fields.tolist() == [1] and seen.size.tolist() == [5]


def test_a_unit_that_moves_by_a_bin_keeps_what_two_gaussians_share() -> None:
    """Its map lies along the track like a Gaussian; the correlation with its own neighbour, bin by bin."""
    track = torch.arange(20).double().repeat(2)[None, :, None].expand(2, -1, -1)
    activity = torch.zeros(2, 40, 1)
    activity[:, 9] = activity[:, 20 + 10] = 1
    seen = remapping(activity, track, shuffles=1)
    maps = np.zeros((2, 20))
    maps[0, 5:14] = maps[1, 6:15] = bump()
    assert seen.within == pytest.approx(np.corrcoef(maps)[0, 1])
