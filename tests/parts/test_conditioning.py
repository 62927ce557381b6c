"""Trials of conditioning: cues and rewards where they belong, and what lies outside is refused."""

import pytest
import torch

from wavetrain.parts.conditioning import Trial, laid
from wavetrain.testing.tools import refused


def test_trials_are_laid_out():
    x, rewards = laid([Trial((1, 3), (4,), amount=2.0), Trial((None, 0))], time=5, lasting=2)
    assert x.shape == (2, 5, 2) and rewards.shape == (2, 5, 1)
    assert x[0, :, 0].tolist() == [0, 1, 1, 0, 0] and x[0, :, 1].tolist() == [0, 0, 0, 1, 1]
    assert x[1, :, 0].tolist() == [0] * 5 and x[1, :, 1].tolist() == [1, 1, 0, 0, 0]
    assert rewards[0].flatten().tolist() == [0, 0, 0, 0, 2] and not rewards[1].any()


def test_a_cue_lasts_a_step_and_ends_with_the_trial():
    assert laid([Trial((4,))], time=5).x.flatten().tolist() == [0, 0, 0, 0, 1]
    assert laid([Trial((4,))], time=5, lasting=9).x.flatten().tolist() == [0, 0, 0, 0, 1]


def test_rewards_may_be_several_and_may_be_felt():
    x, rewards = laid([Trial((0,), (2, 2, 3))], time=4, felt=True)
    assert rewards.flatten().tolist() == [0, 0, 2, 1]
    assert torch.equal(x[..., 1:], rewards) and x.shape == (1, 4, 2)


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([Trial((1,), (5,))], "a reward within a trial of 5 steps, got one in step 5"),
        ([Trial((1,), (-1,))], "a reward within a trial of 5 steps, got one in step -1"),
        ([Trial((5,))], "a cue within a trial of 5 steps, got one in step 5"),
        ([Trial((-1,))], "a cue within a trial of 5 steps, got one in step -1"),
        ([Trial((1,)), Trial((1, 2))], r"equally many cues, got \[1, 2\]"),
        ([], "got no trial"),
    ],
)
def test_what_lies_outside_is_refused(trials: list[Trial], said: str):
    with refused(said):
        laid(trials, time=5)


def test_a_cue_of_no_length_is_refused():
    with refused("last a step or more, got 0"):
        laid([Trial((1,))], time=5, lasting=0)
