"""Random walks: lines, walls and what is sensed of them."""

import math

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.random_walks import RandomWalks


def dice(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def walls(place: Tensor) -> Tensor:
    return 1 - place.abs().amax(-1)


def test_a_walk_is_straight_from_wall_to_wall():
    task = RandomWalks(time=200)
    sensed, place = task.walk(20, dice())
    assert sensed.shape == (20, 201, 50) and place.shape == (20, 201, 2) and place.abs().max() <= 1
    place = place.double()
    move = place.diff(dim=1)
    assert (move.norm(dim=-1) <= 0.1 + 1e-6).all()
    before, after = move[:, :-1], move[:, 1:]
    away = walls(place[:, 1:-1]) > 0.05
    whole = (before.norm(dim=-1) > 0.0999) & (after.norm(dim=-1) > 0.0999)  # steps that no wall cut short
    turned = torch.linalg.cross(
        torch.nn.functional.pad(before, (0, 1)), torch.nn.functional.pad(after, (0, 1))
    )[..., 2]
    assert (turned[away & whole].abs() < 1e-7).all(), "a turn in the middle of the square"
    assert (turned[~away].abs() > 1e-4).double().mean() > 0.9, "no turn at the walls"


def test_a_walk_goes_everywhere():
    _, place = RandomWalks(time=200).walk(100, dice())
    bins = ((place + 1) * 2.5).long().clamp(max=4)
    count = (5 * bins[..., 0] + bins[..., 1]).flatten().bincount(minlength=25)
    assert count.min() > 0.25 * count.double().mean()


def test_answers_lie_ahead_of_the_inputs():
    now, later = RandomWalks(ahead=0), RandomWalks(ahead=3)
    x, y = now.draw(4, dice())
    assert torch.equal(x, y)
    x, y = later.draw(4, dice())
    assert x.shape == y.shape == (4, 50, 50)
    assert torch.equal(x[:, 3:], y[:, :-3])
    assert set(x.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("quarter", range(4))
def test_cells_are_threshold_units_of_six_features(quarter: int):
    """By hand: straight across the square from each wall, facing away from it."""
    task = RandomWalks(cells=40)
    along = torch.linspace(-1, 1, 21)
    place = torch.stack([along, torch.full_like(along, 0.25)], -1)
    turn = torch.linalg.matrix_power(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), quarter)
    weight = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    sensed = task.code((place @ turn)[None])[0]
    for t in (0, 4, 13, 18):
        s = 0.1 * t * 2 * math.pi / math.sqrt(8)
        phi = math.atan2(0.25, float(along[t])) + quarter * math.pi / 2
        features = torch.tensor([math.cos(s), math.sin(s), math.cos(phi), math.sin(phi), 1.0, 0.0])
        assert torch.equal(sensed[t], (features @ weight > 0).float())


def test_a_walk_remembers_the_wall_it_came_from():
    """A walk begins in mid-line; once a wall was met inside of it, what is sensed is that of its own path."""
    task = RandomWalks(time=60, cells=30)
    sensed, place = task.walk(30, dice())
    alone = task.code(place)
    met = (walls(place[:, :-1]) <= 0.05).long().cumsum(1) > 0
    assert torch.equal(sensed[:, :-1][met], alone[met])
    assert (sensed[:, :-1][~met] != alone[~met]).any(), "the wall before the first step is forgotten"


def test_one_that_stands_keeps_its_heading():
    task = RandomWalks()
    moving = torch.tensor([[-1.0, 0.3], [-0.9, 0.3], [-0.8, 0.3], [-0.7, 0.3]])
    standing = torch.tensor([[-1.0, 0.3], [-0.9, 0.3], [-0.9, 0.3], [-0.9, 0.3], [-0.8, 0.3], [-0.7, 0.3]])
    sensed = task.code(standing[None])[0]
    assert torch.equal(sensed[1], sensed[2]) and torch.equal(sensed[1], sensed[3])
    assert torch.equal(sensed[[0, 1, 4]], task.code(moving[None])[0])


def test_another_seed_is_another_environment():
    one, two = RandomWalks(cells=400), RandomWalks(cells=400, seed=1)
    _, place = one.walk(10, dice())
    agree = (one.code(place) == two.code(place)).double().mean()
    assert 0.4 < agree < 0.6


def test_bad_sizes():
    with pytest.raises(BadInput, match="cells"):
        RandomWalks(cells=0)
    with pytest.raises(BadInput, match="ahead"):
        RandomWalks(ahead=-1)
    with pytest.raises(BadInput, match="step"):
        RandomWalks(step=0.0)
