"""Mamba: the paper's equations one number at a time, published sizes, the start, and the operator."""

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain import scan
from wavetrain.layers.state_space.mamba import Mamba, Variant


def naive(layer: Mamba, x: Tensor) -> Tensor:
    """The sheet's seven lines, one sequence, one step, one channel, one state at a time."""
    inner, states, rank = *layer.A_log.shape, layer.rank
    rows = []
    for one in x:
        h = [[torch.zeros((), dtype=x.dtype)] * states for _ in range(inner)]
        raw = one @ layer.in_proj.weight.T  # (T, 2 E)
        outputs = []
        for t in range(len(one)):
            u = layer.conv1d.bias.clone()
            for k, tap in enumerate(layer.conv1d.weight[:, 0].T):
                back = len(layer.conv1d.weight[0, 0]) - 1 - k
                if t >= back:
                    u = u + tap * raw[t - back, :inner]
            u = u * torch.sigmoid(u)
            chosen = layer.x_proj.weight @ u
            dt = F.softplus(layer.dt_proj.weight @ chosen[:rank] + layer.dt_proj.bias)
            b, c = chosen[rank : rank + states], chosen[rank + states :]
            y = []
            for e in range(inner):
                for n in range(states):
                    decay = torch.exp(-dt[e] * layer.A_log[e, n].exp())
                    h[e][n] = decay * h[e][n] + dt[e] * b[n] * u[e]
                y.append(sum(c[n] * h[e][n] for n in range(states)) + layer.D[e] * u[e])
            z = raw[t, inner:]
            outputs.append(layer.out_proj.weight @ (torch.stack(y) * z * torch.sigmoid(z)))
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


@pytest.mark.parametrize("time", [1, 2, 7])
def test_is_the_formula(time: int):
    layer, x = generic(functools.partial(Mamba, states=3), 4, 3), normal(2, time, 3)
    close(layer(x)[0], naive(layer, x), "forward, written out")
    close(stepped(layer, x)[0], naive(layer, x), "steps, written out")


def test_plain_and_fast_routes_agree():
    layer, x = generic(Mamba, 6, 3), normal(2, 40, 3)
    fast = layer(x)
    assert scan.routes()["selective"] == "numba"
    with scan.only_plain():
        close(layer(x), fast, "plain, fast")


def test_published_sizes():
    """The block of the 130M model: names and shapes of its checkpoint, and our count of its parameters."""
    with torch.device("meta"):
        layer = Mamba(768)
    assert {name: tuple(part.shape) for name, part in layer.state_dict().items()} == {
        "in_proj.weight": (3072, 768),
        "conv1d.weight": (1536, 1, 4),
        "conv1d.bias": (1536,),
        "x_proj.weight": (80, 1536),
        "dt_proj.weight": (1536, 48),
        "dt_proj.bias": (1536,),
        "A_log": (1536, 16),
        "D": (1536,),
        "out_proj.weight": (768, 1536),
    }
    block = sum(part.numel() for part in layer.parameters())
    assert block == 3_770_880
    assert 24 * (block + 768) + 50_280 * 768 + 768 == 129_135_360


def test_start():
    torch.manual_seed(0)
    layer = Mamba(64)
    assert layer.rank == 4 and Mamba(65).rank == 5
    rates = torch.arange(1.0, 17).expand(128, -1)  # A is -1 to -16 in every channel
    torch.testing.assert_close(layer.A_log.exp(), rates)
    assert (layer.D == 1).all()
    dt = F.softplus(layer.dt_proj.bias)
    assert dt.min() * 1.0001 >= 0.001 and dt.max() <= 0.1 * 1.0001
    assert abs(dt.log().mean() - math.log(0.01)) < 0.4  # uniform in the logarithm
    assert layer.dt_proj.weight.abs().max() <= 0.5


def test_state_is_of_constant_size():
    layer = generic(Mamba, 6, 3)
    for time in (1, 2, 9):
        past, h = layer(normal(2, time, 3))[1]
        assert past.shape == (2, 3, 12) and h.shape == (2, 12, 16)
        assert past.untyped_storage().nbytes() <= 2 * (time + 3) * 12 * 8
    past = layer(normal(2, 9, 3))[1][0]
    close(past, layer.in_proj(normal(2, 9, 3))[:, 6:, :12], "the convolution's state, its last raw inputs")


def test_decays_are_between_zero_and_one():
    """No eigenvalue is negative, so that one layer cannot count modulo two."""
    layer, x = generic(Mamba, 6, 3), 10 * normal(2, 9, 3)
    _, dt, *_ = layer._select(x, layer.begin(2)[0])
    decay = (-dt[..., None] * layer.A_log.exp()).exp()
    assert (decay > 0).all() and (decay <= 1).all()


def test_order_of_the_past_counts():
    layer, x = generic(Mamba, 6, 3), normal(2, 9, 3)
    other = torch.cat([x[:, :4].flip(1), x[:, 4:]], 1)
    assert not torch.allclose(layer(other)[0][:, -1], layer(x)[0][:, -1], atol=1e-6)


def test_operator_is_one_head_for_each_channel():
    layer, x = generic(Mamba, 4, 3), normal(2, 6, 3)
    weight, value, exact = layer.operator(x)
    assert weight.shape == (2, 8, 6, 6) and value.shape == (2, 6, 8, 1) and exact
    u, dt, b, c, z, _ = layer._select(x, layer.begin(2)[0])
    a = -layer.A_log.exp()
    passed = dt[1, 2:5, 3].sum()  # from step 1 to step 4, in channel 3
    expected = F.silu(z)[1, 4, 3] * (c[1, 4] * (a[3] * passed).exp() * b[1, 1] * dt[1, 1, 3]).sum()
    close(weight[1, 3, 4, 1], expected, "one weight, written out")
    close(value.squeeze(-1), u, "values, the convolved u")


VARIANTS = {
    "one tap": functools.partial(Mamba, kernel=1),
    "one state": functools.partial(Mamba, states=1, expand=1),
    "rank 3": functools.partial(Mamba, rank=3, kernel=2),
    "all biases": functools.partial(Mamba, variant=Variant(projection_bias=True)),
    "norms inside": functools.partial(Mamba, rank=3, variant=Variant(inner_eps=1e-6)),
    "no bias": functools.partial(Mamba, variant=Variant(convolution_bias=False)),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 5, 3), normal(2, 7, 3))


@on_building(
    VARIANTS,
    graphs={
        "norms, biases, one tap": functools.partial(
            Mamba, kernel=1, rank=3, variant=Variant(projection_bias=True, inner_eps=1e-6)
        ),
        "no bias, one state": functools.partial(
            Mamba, states=1, expand=1, variant=Variant(convolution_bias=False)
        ),
    },
)
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)


def test_biases_are_added_constants():
    layer = generic(VARIANTS["all biases"], 4, 3)
    assert {name for name, _ in layer.named_parameters() if name.endswith("bias")} == {
        "in_proj.bias",
        "conv1d.bias",
        "dt_proj.bias",
        "out_proj.bias",
    }
    bare = generic(VARIANTS["no bias"], 4, 3)
    assert [name for name, _ in bare.named_parameters() if name.endswith("bias")] == ["dt_proj.bias"]
    assert (bare(torch.zeros(1, 5, 3, dtype=torch.float64))[0] == 0).all()  # nothing in, nothing out
