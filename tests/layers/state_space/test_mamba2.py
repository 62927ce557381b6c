"""Mamba-2: recurrence, masked attention and chunks of any size are one map; published names."""

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.mamba2 import Mamba2, Variant


def mamba2(chunk: int = 4, heads: int = 4, groups: int = 2, states: int = 3) -> Mamba2:
    return generic(
        functools.partial(Mamba2, states=states, heads=heads, groups=groups, variant=Variant(chunk=chunk)),
        6,
        3,
    )


def naive(layer: Mamba2, x: Tensor) -> Tensor:
    """The sheet's equations, one sequence, one step and one head at a time."""
    size, states, groups = layer.inner // layer.heads, layer.states, layer.groups
    rows = []
    for one in x:
        h = [torch.zeros(states, size, dtype=x.dtype) for _ in range(layer.heads)]
        z, raw, steps = (one @ layer.in_proj.weight.T).split(
            [layer.inner, layer.inner + 2 * groups * states, layer.heads], -1
        )
        outputs = []
        for t in range(len(one)):
            mixed = layer.conv1d.bias.clone()
            for k in range(4):
                if t + k >= 3:
                    mixed = mixed + layer.conv1d.weight[:, 0, k] * raw[t + k - 3]
            mixed = mixed * torch.sigmoid(mixed)
            dt = F.softplus(steps[t] + layer.dt_bias)
            u = mixed[: layer.inner].view(layer.heads, size)
            b, c = mixed[layer.inner :].view(2, groups, states)
            y = []
            for head in range(layer.heads):
                group = head * groups // layer.heads
                decay = torch.exp(-dt[head] * layer.A_log[head].exp())
                h[head] = decay * h[head] + dt[head] * torch.outer(b[group], u[head])
                y.append(c[group] @ h[head] + layer.D[head] * u[head])
            gated = torch.cat(y) * z[t] * torch.sigmoid(z[t])  # gate first, then norm
            size_of = (gated.view(groups, -1) ** 2).mean(1, keepdim=True)  # each group by itself
            scaled = (gated.view(groups, -1) / torch.sqrt(size_of + 1e-5)).flatten() * layer.norm.weight
            outputs.append(layer.out_proj.weight @ scaled)
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


@pytest.mark.parametrize("time", [1, 3, 4, 5, 8, 9])
@pytest.mark.parametrize(("heads", "groups"), [(4, 2), (3, 1), (1, 1), (12, 12)])
def test_is_the_formula(time: int, heads: int, groups: int):
    layer, x = mamba2(4, heads, groups), normal(2, time, 3)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


class NormOfGroups(torch.nn.Module):
    """The norm of transformers 5; that of transformers 4 takes all groups together."""

    def __init__(self, norm: torch.nn.Module, groups: int):
        super().__init__()
        self.weight, self.epsilon, self.groups = norm.weight, norm.variance_epsilon, groups

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        each = (x * torch.nn.functional.silu(gate)).unflatten(-1, (self.groups, -1))
        size = (each.square().mean(-1, keepdim=True) + self.epsilon).sqrt()
        return self.weight * (each / size).flatten(-2)


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_is_the_mixer_of_transformers(groups: int):
    """Whose norm, too, is that of each group."""
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    config = Mamba2Config(
        hidden_size=16, state_size=8, num_heads=8, head_dim=4, expand=2, n_groups=groups, chunk_size=8
    )
    torch.manual_seed(0)
    theirs, ours = Mamba2Mixer(config, 0), Mamba2(16, states=8, heads=8, groups=groups)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        ours.load_state_dict(theirs.state_dict())
        if not hasattr(theirs.norm, "group_size"):
            theirs.norm = NormOfGroups(theirs.norm, groups)
        x = torch.randn(2, 13, 16)
        torch.testing.assert_close(ours(x)[0], theirs(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("time", [1, 6, 7, 8, 13, 14, 15])
def test_chunks_of_any_size_are_the_recurrence(time: int):
    """At one step more and one step less than whole chunks too, and from a state that is carried in."""
    x, first = normal(2, time, 3), mamba2()(normal(2, 5, 3, seed=3))[1]
    expected = stepped(mamba2(), x, first)
    for chunk in (1, 2, 7, 64):
        actual = mamba2(chunk)(x, first)
        torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-13)


def test_chunks_stay_precise_where_much_is_forgotten():
    """Decays whose product over a chunk is far below the smallest number."""
    layer, x = mamba2(chunk=16), normal(1, 33, 3)
    with torch.no_grad():
        layer.A_log.add_(6)
    close(layer(x), stepped(layer, x), "forward, steps")
    assert layer(x)[0].isfinite().all()


def test_without_decay_it_is_linear_attention_without_normaliser():
    layer, x = mamba2(), normal(2, 9, 3)
    with torch.no_grad():
        layer.A_log.fill_(-torch.inf)
        layer.D.zero_()
    u, log_decay, b, c, gate, _ = layer._select(x, layer.begin(2)[0])
    assert (log_decay == 0).all()
    fit = torch.einsum("bthn,bshn->bhts", c, b).tril()
    y = torch.einsum("bhts,bshp->bthp", fit, u).flatten(-2)
    close(layer(x)[0], layer.out_proj(layer.norm(y * gate)), "forward, linear attention")


def test_what_passes_a_point_in_time_has_the_rank_of_the_state():
    """Every block of the operator below the diagonal has rank N at most: it is semiseparable."""
    layer, x = mamba2(states=2), normal(2, 12, 3)
    weight = layer.operator(x).weight
    for point in range(3, 10):
        ranks = torch.linalg.matrix_rank(weight[:, :, point:, :point], rtol=1e-10)
        assert (ranks == 2).all()


def test_published_names_and_sizes():
    with torch.device("meta"):
        layer = Mamba2(768, states=128)
    assert layer.heads == 24  # of 64 channels
    assert {name: tuple(part.shape) for name, part in layer.state_dict().items()} == {
        "in_proj.weight": (2 * 1536 + 2 * 128 + 24, 768),
        "conv1d.weight": (1536 + 2 * 128, 1, 4),
        "conv1d.bias": (1536 + 2 * 128,),
        "dt_bias": (24,),
        "A_log": (24,),
        "D": (24,),
        "norm.weight": (1536,),
        "out_proj.weight": (768, 1536),
    }


def test_start():
    torch.manual_seed(0)
    layer = Mamba2(256, heads=256)
    rate, dt = layer.A_log.exp(), F.softplus(layer.dt_bias)
    assert rate.min() * 1.0001 >= 1 and rate.max() <= 16 * 1.0001 and abs(rate.mean() - 8.5) < 1
    assert dt.min() * 1.0001 >= 0.001 and dt.max() <= 0.1 * 1.0001
    assert abs(dt.log().mean() - math.log(0.01)) < 0.4
    assert (layer.D == 1).all() and (layer.norm.weight == 1).all() and layer.norm.eps == 1e-5


def test_state_is_of_constant_size():
    layer = mamba2()
    for time in (1, 2, 9):
        past, h = layer(normal(2, time, 3))[1]
        assert past.shape == (2, 3, 12 + 2 * 2 * 3) and h.shape == (2, 4, 3, 3)


def test_default_heads():
    assert {width: Mamba2(width).heads for width in (1, 8, 32, 64, 7)} == {1: 1, 8: 1, 32: 1, 64: 2, 7: 1}


def test_steps_keep_within_their_limit():
    layer, x = generic(functools.partial(Mamba2, states=2, heads=5), 5, 3), normal(2, 7, 3)
    free = F.softplus(layer.in_proj(x)[..., -layer.heads :] + layer.dt_bias)
    least, most = (float(free.detach().quantile(share)) for share in (0.3, 0.7))
    layer.variant = Variant(limit=(least, most))
    dt = -layer._select(x, layer.begin(2)[0])[1].squeeze(-1) / layer.A_log.exp()
    expected = torch.tensor(
        [min(max(one, least), most) for one in free.flatten().tolist()], dtype=torch.float64
    )
    close(dt.flatten(), expected, "dt, bounded one by one")


def test_what_does_not_fit_is_refused():
    for limit in ((-1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)):
        with pytest.raises(BadInput, match="limit of dt"):
            Mamba2(6, variant=Variant(limit=limit))
    with pytest.raises(BadInput, match="heads must divide 2 times width 6, got 5"):
        Mamba2(6, heads=5)
    with pytest.raises(BadInput, match="groups must divide the 4 heads, got 3"):
        Mamba2(6, heads=4, groups=3)
    with pytest.raises(BadInput, match="chunk must be a whole number"):
        Mamba2(6, variant=Variant(chunk=0))


SHORT = Variant(chunk=3)


def _by_channel(width: int, inputs: int | None = None, variant: Variant = SHORT) -> Mamba2:
    return Mamba2(
        width,
        inputs,
        states=2,
        heads=2 * width,
        groups=2 if isinstance(width, int) else 1,
        variant=variant,
    )


VARIANTS = {
    "one channel a head, two groups": _by_channel,
    "one state, short chunks": functools.partial(Mamba2, states=1, expand=1, variant=Variant(chunk=2)),
    "all biases, one tap": functools.partial(
        Mamba2, states=2, variant=Variant(projection_bias=True, kernel=1)
    ),
    "no bias, six taps": functools.partial(
        Mamba2, states=2, variant=Variant(convolution_bias=False, kernel=6)
    ),
    "bounded steps": functools.partial(Mamba2, states=2, variant=Variant(limit=(0.03, 0.04))),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 5, 3), normal(2, 7, 3))


@on_building(
    VARIANTS,
    graphs={
        "two groups, short chunks, six taps, no bias": functools.partial(
            _by_channel, variant=Variant(chunk=3, kernel=6, convolution_bias=False)
        ),
        "one state, one tap, all biases, bounded steps": functools.partial(
            Mamba2, states=1, expand=1, variant=Variant(projection_bias=True, kernel=1, limit=(0.03, 0.04))
        ),
    },
)
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
