"""MEGA: its averages in three forms, their limits, and attention that ends at the borders of chunks."""

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.mega import MEGA


def mega(width: int, inputs: int, chunk: int = 4, rates: int = 3) -> MEGA:
    return generic(functools.partial(MEGA, chunk=chunk, rates=rates), width, inputs)


def naive(layer: MEGA, x: Tensor) -> Tensor:
    """The formula for one sequence (T, D), one step after the other, attention by a loop."""
    (width, rates), chunk, part = layer.delta.shape, len(layer.attend.bias), layer.attend
    p, a = layer.delta.sigmoid(), layer.alpha.sigmoid()
    h, keys, values, outputs = torch.zeros(width, rates).double(), [], [], []
    hidden, shared = part.mix.in_features, part.scale.shape[1]
    for t, now in enumerate(x):
        h = (1 - p * a) * h + p * layer.beta * now[:, None]
        context = F.silu((layer.gamma * h).sum(1) / math.sqrt(rates) + layer.omega * now)
        base = part.base(context)
        u, zr, c = base[:width].sigmoid(), F.silu(base[width:-width]), base[-width:]
        z, r = zr[:shared], zr[shared:]
        assert len(r) == hidden
        q, k = z * part.scale[0] + part.shift[0], z * part.scale[1] + part.shift[1]
        if t % chunk == 0:
            keys, values = [], []
        keys.append(k)
        values.append(F.silu(part.value(now)))
        distance = torch.arange(len(keys) - 1, -1, -1)
        weight = (torch.stack(keys) @ q / math.sqrt(shared) + part.bias[distance]).softmax(0)
        new = F.silu(c + part.mix(r * (weight @ torch.stack(values))))
        outputs.append(u * new + (1 - u) * now)
    return torch.stack(outputs)


@pytest.mark.parametrize("chunk", [1, 3, 4, 50])
def test_is_the_formula(chunk: int):
    layer, x = mega(5, 5, chunk), normal(2, 10, 5)
    expected = torch.stack([naive(layer, row) for row in x])
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


def test_averages_are_a_convolution():
    layer, x = mega(5, 5), normal(2, 40, 5)
    kernel = layer.kernel(40)  # (T, D)
    direct = torch.stack([(kernel[: t + 1].flip(0) * x[:, : t + 1]).sum(1) for t in range(40)], 1)
    close(layer.average(x, layer.begin(2)[0])[0], direct, "by FFT, one step at a time")


def test_each_rate_fades():
    """With positive reading and writing, what the averages answer to an impulse only goes down, to zero."""
    layer = mega(5, 5)
    with torch.no_grad():
        layer.beta.abs_()
        layer.gamma.abs_()
    kernel = layer.kernel(400)
    assert (kernel > 0).all() and (kernel.diff(dim=0) < 0).all()


def alone(delta: float, alpha: float) -> MEGA:
    """One average of rate sigmoid(delta), damped by sigmoid(alpha), written and read as it is."""
    layer = MEGA(1, rates=1).double()
    with torch.no_grad():
        layer.delta.fill_(delta)
        layer.alpha.fill_(alpha)
        layer.beta.fill_(1.0)
        layer.gamma.fill_(1.0)
    return layer


def test_without_damping_it_is_the_usual_average():
    """sigmoid(alpha) = 1: the weights are p (1 - p)^age and sum to one."""
    p, age = 1 / (1 + math.exp(1)), torch.arange(200).double()
    kernel = alone(-1, 100).kernel(200)[:, 0]
    close(kernel, p * (1 - p) ** age, "kernel, p (1 - p)^age")
    close(kernel.sum(), torch.tensor(1.0).double(), "sum of the weights, one")


def test_with_full_damping_it_is_the_running_sum():
    layer, x = alone(100, -1000), normal(1, 50, 1)
    close(layer.average(x, layer.begin(1)[0])[0], x.cumsum(1), "averages, running sum")


def test_the_gate_decides_between_input_and_answer():
    x = normal(2, 9, 5)
    for bias, expected in ((-1000.0, x), (1000.0, None)):
        layer = mega(5, 5)
        with torch.no_grad():
            layer.attend.base.bias[:5] = bias
            if expected is None:  # silu of a constant, whatever comes in
                layer.attend.mix.weight.zero_()
                layer.attend.base.weight[-5:] = 0
                expected = F.silu(layer.attend.base.bias[-5:] + layer.attend.mix.bias).expand(2, 9, 5)
        close(layer(x)[0], expected, f"output with the gate at {bias}, as it should be")


def test_without_averages_nothing_crosses_the_border_of_a_chunk():
    layer, x = mega(5, 5, chunk=4), normal(1, 12, 5)
    with torch.no_grad():
        layer.gamma.zero_()
    slopes = torch.autograd.functional.jacobian(lambda x: layer(x)[0][0].sum(-1), x)[:, 0].norm(dim=-1)
    same = torch.arange(12)[:, None] // 4 == torch.arange(12) // 4
    assert (slopes[~same] == 0).all()
    assert (slopes[same.tril()] > 0).all() and (slopes[same.triu(1)] == 0).all()


def test_averages_cross_it():
    layer, x = mega(5, 5, chunk=4), normal(1, 12, 5)
    slopes = torch.autograd.functional.jacobian(lambda x: layer(x)[0][0].sum(-1), x)[:, 0].norm(dim=-1)
    assert (slopes[torch.ones(12, 12).tril().bool()] > 0).all()


def test_averages_have_their_published_number_of_parameters():
    layer = MEGA(6, rates=5)
    own = [layer.delta, layer.alpha, layer.beta, layer.gamma, layer.omega]
    assert sum(parameter.numel() for parameter in own) == 4 * 6 * 5 + 6


def test_beta_starts_alternating():
    torch.testing.assert_close(MEGA(4, rates=4).beta.sign(), torch.tensor([1.0, -1, 1, -1]).expand(4, 4))


@pytest.mark.parametrize("time", [3, 4, 5, 8, 9])
def test_state_has_one_size(time: int):
    layer = mega(6, 3, chunk=4)
    state = layer(normal(2, time, 3))[1]
    assert [part.shape for part in leaves(state)] == [(2, 6, 3), (2, 4, 3), (2, 4, 12), (2,)]
    assert state[1][2].tolist() == [time % 4] * 2


def test_sizes_are_checked():
    for name in ("rates", "chunk", "hidden", "shared"):
        with pytest.raises(BadInput, match=f"MEGA: {name} must be a whole number"):
            MEGA(8, **{name: 0})


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_chunks_keep_the_promises(chunk: int, promise):
    promise(mega(4, 3, chunk), normal(2, 7, 3))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_short_chunks_are_built_as_promised(promise):
    promise(functools.partial(MEGA, chunk=2))
