"""What claims about working memory share.

three_memories  an LSTM, a transformer and a wave RNN, trained alike on trials of working memory
reached         stops a training once it is as good as that, so that rivals are compared when equally good
at_level        a predicate that can tell only where rivals are as good as that
Bare            a layer as a network to train, whose own output is the answer
longer          trains on one task after another, each longer than the last
circuit         the linear circuit that theory gives for a task, at work in units of a random basis
says            how much of a task it says right
needed          the coordinates that such a circuit needs
"""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from wavetrain.core import Layer, Objective, Task
from wavetrain.evidence.claims import Measured, given
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.parts.trials import TrialTask
from wavetrain.scan import Activation
from wavetrain.train.lab import Lab, Mark, Plan, Training

CEILING = 0.95  # a training that stops at 80% has been seen to end at 91%


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
            return Answer(Stack([layer(width)], task.inputs, task.outputs, mlp), task.every_step)

        ends[rival] = lab.tuned(rival + name, build, task, plan, trial, rates, (plan.clip,))
    return ends


def reached(level: float) -> Callable[[Mark], bool]:
    """Whether a look scores the level."""
    return lambda mark: mark.score >= level


def at_level(
    level: float,
    holds: Callable[[Measured], bool],
    scores: Sequence[str] = ("right_lstm", "right_transformer"),
) -> Callable[[Measured], bool | None]:
    """A predicate that can tell only where all these scores lie from the level up to CEILING.

    What makes hardly a mistake shows no effect on its mistakes.
    """
    return given(lambda figures: all(level <= figures[name] <= CEILING for name in scores), holds)


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
def circuit(phi: Tensor, x: Tensor, hidden: int, generator: torch.Generator) -> tuple[Episodic, Tensor]:
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


@torch.no_grad()
def says(layer: Episodic, states: Tensor, y: Tensor, objective: Objective) -> float:
    """The score of a circuit's `states` on what is asked of it after its input, y (B, T, d)."""
    said = layer.out(states[:, 1:])
    return float(objective.score(said, y[:, -said.shape[1] :].double()))


def needed(phi: Tensor, width: int) -> Tensor:
    """Which coordinates ever reach the last `width`, which are read, (s d,)."""
    part = torch.arange(len(phi)) >= len(phi) - width
    for _ in range(len(phi)):
        part = part | (phi[part] != 0).any(0)
    return part
