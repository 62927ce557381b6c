"""The loop trains, clips and leaves off anywhere; examining does not depend on the chunk."""

import pytest
import torch
from torch import nn

from wavetrain.core import Batch, Task
from wavetrain.layers.elman import Elman
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.stack import Reader
from wavetrain.tasks.adding import Adding
from wavetrain.train import examine, fit


def reader() -> Reader:
    torch.manual_seed(0)
    return Reader(Elman(8, inputs=2), 1, steps=False)


def steps(network: nn.Module, task: Task, count: int, clip: float | None = None) -> list[float]:
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    generator = torch.Generator().manual_seed(0)
    loop = fit(network, task, Backpropagation(), optimiser, generator, 16, range(count), clip)
    return [float(step.loss) for step in loop]


def test_loss_falls_and_indices_count_from_one() -> None:
    losses = steps(reader(), Adding(2), 200)
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


def test_clip_bounds_the_update() -> None:
    network = reader()
    before = nn.utils.parameters_to_vector(network.parameters()).clone()
    steps(network, Adding(5), 1, clip=1e-3)
    moved = nn.utils.parameters_to_vector(network.parameters()) - before
    assert float(moved.detach().norm()) == pytest.approx(0.1 * 1e-3, rel=1e-3)


def test_examine_is_the_same_in_any_chunks() -> None:
    network, held_out = reader(), Adding(5).valid()
    whole = examine(network, held_out, Adding(5).objective, chunk=1000)
    assert examine(network, held_out, Adding(5).objective, chunk=7) == pytest.approx(whole, abs=1e-6)
    one = examine(network, Batch(held_out.x[:1], held_out.y[:1]), Adding(5).objective)
    assert isinstance(one, float)
