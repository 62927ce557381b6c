"""Linear attention: the weights written out, and the systems that it is with other features and decays."""

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.linear_attention import Decay, Feature, LinearAttention, _positive

KINDS = [(feature, decay) for feature in Feature for decay in Decay]
every_kind = pytest.mark.parametrize(
    ("feature", "decay"), KINDS, ids=lambda part: part.name.lower() if part else None
)


def attention(
    width: int, inputs: int, heads: int = 1, feature: Feature = Feature.POSITIVE, decay: Decay = Decay.NONE
) -> LinearAttention:
    make = functools.partial(LinearAttention, heads=heads, feature=feature, decay=decay)
    return generic(make, width, inputs)


def rates(layer: LinearAttention, x: Tensor) -> Tensor:
    """The decay of each step and head, (B, T, H)."""
    if layer.decay is Decay.GATED:
        return torch.sigmoid(layer.gate(x))
    heads = torch.arange(layer.heads, dtype=x.dtype)
    decay = 1 - 2.0 ** -(5 + heads) if layer.decay is Decay.FIXED else torch.ones_like(heads)
    return decay.expand(*x.shape[:2], -1)


def naive(layer: LinearAttention, x: Tensor) -> Tensor:
    """The formula, one step, one head, one pair of steps at a time."""
    (batch, time, _), size = x.shape, layer.width // layer.heads
    q, k, v = layer.project(x).view(batch, time, 3, layer.heads, size).unbind(2)
    positive, decay = layer.feature is Feature.POSITIVE, rates(layer, x)
    if positive:
        q, k = F.elu(q) + 1, F.elu(k) + 1
    mixed = torch.zeros(batch, time, layer.heads, size, dtype=x.dtype)
    for b in range(batch):
        for h in range(layer.heads):
            for t in range(time):
                left = [decay[b, s + 1 : t + 1, h].prod() for s in range(t + 1)]
                weight = torch.stack([q[b, t, h] @ k[b, s, h] * left[s] for s in range(t + 1)])
                weight = weight / weight.sum() if positive else weight
                mixed[b, t, h] = weight @ v[b, : t + 1, h]
    return layer.out(mixed.flatten(2))


@every_kind
@pytest.mark.parametrize(("width", "heads"), [(8, 2), (9, 3), (7, 1), (3, 3)])
def test_is_the_formula(width: int, heads: int, feature: Feature, decay: Decay):
    layer, x = attention(width, 4, heads, feature, decay), normal(2, 7, 4)
    torch.testing.assert_close(layer(x)[0], naive(layer, x), rtol=1e-7, atol=1e-7)  # rates kept in float32
    torch.testing.assert_close(stepped(layer, x)[0], naive(layer, x), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("time", [63, 64, 65, 130])
@pytest.mark.parametrize("decay", Decay)
def test_chunks_are_the_steps(decay: Decay, time: int):
    layer, x, first = attention(6, 3, 2, decay=decay), normal(2, time, 3), normal(2, 2, 3, 4).abs()
    close(layer(x, first), stepped(layer, x, first), "forward, step by step")


def test_weights_are_shares():
    for decay in Decay:
        operator = attention(8, 3, 2, decay=decay).operator(normal(2, 9, 3))
        assert operator.exact and (operator.weight >= 0).all()
        close(operator.weight.sum(-1), torch.ones(2, 2, 9, dtype=torch.float64), "sum of a row, one")


def test_state_has_one_size():
    layer = attention(6, 3, heads=2)
    for time in (1, 70):
        assert [part.shape for part in leaves(layer(normal(2, time, 3))[1])] == [(2, 2, 3, 4)]
    assert attention(6, 3, 2, Feature.IDENTITY).begin(2).shape == (2, 2, 3, 3)


def test_weights_below_the_diagonal_have_the_rank_of_the_features():
    """Before the division: softmax attention has no such bound."""
    layer = attention(8, 3, heads=2, feature=Feature.IDENTITY)
    weight = layer.operator(normal(1, 20, 3)).weight[0]
    for cut in range(1, 20):
        for head in weight:
            sizes = torch.linalg.svdvals(head[cut:, :cut])
            assert (sizes > 1e-9 * sizes[0]).sum() <= 4


def test_equal_keys_without_decay_give_the_running_mean():
    layer = attention(4, 4)
    with torch.no_grad():
        layer.project.weight[:8] = 0  # queries and keys
        layer.project.weight[8:] = torch.eye(4)
        layer.project.bias[8:] = 0
        layer.out.weight.copy_(torch.eye(4))
        layer.out.bias.zero_()
    x = normal(2, 6, 4)
    close(layer(x)[0], x.cumsum(1) / torch.arange(1, 7)[None, :, None], "output, mean of the past")


def test_with_a_fixed_decay_and_no_features_it_is_retention():
    """With the same input at each step the weight is one Toeplitz matrix, q . k rate^(t - s)."""
    layer = attention(6, 3, heads=2, feature=Feature.IDENTITY, decay=Decay.FIXED)
    weight = layer.operator(normal(1, 1, 3).expand(1, 40, 3)).weight[0]
    age = torch.arange(40)[:, None] - torch.arange(40)
    for head, rate in zip(weight, (1 - 1 / 32, 1 - 1 / 64), strict=True):
        expected = (head[0, 0] * rate ** age.clamp(min=0).double()).tril()
        torch.testing.assert_close(head, expected, rtol=1e-5, atol=1e-9)


def test_a_shut_gate_forgets_and_an_open_one_keeps():
    x = normal(2, 9, 3)
    shut, opened, without = (attention(6, 3, 2, decay=decay) for decay in (Decay.GATED,) * 2 + (Decay.NONE,))
    with torch.no_grad():
        for layer, bias in ((shut, -1000.0), (opened, 1000.0)):
            layer.gate.bias.fill_(bias)
            layer.load_state_dict(without.state_dict(), strict=False)
    close(shut(x)[0][:, 4:5], shut(x[:, 4:5])[0], "output with the gate shut, without a past")
    close(opened(x), without(x), "with the gate open, without decay")


def test_gates_start_at_the_fixed_rates():
    gated = LinearAttention(8, heads=4, decay=Decay.GATED)
    fixed = LinearAttention(8, heads=4, decay=Decay.FIXED)
    torch.testing.assert_close(F.logsigmoid(gated.gate.bias), fixed.rate, rtol=1e-4, atol=1e-6)


def test_features_stay_above_zero_where_elu_rounds():
    layer = LinearAttention(1)
    with torch.no_grad():
        layer.project.weight.copy_(torch.tensor([[-30.0], [-30.0], [1.0]]))
        layer.project.bias.zero_()
        layer.out.weight.fill_(1.0)
        layer.out.bias.zero_()
    torch.testing.assert_close(layer(torch.ones(1, 3, 1))[0], torch.ones(1, 3, 1))


@pytest.mark.parametrize("decay", Decay)
@pytest.mark.parametrize("form", [None, stepped], ids=["forward", "steps"])
def test_features_below_all_numbers_share_alike(decay: Decay, form):
    """Queries and keys at -1,000, where exp is zero: weights are equal, but for the decay."""
    layer = LinearAttention(1, decay=decay)
    with torch.no_grad():
        layer.project.weight.copy_(torch.tensor([[-1000.0], [-1000.0], [1.0]]))
        layer.project.bias.zero_()
        layer.out.weight.fill_(1.0)
        layer.out.bias.zero_()
        x = torch.tensor([1.0, 3.0, 2.0]).view(1, 3, 1)
        rate = layer._log_decay(x).exp().flatten()
    share = torch.tensor([[1.0, 0, 0], [1.0, 1, 0], [1.0, 1, 1]])
    share[1:, 0] *= rate[1]
    share[2, :2] *= rate[2]
    expected = (share / share.sum(1, keepdim=True)) @ x[0]
    y, _ = layer(x) if form is None else form(layer, x)
    torch.testing.assert_close(y[0], expected)
    watched = x.clone().requires_grad_()
    layer(watched)[0].sum().backward()
    assert watched.grad is not None and watched.grad.isfinite().all()


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        LinearAttention(8, heads=3)
    with pytest.raises(BadInput, match="heads must be a whole number"):
        LinearAttention(8, heads=0)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@every_kind
def test_kinds_keep_the_promises(feature: Feature, decay: Decay, promise):
    promise(attention(6, 3, 2, feature, decay), normal(2, 7, 3))


MADE = {
    f"{feature.name}, {decay.name}".lower(): functools.partial(LinearAttention, feature=feature, decay=decay)
    for feature, decay in KINDS
}


@on_building(MADE, graphs={name: MADE[name] for name in ("positive, gated", "identity, fixed")})
def test_kinds_are_built_as_promised(make: Make, promise):
    promise(make)


def test_features_are_elu_plus_one_and_never_nothing():
    """exp(x) below 0 to the last bit, down to exp(-40), of which two make a normal number of float32."""
    x = torch.tensor([-1000.0, -41, -40, -39, -20, -1e-9, 0, 0.5, 1000], dtype=torch.float64)
    wanted = [math.exp(-40)] * 3 + [math.exp(-39), math.exp(-20), math.exp(-1e-9), 1, 1.5, 1001]
    assert _positive(x).tolist() == pytest.approx(wanted, rel=1e-15, abs=0)
    assert float(_positive(x[:1].float()) ** 2) > torch.finfo(torch.float32).tiny
