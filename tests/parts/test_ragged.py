"""Sequences of unequal length: the exact layout, gradients that stop at the ends, and the refusals.

That every layer gives the same as one by one is in the contract.
"""

import pytest
import torch
from torch import Tensor

from tests.promises import generic, normal, stepped
from wavetrain.core import Nonlinear, State, leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.parts import ragged


class Log(Nonlinear):
    """Adds up, and keeps all of it: the state is the sum (B, 1) and a log that grows (B, S, 1)."""

    def __init__(self):
        super().__init__(1)
        self.steps_run = 0

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, 1), (torch.zeros(batch, 0, 1),)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        total = state[0] + x
        return total, (total, (torch.cat([state[1][0], x[:, None]], 1),))

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        self.steps_run += x.shape[0] * x.shape[1]
        return stepped(self, x, state)


X = torch.arange(1.0, 13.0).reshape(3, 4, 1)  # rows 1 2 3 4, 5 6 7 8, 9 10 11 12


def test_padded_by_hand():
    layer = Log()
    y, (total, (log,)) = ragged.padded(layer, X, [2, 4, 1])
    assert y.squeeze(-1).tolist() == [[1, 3, 0, 0], [5, 11, 18, 26], [9, 0, 0, 0]]
    assert total.squeeze(-1).tolist() == [3, 26, 9]
    assert log.squeeze(-1).tolist() == [[1, 2, 0, 0], [5, 6, 7, 8], [9, 0, 0, 0]]
    assert layer.steps_run == 7, "padding has been computed"


def test_packed_by_hand():
    flat = torch.tensor([[1.0], [2], [5], [6], [7], [9]])
    y, (total, _) = ragged.packed(Log(), flat, [2, 3, 1])
    assert y.squeeze(-1).tolist() == [1, 3, 5, 11, 18, 9]
    assert total.squeeze(-1).tolist() == [3, 18, 9]


def test_all_of_one_length_is_one_call():
    layer = generic(LSTM, 5, 3)
    x = normal(3, 6, 3)
    torch.testing.assert_close(ragged.padded(layer, x, [6, 6, 6]), layer(x), rtol=0, atol=0)
    y, last = ragged.padded(layer, x, [4, 4, 4])
    expected, own = layer(x[:, :4])
    torch.testing.assert_close((y[:, :4], last), (expected, own))
    assert y.shape == (3, 6, 5) and not y[:, 4:].any()


@pytest.mark.parametrize("make", [LSTM, SoftmaxAttention])
def test_gradients_are_those_of_one_by_one(make: type):
    layer, lengths = generic(make, 4, 2), [3, 5, 1]
    x = normal(3, 5, 2).requires_grad_()
    y, last = ragged.padded(layer, x, lengths)
    floats = [part for part in leaves(last) if part.is_floating_point()]
    slope, *slopes = torch.autograd.grad(
        y.square().sum() + sum(part.square().sum() for part in floats), [x, *layer.parameters()]
    )
    total = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(lengths):
        y, last = layer(x[row : row + 1, :length])
        total = total + y.square().sum()
        total = total + sum(part.square().sum() for part in leaves(last) if part.is_floating_point())
        assert not slope[row, length:].any(), "a gradient reaches the padding"
    torch.testing.assert_close([slope, *slopes], list(torch.autograd.grad(total, [x, *layer.parameters()])))


@pytest.mark.parametrize("lengths", [[1, 2], [1, 2, 5], [0, 1, 2], [-1, 1, 2], [1, 2, 3, 4]])
def test_impossible_lengths_are_refused(lengths: list[int]):
    with pytest.raises(BadInput, match="lengths"):
        ragged.padded(Log(), X, lengths)
    with pytest.raises(BadInput, match="lengths"):
        ragged.packed(Log(), X.flatten(0, 1), lengths)


def test_packed_wants_two_axes():
    with pytest.raises(BadInput, match=r"got \(3, 4, 1\)"):
        ragged.packed(Log(), X, [1, 1, 1])
    for lengths, rows in (([], 0), ([3, -1, 1], 3), ([2, 0], 2)):
        with pytest.raises(BadInput, match="lengths"):
            ragged.packed(Log(), torch.zeros(rows, 1), lengths)
