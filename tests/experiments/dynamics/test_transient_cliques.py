"""Which clique is active and when it is left, preferences of hand-made links, and the predicates."""

import math

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.dynamics import transient_cliques
from wavetrain.experiments.dynamics.transient_cliques import (
    Walk,
    _walked,
    bars,
    claim,
    following,
    in_clique,
    leaves,
    preferred,
)
from wavetrain.networks.transient_states import TransientStates


def test_a_clique_is_active_when_its_sites_are_and_no_others():
    network = TransientStates([(0, 1, 2), (2, 3, 4)], 1)
    active = torch.tensor(
        [
            [0.9, 0.9, 0.9, 0.0, 0.5],
            [0.0, 0.1, 1.0, 0.9, 0.9],
            [0.9, 0.9, 0.9, 0.9, 0.0],
            [0.9, 0.9, 0.84, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0],
        ]
    )
    assert in_clique(network, active).tolist() == [0, 1, -1, -1, -1]


def test_the_steps_until_a_clique_is_left():
    assert leaves(torch.tensor([0, 0, 0, -1, -1, 1, 1, 2, 2])).tolist() == [3, 2, 1, 0, 0, 2, 1, 0, 0]


def test_what_is_told_of_a_walk():
    clique = torch.tensor([-1, 0, 0, -1, 0, 1, 1, -1, 2, 1])
    told = _walked("net", Walk(torch.zeros(10, 1), clique, []), 0.5)
    assert told == {
        "held_net": 0.7,
        "transitions_net": 3.0,
        "visited_net": 3.0,
        "life_net": pytest.approx(0.7 * 10 * 0.5 / 4),
    }


@torch.no_grad()
def test_what_follows_is_that_of_each_row_alone_and_a_strong_push_decides():
    torch.manual_seed(0)
    network = TransientStates([(0, 1, 2), (3, 4, 5), (6, 7, 8)], 9)
    network.see.copy_(torch.eye(9))
    _, reservoir, v, signal = network.begin(1)
    x = torch.zeros(1, 9)
    x[0, :3] = 1
    state = x, reservoir, v, signal
    now = in_clique(network, x)
    assert now.tolist() == [0]
    others = [1, 2]
    rows = tuple(part.repeat(2, *[1] * (part.ndim - 1)) for part in state)
    push = torch.zeros(2, 9)
    for row, clique in enumerate(others):
        push[row, list(network.cliques[clique])] = 4.0  # stronger than three sites inhibit
    assert following(network, rows, push, now.repeat(2), 20).tolist() == others
    assert following(network, state, torch.zeros(1, 9), now, 1).tolist() == [-1]


def test_bars_and_preferences_of_links_made_by_hand():
    assert bars().sum(1).tolist() == [4.0] * 8 and bars().sum(0).tolist() == [2.0] * 16
    assert preferred(bars().repeat_interleave(3, 0)[None]) == 8
    two = bars()[torch.arange(8) % 2]
    assert preferred(torch.stack([bars(), two]).repeat_interleave(3, 1)) == 5  # the mean of 8 and 2
    chance = 8 * (1 - (7 / 8) ** 8)
    random = torch.randn(4000, 24, 16, generator=torch.Generator().manual_seed(0))
    assert preferred(random) == pytest.approx(chance, abs=0.25)


WHOLE = {
    f"{figure}_{net}": value
    for net in ("triangles", "random")
    for figure, value in (("held", 0.85), ("transitions", 20.0), ("visited", 3.0), ("frozen", 1.0))
}
WHOLE |= {"changed_near": 0.31, "changed_inside": 0.1}
WHOLE |= {"bars_whole": 7.0, "bars_always": 6.0, "bars_shuffled": 6.0}


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({}, None),
        ({"held_triangles": 0.84}, 0),
        ({"transitions_triangles": 19.0}, 0),
        ({"visited_random": 2.0}, 1),
        ({"frozen_random": 2.0}, 2),
        ({"frozen_triangles": 0.0}, 2),
        ({"changed_inside": 0.11}, 3),
        ({"changed_near": 0.0, "changed_inside": 0.0}, 3),
        ({"changed_near": math.nan}, 3),
        ({"bars_whole": 6.9}, 4),
        ({"bars_shuffled": 7.0}, 4),
        ({"bars_always": 7.0}, 4),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], fails: int | None):
    assert answers(claim, WHOLE | change) == [part != fails for part in range(5)]


def test_a_bar_for_each_clique_refutes_nothing_and_fewer_do(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("transient_cliques") == [None, None, None, None, True]
    some = bars()[torch.arange(8) % 6]
    monkeypatch.setattr(transient_cliques, "bars", lambda: some)
    assert exact_answers("transient_cliques")[4] is False
