"""A stack of layers is a layer: its blocks, their MLPs and residuals, and the widths that fit."""

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, close, normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.mega import MEGA
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.stack import MLP, Stack


def mixed(mlp: MLP = MLP.PLAIN) -> Stack:
    """Three layers, of which the second brings a residual of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [LSTM(4), MEGA(4, rates=2, chunk=3), SoftmaxAttention(4, heads=2)]
        return Stack(layers, inputs=3, outputs=2, mlp=mlp).double()


@pytest.mark.parametrize("mlp", MLP)
@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_stack_keeps_the_promises_of_a_layer(promise, mlp: MLP):
    promise(mixed(mlp), normal(2, 5, 3))


def plain(stream: Tensor, mlp: nn.Module) -> Tensor:
    norm, enter, _, leave = mlp
    return stream + leave(nn.functional.gelu(enter(norm(stream))))


def gated(stream: Tensor, mlp: nn.Module) -> Tensor:
    norm, unit = mlp
    gate, value = unit.enter.weight.chunk(2)
    gate_bias, value_bias = unit.enter.bias.chunk(2)
    x = norm(stream)
    gate, value = x @ gate.T + gate_bias, x @ value.T + value_bias
    return stream + unit.leave(gate * gate.sigmoid() * value)


def test_a_block_is_its_layer_and_nothing_else_where_no_mlp_is_wanted():
    network, x = mixed(MLP.NONE), normal(2, 5, 3)
    gates, highway, attention = network.layers
    first, second, third = network.norms
    stream = network.encode(x)
    stream = stream + gates(first(stream))[0]
    stream = highway(second(stream))[0]  # its own residual is the only one
    stream = stream + attention(third(stream))[0]
    close(network(x)[0], network.decode(stream), "stack, by hand")
    parts = (network.encode, network.layers, network.norms, network.decode)
    assert {id(one) for one in network.parameters()} == {
        id(one) for part in parts for one in part.parameters()
    }


@pytest.mark.parametrize(("mlp", "follow"), [(MLP.PLAIN, plain), (MLP.GATED, gated)])
def test_an_mlp_is_added_behind_each_layer(mlp: MLP, follow):
    network, x = mixed(mlp), normal(2, 5, 3)
    gates, highway, attention = network.layers
    first, second, third = network.norms
    stream = network.encode(x)
    stream = follow(stream + gates(first(stream))[0], network.mlps[0])
    stream = follow(highway(second(stream))[0], network.mlps[1])
    stream = follow(stream + attention(third(stream))[0], network.mlps[2])
    close(network(x)[0], network.decode(stream), "stack, by hand")


def test_parameters_of_an_mlp():
    """Twice the width: 4 D^2 weights; gated: 3 D^2. With norm and biases, for each of three layers."""
    none, one, gate = (sum(part.numel() for part in mixed(mlp).parameters()) for mlp in MLP)
    assert one - none == 3 * (4 * 16 + 4 + 8 + 4)
    assert gate - none == 3 * (3 * 16 + 4 + 8 + 4)


def test_a_layer_says_whether_it_brings_its_own_residual():
    """With a gate u of zero the output of such a layer is its input; without, nobody's is."""
    layer, x = MEGA(4), normal(2, 5, 4, dtype=torch.float32)
    with torch.no_grad():
        layer.attend.base.bias[:4] = -torch.inf
    assert layer.residual and torch.equal(layer(x)[0], x)
    assert not LSTM.residual and not SoftmaxAttention.residual


def test_widths_must_agree():
    with pytest.raises(BadInput, match=r"one width .* got widths \[4, 5\]"):
        Stack([Elman(4), Elman(5)], inputs=3, outputs=2, mlp=MLP.NONE)
    with pytest.raises(BadInput, match=r"got widths \[3, 4\]"):
        Stack([Elman(4, inputs=3)], inputs=3, outputs=2, mlp=MLP.NONE)
    with pytest.raises(BadInput):
        Stack([], inputs=3, outputs=2, mlp=MLP.NONE)


def test_tokens_are_taken_for_their_one_hot_vectors_and_nothing_else_of_two_axes():
    torch.manual_seed(0)
    stack, tokens = Stack([Elman(4)], 3, 2, MLP.NONE).double(), torch.tensor([[0, 2, 1], [1, 1, 0]])
    close(stack(tokens), stack(torch.nn.functional.one_hot(tokens, 3).double()), "tokens, one-hot")
    for x in (torch.zeros(2, 3), torch.zeros(2, 5, 4), torch.zeros(2, 5, 4).long(), torch.zeros(3).long()):
        with pytest.raises(BadInput, match=r"Stack: expected x \(batch, time, 3\), got"):
            stack(x)
