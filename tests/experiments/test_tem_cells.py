"""Cells whose kind is known: plane waves, one cell a node, noise; and what the predicate says."""

import math

import torch

from tests.promises import normal
from wavetrain import worlds
from wavetrain.experiments import place_cells, position_cells, tem_cells

WIDTH = 8
WORLD = worlds.square(WIDTH, torus=True)
WALKED = worlds.walks(WORLD, 8, 200, 45, torch.Generator().manual_seed(1))
PLACE = WORLD.position[WALKED.node[:, 1:]] % WIDTH


def test_plane_waves_are_band_cells_and_noise_is_not():
    wave = torch.tensor([[0, 1], [1, 0], [1, 1], [2, 1]]).float().T
    code = (2 * math.pi / WIDTH * PLACE @ wave).cos().double()
    assert position_cells(code, PLACE, WIDTH, 20)[0]["band"] == 1
    noise = normal(*PLACE.shape[:2], 80)
    shares, maps = position_cells(noise, PLACE, WIDTH, 20)
    assert shares["band"] < 0.15 and shares["grid"] < 0.15  # 0.05 of infinitely many shifts
    assert maps["grid"].shape == maps["band"].shape == (WIDTH, WIDTH)


def test_attention_to_the_same_place_makes_place_cells():
    node = WALKED.node
    same = (node[:, 1:, None] == node[:, None, :-1]).double() + 0.01
    share, best = tem_cells.memory_neurons(same, PLACE, WIDTH, 20)
    later = [set(walk[51:].tolist()) for walk in node]
    met = [int(start) in there for walk, there in zip(node[:, :50], later, strict=True) for start in walk]
    assert 0.7 < share <= sum(met) / len(met)  # those whose place is met again, but for some met once
    assert (best > 0.5).sum() == 1
    even = torch.ones_like(same) + 0.1 * normal(*same.shape).abs()
    assert tem_cells.memory_neurons(even, PLACE, WIDTH, 20)[0] < 0.15


def test_walks_are_environments_of_their_own():
    """A cell that fires at one node of each walk is a place cell in all of them, one of chance in few."""
    node = WALKED.node[:, 1:]
    home = (node == node[:, :1]).double()
    cells = place_cells(torch.stack([home, normal(*node.shape).abs()], -1), PLACE, WIDTH, 20)
    assert cells.above.shape == cells.information.shape == (8, 2)
    assert cells.above[:, 0].all() and cells.above[:, 1].mean() < 0.5
    assert (cells.rate[:, 0] == 1).sum((1, 2)).tolist() == [1] * 8
    assert not place_cells(torch.zeros(2, 9, 1), PLACE[:2, :9], WIDTH, 3).above.any()


def test_predicate():
    holds = tem_cells.claim.holds
    good = {"zero_shot": 0.9, "grid": 0.1, "band": 0.3, "place": 0.8, "fresh_grid": 0.0, "fresh_band": 0.1}
    good["fresh_place"] = 0.5
    both = {f"{name}_{kind}": value for name, value in good.items() for kind in ("linear", "relu")}
    assert holds(both) is True
    assert holds(both | {"zero_shot_relu": 0.4}) is None
    assert holds(both | {"band_relu": 0.1}) is False
    assert holds(both | {"band_relu": 0.1, "grid_relu": 0.2}) is True
    assert holds(both | {"fresh_band_linear": 0.4}) is False
    assert holds(both | {"place_linear": 0.4}) is False
    assert holds(both | {"fresh_place_linear": 0.9}) is False
