"""Experience replay: what is learned with a batch, what is kept, and that nothing kept is backpropagation."""

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close, normal
from wavetrain.core import CLASSES, Batch
from wavetrain.errors import BadInput
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.replay.experience_replay import ExperienceReplay


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 3).double()


def batch(seed: int, many: int = 6) -> Batch:
    return Batch(normal(many, 4, seed=seed), torch.arange(many) % 3)


def gradient(rule: Backpropagation | ExperienceReplay, data: Batch) -> tuple[Tensor, Tensor]:
    network = linear()
    loss = rule.learn(network, data, CLASSES.loss)
    assert network.weight.grad is not None
    return loss, network.weight.grad.clone()


class Numbered(nn.Module):
    """Notes the first number of each sequence that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.map, self.seen = nn.Linear(2, 4), []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x[:, 0].int().tolist())
        return self.map(x)


def test_with_nothing_kept_it_is_backpropagation():
    close(gradient(ExperienceReplay(), batch(1)), gradient(Backpropagation(), batch(1)), "loss and gradient")


def test_the_loss_is_one_mean_over_both():
    rule, first, second = ExperienceReplay(size=100), batch(1), batch(2)
    gradient(rule, first)
    loss, update = gradient(rule, second)
    both = Batch(torch.cat([first.x, second.x]), torch.cat([first.y, second.y]))
    close(update, gradient(Backpropagation(), both)[1], "gradient over twelve")
    close(loss, gradient(Backpropagation(), second)[0], "loss of the batch alone")


@pytest.mark.parametrize(("replayed", "asked"), [(None, 5), (3, 3), (50, 10)])
def test_each_step_really_sees_what_is_kept(replayed: int | None, asked: int):
    """Sequences are numbered: as many of those before as were asked for are in a step on the second task."""
    rule, network = ExperienceReplay(size=10, replayed=replayed), Numbered()
    for start in (0, 5):
        x = torch.stack([torch.arange(start, start + 5.0), torch.zeros(5)], 1)
        rule.learn(network, Batch(x, torch.arange(5) % 2), CLASSES.loss)
    x = torch.stack([torch.arange(100.0, 105), torch.zeros(5)], 1)
    network.seen.clear()
    rule.learn(network, Batch(x, 2 + torch.arange(5) % 2), CLASSES.loss)
    (seen,) = network.seen
    assert seen[:5] == [100, 101, 102, 103, 104]
    assert len(seen) == 5 + asked and all(one < 10 for one in seen[5:]) and len(set(seen)) == len(seen)


def test_it_holds_as_many_of_all_tasks_together():
    rule, network = ExperienceReplay(size=40), nn.Linear(2, 4)
    for task in range(4):
        for _ in range(50):
            x = torch.full((10, 2), float(task))
            rule.learn(network, Batch(x, torch.full((10,), task)), CLASSES.loss)
    counts = rule.drawn(40).y.bincount(minlength=4)
    assert counts.sum() == 40 and (counts > 2).all() and rule.kept.seen == 2000


def test_answers_go_with_their_sequences():
    rule, network = ExperienceReplay(size=30), nn.Linear(1, 50)
    for start in range(0, 50, 5):
        y = torch.arange(start, start + 5)
        rule.learn(network, Batch(y[:, None].float(), y), CLASSES.loss)
    old = rule.drawn(30)
    assert torch.equal(old.x[:, 0].long(), old.y)


def test_a_sequence_is_not_replayed_in_the_step_in_which_it_is_new():
    rule, network = ExperienceReplay(size=100), Numbered()
    for start in range(0, 50, 5):
        x = torch.stack([torch.arange(start, start + 5.0), torch.zeros(5)], 1)
        rule.learn(network, Batch(x, torch.arange(5) % 2), CLASSES.loss)
        assert len(network.seen[-1]) == (5 if not start else 10)
        assert all(one < start for one in network.seen[-1][5:])


def test_draws_are_its_own():
    ends = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed + len(ends))
        rule = ExperienceReplay(size=4, seed=seed)
        for number in range(5):
            update = gradient(rule, batch(number))
        ends.append(update)
    close(ends[0], ends[1], "the same seed")
    assert not torch.equal(ends[0][1], ends[2][1])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"size": 0}, "size must be a whole"), ({"replayed": 0}, "replayed must be a whole")],
)
def test_bad_sizes_are_refused(wrong: dict[str, int], said: str):
    with pytest.raises(BadInput, match=said):
        ExperienceReplay(**wrong)


def test_other_shapes_are_refused_in_one_line():
    rule, network = ExperienceReplay(), nn.Linear(4, 3)
    rule.learn(network, Batch(torch.zeros(2, 7, 4), torch.zeros(2, 7).long()), CLASSES.loss)
    with pytest.raises(BadInput, match=r"items of shapes \(7, 4\), \(7,\) as before, got \(8, 4\), \(8,\)"):
        rule.learn(network, Batch(torch.zeros(2, 8, 4), torch.zeros(2, 8).long()), CLASSES.loss)
