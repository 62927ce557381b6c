"""Arms of a claim: kept and read back, alike in all but what they are to be compared in, and drawn."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.train.test_continual import SGD, Seen, network, tasks
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.train.arms import Arm, at_once_in_lab, in_lab, pictured
from wavetrain.train.continual import Terms, learn_in_turn
from wavetrain.train.lab import Lab


def test_for_a_claim_it_is_kept_and_read_back(tmp_path: Path):
    lab, sequence = Lab(tmp_path, 3), tasks()
    arm = Arm(
        make=lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 6)),
        rule=Backpropagation,
        optimiser=SGD,
        terms=Terms(batch=5),
        ways={"told": sequence.told()},
    )
    one = in_lab(lab, "one", sequence, arm)
    again = in_lab(lab, "one", sequence, arm)
    assert np.array_equal(one.matrix.after, again.matrix.after)
    assert np.array_equal(one.others["told"].after, again.others["told"].after)
    torch.testing.assert_close(one.network.state_dict(), again.network.state_dict(), rtol=0, atol=0)
    other = in_lab(Lab(tmp_path / "other", 4), "one", sequence, arm)
    assert not torch.equal(other.network[1].weight, one.network[1].weight)


def test_arms_of_one_network_see_the_same(tmp_path: Path):
    lab, shown = Lab(tmp_path, 0), {}
    for name in ("one", "two"):
        rules = [Seen()]
        arm = Arm(make=network, rule=lambda: rules[0], optimiser=SGD, terms=Terms(batch=5))  # noqa: B023
        in_lab(lab, name, tasks(), arm)
        shown[name] = rules[0].batches
    assert shown["one"] == shown["two"]


def test_a_picture_has_a_map_for_each_arm():
    learned = learn_in_turn(network(), tasks(), Seen(), SGD, Terms(batch=5), torch.Generator())
    one = pictured("Title", {"plain": learned.matrix, "frozen": learned.matrix.frozen()})
    assert one.values.shape == (2, 3, 3) and one.labels == ("plain", "frozen")


def test_all_at_once_is_kept_and_read_back(tmp_path: Path):
    sequence = tasks()
    arm = Arm(
        make=network,
        rule=Backpropagation,
        optimiser=SGD,
        terms=Terms(batch=5, passes=3),
        ways={"told": sequence.told()},
    )
    one = at_once_in_lab(Lab(tmp_path, 0), "joint", sequence, arm)
    assert one == at_once_in_lab(Lab(tmp_path, 0), "joint", sequence, arm)
    assert one["told"] >= one[""] > 1 / 6
