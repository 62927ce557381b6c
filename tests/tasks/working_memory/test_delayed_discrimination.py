"""Delayed discrimination: two amplitudes, the delay between them, and the sign of their difference."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.working_memory.delayed_discrimination import DelayedDiscrimination


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_answer_is_the_sign_of_the_difference_from_the_second_on():
    x, y = DelayedDiscrimination(channels=2, shortest=3, longest=6).draw(200, generator())
    assert x.shape == (200, 1 + 6 + 5, 2)
    delays = set()
    for inputs, answers in zip(x, y, strict=True):
        at = torch.nonzero(inputs[:, 0])[:, 0].tolist()
        assert len(at) == 2 and at[0] == 0
        delays.add(at[1] - 1)
        assert (answers[: at[1]] == 0).all()
        sign = torch.sign(inputs[at[1]] - inputs[0])
        assert torch.equal(answers[at[1] :], sign.expand(len(answers) - at[1], -1))
    assert delays == {3, 4, 5, 6}


def test_amplitudes_lie_between_two_and_ten():
    x, y = DelayedDiscrimination().draw(5000, generator())
    there = x[x != 0]
    assert 2 <= float(there.min()) < 2.01 and 9.99 < float(there.max()) <= 10
    assert float((y > 0).sum() / (y != 0).sum()) == pytest.approx(0.5, abs=0.02)


def test_no_delay_is_the_next_step():
    x, _ = DelayedDiscrimination(shortest=0, longest=0).draw(3, generator())
    assert (x[:, :2] > 0).all() and (x[:, 2:] == 0).all()


@pytest.mark.parametrize("words", [{"channels": 0}, {"shortest": -1}, {"shortest": 21}, {"longest": 4}])
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="delayed discrimination"):
        DelayedDiscrimination(**words)
