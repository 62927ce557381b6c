"""A reader with a cerebellum: outputs as without, and a first word of zero about all of the state."""

import torch
from torch import nn

from tests.promises import normal
from wavetrain.layers import GRU, LRU, LSTM
from wavetrain.parts.cerebellar_reader import CerebellarReader, flat
from wavetrain.parts.reader import Reader


def test_outputs_and_starts_are_those_of_the_reader():
    torch.manual_seed(0)
    plain = Reader(LSTM(5, inputs=3), 2, every_step=True)
    torch.manual_seed(0)
    network = CerebellarReader(LSTM(5, inputs=3), 2, True, hidden=(7, 4))
    x = normal(2, 6, 3, dtype=torch.float32)
    assert torch.equal(network(x), plain(x))
    for name, one in plain.named_parameters():
        assert torch.equal(network.get_parameter(name), one)


def test_the_cerebellum_sees_all_of_the_state_and_says_zero():
    network = CerebellarReader(LSTM(5, inputs=3), 2, True, hidden=(7, 4))
    sizes = [(one.in_features, one.out_features) for one in network.cerebellum if isinstance(one, nn.Linear)]
    assert sizes == [(10, 7), (7, 4), (4, 10)]
    said = network.cerebellum(torch.randn(3, 10))
    assert said.shape == (3, 10) and not said.any()
    assert network.cerebellum[0].weight.any()
    assert CerebellarReader(GRU(5, inputs=3), 2, True, hidden=()).cerebellum[0].in_features == 5


def test_numbers_of_a_state_side_by_side():
    state = torch.tensor([[1.0, 2.0]]), (torch.tensor([[3 + 4j]]), torch.tensor([7])), torch.tensor([5.0])
    assert flat(state).tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0]]
    assert flat(torch.tensor([7])).shape == (1, 0)
    assert flat(LRU(3, inputs=2).begin(4)).shape == (4, 6)
