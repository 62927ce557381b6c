"""Grid world: walks that go where actions lead, returns of the steps to the goal, and chance, exactly."""

import itertools
import pickle

import pytest
import torch

from wavetrain.tasks.rewards.grid_world import GridWorld
from wavetrain.testing.tools import refused


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_walks_go_one_step_and_stay_at_the_goal():
    task = GridWorld(side=4, length=60)
    x, y = task.draw(300, generator())
    world = task.errand().world
    for row in x[:20].tolist():
        for here, after in itertools.pairwise(row):
            assert after == here or (after in world.successor[here].tolist() and here != 15)
    assert (x[:, 0] < 15).all() and x.shape == (300, 60) and y.shape == (300, 60, 1)
    there = x == 15
    assert torch.equal(there, there.cummax(1).values) and not y[..., 0][there].any()


def test_returns_are_told_by_the_steps_to_the_goal():
    task = GridWorld(side=3, length=30, discount=0.9)
    x, y = task.draw(200, generator())
    for row, told in zip(x.tolist(), y[..., 0].tolist(), strict=True):
        end = row.index(8) if 8 in row else None
        expected = [0.9 ** (end - t - 1) if end is not None and t < end else 0.0 for t in range(30)]
        assert told == pytest.approx(expected, abs=1e-6)


def test_all_actions_are_equally_likely():
    x, _ = GridWorld(side=3, length=40).draw(3000, generator())
    chances = GridWorld(side=3).errand().chances()
    for node in range(8):
        here = x[:, :-1] == node
        after = x[:, 1:][here]
        seen = torch.bincount(after, minlength=9).double() / len(after)
        torch.testing.assert_close(seen, chances[node], rtol=0, atol=0.02)


def test_the_mean_return_of_a_node_is_its_value():
    task = GridWorld(side=3, length=200, discount=0.8)
    x, y = task.draw(4000, generator())
    worth = task.errand().worth(0.8)
    for node in (0, 4, 7):
        assert float(y[:, 0, 0][x[:, 0] == node].mean()) == pytest.approx(float(worth[node]), abs=0.03)


@pytest.mark.parametrize("others", [{}, {"side": 3, "length": 12, "discount": 1.0}])
def test_chance_is_the_best_that_ignores_the_walk(others: dict[str, float]):
    task = GridWorld(**others)
    y = task.draw(20_000, generator()).y
    score = float(task.objective.score(y.mean(0, keepdim=True).expand_as(y), y))
    assert score == pytest.approx(task.chance, abs=0.01)


def test_bad_sizes_are_refused():
    for others, said in (
        (dict(side=1), "side"),
        (dict(length=1), "length"),
        (dict(discount=1.1), "discount"),
    ):
        with refused("grid world", said):
            GridWorld(**others)


def test_it_goes_to_another_process():
    again = pickle.loads(pickle.dumps(GridWorld(discount=0.5)))
    y = again.draw(2, generator()).y
    assert torch.equal(y, GridWorld(discount=0.5).draw(2, generator()).y)
    assert float(again.objective.loss(y, y)) < 1e-9
