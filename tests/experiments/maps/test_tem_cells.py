"""Cells whose kind is known: plane waves, one cell a node, noise; and what the predicate says."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from tests.promises import normal
from wavetrain.experiments.maps import tem_cells
from wavetrain.experiments.maps._shared import place_cells, position_cells
from wavetrain.parts import worlds
from wavetrain.parts.reader import Reader
from wavetrain.scan import Activation

WIDTH = 8
WORLD = worlds.square(WIDTH, torus=True)
WALKED = worlds.walks(WORLD, 8, 200, 45, torch.Generator().manual_seed(1))
PLACE, LABEL = WORLD.position[WALKED.node[:, 1:]] % WIDTH, WALKED.label[:, 1:]


def test_plane_waves_are_band_cells_and_noise_is_not():
    wave = torch.tensor([[0, 1], [1, 0], [1, 1], [2, 1]]).float().T
    code = (2 * math.pi / WIDTH * PLACE @ wave).cos().double()
    assert position_cells(code, PLACE, WIDTH, 200)[0]["band"] == 1
    noise = normal(*PLACE.shape[:2], 80)
    shares, maps = position_cells(noise, PLACE, WIDTH, 200)
    assert shares["band"] <= 11 / 80 and shares["grid"] <= 11 / 80  # 0.05, within 99.9% of binomial error
    assert maps["grid"].shape == maps["band"].shape == (WIDTH, WIDTH)


class Looked:
    """Walks as long as the claim looks."""

    def __init__(self) -> None:
        scale = tem_cells.small
        world = worlds.square(scale.width, torus=True)
        dice = torch.Generator().manual_seed(1)
        node, _, label = worlds.walks(world, 6, scale.look, scale.labels, dice)
        self.place, self.seen = world.position[node[:, 1:]] % scale.width, label[:, 1:]
        self.same_place = (node[:, 1:, None] == node[:, None, :-1]).double() + 0.01
        self.same_label = (label[:, 1:, None] == label[:, None, :-1]).double() + 0.01

    def neurons(self, weight: torch.Tensor) -> tuple[float, np.ndarray]:
        scale = tem_cells.small
        return tem_cells.memory_neurons(weight, self.place, self.seen, scale.width, scale.shifts)


@pytest.fixture(scope="module")
def looked() -> Looked:
    return Looked()


@pytest.fixture(scope="module")
def by_place(looked: Looked) -> tuple[float, np.ndarray]:
    return looked.neurons(looked.same_place)


def test_attention_to_the_same_place_makes_place_cells(looked: Looked, by_place: tuple[float, np.ndarray]):
    """Attention to the same label, or to any step alike, makes none."""
    share, best = by_place
    assert share > 0.8 and (best > 0.5).sum() == 1  # places met but once or twice cannot be told
    assert looked.neurons(looked.same_label)[0] == 0
    noise = 0.1 * normal(*looked.same_place.shape).abs()
    assert looked.neurons(torch.ones_like(noise) + noise)[0] < 0.03


def test_walks_are_environments_of_their_own():
    """A cell that fires at one node of each walk is a place cell in all of them, others in few or none."""
    node = WALKED.node[:, 1:]
    often = node.mode(1, keepdim=True).values
    home = (node == often).double()
    label = LABEL.clone()
    label[node == (often + 1) % WIDTH**2] = 0
    label[home.bool()] = 0  # the place next to home looks like it
    sight = (label == 0).double()
    cells = place_cells(torch.stack([home, normal(*node.shape).abs(), sight], -1), PLACE, label, WIDTH, 200)
    assert cells.above.shape == cells.information.shape == (8, 3)
    assert (cells.p[:, 0] == cells.p[:, 0].min()).all() and (cells.p[:, [0, 2]] <= 0.05).all()
    assert cells.told[:, [0, 2]].all() and cells.above[:, 0].mean() > 0.8
    assert cells.above[:, 1].mean() <= 0.5 and not cells.above[:, 2].any()
    assert (cells.rate[:, 0] == 1).sum((1, 2)).tolist() == [1] * 8
    silent = place_cells(torch.zeros(2, 40, 1), PLACE[:2, :40], LABEL[:2, :40], WIDTH, 3)
    assert not silent.above.any() and silent.told.all()


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
    for part, other in enumerate(
        ({"band_linear": 0.149}, {"band_relu": 0.149}, {"place_linear": 0.499}, {"place_relu": 0.499})
    ):
        assert answers(tem_cells.claim, both | other) == [number != part for number in range(4)]
    chance = {name: 0.05 for name in both}
    assert answers(tem_cells.claim, chance) == 4 * [None]
    inferred = {f"zero_shot_{kind}": 1.0 for kind in ("linear", "relu")}
    assert answers(tem_cells.claim, chance | inferred) == 4 * [False]


def test_waves_and_memory_of_the_place_meet_every_limit(by_place: tuple[float, np.ndarray]):
    """Who codes the place by plane waves, and attends to it, against a network of noise."""
    wave = torch.tensor([[0, 1], [1, 0], [1, 1], [2, 1]]).float().T
    shares, _ = position_cells((2 * math.pi / WIDTH * PLACE @ wave).cos().double(), PLACE, WIDTH, 200)
    exact = {"zero_shot": 1.0, **shares, "place": by_place[0]}
    figures = exact | {"fresh_grid": 0.05, "fresh_band": 0.05, "fresh_place": 0.05}
    both = {f"{name}_{kind}": value for name, value in figures.items() for kind in ("linear", "relu")}
    assert answers(tem_cells.claim, both) == 4 * [True]


def test_stripes_meet_the_limits_and_stripes_with_errors_do_not(monkeypatch: pytest.MonkeyPatch):
    few = dataclasses.replace(tem_cells.small, walks=6, look=160, shifts=40)
    monkeypatch.setattr(tem_cells, "small", few)  # the claim's own takes minutes
    assert exact_answers("tem_cells") == 4 * [True]
    make = tem_cells.striped

    def slips(scale: tem_cells.Scale, activation: Activation) -> Reader:
        """Takes west for east."""
        reader = make(scale, activation)
        with torch.no_grad():
            reader.layer.move[3] = reader.layer.move[1]
        return reader

    monkeypatch.setattr(tem_cells, "striped", slips)
    assert exact_answers("tem_cells") == 4 * [None]  # it has not learned the world
