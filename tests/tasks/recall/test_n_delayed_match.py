"""N-delayed match: each answer compares two bits; lengths and sizes."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.n_delayed_match import NDelayedMatch


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_answers_one_by_one():
    dice = generator()
    for shortest, longest in ((2, 2), (2, 5), (4, 4), (3, 9)):
        x, y = NDelayedMatch(shortest, longest).draw(40, dice)
        assert y.shape == (40, longest - shortest + 1)
        for bits, answers in zip(x[..., 0].tolist(), y.tolist(), strict=True):
            for size, answer in zip(range(shortest, longest + 1), answers, strict=True):
                assert answer == (1 if bits[-size:][0] == bits[-1] else -1)


def test_lengths_are_uniform_up_to_four_windows():
    dice = generator()
    lengths = [NDelayedMatch(5, 5).draw(1, dice).x.shape[1] for _ in range(1400)]
    assert set(lengths) == set(range(5 + 2, 4 * 5 + 1))
    assert sum(length == 20 for length in lengths) == pytest.approx(100, abs=35)


def test_a_bit_that_does_not_count_changes_nothing():
    """Who knows the answers by the two bits is always right, so chance is met by all others."""
    x, y = NDelayedMatch(3, 3).draw(4000, generator())
    middle = x[:, -2, 0] * 2 - 1
    assert float((middle == y[:, 0]).double().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(x.mean()) == pytest.approx(0.5, abs=0.02)


def test_loss_adds_the_cross_entropies_of_the_questions():
    y = torch.tensor([[1.0, -1.0], [-1.0, -1.0]])
    output = torch.tensor([[2.0, 0.5], [-1.0, -3.0]])
    chance = torch.sigmoid(output)
    wanted = -torch.where(y > 0, chance, 1 - chance).log().sum(1).mean()
    objective = NDelayedMatch().objective
    torch.testing.assert_close(objective.loss(output, y), wanted)
    assert float(objective.score(output, y)) == 3 / 4


@pytest.mark.parametrize("sizes", [(1, 3), (4, 3), (2.0, 3), (2, 2.5)])
def test_bad_sizes(sizes):
    with pytest.raises(BadInput, match="n-delayed match"):
        NDelayedMatch(*sizes)
