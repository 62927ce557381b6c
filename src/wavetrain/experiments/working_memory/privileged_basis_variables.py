"""Does the privileged basis show each stored variable by itself, and does no other basis?

Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430: a trained recurrent network keeps its variables as
coefficients on groups of directions. A basis made from its weights alone shows them, and its units do not. A
tanh network learns repeat copy, another compose copy. Then they are left alone after their input. For each
time, theory names the coordinate of the basis at which each component of each vector should stand.

    privileged  the sign of that one coordinate, nothing fitted
    components  the sign of the principal component that goes best with the variable at that time
    units       the sign of the unit that goes best with it

The last two are chosen, with their signs, for each variable and each time on half of the sequences, and all
are scored on the other half. The privileged basis does not get this advantage. Each basis holds nearly all
that the network knows, so many coordinates together would tell the variables in any of them; the claim is
about single ones. Reported beside it are the basis grounded in the output, which the authors found better at
times; what the untrained network's basis shows of that network; and what is to be seen of the circuit of
theory, in as many units.
"""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import Layer
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.experiments.working_memory._shared import Bare, circuit, longer, says
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_working_memory import propagation
from wavetrain.lenses.population.privileged_basis import privileged_basis
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.recall.repeat_copy import RepeatCopy
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan

LEARNED = 0.9  # accuracy above which the paper looks into networks
SEEN, MIXED = 0.95, 0.85  # signs right, at least and at most
TASKS, OTHERS = ("repeat", "compose"), ("components", "units")


def _learned(figures: Measured) -> bool:
    return not any(figures[f"accuracy_{task}"] < LEARNED for task in TASKS)


claim = Claim(
    title="The privileged basis shows each stored variable by itself",
    sentence="In the basis made from a trained network's weights, the one coordinate that theory names gives "
    "at least 95% of the signs of stored variables; the best principal component, or the best unit, chosen "
    "afterwards, gives at most 85%.",
    topic="Working memory as waves",
    source="Karuvally et al. 2023, arXiv 2310.02430, figures of hidden states in the new basis",
    systems=("episodic", "privileged_basis", "repeat_copy", "compose_copy"),
    parts=(
        Part(
            says="Repeat copy: the coordinate that theory names gives at least 95% of the signs.",
            figures=("repeat_privileged", "exact_repeat_privileged", "accuracy_repeat"),
            holds=given(_learned, lambda figures: figures["repeat_privileged"] >= SEEN),
        ),
        Part(
            says="Compose copy: the coordinate that theory names gives at least 95% of the signs.",
            figures=("compose_privileged", "exact_compose_privileged", "accuracy_compose"),
            holds=given(_learned, lambda figures: figures["compose_privileged"] >= SEEN),
        ),
        Part(
            says="Repeat copy: the best principal component gives at most 85%.",
            figures=("repeat_components", "exact_repeat_components"),
            holds=given(_learned, lambda figures: figures["repeat_components"] <= MIXED),
        ),
        Part(
            says="Compose copy: the best principal component gives at most 85%.",
            figures=("compose_components", "exact_compose_components"),
            holds=given(_learned, lambda figures: figures["compose_components"] <= MIXED),
        ),
        Part(
            says="Repeat copy: the best unit gives at most 85%.",
            figures=("repeat_units", "exact_repeat_units"),
            holds=given(_learned, lambda figures: figures["repeat_units"] <= MIXED),
        ),
        Part(
            says="Compose copy: the best unit gives at most 85%.",
            figures=("compose_units", "exact_compose_units"),
            holds=given(_learned, lambda figures: figures["compose_units"] <= MIXED),
        ),
    ),
    figures=(
        Figure(name="accuracy_{task}", says="signs said right by the trained network, {task}", unit="share"),
        Figure(
            name="{task:repeat|compose}_untrained",
            says="signs shown by the privileged basis before training, {task}",
            unit="share",
        ),
        Figure(
            name="{net:exact_|}{task:repeat|compose}_{where}",
            says="signs shown by {where}, {task}{net}",
            unit="share",
        ),
    ),
    names={
        "repeat": "repeat copy",
        "compose": "compose copy",
        "exact_": ", exact circuit",
        "privileged": "the named coordinate of the privileged basis",
        "output": "the basis grounded in the output",
        "components": "the best principal component",
        "units": "the best unit",
    },
    notes="The paper shows pictures of variables that move through the basis and prints no figure; the "
    "measure and the limits are ours. A run can tell only where both networks are right at 90%. Every run "
    "also measures the exact circuit (`exact`), in 128 units of a random basis and loaded with the vectors. "
    "It meets all limits: 1.00 in the privileged basis, 0.62 and 0.77 by the best component, 0.63 to 0.69 "
    "by the best unit. If it is fed with the vectors of compose copy instead, a linear circuit adds to them "
    "what it composes meanwhile. It then says 81% of the signs right and shows 88%, and so is no solution "
    "to hold the limits against.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    size: int  # vectors, and their components
    hidden: int
    horizons: tuple[int, ...]
    steps: int  # on the last horizon, and at most on each before
    test: int  # horizon
    batch: int = 64
    rate: float = 2e-3
    drops: tuple[tuple[int, float], ...] = ()  # of the rate: step, divided by
    every: int = 50
    enough: float = 0.98  # score that ends training on a horizon but the last
    sequences: int = 1000  # half to choose coordinates by, half to score


smoke = Scale(size=2, hidden=8, horizons=(3, 4), steps=4, test=6, batch=4, every=2, sequences=20)
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
    for name in TASKS:
        *tasks, test, watch = (
            _task(name, scale.size, horizon) for horizon in (*scale.horizons, scale.test, 3 * scale.size)
        )
        plan = Plan(scale.steps, scale.batch, scale.rate, 1.0, scale.every, drops=scale.drops, held_out=100)
        make = functools.partial(_start, scale, lab.seed)
        end = longer(lab, name, make, tasks, plan, scale.enough)
        assert isinstance(end.network, Bare)
        phi, x = propagation(watch.boundary().double()), watch.test().x[: scale.sequences].to(lab.device)
        lines = shown(end.network.layer, x, phi)
        before = shown(make().layer.to(lab.device), x, phi)["privileged"]
        figures[f"accuracy_{name}"] = examine(end.network, test.test(), test.objective)
        figures |= {f"{name}_{where}": float(line.mean()) for where, line in lines.items()}
        figures[f"{name}_untrained"] = float(before.mean())
        figures |= exact_figures(name, phi, x, scale.hidden, lab.generator())
        lab.show(
            name,
            Curve(
                f"Stored variables to be read from one coordinate, {name} copy",
                np.arange(len(before), dtype=float),
                np.stack([*lines.values(), before]),
                (*lines, "privileged, untrained"),
                "steps after the input",
                "signs right",
            ),
        )
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """The circuit of theory in the place of the trained networks, loaded and left alone."""
    figures: dict[str, float] = {}
    for name in TASKS:
        test, watch = (_task(name, scale.size, horizon) for horizon in (scale.test, 3 * scale.size))
        phi = propagation(watch.boundary().double())
        x, y = (part[:100] for part in test.test())
        layer, states = circuit(phi, x, scale.hidden, lab.generator())
        figures[f"accuracy_{name}"] = says(layer, states, y, test.objective)
        x = watch.test().x[: scale.sequences]
        found = exact_figures(name, phi, x, scale.hidden, lab.generator())
        figures |= {kind.removeprefix("exact_"): value for kind, value in found.items()}
    return figures


def _task(name: str, size: int, horizon: int) -> RepeatCopy | ComposeCopy:
    return RepeatCopy(size, size, horizon) if name == "repeat" else ComposeCopy(size, horizon)


def _start(scale: Scale, seed: int) -> Bare:
    return Bare(built(lambda: Episodic(scale.size, hidden=scale.hidden), seed).float())


def exact_figures(
    name: str, phi: Tensor, x: Tensor, hidden: int, generator: torch.Generator
) -> dict[str, float]:
    """What the circuit of theory shows, in as many units as the trained network has."""
    layer, states = circuit(phi, x.cpu(), hidden, generator)
    lines = shown(layer, x.cpu().double(), phi, states)
    return {f"exact_{name}_{where}": float(line.mean()) for where, line in lines.items()}


@torch.no_grad()
def shown(layer: Layer, x: Tensor, phi: Tensor, units: Tensor | None = None) -> dict[str, np.ndarray]:
    """The share of signs that single coordinates give, (steps,), from the last given vector on.

    `units` are the states from there on (B, steps, N), by default those that the layer comes to on x.
    """
    given = len(phi) // x.shape[-1]
    if units is None:
        state, after = layer.begin(len(x)), []
        for now in x.unbind(1):
            state = layer.step(now, state)[1]
            after.append(state)
        units = torch.stack(after, 1)[:, given - 1 :]
    states = units.double().cpu().numpy()
    basis = privileged_basis(layer, x[:1], phi)
    rows = states.reshape(-1, states.shape[-1])
    axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][: basis.kept.sum()]
    variables = x[:, :given].flatten(1).double().cpu()  # (B, s d)
    should = []  # at each step and coordinate
    for _ in range(states.shape[1]):
        should.append(variables.numpy()[:, basis.kept])
        variables = variables @ phi.T
    target = np.stack(should, 1)  # (B, T, kept)
    half = len(x) // 2
    bases = {"privileged": basis, "output": privileged_basis(layer, x[:1], phi, readout=True)}
    rights = {
        name: np.sign((states[half:] @ one.dual.T)[..., basis.kept]) == target[half:]
        for name, one in bases.items()
    }
    return {name: right.mean((0, 2)) for name, right in rights.items()} | {
        "components": chosen(states @ axes.T, target),
        "units": chosen(states, target),
    }


def chosen(activity: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Signs right, (T,), by the best coordinate for each target (B, T, K) and step, of the first half."""
    half = len(activity) // 2
    scaled = activity[:half] / np.maximum(activity[:half].std(0), np.finfo(float).tiny)
    fit = np.einsum("btn,btk->tnk", scaled, target[:half])  # (T, N, K)
    best = np.abs(fit).argmax(1)  # (T, K)
    way = np.sign(np.take_along_axis(fit, best[:, None], 1))[:, 0]
    said = np.take_along_axis(activity[half:], np.broadcast_to(best, target[half:].shape), 2)
    return (np.sign(way * said) == target[half:]).mean((0, 2))
