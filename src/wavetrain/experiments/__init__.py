"""One published claim per file; and here what several of them share.

slow     parameters of a layer that learn at a fraction of the training's rate
built    a layer as it starts, for claims about what holds before any training
Found    the read-out of a layer whose outputs are shares of what it found in memory
crossing where a falling curve first goes under a level
position_cells, place_cells   which units are grid-, band- or place-like beyond their nulls

three_memories  an LSTM, a transformer and a wave RNN, trained alike on trials of working memory
reached         stops a training once it is as good as that, so that rivals are compared when equally good
Bare            a layer as a network to train, whose own output is the answer
longer          trains on one task after another, each longer than the last
exact           the linear circuit that theory gives for a task, at work in units of a random basis
needed          the coordinates that such a circuit needs
"""

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from wavetrain import nulls
from wavetrain.core import Layer, Task
from wavetrain.lab import Lab, Mark, Plan, Training
from wavetrain.layers.episodic import Episodic
from wavetrain.layers.lstm import LSTM
from wavetrain.layers.softmax_attention import SoftmaxAttention
from wavetrain.layers.wave_rnn import WaveRNN
from wavetrain.lenses.grid_score import grid_score
from wavetrain.lenses.place_fields import place_fields
from wavetrain.scan import Activation
from wavetrain.stack import MLP, Answer, Stack
from wavetrain.trials import TrialTask

Some = TypeVar("Some", bound=Layer)


class _Slow(nn.Module):
    """A parameter that moves a fraction of the way that its stand-in moves, from the same start."""

    start: Tensor

    def __init__(self, start: Tensor, fraction: float):
        super().__init__()
        self.register_buffer("start", start.detach().clone())
        self.fraction = fraction

    def forward(self, moved: Tensor) -> Tensor:
        return self.start + self.fraction * (moved - self.start)


def slow(layer: Layer, fractions: Mapping[str, float]) -> Layer:
    """The same layer, in which each named parameter learns at a fraction of the rate.

    Papers on state spaces train dt, A and B at rates of their own, and a training has one. Adam's step is
    the same whatever a gradient is multiplied by, so a parameter that is `fraction` of what Adam moves
    learns at `fraction` of its rate.
    """
    for name, fraction in fractions.items():
        parametrize.register_parametrization(layer, name, _Slow(getattr(layer, name), fraction))
    return layer


def built(make: Callable[[], Some], seed: int) -> Some:
    """A layer in float64, with the weights that it starts from under a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().double()


class Found(nn.Module):
    """The logarithm of how much of each class was found, above a learned floor."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = nn.Parameter(torch.tensor(-4.0))

    def forward(self, y: Tensor) -> Tensor:
        return (y.clamp(min=0) + self.floor.exp()).log()


def crossing(at: Sequence[float], curve: Sequence[float], level: float = 0.5) -> float:
    """Where a curve first goes under the level, linear between its points; at the ends, the end itself."""
    under = next((i for i, one in enumerate(curve) if one < level), None)
    if not under:
        return float(at[-1] if under is None else at[0])
    before, after = curve[under - 1], curve[under]
    return float(at[under - 1] + (before - level) / (before - after) * (at[under] - at[under - 1]))


def position_cells(
    code: Tensor, place: Tensor, width: int, shifts: int
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Of code (B, T, U) at places (B, T, 2): the shares of grid and band cells, and the best map of each.

    Places are bins, from 0 to width - 1. A cell counts whose score has a rank of at most 0.05 among those of
    itself shifted in time: by chance 0.05.
    """
    score = grid_score(code, place, width, 0.0, shifts, low=-0.5, high=width - 0.5)
    ranks = {"grid": score.p_grid, "band": score.p_band}
    scores = {"grid": np.nan_to_num(score.grid, nan=-2.0), "band": np.nan_to_num(score.band)}
    shares = {kind: float((p <= nulls.LEVEL).mean()) for kind, p in ranks.items()}
    return shares, {kind: score.rate[one.argmax()] for kind, one in scores.items()}


class PlaceCells(NamedTuple):
    """Of U units in each of B environments; a unit that is silent there has information 0 and no rank."""

    p: np.ndarray  # (B, U) rank of the information among shifts in time
    p_label: np.ndarray  # (B, U) among exchanges of activity between steps at which the same is seen
    shared: np.ndarray  # (B, U) whether the peak looks like another place, so that it can be told
    information: np.ndarray  # (B, U) bits per spike
    rate: np.ndarray  # (B, U, width, width)

    @property
    def above(self) -> np.ndarray:
        """Whether a unit follows the place (B, U): beyond time and beyond what is seen, each at 0.05."""
        return (self.p <= nulls.LEVEL) & (self.p_label <= nulls.LEVEL)

    @property
    def told(self) -> np.ndarray:
        """Units (B, U) that can be told: silent ones, and those whose peak looks like another place."""
        return self.shared | (self.information == 0)


def place_cells(activity: Tensor, place: Tensor, label: Tensor, width: int, shifts: int) -> PlaceCells:
    """Of activity (B, T, U) at places (B, T, 2) where labels (B, T) are seen; each walk is an environment.

    Places are bins, from 0 to width - 1.
    """
    found = []
    for walk, where, look in zip(activity, place, label, strict=True):
        seen = place_fields(
            walk[None],
            where[None],
            width,
            0.0,
            low=-0.5,
            high=width - 0.5,
            shifts=shifts,
            label=look[None],
        )
        found.append((seen.p, seen.p_label, seen.shared, np.nan_to_num(seen.information), seen.rate))
    return PlaceCells(*(np.stack(part) for part in zip(*found, strict=True)))


def three_memories(
    lab: Lab, task: TrialTask, width: int, plan: Plan, trial: int, rates: Sequence[float], name: str = ""
) -> dict[str, Training]:
    """Networks of one block each that remember by gates, by attention and by a wave.

    As published, an MLP follows attention, and none the recurrences. All get the same trials, and the same
    search: each learning rate for `trial` steps, the lowest training loss wins. `name` tells the trainings
    of one experiment apart.
    """
    blocks: dict[str, tuple[Callable[[int], Layer], MLP]] = {
        "lstm": (LSTM, MLP.NONE),
        "transformer": (SoftmaxAttention, MLP.PLAIN),
        "wave": (WaveRNN, MLP.NONE),
    }
    ends = {}
    for rival, (layer, mlp) in blocks.items():

        def build(layer: Callable[[int], Layer] = layer, mlp: MLP = mlp) -> Answer:
            return Answer(Stack([layer(width)], task.inputs, task.outputs, mlp), task.steps)

        ends[rival] = lab.tuned(rival + name, build, task, plan, trial, rates, (plan.clip,))
    return ends


def reached(level: float) -> Callable[[Mark], bool]:
    """Whether a look scores the level."""
    return lambda mark: mark.score >= level


class Bare(nn.Module):
    """A layer as a network to train, whose own output at every step is the answer."""

    def __init__(self, layer: Layer):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0]


def longer(
    lab: Lab, name: str, make: Callable[[], nn.Module], tasks: Sequence[Task], plan: Plan, enough: float
) -> Training:
    """Train on tasks in turn: each until a look scores `enough`, the last for all steps of the plan.

    Each goes on with the network of the one before, and with Adam anew.
    """
    for number, task in enumerate(tasks[:-1]):
        end = lab.fit(f"{name}-{number}", make, task, replace(plan, until=lambda mark: mark.score >= enough))
        make = functools.partial(copy.deepcopy, end.network)
    return lab.fit(name, make, tasks[-1], plan)


@torch.no_grad()
def exact(phi: Tensor, x: Tensor, hidden: int, generator: torch.Generator) -> tuple[Episodic, Tensor]:
    """The circuit phi (s d, s d) in a random orthonormal basis of `hidden` units, and its states at work.

    These are (B, T - s + 1, hidden), from the last of the s vectors of x (B, T, d) on. They are loaded and
    not read: a boundary that composes while vectors come in adds to them, which no linear network can undo.
    """
    width, part = x.shape[-1], needed(phi, x.shape[-1])
    basis = torch.linalg.qr(torch.randn(hidden, len(phi), generator=generator, dtype=torch.double)).Q
    layer = Episodic(width, hidden=hidden, activation=Activation.IDENTITY).double()
    layer.bind(phi.double(), basis)
    given = len(phi) // width
    states = [x[:, :given].flatten(1).double()[:, part] @ basis[:, part].T]
    for now in x[:, given:].double().unbind(1):
        states.append(layer.step(now, states[-1])[1])
    return layer, torch.stack(states, 1)


def needed(phi: Tensor, width: int) -> Tensor:
    """Which coordinates ever reach the last `width`, which are read, (s d,)."""
    part = torch.arange(len(phi)) >= len(phi) - width
    for _ in range(len(phi)):
        part = part | (phi[part] != 0).any(0)
    return part
