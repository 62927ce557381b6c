"""The claim of the grid: the predicates, what is known exactly, and what the control is told."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.rules.actor_critic_grid import SHORTEST, Shuffled, claim, exact, learner, small
from wavetrain.networks.actor_critic import ActorCritic
from wavetrain.networks.opponent_actor import OpponentActor
from wavetrain.tasks.rewards.grid_world import GridWorld
from wavetrain.train.lab import Lab


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True] * 4),
        ({"steps_actor_critic": 10.41}, [False, True, True, True]),
        ({"steps_random": 79.9}, [True, False, True, True]),
        ({"steps_shuffled": 23.9}, [True, True, False, True]),
        ({"off_value": 0.051}, [True, True, True, False]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool], tmp_path: Path):
    figures = exact(small, Lab(tmp_path, 0)) | {"steps_shuffled": 24.0}
    assert figures["steps_actor_critic"] == SHORTEST and figures["steps_random"] == pytest.approx(
        106.8, abs=0.1
    )
    assert answers(claim, figures | changed) == parts


def test_the_control_is_told_earlier_errors():
    dice = torch.Generator().manual_seed(0)
    network = Shuffled(2, 2, dice)
    assert network.learn(0, 1, 1.0) == 1.0  # the first is told 0, the only error so far
    assert not network.preference.any() and float(network.value.data[0]) == pytest.approx(0.2)
    assert network.told == [0.0, 1.0]
    for _ in range(20):
        network.learn(1, 0, 0.5)
    assert network.preference[1].any() and len(network.told) == 22


def test_each_arm_is_what_it_is_called():
    task, dice = GridWorld(), torch.Generator()
    kinds = [type(learner(arm, task, dice)) for arm in ("actor_critic", "opponent", "shuffled", "random")]
    assert kinds == [ActorCritic, OpponentActor, Shuffled, ActorCritic]
