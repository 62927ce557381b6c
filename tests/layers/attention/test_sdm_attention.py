"""SDM attention: the formulas written out, unit keys, the fitted betas, and what it reads of bits."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_BUILDING, ON_SEQUENCES, Make, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.attention.sdm_attention import SdmAttention, Weights
from wavetrain.parts import balls


def make(heads: int | None = None, weights: Weights = Weights.EXPONENTIAL, **more: int) -> Make:
    return functools.partial(SdmAttention, heads=heads, weights=weights, **more)


def naive(layer: SdmAttention, x: Tensor) -> Tensor:
    """The formula, one step, one head, one pair of steps at a time."""
    (batch, time, _), size = x.shape, layer.width // layer.heads
    q, k, v = layer.project(x).view(batch, time, 3, layer.heads, size).unbind(2)
    mixed = torch.zeros(batch, time, layer.heads, size, dtype=x.dtype)
    for b in range(batch):
        for h in range(layer.heads):
            for t in range(time):
                weight = [shared(layer, h, q[b, t, h], k[b, s, h]) for s in range(t + 1)]
                for s in range(t + 1):
                    if sum(weight):
                        mixed[b, t, h] += weight[s] / sum(weight) * v[b, s, h]
    return layer.out(mixed.flatten(2))


def shared(layer: SdmAttention, head: int, q: Tensor, k: Tensor) -> Tensor:
    """w of one query and one key."""
    size, cosine = len(q), (q @ k) / (q.norm() * k.norm())
    if layer.weights is Weights.EXPONENTIAL:
        return (layer.beta[head].abs() * cosine).exp()
    if layer.weights is Weights.CAP:
        at = cosine.acos() / math.pi * balls.ANGLES
        below = math.floor(at.item())
        turns = (math.cos(math.pi * step / balls.ANGLES) for step in (below, below + 1))
        low, high = (balls.cap(size, layer.radius, size * (1 - turn) / 2) for turn in turns)
    else:
        at = (1 - cosine) / 2 * size
        below = math.floor(at.item())
        low, high = [*balls.circle(size, layer.radius), 0][below : below + 2]
    return low + (at - below) * (high - low)


@pytest.mark.parametrize("weights", Weights)
@pytest.mark.parametrize(("width", "heads"), [(16, 2), (9, 3), (7, 1)])
def test_is_the_formula(width: int, heads: int, weights: Weights):
    layer, x = generic(make(heads, weights), width, 4), normal(2, 6, 4)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("weights", [Weights.BINARY, Weights.CAP])
def test_balls_keep_the_promises(weights: Weights, promise):
    promise(generic(make(2, weights, radius=3), 12, 3), normal(2, 6, 3))


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_learned_betas_keep_the_promises(promise):
    promise(generic(make(2, learned=True), 12, 3), normal(2, 6, 3))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", [make(weights=Weights.BINARY), make(learned=True)])
def test_variants_are_built_as_promised(variant: Make, promise):
    promise(variant)


def test_default_radius_and_beta():
    """64 channels a head: the radius of the clearest signal, 11, and the slope fitted there, 14.412."""
    layer = SdmAttention(128, heads=2)
    assert layer.radius == 11 and layer.beta.shape == (2,)
    torch.testing.assert_close(layer.beta, torch.full((2,), 14.412), atol=5e-4, rtol=0)
    published = SdmAttention(64, heads=1, beta=15.9, learned=True)
    assert dict(published.named_parameters())["beta"].item() == pytest.approx(15.9)
    assert "beta" not in dict(layer.named_parameters()) and "beta" in layer.state_dict()


def test_only_directions_count():
    """Longer inputs to keys and queries change no weight."""
    layer, x = generic(make(2), 12, 4), normal(1, 7, 4)
    before = layer.operator(x).weight
    with torch.no_grad():
        layer.project.weight[:24] *= 3
        layer.project.bias[:24] *= 3
    close(layer.operator(x).weight, before, "weights of longer keys, as before")


def test_the_softmax_is_a_gaussian_of_the_distance():
    layer, x = generic(make(1, beta=7.0), 12, 4), normal(1, 7, 4)
    q, k, _ = (torch.nn.functional.normalize(part, dim=-1) for part in layer.project(x)[0].chunk(3, -1))
    fall = (-7.0 * torch.cdist(q, k) ** 2 / 2).exp().tril()
    close(layer.operator(x).weight[0, 0], fall / fall.sum(-1, keepdim=True), "weights, Gaussian")


def reads(layer: SdmAttention, patterns: Tensor, cue: Tensor) -> Tensor:
    """The weights that a cue (1, n) gives to patterns (S, n)."""
    with torch.no_grad():
        keys = torch.nn.functional.normalize(patterns, dim=-1)[None, None]
        readable = torch.ones(1, 1, 1, len(patterns), dtype=torch.bool)
        query = torch.nn.functional.normalize(cue, dim=-1)[None, None]
        return layer._weight(query, keys, readable)[0, 0]


def test_balls_on_bits_are_whole_counts():
    """Bipolar vectors over their lengths have cos = 1 - 2 v / n: weights are circle intersections."""
    layer = SdmAttention(64, heads=1, weights=Weights.BINARY, radius=11).double()
    bits = torch.randint(2, (20, 64), generator=torch.Generator().manual_seed(1)).double() * 2 - 1
    cue = torch.where(torch.arange(64) < 9, -bits[:1], bits[:1])
    apart = ((64 - cue @ bits.T) / 2).long()[0]
    counts = torch.tensor([float(balls.circle(64, 11)[v]) for v in apart], dtype=torch.float64)
    torch.testing.assert_close(reads(layer, bits, cue)[0], counts / counts.sum(), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("radius", "alike"), [(5, 0.971), (11, 0.970), (15, 0.978)])
def test_the_softmax_is_like_the_balls(radius: int, alike: float):
    """One pattern at each distance from 0 to 64 bits: the correlation of the two curves of weights."""
    patterns = torch.ones(65, 64, dtype=torch.float64)
    for v in range(65):
        patterns[v, :v] = -1
    curves = [
        reads(SdmAttention(64, heads=1, weights=weights, radius=radius).double(), patterns, patterns[:1])[0]
        for weights in (Weights.BINARY, Weights.EXPONENTIAL)
    ]
    assert round(torch.corrcoef(torch.stack(curves))[0, 1].item(), 3) == alike


def test_where_no_neuron_is_shared_nothing_is_read():
    layer = SdmAttention(64, heads=1, weights=Weights.BINARY, radius=5).double()
    with torch.no_grad():
        layer.project.weight.zero_()
        layer.project.bias[:64], layer.project.bias[64:128] = 1, -1  # queries opposite to keys
    x = normal(1, 4, 64)
    close(layer(x)[0], layer.out.bias.expand(1, 4, 64), "output, the bias alone")
    assert not layer.operator(x).weight.any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        SdmAttention(8, heads=3)
    with pytest.raises(BadInput, match="radius must be at most half of 8 channels a head, got 5"):
        SdmAttention(16, heads=2, radius=5)
    with pytest.raises(BadInput, match="beta must be above 0, got -2"):
        SdmAttention(8, beta=-2)
    with pytest.raises(BadInput, match="CAP weights have no beta"):
        SdmAttention(8, weights=Weights.CAP, beta=2.0)
