"""Binary logic: where everything stands, and the truth tables."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.binary_logic import BinaryLogic


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_read_back_line_by_line(bits: int):
    x, y = BinaryLogic(bits).draw(300, generator())
    assert x.shape == (300, 5 * bits + 3, 6) and y.shape == (300, 5 * bits + 3, 1)
    for rows, said in zip(x.tolist(), y[..., 0].tolist(), strict=True):
        first = [row[0] for row in rows if row[1]]
        second = [row[0] for row in rows if row[2]]
        assert len(first) == len(second) == bits
        (operator,) = (row[3:5] for row in rows if row[3] or row[4])
        assert operator in ([1, 0], [0, 1]) and [row[5] for row in rows].index(1) == 2 * bits + 1
        both = all if operator == [1, 0] else any
        result = [1 if both((a > 0, b > 0)) else -1 for a, b in zip(first, second, strict=True)]
        assert said[: 2 * bits + 2] == [0] * (2 * bits + 2)
        assert said[2 * bits + 2 :] == [*first, *second, 1 if operator == [1, 0] else -1, *result]
        assert not any(any(row) for row in rows[2 * bits + 2 :])


def test_every_answer_is_as_often_plus_as_minus():
    y = BinaryLogic(4).draw(20_000, generator()).y[:, 10:, 0]
    assert y.mean(0).abs().max() < 0.04


def test_bad_sizes():
    with pytest.raises(BadInput, match="bits must be"):
        BinaryLogic(0)
