"""Xor copy: the exclusive or written out, and its period."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.recall.xor_copy import XorCopy


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("width", "history", "horizon"), [(3, 2, 9), (1, 3, 5), (8, 5, 20)])
def test_each_vector_is_the_exclusive_or_of_the_last(width: int, history: int, horizon: int):
    """The odd number of +1 in the last vectors, given or said, one after the other."""
    x, y = XorCopy(width, history, horizon).draw(60, generator())
    assert x.shape == y.shape == (60, history + horizon, width)
    assert (x[:, :history].abs() == 1).all() and not x[:, history:].any() and not y[:, :history].any()
    u = torch.cat([x[:, :history], y[:, history:]], 1)
    for step in range(history, history + horizon):
        odd = (u[:, step - history : step] > 0).sum(1) % 2
        assert torch.equal(u[:, step], 2.0 * odd - 1)


def test_two_numbers_written_out():
    """a, b, a xor b, a, b, ...: the Fibonacci numbers, odd or even."""
    x, y = XorCopy(1, 2, 5).draw(50, generator())
    table = {(-1, -1): -1, (-1, 1): 1, (1, -1): 1, (1, 1): -1}
    for given, said in zip(x[..., 0].tolist(), y[..., 0].tolist(), strict=True):
        a, b = given[:2]
        c = table[a, b]
        assert said == [0, 0, c, a, b, c, a]


def test_no_linear_map_of_the_last_vectors_makes_it():
    """Least squares with all of them explains nothing of the first answer."""
    x, y = XorCopy(4, 3, 1).draw(4000, generator())
    past, first = x[:, :3].flatten(1), y[:, 3]
    fitted = past @ torch.linalg.lstsq(past, first).solution
    assert fitted.var() < 0.02 * first.var()


def test_bad_sizes():
    with pytest.raises(BadInput, match="history must be"):
        XorCopy(history=1)
