"""What does a simulated recurrent quantum network learn, and how soon?

Bausch 2020, arXiv 2006.14619. A cell whose state is a vector of real amplitudes learns three things, with the
loss of the release: the cross-entropy of its probabilities as if they were logits, less the least that it can
be.

    simple    two sequences, 0 1 2 3 0 1 2 3 and 4 4 4 4 4 4 4 4, in 3 bits: what comes next?
    xor       Elman's stream of two random bits and their exclusive or: each third bit
    images    0 or 1 of MNIST, in black and white at 10 x 10: a pixel of the rows and one of the columns each
              step, the answer behind the last

A cell of order 0, which is a product of rotations that is linear but for its lanes, learns the first for
comparison. The figures are steps until the loss is under 0.001, accuracies on held-out sequences, and the
chance that a real machine would get through a step.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Batch, Generated, Objective, Recorded, Task
from wavetrain.data.images import _shared
from wavetrain.data.images.digits import digits
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.layers.recurrence.quantum_rnn import QuantumRNN
from wavetrain.train.fit import examine
from wavetrain.train.lab import Lab, Mark, Plan, Training, curve

SOLVED = 1e-3  # of the loss
SOON = 100  # steps
NOT_ASKED = -1


def _simple_is_soon(figures: Measured) -> bool:
    return figures["solved_simple"] == 1 and figures["steps_simple"] < SOON


def _xor(figures: Measured) -> bool:
    return figures["right_xor"] >= 0.99


def _images(figures: Measured) -> bool:
    return figures["right_images"] >= 0.95


claim = Claim(
    title="A simulated recurrent quantum network learns sequences and digits",
    sentence="A recurrent quantum network of eight qubits learns two simple sequences in under a hundred "
    "steps, one of six learns Elman's exclusive or, and one of eight tells zeros from ones at 10 x 10.",
    topic="Gates",
    source="Bausch 2020, arXiv 2006.14619, released notebooks",
    systems=("quantum_rnn",),
    parts=(
        Part(
            says="The loss at two simple sequences is under 0.001 in fewer than 100 steps.",
            holds=_simple_is_soon,
            figures=("solved_simple", "steps_simple"),
        ),
        Part(
            says="At least 99% of the third bits of Elman's stream are right.",
            holds=_xor,
            figures=("right_xor",),
        ),
        Part(
            says="At least 95% of zeros and ones of MNIST at 10 x 10 are told apart.",
            holds=_images,
            figures=("right_images",),
            stronger="98.6%, with ten qubits and 5,000 steps",
        ),
    ),
    published={"right_images": "0.986 +- 0.004", "steps_xor": "180 to 330 epochs, median"},
    figures=(
        Figure(name="solved_{task}", says="whether the loss came under 0.001, {task}", unit="0 or 1"),
        Figure(
            name="steps_{task}", says="training steps until then, or all there were, {task}", unit="count"
        ),
        Figure(name="right_{task}", says="held-out answers right, {task}", unit="share"),
        Figure(
            name="through_{task}", says="chance to get through a step, geometric mean, {task}", unit="share"
        ),
    ),
    names={
        "simple": "simple sequences",
        "linear": "simple sequences, order 0",
        "xor": "Elman's exclusive or",
        "images": "zeros and ones",
    },
    notes="For images the paper's cell has eight qubits of workspace, ours six. What is heard next is "
    "projected on, also between the pixels of an image. The control of order 0 is reported and decides "
    "nothing. The published figure for images is one minus the test error.",
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    workspace: int
    stages: int
    degree: int
    spread: float
    rate: float
    batch: int
    steps: int
    every: int


@dataclass(frozen=True, kw_only=True)
class Scale:
    simple: Cell
    xor: Cell
    images: Cell
    pictures: Callable[[], Recorded]


def patterns(outputs: int) -> Objective:
    """The loss of the release, of probabilities of so many patterns; answers of -1 are not asked."""
    least = math.log(outputs - 1 + math.e) - 1

    def loss(p: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(p.flatten(0, -2), y.flatten(), ignore_index=NOT_ASKED) - least

    def score(p: Tensor, y: Tensor) -> Tensor:
        asked = y != NOT_ASKED
        return (p[asked].argmax(-1) == y[asked]).double().mean()

    return Objective("accuracy", True, loss, score)


@dataclass(frozen=True)
class Simple(Generated):
    """Both sequences, whatever the batch: x (2, 8, 3) bits, y (2, 8) the next symbol."""

    inputs, outputs, tokens, every_step, chance = 3, 8, False, True, 0.5
    objective = patterns(8)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        symbols = torch.stack([torch.arange(9) % 4, torch.full((9,), 4)])
        bits = symbols[:, :-1, None] >> torch.tensor([2, 1, 0]) & 1
        return Batch(bits.float(), symbols[:, 1:])


@dataclass(frozen=True)
class Xor(Generated):
    """Elman's stream in the first of two lanes: x (B, 36, 2), y (B, 36) each third bit, one step before."""

    inputs, outputs, tokens, every_step, chance = 2, 4, False, True, 0.5
    objective = patterns(4)

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        pair = torch.randint(2, (batch, 12, 2), generator=generator)
        third = pair.sum(-1, keepdim=True) % 2
        stream = torch.cat([pair, third], -1).flatten(1)
        y = torch.full_like(stream, NOT_ASKED)
        y[:, 1::3] = 2 * third.squeeze(-1)  # the first lane is the higher bit of a pattern
        return Batch(torch.stack([stream, torch.zeros_like(stream)], -1).float(), y)


def scanned(images: Tensor) -> Tensor:
    """Bits (N, side, side) as two lanes, one by rows and one by columns: (N, side^2, 2)."""
    return torch.stack([images.flatten(1), images.transpose(1, 2).flatten(1)], -1).float()


@functools.cache
def mnist_bits() -> Recorded:
    """Zeros and ones of MNIST: the middle 20 x 20 pixels, four at a time, bright or not."""
    whole = _shared.of_classes(_shared.mnist_images(), (0, 1))

    def part(one: Batch) -> Batch:
        middle = one.x.view(-1, 1, 28, 28)[..., 4:24, 4:24]
        return Batch(scanned(F.avg_pool2d(middle, 2).squeeze(1) > 0.5), one.y)

    return _told(whole, part)


@functools.cache
def digit_bits() -> Recorded:
    """Zeros and ones of the small digits, 8 x 8, which are there without a download."""
    return _told(
        _shared.of_classes(digits(), (0, 1)),
        lambda one: Batch(scanned(one.x.view(-1, 8, 8) > 0.5), one.y),
    )


def _told(whole: Recorded, part: Callable[[Batch], Batch]) -> Recorded:
    train, valid, test = (part(one) for one in (whole.train, whole.held_valid, whole.held_test))
    return replace(
        whole,
        train=train,
        held_valid=valid,
        held_test=test,
        inputs=2,
        outputs=4,
        objective=patterns(4),
    )


TINY = Cell(workspace=2, stages=1, degree=1, spread=0.5, rate=0.05, batch=2, steps=2, every=1)
smoke = Scale(simple=TINY, xor=TINY, images=TINY, pictures=digit_bits)
small = Scale(
    simple=Cell(workspace=5, stages=2, degree=3, spread=0.5, rate=0.05, batch=2, steps=300, every=1),
    xor=Cell(workspace=4, stages=1, degree=3, spread=0.1, rate=5e-3, batch=16, steps=2000, every=20),
    images=Cell(workspace=6, stages=2, degree=2, spread=0.1, rate=0.01, batch=32, steps=1500, every=100),
    pictures=mnist_bits,
)
full = Scale(
    simple=small.simple,
    xor=replace(small.xor, steps=10_000),
    images=Cell(workspace=8, stages=2, degree=2, spread=0.1, rate=0.01, batch=100, steps=5000, every=100),
    pictures=mnist_bits,
)


class Circuit(nn.Module):
    """A cell whose probabilities are the output: after each step, or after the last."""

    def __init__(self, cell: Cell, task: Task, order: int):
        super().__init__()
        self.layer = QuantumRNN(
            task.outputs, task.inputs, cell.workspace, cell.stages, cell.degree, order, cell.spread
        )
        self.layer.encode.requires_grad_(False)
        self.layer.out.requires_grad_(False)
        self.every_step = task.every_step

    def forward(self, x: Tensor) -> Tensor:
        p, _ = self.layer(x)
        return p if self.every_step else p[:, -1]


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    wanted: dict[str, tuple[Cell, Task, int]] = {
        "simple": (scale.simple, Simple(), 2),
        "linear": (scale.simple, Simple(), 0),
        "xor": (scale.xor, Xor(), 2),
        "images": (scale.images, scale.pictures(), 2),
    }
    ends: dict[str, Training] = {}
    for name, (cell, task, order) in wanted.items():
        make = functools.partial(Circuit, cell, task, order)
        plan = Plan(
            cell.steps, cell.batch, cell.rate, clip=0.5, every=cell.every, until=_solved, held_out=200
        )
        end = ends[name] = lab.fit(name, make, task, plan)
        network = end.network
        assert isinstance(network, Circuit)
        test = task.test()
        figures |= {
            f"solved_{name}": float(end.stopped),
            f"steps_{name}": float(end.solved),
            f"right_{name}": math.nan if end.diverged else examine(network, test, task.objective),
            f"through_{name}": float(network.layer.through(test.x[:20].to(lab.device)).log().mean().exp()),
        }
    for name, end in ends.items():
        lab.show(name, curve(f"Loss, {claim.names[name]}", {name: end}, "loss", lambda mark: mark.loss))
    return figures


def _solved(mark: Mark) -> bool:
    return mark.loss < SOLVED
