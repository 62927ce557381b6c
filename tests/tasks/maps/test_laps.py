"""Laps: a ring of labels, and a reward at one lap's beginning in four."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.laps import Laps


def test_reward_comes_once_in_a_round_and_labels_repeat():
    task = Laps(places=3, laps=2, rounds=3, labels=6)
    x, y = task.draw(40, torch.Generator().manual_seed(1))
    assert x.shape == (40, 18, 8) and y.shape == (40, 18)
    seen = x.argmax(-1)
    reward = seen == 7
    assert (reward.unfold(1, 6, 1).sum(2) == 1).all()  # one in any six steps
    for back in (3, 6):
        plain = ~(reward[:, back:] | reward[:, :-back])
        assert torch.equal(seen[:, back:][plain], seen[:, :-back][plain])
    coming = torch.where(reward, 2, 1)[:, 1:]
    asked = y[:, :-1] > 0
    assert torch.equal(y[:, :-1][asked], coming[asked])


def test_beginnings_of_laps_are_asked_after_the_first_round():
    _, y = Laps(places=5, laps=4, rounds=3).draw(60, torch.Generator().manual_seed(2))
    assert (y[:, :20] == 0).all()
    assert ((y > 0).sum(1) == 8).all() and (
        (y == 2).sum(1) == 2
    ).all()  # 2 rounds of 4 laps, a reward in each
    at = (y > 0).double().argmax(1)
    steps = at[:, None] + 5 * torch.arange(8)
    assert (y.gather(1, steps) > 0).all()


def test_who_counts_from_the_last_reward_is_right():
    task = Laps()
    x, y = task.test()
    reward = x.argmax(-1) == 21
    since = torch.arange(64) - torch.where(reward, torch.arange(64), -1).cummax(1).values
    said = torch.where(since == 15, 2, 1)
    assert torch.equal(said[y > 0], y[y > 0])
    assert (y[y > 0] == 1).double().mean() == pytest.approx(task.chance)


def test_bad_sizes():
    with pytest.raises(BadInput, match="laps: laps must be a whole number of at least 2, got 1"):
        Laps(laps=1)
