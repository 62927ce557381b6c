"""Two tones that are learned one after another: what a circuit and a trained network answer to them.

A and B are patterns of mossy fibres. First both are presented, A as left and B as right; then B alone, which
is extinguished, and then learned as left.

conditioned      a cerebellum, told by its climbing fibres       trained    two layers, by backpropagation
presentations    of B, until it stays near what is asked         moved      how far the answer to A went
law              what cells in common say of the answer to A     chosen     the rival's optimiser and rate
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from wavetrain.networks.cerebellum import Cerebellum

LEFT, RIGHT, NOTHING = 1.0, -1.0, 0.0
# what is asked of B in each phase, and whether A is presented as well
PHASES = {"learn": (RIGHT, True), "extinguish": (NOTHING, False), "relearn": (LEFT, False)}
NEAR = 0.2  # of the answer that is asked for: then a tone is learned


class Rival(NamedTuple):
    """How a network is trained."""

    optimiser: str
    rate: float  # times the hidden units


RIVALS = [
    *(Rival("sgd", rate) for rate in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)),
    *(Rival("adam", rate) for rate in (0.03, 0.1, 0.3, 1.0, 3.0)),
]


class Course(NamedTuple):
    """What a learner answered."""

    answers: Tensor  # (phases, most + 1, pairs, 2) to A and B, before each presentation of B and at the end
    outside: int = 0  # synapses of silent cells that moved


def conditioned(network: Cerebellum, tones: Tensor, most: int) -> Course:
    """A circuit on pairs of tones (pairs, 2, mossy), so many presentations in each phase."""
    synapses = network.begin(len(tones))
    a, b = tones[:, :1], tones[:, 1:]
    phases, outside = [], 0
    for asked, both in PHASES.values():
        answers = []
        for _ in range(most):
            answers.append(network.carry(network.said(tones), synapses)[0][..., 0])
            told = [(a, LEFT), (b, asked)] if both else [(b, asked)]
            for tone, says in told:
                before = synapses
                climbing = torch.full_like(tone[..., :1], says)
                _, synapses = network.carry(network.said(tone, climbing), before)
                outside += int(((synapses != before) & ~network.active(tone)).sum())
        answers.append(network.carry(network.said(tones), synapses)[0][..., 0])
        phases.append(torch.stack(answers))
    return Course(torch.stack(phases), outside)


def trained(tones: Tensor, units: int, most: int, rival: Rival, seed: int) -> Course:
    """Networks of one hidden layer of ReLU units, one a pair of tones, by backpropagation."""
    pairs, _, mossy = tones.shape
    dice = torch.Generator().manual_seed(seed)
    into = torch.randn(pairs, mossy, units, generator=dice, dtype=tones.dtype) * (2 / mossy) ** 0.5
    out = torch.zeros(pairs, units, 1, dtype=tones.dtype)  # so that it begins with no answer
    weights = [one.to(tones.device).requires_grad_() for one in (into, out)]

    def answer(tone: Tensor) -> Tensor:
        return ((tone @ weights[0]).relu() @ weights[1])[..., 0]

    make = torch.optim.SGD if rival.optimiser == "sgd" else torch.optim.Adam
    phases = []
    for asked, both in PHASES.values():
        updates = make(weights, lr=rival.rate / units)  # a phase begins without the momentum of the last
        answers = []
        for _ in range(most):
            answers.append(answer(tones).detach())
            for tone, says in [(0, LEFT), (1, asked)] if both else [(1, asked)]:
                updates.zero_grad()
                (0.5 * (answer(tones[:, tone : tone + 1]) - says) ** 2).sum().backward()
                updates.step()
        answers.append(answer(tones).detach())
        phases.append(torch.stack(answers))
    return Course(torch.stack(phases))


def presentations(course: Course) -> list[float]:
    """How many of B each phase takes until all later answers are near what is asked, in the mean of pairs."""
    found = []
    for answers, (asked, _) in zip(course.answers, PHASES.values(), strict=True):
        far = ~((answers[..., 1] - asked).abs() <= NEAR)  # (most + 1, pairs), so that NaN is far
        later = far.flip(0).cumsum(0).flip(0) > 0
        found.append(float(later.sum(0).double().mean()))
    return found


def moved(course: Course) -> float:
    """How far the answer to A moved from the end of the first phase to the end of the last, in the mean."""
    return float((course.answers[-1, -1, :, 0] - course.answers[0, -1, :, 0]).abs().mean())


def chosen(tones: Tensor, units: int, most: int, seed: int) -> Rival:
    """The optimiser and rate that learn fastest on these tones, and of equals the one that spares A most."""

    def cost(rival: Rival) -> tuple[float, float]:
        course = trained(tones, units, most, rival, seed)
        spares = moved(course)
        return sum(presentations(course)), spares if math.isfinite(spares) else math.inf

    return min(RIVALS, key=cost)


def law(course: Course, share: Tensor) -> float:
    """The largest gap between what A's answer moved, while B alone is told, and what its shared cells say."""
    later = course.answers[1:]
    a, b = (later[..., tone] - later[:, :1, :, tone] for tone in (0, 1))
    return float((a - share * b).abs().max())
