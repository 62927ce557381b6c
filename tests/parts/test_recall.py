"""A memory as a layer: it keeps a layer's promises, and with the right memory it is one that has a name."""

import functools
import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.core import Layer, Memory
from wavetrain.errors import BadInput
from wavetrain.layers.attention.linear_attention import Feature, LinearAttention
from wavetrain.layers.attention.sdm_attention import SdmAttention, Weights
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.memories.correlation_matrix import CorrelationMatrix
from wavetrain.memories.dense_hopfield import DenseHopfield
from wavetrain.memories.hopfield import Hopfield
from wavetrain.memories.sparse_distributed import SharedNeurons, Space, SparseDistributed
from wavetrain.parts.recall import Recall


class Counted(CorrelationMatrix):
    """A memory that takes whole sequences one pattern after the other."""

    whole = Memory.whole


MEMORIES = {
    "outer products": CorrelationMatrix,
    "outer products, step by step": Counted,
    "softmax": DenseHopfield,
    "softmax, three updates": functools.partial(DenseHopfield, updates=3, beta=0.7),
}


def recall(memory, heads: int | None = None) -> Make:
    return functools.partial(Recall, memory=memory, heads=heads)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", MEMORIES)
def test_on_sequences(name: str, promise):
    promise(generic(recall(MEMORIES[name], heads=2), 6, 3), normal(2, 7, 3))
    promise(generic(recall(MEMORIES[name]), 1, 1), normal(1, 1, 1))


MADE = {name: recall(memory) for name, memory in MEMORIES.items()}


@on_building(MADE, graphs={name: make for name, make in MADE.items() if name != "softmax"})
def test_on_building(make: Make, promise):
    promise(make)


def same(layer: Layer, other: Layer, x: Tensor) -> None:
    """One layer with the other's parameters is the other: outputs, by steps too, operators and gradients."""
    layer.load_state_dict(other.state_dict(), strict=False)
    assert {name for name, _ in layer.named_parameters()} <= set(other.state_dict())
    close(layer(x)[0], other(x)[0], "output, the other's")
    close(stepped(layer, x)[0], other(x)[0], "steps, the other's output")
    close(layer.operator(x).weight, other.operator(x).weight, "weights, the other's")
    slopes = []
    for one in (layer, other):
        total = (one(x)[0] * normal(*x.shape[:2], one.width)).sum()
        slopes.append(torch.autograd.grad(total, [one.project.weight, one.out.weight]))
    close(*slopes, "gradients, the other's")


@pytest.mark.parametrize(("width", "heads"), [(8, 1), (12, 3), (5, 5)])
def test_all_patterns_and_exponential_weights_are_softmax_attention(width: int, heads: int):
    attention = generic(functools.partial(SoftmaxAttention, heads=heads, rotary=False), width, 4)
    same(generic(recall(DenseHopfield, heads), width, 4), attention, normal(2, 11, 4))


@pytest.mark.parametrize(("width", "heads"), [(8, 1), (12, 3), (5, 5)])
@pytest.mark.parametrize("memory", [CorrelationMatrix, Counted])
def test_outer_products_are_linear_attention(memory: type[Memory], width: int, heads: int):
    plain = functools.partial(LinearAttention, heads=heads, feature=Feature.IDENTITY)
    same(generic(recall(memory, heads), width, 4), generic(plain, width, 4), normal(2, 11, 4))


@pytest.mark.parametrize("weights", [Weights.BINARY, Weights.CAP])
def test_hamming_balls_are_sdm_attention(weights: Weights):
    memory = functools.partial(SharedNeurons, radius=3, space=Space.CONTINUOUS, caps=weights is Weights.CAP)
    attention = functools.partial(SdmAttention, heads=2, weights=weights, radius=3)
    x = normal(2, 11, 4)
    same(generic(recall(memory, 2), 16, 4), generic(attention, 16, 4), x)
    assert (generic(attention, 16, 4).operator(x).weight.tril(-1) > 0).any(), "no neuron is shared"


def test_an_exponential_of_unit_keys_is_sdm_attention_with_a_beta():
    class Unit(DenseHopfield):
        def prepared(self, pattern: Tensor) -> Tensor:
            return nn.functional.normalize(pattern, dim=-1)

    attention = functools.partial(SdmAttention, heads=2, beta=5.0)
    memory = functools.partial(Unit, beta=5.0)
    same(generic(recall(memory, 2), 16, 4), generic(attention, 16, 4), normal(2, 11, 4))


def test_neurons_stream_with_a_state_that_does_not_grow():
    """Sparse distributed memory as Kanerva built it: storage in neurons, step by step, exact operator."""
    memory = functools.partial(SparseDistributed, neurons=200, radius=3, space=Space.CONTINUOUS)
    layer, x = generic(recall(memory, 2), 16, 4), normal(2, 7, 4)
    y, state = layer(x)
    close(stepped(layer, x), (y, state), "steps, forward")
    assert state[0].shape == (2, 2, 200, 9) and (state[1] == 7).all()
    operator = layer.operator(x)
    close(layer.read(operator.mix()), y, "read(mix), output")
    head, middle = layer(x[:, :4])
    tail, last = layer(x[:, 4:], middle)
    close((torch.cat([head, tail], 1), last), (y, state), "in two parts, whole")
    neurons, key, cue = layer.memory, *layer._project(x)[1::-1]
    shared = neurons.shared(cue, key).tril()
    total = shared.sum(-1, keepdim=True)
    close(
        operator.weight.flatten(0, 1), torch.where(total > 0, shared / total, 0.0), "weights, counted neurons"
    )


def test_memories_of_signs_say_what_they_want():
    with pytest.raises(BadInput, match=r"Hopfield: expected patterns of \+1 and -1, got"):
        generic(recall(Hopfield), 8, 3)(normal(2, 5, 3))
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        Recall(8, memory=DenseHopfield, heads=3)


def test_heads_do_not_read_each_other():
    layer, x = generic(recall(DenseHopfield, 2), 8, 4), normal(1, 6, 4)
    before = layer.operator(x)
    with torch.no_grad():
        layer.project.weight[4:8] += 1  # cues of the second head
    after = layer.operator(x)
    close(after.weight[:, 0], before.weight[:, 0], "first head, as before")
    assert not torch.allclose(after.weight[:, 1], before.weight[:, 1])


def test_one_pattern_is_read_as_it_was_written():
    """At the first step there is one pattern, and a softmax over it is 1 whatever the cue."""
    layer, x = generic(recall(DenseHopfield), 8, 3), normal(3, 1, 3)
    value = layer.project(x)[..., 16:]
    close(layer(x)[0], layer.out(value), "first output, first value")
    assert math.isclose(layer.operator(x).weight.sum().item(), 3)
