"""ELM neuron: the published parameter counts, both versions written out, and what leaks and bounds do."""

import dataclasses
import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elm_neuron import ELMNeuron, Leak

FIRST = Leak(longest=150.0)
SECOND = Leak(longest=150.0, bounded=True)


def elm(width: int, inputs: int, leak: Leak = FIRST, memory: int = 4, **wiring: int) -> ELMNeuron:
    return generic(functools.partial(ELMNeuron, memory=memory, leak=leak, **wiring), width, inputs)


def idle(leak: Leak, bias: float = 0.0, memory: int = 5) -> ELMNeuron:
    """The network between branches and memory gives `bias` whatever it is told."""
    layer = elm(memory, 2, leak, memory)
    with torch.no_grad():
        layer.update.weight.zero_()
        layer.update.bias.fill_(bias)
        layer.out.weight.copy_(torch.eye(memory))
        layer.out.bias.zero_()
    return layer


MEMORIES = [1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75, 100]
COUNTS = [4601, 4708, 4823, 5077, 5363, 5852, 6827, 8002, 9377, 10_952, 14_702, 19_252, 34_127, 54_002]


@pytest.mark.parametrize(("memory", "count"), list(zip(MEMORIES, COUNTS, strict=True)))
def test_parameter_counts_of_the_paper(memory: int, count: int):
    """NeuronIO: 1278 inputs on 45 branches of 100 synapses, a spike and a voltage."""
    layer = ELMNeuron(2, inputs=1278, memory=memory, branches=45, synapses=100)
    assert sum(value.numel() for value in layer.parameters()) == count


def test_parameter_counts_of_our_reference():
    layer = ELMNeuron(9, inputs=64, memory=30, branches=8)
    assert sum(value.numel() for value in layer.parameters()) == 4513


def naive(layer: ELMNeuron, x: Tensor) -> Tensor:
    """One sequence x (T, I), with a trace for each synapse as in version 1, and the MLP on one vector."""
    leak, count = layer.leak, layer.branches
    size = len(layer.synapse) // count
    stride = math.ceil(layer.inputs / count)
    trace = torch.zeros(count, size, dtype=x.dtype)
    m, rows = torch.zeros(layer.out.in_features, dtype=x.dtype), []
    tau = layer.taus()
    kappa = torch.exp(-leak.step / tau)
    gain = 1 - torch.exp(-leak.gain * leak.step / tau) if leak.bounded else leak.gain * (1 - kappa)
    weight = torch.clamp(layer.synapse, min=0).view(count, size)
    for now in x:
        for branch in range(count):
            for slot in range(size):
                source = branch * stride + slot
                told = now[source] if source < layer.inputs else 0.0
                fading = math.exp(-leak.step / leak.branch) * trace[branch, slot]
                trace[branch, slot] = fading + weight[branch, slot] * told
        told = layer.hidden(torch.cat([trace.sum(1), kappa * m]))
        new = 1.7159 * torch.tanh(2 / 3 * layer.update(torch.relu(told)))
        m = kappa * m + gain * new
        rows.append(layer.out(m))
    return torch.stack(rows)


@torch.no_grad()
@pytest.mark.parametrize("leak", [FIRST, SECOND], ids=["version 1", "version 2"])
@pytest.mark.parametrize("wiring", [{}, {"branches": 2}, {"branches": 2, "synapses": 4}, {"branches": 1}])
def test_is_the_formula(leak: Leak, wiring: dict[str, int]):
    layer, x = elm(3, 5, leak, **wiring), normal(2, 8, 5)
    expected = torch.stack([naive(layer, row) for row in x])
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


@torch.no_grad()
def test_one_synapse_answers_a_pulse_with_an_exponential():
    layer = elm(3, 4)
    x = torch.zeros(1, 20, 4, dtype=torch.float64)
    x[0, 0, 2] = 1.0
    for t in range(20):
        b, _ = layer(x[:, : t + 1])[1]
        expected = torch.zeros(1, 4, dtype=x.dtype)
        expected[0, 2] = layer.synapse[2] * math.exp(-t / 5)
        close(b, expected, f"branches {t} steps after the pulse")


@torch.no_grad()
@pytest.mark.parametrize("leak", [FIRST, SECOND], ids=["version 1", "version 2"])
def test_memory_alone_decays_as_kappa_to_the_t(leak: Leak):
    layer, m = idle(leak), normal(1, 5)
    y, _ = layer(torch.zeros(1, 30, 2, dtype=m.dtype), (torch.zeros(1, 2, dtype=m.dtype), m))
    steps = torch.arange(1, 31, dtype=m.dtype)[:, None]
    close(y[0], torch.exp(-steps / layer.taus()) * m, "memory, exponential")


@torch.no_grad()
def test_steady_state_and_bounds():
    """A constant write d ends at lambda d in version 1, and near it in version 2 where tau is long."""
    x = torch.zeros(1, 4000, 2, dtype=torch.float64)
    told = 1.7159 * math.tanh(2 / 3)
    assert abs(told - 1) < 5e-5, "ctanh(1) is 1 to four digits"
    first, second = idle(FIRST, bias=1.0), idle(SECOND, bias=1.0)
    close(first(x)[0][0, -1], torch.full((5,), 5 * told, dtype=x.dtype), "version 1, lambda d")
    tau = second.taus()
    expected = told * (1 - torch.exp(-5 / tau)) / (1 - torch.exp(-1 / tau))
    close(second(x)[0][0, -1], expected, "version 2, ratio of the gains")
    assert abs(expected[-1] / (5 * told) - 1) < 0.02 and expected[0] < 0.5 * 5 * told
    loud = elm(4, 3)
    loud.out.weight.copy_(torch.eye(4))
    loud.out.bias.zero_()
    assert loud(1000 * normal(2, 300, 3))[0].abs().max() <= 5 * 1.7159 + 1e-9


def test_gain_of_version_2_is_below_one_and_that_of_version_1_is_not():
    assert 3.16 < ELMNeuron(1)._rates()[1].max() < 3.17  # lambda (1 - 1 / e) at tau = 1
    assert ELMNeuron(1, leak=SECOND)._rates()[1].max() < 1


@pytest.mark.parametrize("memory", [2, 7, 100])
def test_time_constants_are_evenly_spaced_in_the_logarithm(memory: int):
    tau = ELMNeuron(1, memory=memory, leak=Leak(shortest=2.0, longest=500.0)).double().taus()
    assert tau.min() >= 2 and tau.max() <= 500
    torch.testing.assert_close(tau[[0, -1]], torch.tensor([2.0, 500.0]).double(), rtol=1e-5, atol=0)
    ratio = tau[1:] / tau[:-1]
    expected = torch.full_like(ratio, 250 ** (1 / (memory - 1)))
    torch.testing.assert_close(ratio, expected, rtol=1e-5, atol=0)


@torch.no_grad()
def test_finer_steps_converge():
    """The same input held over finer steps: slow memory changes in proportion to the step."""
    x = normal(1, 16, 3)

    def memory(parts: int) -> Tensor:
        leak = dataclasses.replace(FIRST, step=1 / parts, shortest=20.0)
        layer = elm(4, 3, leak)
        return layer(x.repeat_interleave(parts, 1) / parts)[1][1]

    limit = memory(256)
    errors = [(memory(parts) - limit).abs().max().item() for parts in (4, 8, 16)]
    assert errors[0] > 1.6 * errors[1] > 1.6**2 * errors[2] > 0


def test_only_learned_time_constants_learn():
    fixed, learned = (ELMNeuron(3, leak=dataclasses.replace(FIRST, learned=is_so)) for is_so in (False, True))
    assert "place" not in dict(fixed.named_parameters()) and "place" in fixed.state_dict()
    assert "place" in dict(learned.named_parameters())
    with torch.no_grad():
        learned.place.fill_(100.0)
    assert learned.taus().max() <= 150, "a learned tau stays within its bounds"


@torch.no_grad()
def test_synapses_never_turn_negative():
    layer = elm(3, 4)
    layer.synapse.fill_(-1.0)
    b, _ = layer(normal(1, 5, 4))[1]
    assert not b.any()


def test_bad_sizes_are_refused():
    for name in ("memory", "branches", "synapses"):
        with pytest.raises(BadInput, match=f"{name} must be a whole number"):
            ELMNeuron(8, **{name: 0})
    with pytest.raises(BadInput, match="8 inputs on 2 branches need 4 synapses each, got 3"):
        ELMNeuron(8, branches=2, synapses=3)
    for leak in (Leak(shortest=10.0, longest=10.0), Leak(step=0.0), Leak(branch=-1.0)):
        with pytest.raises(BadInput, match="expected positive times"):
            ELMNeuron(8, leak=leak)


VARIANTS = {
    "version 2": SECOND,
    "learned": dataclasses.replace(FIRST, learned=True),
    "version 2, learned": dataclasses.replace(SECOND, learned=True, step=2.0),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(elm(3, 4, VARIANTS[variant], branches=2, synapses=3), normal(2, 6, 4))


MADE = {
    name: functools.partial(ELMNeuron, memory=5, branches=2, leak=leak) for name, leak in VARIANTS.items()
}


@on_building(MADE, graphs={"version 2, learned": MADE["version 2, learned"]})
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
