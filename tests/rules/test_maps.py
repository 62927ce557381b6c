"""The linear maps of a step are found, with what they hear; what is none of them is left alone."""

import torch
from torch import Tensor, nn

from wavetrain.core import Layer, Nonlinear, State
from wavetrain.layers import GRU, LSTM, Elman
from wavetrain.rules._maps import Mapped
from wavetrain.spiking import LIF


class Odd(Nonlinear):
    """One matrix that is used twice, one also by itself, one on the square of the state, and one as is."""

    def __init__(self, width: int):
        super().__init__(width)
        self.twice, self.besides, self.squared, self.plain = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )

    def begin(self, batch: int) -> Tensor:
        return self.plain.weight.new_zeros(batch, self.width)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        assert isinstance(state, Tensor)
        sums = self.twice(x) + self.twice(state) + self.besides(x) + self.besides.weight.sum()
        h = torch.tanh(sums + self.squared(state**2) + self.plain(state))
        return h, h


def found(layer: Layer) -> dict[str, Tensor | None]:
    return {piece.name: piece.heard for piece in Mapped(layer, layer.inputs).maps}


def test_those_of_a_tanh_network_hear_the_input_and_the_state():
    maps = found(Elman(4, inputs=3))
    assert maps["encode.weight"] is None
    assert maps["recur.weight"].tolist() == [0, 1, 2, 3]


def test_pieces_with_the_same_slopes_are_one_group():
    """The gate that resets stands between the candidate and what it hears of the state."""
    for kind, groups in ((Elman, 1), (LSTM, 1), (GRU, 2)):
        cell = Mapped(kind(4, inputs=3), 3)
        assert len(cell.groups) == groups
        assert sorted(piece.name for group in cell.groups for piece in group.pieces) == sorted(cell.names)


def test_the_state_of_an_lstm_comes_first_in_what_its_map_hears():
    assert found(LSTM(4, inputs=3))["cell.weight_hh_l0"].tolist() == [0, 1, 2, 3]


def test_a_matrix_that_does_more_is_none():
    torch.manual_seed(0)
    maps = found(Odd(4))
    assert set(maps) == {"squared.weight", "plain.weight"}
    assert maps["squared.weight"] is None and maps["plain.weight"].tolist() == [0, 1, 2, 3]


def test_slopes_by_sums_are_those_of_all_weights():
    torch.manual_seed(0)
    for layer in (Odd(4), GRU(4), LIF(4, inputs=4)):
        cell = Mapped(layer.double(), 4)
        theta, (flat, x, still) = cell.theta(), cell.probes(cell.theta())
        every = torch.eye(cell.rows).double()
        whole, by_theta = cell.slopes(theta, flat, still, x, by_state=every, by_theta=every)
        part, by_sums, heard = cell.slopes_by_sums(theta, flat, still, x, by_state=every, by_sums=every)
        expected, weights = torch.zeros_like(by_theta), cell.weights()
        for group, came in zip(cell.groups, heard, strict=True):
            slopes = by_sums[..., group.first : group.first + group.out]
            at = 0
            for piece in group.pieces:
                block = slice(piece.column, piece.column + piece.out * piece.into)
                expected[..., block] = (
                    slopes[..., None] * came[:, None, None, at : at + piece.into]
                ).flatten(2)
                at += piece.into
                if piece.heard is not None:
                    size = piece.out * piece.into
                    matrix = weights[piece.place : piece.place + size].view(piece.out, piece.into)
                    part[..., piece.heard] += slopes @ matrix
        torch.testing.assert_close(by_theta, expected)
        torch.testing.assert_close(whole, part)
        by_state, there = cell.there()
        assert not whole[:, ~by_state].any() and not by_theta[:, ~there].any()
