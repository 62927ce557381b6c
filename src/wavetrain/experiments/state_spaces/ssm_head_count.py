"""How many heads of attention make a linear state space?

Ghodsi 2025, arXiv 2512.15115, second result, the head-count theorem. A linear state space whose lag operators
C A^t B span k dimensions is made by k heads of attention with coefficients f^h_ij and value maps V_h, and not
by fewer. Each system here is an LRU without skip whose modes are set so that k is known. Modes with one and
the same rate count once however many they are; a rotation counts twice. Heads with free coefficients
f^h_(i-j) are fitted to its inputs and outputs by alternating least squares, for H = 1, 2, 3 ... The figures
are the fewest heads whose error on new sequences is under 1e-6, the errors with k and with k - 1 heads, and
the count that the lens `head_count` finds in the operator.

Not covered by the theorem, but reported: heads whose coefficients are a softmax over learned scores of the
delay, so that they are positive and sum to 1. They are trained by Adam on the third system, with k and with
2 k heads.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import VALUES, Batch, Generated
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.layers.state_space.lru import LRU
from wavetrain.lenses.operator.head_count import head_count
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Plan

EXACT = 1e-6  # largest error, relative to the output, of heads that make a system
SYSTEMS = {  # k, and for each mode its |lambda| and angle; a mode is complex, but for angles 0 and pi
    "one_rate": (1, ((0.9, 0.0),) * 3),
    "two_rates": (2, ((0.9, 0.0), (0.9, 0.0), (0.7, 0.0), (0.7, 0.0))),
    "rotation_and_rate": (3, ((0.9, 0.8), (0.9, 0.8), (0.7, 0.0))),
    "two_rotations": (4, ((0.9, 0.8), (0.8, 2.0))),
    "two_rotations_and_rate": (5, ((0.9, 0.8), (0.8, 2.0), (0.7, math.pi))),
}
SOFTMAX = "rotation_and_rate"


def _made_by_k(figures: Measured) -> bool:
    return all(figures[f"heads_{name}"] == count for name, (count, _) in SYSTEMS.items())


def _counted_as_k(figures: Measured) -> bool:
    return all(figures[f"counted_{name}"] == count for name, (count, _) in SYSTEMS.items())


claim = Claim(
    title="A linear state space of k dimensions needs k heads of attention",
    sentence="A linear state space whose lag operators span k dimensions is made by k heads of attention "
    "with free coefficients and fixed value maps, to an error of 1e-6, and by no fewer, for k from 1 to 5",
    topic="Attention",
    source="Ghodsi 2025, arXiv 2512.15115, head-count theorem (abstract)",
    systems=("lru", "head_count"),
    parts=(
        Part(
            says="Fitted to inputs and outputs, k heads and no fewer make the system to an error of 1e-6, "
            "for k from 1 to 5",
            figures=("heads_*",),
            holds=_made_by_k,
            learned=False,
        ),
        Part(
            says="In the system's operator k heads are counted, for k from 1 to 5",
            figures=("counted_*",),
            holds=_counted_as_k,
            learned=False,
        ),
    ),
    figures=(
        Figure(
            name="heads_{system}",
            says="heads that make the system to an error of 1e-6, {system}",
            unit="heads",
        ),
        Figure(name="counted_{system}", says="heads counted in the operator, {system}", unit="heads"),
        Figure(name="error_{system}_with_k", says="error with k heads, {system}", unit="relative error"),
        Figure(
            name="error_{system}_with_one_less",
            says="error with k − 1 heads, {system}",
            unit="relative error",
        ),
        Figure(
            name="error_softmax_{n}_heads",
            says="error of {n} heads with softmax coefficients, a rotation and a rate",
            unit="relative error",
        ),
    ),
    names={
        "one_rate": "one rate",
        "two_rates": "two rates",
        "rotation_and_rate": "a rotation and a rate",
        "two_rotations": "two rotations",
        "two_rotations_and_rate": "two rotations and a rate",
    },
    notes="The abstract states the theorem and prints no figure; systems, fit and error bound are ours. The "
    "k of the five systems is 1, 2, 3, 4 and 5, in this order. The fit is a check, not a proof: alternating "
    "least squares might miss a better solution.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int  # inputs and outputs of the system
    time: int
    sequences: int  # to fit, and as many to test
    heads: int  # the most that are tried
    sweeps: int  # of alternating least squares
    steps: int  # of Adam, for softmax heads


smoke = Scale(width=4, time=8, sequences=8, heads=5, sweeps=2, steps=4)
small = Scale(width=4, time=32, sequences=200, heads=6, sweeps=40, steps=2000)
full = Scale(width=8, time=128, sequences=300, heads=8, sweeps=100, steps=20_000)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    draw = torch.randn(
        2, scale.sequences, scale.time, scale.width, generator=lab.generator(), dtype=torch.float64
    )
    figures: dict[str, float] = {}
    lines = []
    for name, (count, modes) in SYSTEMS.items():
        layer = system(modes, scale.width, lab.seed)
        with torch.no_grad():
            fit, test = (Batch(x, layer(x)[0]) for x in draw)
        errors = [1.0, *(_error(*fitted(fit, h, scale.sweeps, lab), test) for h in range(1, scale.heads + 1))]
        enough = [h for h, error in enumerate(errors) if error < EXACT]
        figures[f"heads_{name}"] = min(enough, default=scale.heads + 1)
        figures[f"counted_{name}"] = head_count(layer, test.x[:2]).heads
        figures[f"error_{name}_with_k"], figures[f"error_{name}_with_one_less"] = (
            errors[count],
            errors[count - 1],
        )
        lines.append(errors)
    axis = np.arange(scale.heads + 1, dtype=float)
    title = "State spaces made of heads, error on new sequences"
    lab.show(
        "heads", Curve(title, axis, np.array(lines), tuple(SYSTEMS), "heads", "relative error", log=True)
    )
    count, modes = SYSTEMS[SOFTMAX]
    task = Imitate(system(modes, scale.width, lab.seed).float(), scale.time)
    plan = Plan(
        scale.steps, 64, rate=1e-2, every=max(scale.steps // 10, 1), drops=((scale.steps // 2, 10.0),)
    )
    for heads in (count, 2 * count):
        make = functools.partial(SoftmaxHeads, heads, scale.width, scale.time)
        end = lab.fit(f"softmax-{heads}", make, task, plan)
        figures[f"error_softmax_{heads}_heads"] = _root(end.network, task)
    return figures


def system(modes: tuple[tuple[float, float], ...], width: int, seed: int) -> LRU:
    """An LRU with the modes given, read-in and read-out by chance, and no skip."""
    layer = built(lambda: LRU(width, states=len(modes)), seed)
    size, angle = torch.tensor(modes, dtype=torch.float64).T
    with torch.no_grad():
        layer.nu.copy_((-size.log()).log())
        layer.theta.copy_(angle.log())  # minus infinity for a rate without rotation
        layer.log_gamma.copy_(0.5 * (1 - size**2).log())
        layer.skip.zero_()
    return layer.requires_grad_(False)


def delayed(x: Tensor) -> Tensor:
    """x (B, T, p) at each delay, (B, T, delays, p), zero before the first step."""
    time = x.shape[1]
    steps = torch.arange(time)
    lag = steps[:, None] - steps  # (now, delay) to the step it came from
    return x[:, lag.clamp(min=0)] * (lag >= 0)[None, :, :, None]


def fitted(batch: Batch, heads: int, sweeps: int, lab: Lab) -> tuple[Tensor, Tensor]:
    """Coefficients f (heads, delays) and value maps V (heads, q, p) by alternating least squares."""
    past = delayed(batch.x)
    gram = torch.einsum("btlp,btms->lpms", past, past)
    cross = torch.einsum("btlp,btq->lpq", past, batch.y)
    width = batch.x.shape[-1]
    v = torch.randn(heads, width, width, generator=lab.generator(), dtype=past.dtype)
    for _ in range(sweeps):
        normal = torch.einsum("hqp,lpms,kqs->hlkm", v, gram, v).flatten(2).flatten(0, 1)
        f = (_inverse(normal) @ torch.einsum("hqp,lpq->hl", v, cross).flatten()).unflatten(0, (heads, -1))
        normal = torch.einsum("hl,lpms,km->hpks", f, gram, f).flatten(2).flatten(0, 1)
        v = (
            (_inverse(normal) @ torch.einsum("hl,lpq->hpq", f, cross).flatten(0, 1))
            .unflatten(0, (heads, -1))
            .mT
        )
    return f, v


def _inverse(normal: Tensor) -> Tensor:
    """More heads than are needed leave directions without any force; they are left alone."""
    return torch.linalg.pinv(normal, hermitian=True, rtol=1e-13)


def _error(f: Tensor, v: Tensor, test: Batch) -> float:
    y = torch.einsum("hl,hqp,btlp->btq", f, v, delayed(test.x))
    return float((y - test.y).norm() / test.y.norm())


class Imitate(Generated):
    """White noise (B, T, width), and what a system makes of it."""

    def __init__(self, layer: LRU, time: int):
        self.layer, self.time = layer, time
        self.inputs = self.outputs = layer.width
        self.tokens, self.every_step, self.objective, self.chance = False, True, VALUES, 0.0

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        x = torch.randn(batch, self.time, self.inputs, generator=generator)
        with torch.no_grad():
            return Batch(x, self.layer(x)[0])


class SoftmaxHeads(nn.Module):
    """Heads whose weights are a softmax over a learned score of each delay: positive, of sum 1."""

    def __init__(self, heads: int, width: int, time: int):
        super().__init__()
        self.score = nn.Parameter(torch.zeros(heads, time))
        self.value = nn.Parameter(torch.randn(heads, width, width) * width**-0.5)
        steps = torch.arange(time)
        self.register_buffer("lag", steps[:, None] - steps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.lag, Tensor)
        score = self.score[:, self.lag.clamp(min=0)].masked_fill(self.lag < 0, -torch.inf)
        return torch.einsum("hts,hqp,bsp->btq", score.softmax(-1), self.value, x)


def _root(network: nn.Module, task: Imitate) -> float:
    """The relative error, from the share of variance that is explained."""
    return max(0.0, 1 - examine(network, task.test(), task.objective)) ** 0.5
