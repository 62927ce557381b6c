"""Labelled strokes: drawn characters without a data set, of which the class is to be named.

A class is a smooth stroke in the plane, each axis a sum of 3 sinusoids over time s from 0 to 1:

    sum over k of a_k sin(2 pi (f_k s + p_k)),   sum of a_k^2 = 1,  f_k uniform in [0.5, 2],  p_k in [0, 1)

In a sample each a_k and f_k is off by a normal share of `jitter`, each p_k by a normal `jitter` of a turn;
time runs unevenly, s + u sin(pi s) with u uniform within +/- `warp`; and `noise` is added to every position.
Classes are numbered without end, the same of a seed each time, so that those from `first` on are others than
those before: classes to learn from, and novel ones, few samples of which have to do. It is made for few-shot
streams as in Wang, Li, Zhong and Zhu 2021, arXiv 2104.09034; strokes and sizes are ours.
"""

import functools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from wavetrain.core import CLASSES, Batch, Generated
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

AXES, TERMS = 2, 3
SLOWEST, FASTEST = 0.5, 2.0  # cycles in a sequence


@dataclass(frozen=True)
class LabelledStrokes(Generated):
    """x (B, time, 2) positions, y (B,) classes from 0, of which the first is stroke number `first`.

    >>> from wavetrain.tasks import LabelledStrokes
    >>> task = LabelledStrokes(classes=5)
    >>> x, y = task.draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, y.tolist()
    (torch.Size([3, 20, 2]), [4, 4, 3])
    >>> task.clean(0).equal(LabelledStrokes(classes=5, first=5).clean(0))  # other strokes
    False
    """

    classes: int = 100
    time: int = 20  # steps
    first: int = 0  # number of its first class, of all there are
    jitter: float = 0.05
    warp: float = 0.1
    noise: float = 0.05  # deviation, where an axis has that of about 0.7
    seed: int = 0  # of the classes

    # without annotations: facts of the task, not fields
    tokens = False
    every_step = False
    objective = CLASSES
    inputs = AXES

    def __post_init__(self) -> None:
        at_least("labelled strokes", 2, classes=self.classes, time=self.time)
        at_least("labelled strokes", 0, first=self.first, seed=self.seed)
        for name, value, most in (
            ("jitter", self.jitter, math.inf),
            ("warp", self.warp, 1 / math.pi),  # beyond which time would run backwards
            ("noise", self.noise, math.inf),
        ):
            if not 0 <= value <= most or value == math.inf:
                raise BadInput(f"labelled strokes: expected a {name} from 0 to {most:.3g}, got {value}")
        self.set_facts(outputs=self.classes, chance=1 / self.classes)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        y = torch.randint(self.classes, (batch,), generator=generator)
        return Batch(self.samples(y, generator), y)

    def samples(
        self, y: Int[Tensor, "batch"], generator: torch.Generator
    ) -> Float[Tensor, "batch time axes"]:
        """A sample of each of these classes."""
        height, cycles, phase = (
            part[self.first + y] for part in _strokes(self.first + self.classes, self.seed)
        )
        off = self.jitter * torch.randn(3, *height.shape, generator=generator)
        u = self.warp * (2 * torch.rand(len(y), 1, generator=generator) - 1)
        s = torch.linspace(0, 1, self.time)
        found = _drawn(
            height * (1 + off[0]), cycles * (1 + off[1]), phase + off[2], s + u * (math.pi * s).sin()
        )
        return found + self.noise * torch.randn(found.shape, generator=generator)

    def clean(self, label: int) -> Float[Tensor, "time axes"]:
        """The stroke of a class as it is meant."""
        height, cycles, phase = (
            part[self.first + label].unsqueeze(0) for part in _strokes(self.first + self.classes, self.seed)
        )
        return _drawn(height, cycles, phase, torch.linspace(0, 1, self.time).unsqueeze(0))[0]


def _drawn(
    height: Float[Tensor, "batch axes terms"],
    cycles: Float[Tensor, "batch axes terms"],
    phase: Float[Tensor, "batch axes terms"],
    s: Float[Tensor, "batch time"],
) -> Float[Tensor, "batch time axes"]:
    turns = cycles.unsqueeze(1) * s[:, :, None, None] + phase.unsqueeze(1)
    return (height.unsqueeze(1) * (2 * math.pi * turns).sin()).sum(-1)


@functools.lru_cache(maxsize=8)
def _strokes(many: int, seed: int) -> Float[Tensor, "parts many axes terms"]:
    """Heights, cycles and phases of the first strokes of a seed, one after another: more change none."""
    generator, found = torch.Generator().manual_seed(seed), []
    for _ in range(many):
        height = torch.randn(AXES, TERMS, generator=generator)
        cycles = SLOWEST + (FASTEST - SLOWEST) * torch.rand(AXES, TERMS, generator=generator)
        phase = torch.rand(AXES, TERMS, generator=generator)
        found.append(torch.stack([height / height.norm(dim=-1, keepdim=True), cycles, phase]))
    return torch.stack(found, 1)
