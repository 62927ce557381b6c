"""Few-shot streams: the predicates, means that are nearest by hand, and that arms differ in what they say."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.answers import answers
from wavetrain.experiments.rules._fast_slow_arms import adam, at_once, begun, best
from wavetrain.experiments.rules._few_shots import among_all, episodes, nearest, stream
from wavetrain.experiments.rules.few_shot_strokes import claim, run, smoke
from wavetrain.networks.fast_slow import Embedding
from wavetrain.tasks.streams.labelled_strokes import LabelledStrokes
from wavetrain.train.lab import Lab

RIGHT = {  # what the claim says
    "one_base": 0.85,
    "one_fine": 0.70,
    "lost_fine": 0.15,
    "one_full": 0.86,
    "lost_full": -0.01,
    "seen_fine": 0.44,
    "seen_full": 0.95,
    "seen_joint": 0.93,
    "seen_frozen": 0.94,
}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ()),
        ({"lost_fine": 0.035, "lost_full": 0.011}, ()),
        ({"lost_fine": 0.03, "lost_full": 0.011}, (2,)),
        ({"lost_fine": 0.2, "lost_full": 0.031}, (2,)),
        ({"seen_fine": 0.76}, (1,)),
        ({"one_full": 0.85}, (3,)),
        ({"seen_joint": 0.95}, (4,)),
        ({"seen_frozen": 0.96}, (5,)),
        ({"seen_full": math.nan}, (1, 4, 5)),
    ],
)
def test_predicates(changed: dict[str, float], wrong: tuple[int, ...]):
    assert answers(claim, RIGHT | changed) == [place not in wrong for place in range(6)]


def test_nothing_is_told_where_nothing_was_there_to_lose():
    assert answers(claim, RIGHT | {"one_base": 0.5}) == [None] * 6
    assert answers(claim, RIGHT | {"lost_fine": 0.02})[:3] == [False, True, None]


def test_nearest_by_hand():
    near = torch.tensor([[[0.0, 0.0], [2.0, 0.0]], [[5.0, 5.0], [0.0, 0.0]]])
    asked = torch.tensor([[[0.9, 0.0], [1.1, 9.0]], [[1.0, 0.0], [4.0, 4.0]]])
    assert nearest(near, asked).tolist() == [[0, 1], [1, 0]]


def test_a_stream_has_its_classes_in_turn_and_no_example_twice():
    strokes = LabelledStrokes(7, first=3)
    tasks = stream(strokes, 3, 2, 4, seed=0)
    assert len(tasks) == 2 and tasks.heads == ((0, 1, 2), (3, 4, 5)) and tasks.outputs == 6
    assert [len(tasks.tasks[1].train.y), len(tasks.tasks[1].held_test.y)] == [6, 12]
    x = torch.cat([part.x for one in tasks.tasks for part in (one.train, one.held_valid, one.held_test)])
    assert len(x.flatten(1).unique(dim=0)) == len(x) == 2 * 3 * (2 + 1 + 4)
    clean = LabelledStrokes(7, first=3, jitter=0.0, warp=0.0, noise=0.0)
    for one in stream(clean, 3, 2, 4, seed=0).tasks:
        for x, y in (one.train, one.held_test):
            expected = torch.stack([clean.clean(label) for label in y.tolist()])
            assert torch.allclose(x, expected, atol=1e-5)


class Whole(nn.Module):
    """All positions as features."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * x.flatten(1)


class Nothing(Whole):
    def forward(self, x: Tensor) -> Tensor:
        return 0 * super().forward(x)


def test_clean_strokes_are_told_and_without_features_one_class_is_named():
    clean = LabelledStrokes(8, jitter=0.0, warp=0.0, noise=0.0)
    asked = episodes(clean, many=6, ways=4, shots=2, queries=3, seed=0)
    assert asked.examples.shape == (6, 4, 2, 20, 2) and asked.queries.shape == (6, 4, 3, 20, 2)
    assert asked.right(Whole(), 1) == asked.right(Whole(), 2) == 1
    assert asked.right(Nothing(), 2) == 1 / 4
    tasks = stream(clean, 4, 2, 3, seed=0).tasks
    assert among_all(Whole(), tasks) == 1 and among_all(Nothing(), tasks) == 1 / 8


def test_an_arm_begins_with_the_base_network_and_frozen_learns_heads_alone():
    base = Embedding(2, smoke.width, smoke.features)
    for frozen in (False, True):
        one = begun(base, smoke.features, 6, frozen)
        x = torch.randn(3, 20, 2)
        assert torch.allclose(one.body(x), base(x)) and torch.allclose(one.slow(x), base(x))
        one(x).sum().backward()
        before = one.body(x).detach()
        updates = adam(one.parameters(), rate=1e-3, heads=1e-2, decay=0.0)
        head = one.head.weight.detach().clone()
        updates.step()
        assert torch.allclose(one.body(x), before) == frozen and torch.allclose(one.slow(x), base(x))
        assert (one.head.weight - head).abs().max().item() == pytest.approx(1e-2, rel=1e-3)


def test_all_tasks_at_once_are_asked_by_their_heads():
    tasks = stream(LabelledStrokes(6), 3, 2, 4, seed=0)
    (one,) = at_once(tasks).tasks
    assert len(one.train.y) == 12 and one.objective is tasks.objective


def test_the_best_is_chosen_and_never_one_that_diverged():
    assert best({1.0: 0.3, 10.0: 0.5, 100.0: 0.5}) == 10.0
    assert best({1.0: math.nan, 10.0: 0.1}) == 10.0


def test_all_figures_are_there_and_named(tmp_path: Path):
    figures = run(smoke, Lab(tmp_path, 0))
    assert RIGHT.keys() <= figures.keys()
    assert all(math.isfinite(one) for one in figures.values())
    assert figures["one_no_second"] == figures["one_frozen"] == figures["one_base"]
    assert figures["strength"] in smoke.strengths and figures["decay"] in smoke.decays
    assert (tmp_path / "pictures" / "matrices.npz").exists() and (tmp_path / "pictures" / "both.npz").exists()
