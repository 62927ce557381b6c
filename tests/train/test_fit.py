"""The loop trains, clips and leaves off anywhere; examining does not depend on the chunk."""

import pytest
import torch
from torch import nn

from wavetrain.core import Batch, Task
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.reader import Reader
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.fit import examine, fit


def reader() -> Reader:
    torch.manual_seed(0)
    return Reader(Elman(8, inputs=2), 1, every_step=False)


def steps(network: nn.Module, task: Task, count: int, clip: float | None = None) -> list[float]:
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    generator = torch.Generator().manual_seed(0)
    loop = fit(network, task, Backpropagation(), optimiser, generator, 16, range(count), clip)
    return [float(step.loss) for step in loop]


def test_loss_falls() -> None:
    losses = steps(reader(), Adding(2), 200)
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


def test_steps_are_counted_from_one_and_go_on_from_where_they_were() -> None:
    """In two parts, with the same generator and optimiser, as in one: the same counts, losses and weights."""
    told, ends = {}, {}
    for parts in ((range(6),), (range(2), range(2, 6))):
        network = reader()
        optimiser, generator = torch.optim.SGD(network.parameters(), 0.1), torch.Generator().manual_seed(0)
        rule, task = Backpropagation(), Adding(2)
        told[len(parts)] = [
            (step.done, float(step.loss))
            for part in parts
            for step in fit(network, task, rule, optimiser, generator, 16, part)
        ]
        ends[len(parts)] = nn.utils.parameters_to_vector(network.parameters())
    assert [done for done, _ in told[1]] == [1, 2, 3, 4, 5, 6]
    assert told[2] == told[1] and torch.equal(ends[2], ends[1])


def test_a_step_is_counted_when_it_is_done() -> None:
    """Whoever leaves after the third count has three updates, the third one included."""
    network, other = reader(), reader()
    optimiser, generator = torch.optim.SGD(network.parameters(), 0.1), torch.Generator().manual_seed(0)
    for step in fit(network, Adding(2), Backpropagation(), optimiser, generator, 16, range(200)):
        if step.done == 3:
            break
    steps(other, Adding(2), 3)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_clip_bounds_the_update() -> None:
    network = reader()
    before = nn.utils.parameters_to_vector(network.parameters()).clone()
    steps(network, Adding(5), 1, clip=1e-3)
    moved = nn.utils.parameters_to_vector(network.parameters()) - before
    assert float(moved.detach().norm()) == pytest.approx(0.1 * 1e-3, rel=1e-3)


class InTurns(nn.Module):
    """Two weights, of which each call uses the other one."""

    def __init__(self) -> None:
        super().__init__()
        self.weights, self.calls = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(2)), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.weights[self.calls % 2] * x.sum((1, 2))[:, None]


def test_what_a_step_does_not_use_is_left_alone_also_by_an_optimiser_with_momentum() -> None:
    network = InTurns()
    optimiser, generator = torch.optim.Adam(network.parameters(), 0.1), torch.Generator().manual_seed(0)
    seen = [[float(one.detach()) for one in network.weights]]
    for _ in fit(network, Adding(2), Backpropagation(), optimiser, generator, 16, range(6)):
        seen.append([float(one.detach()) for one in network.weights])
    for step in range(6):
        used, rests = (step + 1) % 2, step % 2
        assert seen[step + 1][used] != seen[step][used] and seen[step + 1][rests] == seen[step][rests]


def test_examine_is_the_same_in_any_chunks() -> None:
    network, held_out = reader(), Adding(5).valid()
    whole = examine(network, held_out, Adding(5).objective, chunk=1000)
    assert examine(network, held_out, Adding(5).objective, chunk=7) == pytest.approx(whole, abs=1e-6)
    one = examine(network, Batch(held_out.x[:1], held_out.y[:1]), Adding(5).objective)
    assert isinstance(one, float)


def test_examine_leaves_each_part_in_its_mode() -> None:
    network, task = nn.Sequential(nn.Dropout(0.5), reader()).train(), Adding(5)
    network[0].eval()
    scores = [examine(network, task.valid(), task.objective) for _ in range(2)]
    assert network.training and not network[0].training and scores[0] == scores[1]
    examine(network.eval(), task.valid(), task.objective)
    assert not any(part.training for part in network.modules())
