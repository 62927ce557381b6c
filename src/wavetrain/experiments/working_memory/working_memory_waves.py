"""Do trained recurrent networks keep their working memory in waves, hidden in a basis of their own?

Karuvally, Sejnowski and Siegelmann 2024, arXiv 2402.10163, table 1, figures 3 and 4. Some vectors are given,
then each output is made of the last ones: repeat copy says the oldest again, compose copy takes component j
of the j-th oldest. Theory: 64 and 36 eigenvalues of modulus 1 for eight vectors of eight components.

    circuits  linear networks of exactly as many units, with the matrix of theory in a random orthonormal
              basis, loaded with the vectors: eigenvalues, phase error, and signs that they say right
    trained   a tanh network for each task, on horizons that grow; the lens `privileged_basis` finds a basis
              from the weights, and the spectrum is held against theory
    exact     the circuit in as many units as a trained network has: what the measures below can read at all
    waves     in the trained networks, after the input: how far each coordinate is handed on, which is the
              largest squared correlation with another coordinate one step before, averaged over coordinates.
              It is measured in the privileged basis, in as many principal components, and in the units
              themselves. For repeat copy, whose columns are a ring, also the share of space-time power on the
              travelling line

The measure of waves needs no order of units, as raw units have none. Left out are the decay of weights, and
the other tasks of the table.
"""

# Above 300 lines: one file, since a claim is read beside the measures of a wave.

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Layer
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Field
from wavetrain.experiments.working_memory._shared import Bare, circuit, longer, needed, says
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import propagation
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.lenses.population.privileged_basis import PrivilegedBasis, privileged_basis
from wavetrain.scan import Activation
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan, curve

LEARNED = 0.9  # the paper compares spectra above this accuracy
PHASE, ROUNDING = 0.02, 1e-6  # radians, for trained networks and for circuits
WAVE, NONE = 0.8, 0.4  # handed on, or travelling: at least, and at most
TASKS, OTHERS = ("repeat", "compose"), ("components", "units")


def limit(figures: Mapping[str, float], kind: str, other: str) -> float:
    """The most that a wave may show in another basis: where the exact circuit shows more, the middle between
    what it shows there and in the privileged basis.
    """
    there, seen = (figures[f"exact_{kind}_{where}"] for where in (other, "privileged"))
    return NONE if there <= NONE else (there + seen) / 2


def _learned(figures: Measured) -> bool:
    return not any(figures[f"accuracy_{task}"] < LEARNED for task in TASKS)


def _circuits(figures: Measured) -> bool:
    return all(
        figures[f"circuit_found_{task}"] == figures[f"wanted_{task}"] == figures[f"circuit_units_{task}"]
        and figures[f"circuit_error_{task}"] < ROUNDING
        and figures[f"circuit_right_{task}"] == 1
        for task in TASKS
    )


def _spectrum(figures: Measured) -> bool:
    return all(
        figures[f"found_{task}"] == figures[f"wanted_{task}"] and figures[f"error_{task}"] < PHASE
        for task in TASKS
    )


def _hidden(other: str) -> Callable[[Measured], bool]:
    kinds = [f"handed_{task}" for task in TASKS] + ["travelling_repeat"]
    return lambda figures: all(figures[f"{kind}_{other}"] <= limit(figures, kind, other) for kind in kinds)


claim = Claim(
    title="Trained networks keep working memory in hidden travelling waves",
    sentence="Linear circuits of 64 and of 36 units solve repeat and compose copy. Trained tanh networks "
    "have as many eigenvalues near modulus 1, within 0.02 radians, and hold their memory in waves that show "
    "in the privileged basis and in no other.",
    topic="Working memory as waves",
    source="Karuvally et al. 2024, arXiv 2402.10163, table 1 and figures 3 and 4",
    systems=("episodic", "wave_working_memory", "privileged_basis", "repeat_copy", "compose_copy"),
    parts=(
        Part(
            says="Linear circuits of exactly 64 and 36 units solve repeat copy and compose copy without an "
            "error, with the eigenvalues of theory.",
            figures=("circuit_*",),
            holds=given(_learned, _circuits),
        ),
        Part(
            says="On both tasks, the trained network has as many eigenvalues near modulus 1 as theory, "
            "within 0.02 radians in the mean.",
            figures=("found_*", "wanted_*", "error_*", "accuracy_*"),
            holds=given(_learned, _spectrum),
        ),
        Part(
            says="In the privileged basis, coordinates are handed on by at least 0.8 on both tasks.",
            figures=("handed_*_privileged",),
            holds=given(
                _learned,
                lambda figures: all(figures[f"handed_{task}_privileged"] >= WAVE for task in TASKS),
            ),
        ),
        Part(
            says="In the privileged basis, at least 0.8 of the power of repeat copy travels.",
            figures=("travelling_repeat_privileged",),
            holds=given(_learned, lambda figures: figures["travelling_repeat_privileged"] >= WAVE),
        ),
        Part(
            says="Principal components show at most 0.4 of either; where the exact circuit shows more, at "
            "most the middle between what it shows there and in the privileged basis.",
            figures=("handed_*_components", "travelling_*_components"),
            holds=given(_learned, _hidden("components")),
        ),
        Part(
            says="The units themselves show at most 0.4 of either, by the same rule.",
            figures=("handed_*_units", "travelling_*_units"),
            holds=given(_learned, _hidden("units")),
        ),
    ),
    published={
        "error_repeat": 0.0005,
        "accuracy_repeat": 1.0,
        "error_compose": "0.0055 or 0.0031",
        "accuracy_compose": 0.98,
    },
    figures=(
        Figure(name="circuit_units_{task}", says="units of the linear circuit, {task}", unit="count"),
        Figure(
            name="circuit_found_{task}",
            says="eigenvalues of modulus 1 in the linear circuit, {task}",
            unit="count",
        ),
        Figure(
            name="circuit_error_{task}",
            says="mean phase error of the linear circuit, {task}",
            unit="radians",
        ),
        Figure(
            name="circuit_right_{task}",
            says="signs said right by the linear circuit, {task}",
            unit="share",
        ),
        Figure(name="accuracy_{task}", says="signs said right by the trained network, {task}", unit="share"),
        Figure(name="found_{task}", says="eigenvalues near modulus 1, {task}", unit="count"),
        Figure(name="wanted_{task}", says="eigenvalues of modulus 1 in theory, {task}", unit="count"),
        Figure(name="error_{task}", says="mean phase error of the eigenvalues, {task}", unit="radians"),
        Figure(
            name="score_{task}",
            says="matrix in place in the privileged basis, {task}",
            unit="share of squares",
        ),
        Figure(
            name="{net:exact_|}handed_{task}_{where}",
            says="how far coordinates are handed on, {where}, {task}{net}",
            unit="squared correlation",
        ),
        Figure(
            name="{net:exact_|}travelling_{task}_{where}",
            says="power on the travelling line, {where}, {task}{net}",
            unit="share",
        ),
    ),
    names={
        "repeat": "repeat copy",
        "compose": "compose copy",
        "exact_": ", exact circuit",
        "privileged": "privileged basis",
        "components": "principal components",
    },
    notes="The published figures are for 128 units without L2, with the accuracy at horizon 200, as means "
    "over 20 seeds. The paper's code calls compose copy T2 in one place and T3 in another. The measures of "
    "waves and the limits are ours. A run can tell only where both networks are right at 90%. The exact "
    "circuit, in 128 units of a random basis, reads 1.00 and 0.97 handed on and 1.00 travelling in the "
    "privileged basis. Elsewhere it reads 0.08 to 0.31, but for 0.50 handed on in the principal components "
    "of repeat copy, where two of them turn as a pair.",
    changed=(
        "The limit for other bases was 0.4 everywhere, which no network of theory could meet in the "
        "principal components of repeat copy. By a rule written before the run, a limit that the exact "
        "circuit fails is now the middle between what it reads there and in the privileged basis, here "
        "0.75. The other limits are met by the circuit and are unchanged. In the run before, the networks "
        "failed two of those: 0.73 to 0.76 travelling, and 0.43 to 0.44 handed on between units in compose "
        "copy; one of three had 63 eigenvalues.",
    ),
)


class Watched(NamedTuple):
    """What the measures of waves say, and one field for each basis, to be seen."""

    figures: dict[str, float]
    fields: dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Scale:
    size: int  # vectors, and their components
    hidden: int
    horizons: tuple[int, ...]
    steps: int  # on the last horizon, and at most on each before
    test: int  # horizon
    watch: int = 56  # steps after the input in which waves are looked for
    batch: int = 64
    rate: float = 2e-3
    drops: tuple[tuple[int, float], ...] = ()  # of the rate: step, divided by
    every: int = 50
    enough: float = 0.98  # score that ends training on a horizon but the last


smoke = Scale(size=3, hidden=12, horizons=(4, 6), steps=4, test=8, watch=9, batch=4, every=2)
small = Scale(size=8, hidden=128, horizons=(10, 20, 40), steps=2000, test=200, drops=((1500, 4.0),))
full = Scale(
    size=8,
    hidden=128,
    horizons=(10, 20, 40, 60, 100),
    steps=20_000,
    test=200,
    rate=1e-3,
    drops=((15_000, 4.0),),
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    ends = {}
    for name in TASKS:
        *horizons, test, watch = (
            _task(name, scale.size, horizon) for horizon in (*scale.horizons, scale.test, scale.watch)
        )
        plan = Plan(scale.steps, scale.batch, scale.rate, 1.0, scale.every, drops=scale.drops, held_out=100)
        end = ends[name] = longer(
            lab, name, lambda: Bare(Episodic(scale.size, hidden=scale.hidden)), horizons, plan, scale.enough
        )
        assert isinstance(end.network, Bare)
        layer, x = end.network.layer, watch.test().x[:64].to(lab.device)
        basis = privileged_basis(layer, x, propagation(watch.boundary().double()))
        figures |= _circuit(name, test, lab) | {
            f"accuracy_{name}": examine(end.network, test.test(), test.objective),
            f"found_{name}": basis.found,
            f"wanted_{name}": basis.wanted,
            f"error_{name}": basis.error,
            f"score_{name}": basis.score,
        }
        seen = _watched(name, _states(layer, x, scale.size), basis, scale.size)
        figures |= seen.figures | exact_figures(name, watch, scale.hidden, lab.generator())
        for where, field in seen.fields.items():
            title = f"Repeat copy after its input, {where}"
            lab.show(f"activity-{where}", Field(title, field, ylabel="coordinate"))
    lab.show("learning", curve("Learning on the last horizon", ends, "signs right, held out"))
    return {name: float(value) for name, value in figures.items()}


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The circuit of theory in the place of the trained networks, in as many units, loaded and left alone."""
    figures: dict[str, float] = {}
    for name in TASKS:
        test, watch = (_task(name, scale.size, horizon) for horizon in (scale.test, scale.watch))
        x, y = (part[:100] for part in test.test())
        phi = propagation(test.boundary().double())
        layer, states = circuit(phi, x, scale.hidden, lab.generator())
        basis = privileged_basis(layer, x[:1].double(), phi)
        figures |= _circuit(name, test, lab) | {
            f"accuracy_{name}": says(layer, states, y, test.objective),
            f"found_{name}": basis.found,
            f"wanted_{name}": basis.wanted,
            f"error_{name}": basis.error,
        }
        found = exact_figures(name, watch, scale.hidden, lab.generator())
        figures |= found | {kind.removeprefix("exact_"): value for kind, value in found.items()}
    return figures


def _task(name: str, size: int, horizon: int) -> RepeatCopy | ComposeCopy:
    return RepeatCopy(size, size, horizon) if name == "repeat" else ComposeCopy(size, horizon)


def exact_figures(
    name: str, task: RepeatCopy | ComposeCopy, hidden: int, generator: torch.Generator
) -> dict[str, float]:
    """The same measures of the circuit of theory, in as many units as the trained network has."""
    phi, x = propagation(task.boundary().double()), task.test().x[:64]
    layer, states = circuit(phi, x, hidden, generator)
    basis = privileged_basis(layer, x[:1].double(), phi)
    found = _watched(name, states[:, 1:], basis, task.inputs).figures
    return {f"exact_{kind}": value for kind, value in found.items()}


@torch.no_grad()
def _circuit(name: str, task: RepeatCopy | ComposeCopy, lab: Lab) -> dict[str, float]:
    """The linear network of as few units as theory asks for, loaded and left alone."""
    phi, size = propagation(task.boundary().double()), task.inputs
    part = needed(phi, size)
    units = int(part.sum())
    basis = torch.linalg.qr(torch.randn(units, units, generator=lab.generator(), dtype=phi.dtype)).Q
    layer = Episodic(size, hidden=units, activation=Activation.IDENTITY).double()
    layer.recur.weight.copy_(basis @ phi[part][:, part] @ basis.T)
    layer.encode.weight.copy_(basis[:, -size:])
    layer.out.weight.copy_(basis[:, -size:].T)
    x, y = (rows[:100].double() for rows in task.test())
    given = len(phi) // size
    said, _ = layer(x[:, given:], x[:, :given].flatten(1)[:, part] @ basis.T)
    found = privileged_basis(layer, x[:1], phi)
    return {
        f"circuit_units_{name}": units,
        f"circuit_found_{name}": found.found,
        f"circuit_error_{name}": found.error,
        f"circuit_right_{name}": float(task.objective.score(said, y[:, given:])),
    }


def _states(layer: Layer, x: Tensor, given: int) -> Tensor:
    """What the network's units do after its input, (B, T, N)."""
    state, states = layer.begin(len(x)), []
    with torch.no_grad():
        for now in x.unbind(1):
            state = layer.step(now, state)[1]
            states.append(state.double().cpu())
    return torch.stack(states, 1)[:, given:]


def _watched(name: str, states: Tensor, basis: PrivilegedBasis, size: int) -> Watched:
    """The measures of waves of states (B, T, N), in three bases, and what the fields look like."""
    units = states.numpy()
    rows = units.reshape(-1, units.shape[-1])
    axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][: basis.kept.sum()]
    privileged = (units @ basis.dual.T)[..., basis.kept]
    figures, fields = {}, {}
    for where, activity in {"privileged": privileged, "components": units @ axes.T, "units": units}.items():
        figures[f"handed_{name}_{where}"] = handed(activity)
        if name == "repeat":  # in the privileged basis a ring of columns for each component
            rings = activity[..., : size**2].reshape(*activity.shape[:2], size, size)
            rings = rings.transpose(0, 3, 1, 2)  # (B, components, T, columns)
            figures[f"travelling_repeat_{where}"] = space_time_spectrum(rings, speed=-1.0).fraction
            fields[where] = rings[0, 0].T
    return Watched(figures, fields)


def handed(activity: np.ndarray) -> float:
    """The largest r² of each coordinate with another one step before, the mean over coordinates, 0 to 1."""
    before, now = (_standard(part) for part in (activity[:, :-1], activity[:, 1:]))
    squared = (now.T @ before / len(now)) ** 2
    np.fill_diagonal(squared, 0)
    return float(squared.max(1).mean())


def _standard(activity: np.ndarray) -> np.ndarray:
    rows = activity.reshape(-1, activity.shape[-1])
    return (rows - rows.mean(0)) / np.maximum(rows.std(0), 1e-12)
