"""N-parity: each answer is the parity of its window; how often windows are odd; sizes."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.n_parity import NParity


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_answers_one_by_one():
    dice = generator()
    for shortest, longest in ((2, 2), (2, 5), (4, 4), (3, 9)):
        x, y = NParity(shortest, longest).draw(40, dice)
        assert y.shape == (40, longest - shortest + 1)
        for bits, answers in zip(x[..., 0].int().tolist(), y.tolist(), strict=True):
            for size, answer in zip(range(shortest, longest + 1), answers, strict=True):
                assert answer == (1 if sum(bits[-size:]) % 2 else -1)


def test_two_neighbouring_windows_differ_by_the_bit_between():
    x, y = NParity(2, 8).draw(50, generator())
    for size in range(2, 8):
        differ = y[:, size - 2] != y[:, size - 1]
        assert torch.equal(differ, x[:, -size - 1, 0] == 1)


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_odd_windows_are_as_many_as_told(size: int):
    """(1 - (1 - 2 p)^N) / 2 in the mean over p: a half for odd N, N / (2 (N + 1)) for even N."""
    task = NParity(size, size)
    y = task.draw(40_000, generator()).y
    odd = 1 / 2 if size % 2 else size / (2 * (size + 1))
    assert float((y > 0).double().mean()) == pytest.approx(odd, abs=0.01)
    assert task.chance == pytest.approx(max(odd, 1 - odd))
    assert NParity(2, 4).chance == pytest.approx((2 / 3 + 1 / 2 + 3 / 5) / 3)


def test_ones_are_rare_in_some_sequences_and_common_in_others():
    """The share of ones is uniform over sequences: its variance is 1 / 12 and that of the bits."""
    x = NParity(50, 50).draw(4000, generator()).x[..., 0]
    share = x.mean(1).double()
    assert float(share.mean()) == pytest.approx(1 / 2, abs=0.02)
    assert float(share.var()) == pytest.approx(1 / 12 + 1 / (6 * x.shape[1]), abs=0.006)


@pytest.mark.parametrize("sizes", [(1, 3), (4, 3), (2.0, 3), (2, 2.5)])
def test_bad_sizes(sizes):
    with pytest.raises(BadInput, match="n-parity"):
        NParity(*sizes)
