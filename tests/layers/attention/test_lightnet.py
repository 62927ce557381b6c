"""LightNet: a running softmax for each key channel, worked values, and one scan for many axes."""

import functools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.lightnet import TPE, LightNet, lrpe, one_scan

both = pytest.mark.parametrize("sink", [False, True])


def lightnet(width: int, inputs: int, heads: int = 1, sink: bool = False) -> LightNet:
    return generic(functools.partial(LightNet, heads=heads, sink=sink), width, inputs)


def parts(layer: LightNet, x: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values of each head, (B, T, H, P)."""
    q, k, v = layer.project(x).view(*x.shape[:2], 3, layer.heads, -1).unbind(2)
    return F.silu(q), k, v


def finished(layer: LightNet, x: Tensor, o: Tensor) -> Tensor:
    """From what the heads read (B, T, H, P) to the output."""
    gated = o * layer.gate(x).sigmoid().view_as(o)
    normed = gated / (gated.square().mean(-1, keepdim=True) + 1e-6).sqrt() * layer.norm.weight
    return layer.out(normed.flatten(2))


@both
@pytest.mark.parametrize(("width", "heads"), [(8, 2), (9, 3), (7, 1)])
def test_is_a_running_softmax_for_each_key_channel(width: int, heads: int, sink: bool):
    layer, x = lightnet(width, 4, heads, sink), normal(2, 20, 4)
    q, k, v = parts(layer, x)
    rows = []
    for t in range(20):
        logits, values = k[:, : t + 1], v[:, : t + 1]
        if sink:  # an empty token comes first
            logits = torch.cat([torch.zeros_like(k[:, :1]), logits], 1)
            values = torch.cat([torch.zeros_like(v[:, :1]), values], 1)
        rows.append(torch.einsum("bhk,bshk,bshp->bhp", q[:, t], logits.softmax(1), values))
    expected = finished(layer, x, torch.stack(rows, 1))
    close(layer(x)[0], expected, "forward, running softmax")
    close(stepped(layer, x)[0], expected, "steps, running softmax")


@pytest.mark.parametrize("time", [7, 8, 9, 33])
def test_chunks_are_the_steps(time: int):
    layer, x = lightnet(6, 3, 2), normal(2, time, 3)
    close(layer(x), stepped(layer, x), "forward, step by step")
    state = layer(normal(2, 5, 3, seed=2))[1]
    close(layer(x, state), stepped(layer, x, state), "forward, step by step, from a state")


@pytest.mark.parametrize("form", [lambda layer, x: layer(x), stepped])
@pytest.mark.parametrize(
    ("sink", "expected"),
    [
        (False, [(1, 1), (1.731059, 1.268941), (3.240451, 1.514820)]),
        (True, [(0.5, 0.731059), (1.364175, 1.0), (2.972808, 1.216988)]),
    ],
)
def test_worked_values(sink: bool, expected: list[tuple[float, float]], form):
    """Keys (0, 1), (1, 0), (2, -1) and values 1, 2, 4, in the first of two value channels."""
    layer = LightNet(2, inputs=3, sink=sink).double()
    with torch.no_grad():
        layer.project.weight.zero_()
        layer.project.bias.zero_()
        layer.project.weight[2:5] = torch.eye(3)  # two keys and a value
    x = torch.tensor([[[0.0, 1, 1], [1, 0, 2], [2, -1, 4]]]).double()
    for time, figures in enumerate(expected, 1):
        _, (_, memory) = form(layer, x[:, :time])
        torch.testing.assert_close(
            memory[0, 0, :, 0], torch.tensor(figures, dtype=torch.float64), rtol=0, atol=5e-7
        )


def test_equal_keys_give_the_running_mean():
    layer, x = lightnet(4, 3), normal(2, 9, 3)
    with torch.no_grad():
        layer.project.weight[4:8] = 0
    for time in (1, 5, 9):
        mean = parts(layer, x)[2][:, :time, 0].mean(1)  # (B, P)
        close(layer(x[:, :time])[1][1], mean[:, None, None].expand(2, 1, 4, 4), "state, mean of the values")


def test_a_constant_in_the_keys_counts_only_with_the_sink():
    for sink in (False, True):
        layer, x = lightnet(6, 3, 2, sink), normal(2, 9, 3)
        before = layer(x)[0]
        with torch.no_grad():
            layer.project.bias[6:12] += 3
        assert torch.allclose(layer(x)[0], before, rtol=1e-9, atol=1e-9) == (not sink)


def test_a_late_step_weighs_little():
    """With keys between -1 and 1 a step has at most exp(2) / t of the weight."""
    layer = lightnet(4, 4)
    with torch.no_grad():
        layer.project.weight[4:8] = torch.eye(4)
        layer.project.bias[4:8] = 0
    x = normal(1, 300, 4).tanh()
    z = parts(layer, x)[1].logcumsumexp(1)
    share = (parts(layer, x)[1] - z).exp()[0, :, 0]  # (T, P), that of the step itself
    assert (share <= torch.e**2 / torch.arange(1, 301)[:, None]).all()
    close(z[:, -1], layer(x)[1][0], "the logarithm of the sum, the state's")


def test_huge_keys_stay_finite():
    layer = LightNet(4, inputs=3)
    with torch.no_grad():
        layer.project.weight[4:8] *= 1e4
    x = normal(2, 40, 3, dtype=torch.float32).requires_grad_()
    y, last = layer(x)
    (slope,) = torch.autograd.grad(y.sum() + sum(part.sum() for part in last), x)
    assert y.isfinite().all() and slope.isfinite().all()
    torch.testing.assert_close(y, stepped(layer, x)[0], rtol=1e-3, atol=1e-4)


def test_one_scan_over_two_axes_is_the_same_in_any_order():
    """Rows first or columns first, mirrored or shuffled: the tokens of an image need no direction."""
    q, k, v = normal(2, 4, 5, 3), normal(2, 4, 5, 3, seed=2), normal(2, 4, 5, 6, seed=3)
    y = one_scan(q, k, v)
    assert y.shape == (2, 4, 5, 6)
    flat = [part.flatten(1, 2) for part in (q, k, v)]
    close(one_scan(*flat), y.flatten(1, 2), "row by row, as an image")
    columns = [part.transpose(1, 2) for part in (q, k, v)]
    close(one_scan(*columns), y.transpose(1, 2), "column by column, as an image")
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    close(one_scan(*(part[:, order] for part in flat)), y.flatten(1, 2)[:, order], "shuffled, in order")
    weight = torch.einsum("btk,bsk->bts", flat[0], flat[1].softmax(1))
    close(y.flatten(1, 2), weight @ flat[2], "one scan, the formula")


def test_the_last_causal_step_reads_what_one_scan_reads():
    layer, x = lightnet(6, 3), normal(2, 12, 3)
    q, k, v = (part.squeeze(2) for part in parts(layer, x))
    close(
        layer(x)[0][:, -1:],
        finished(layer, x, one_scan(q, k, v)[:, :, None])[:, -1:],
        "last output, of one scan",
    )


def test_one_scan_refuses_what_does_not_fit():
    with pytest.raises(BadInput, match="one_scan: expected q and k"):
        one_scan(normal(2, 4, 3), normal(2, 5, 3), normal(2, 4, 3))


def test_places_count_by_their_distance_along_each_axis():
    """Products of places are sums over channels of q k cos(f distance), each axis with its own channels."""
    q, k = normal(5), normal(5, seed=2)
    there, back = (lrpe(part.expand(1, 4, 6, 5)).flatten(1, 2)[0] for part in (q, k))  # (24, 10)
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    down, right = ((one.flatten()[:, None] - one.flatten()).double()[..., None] for one in (rows, columns))
    rates = [10_000 ** (-2 * torch.arange(size).double() / size) for size in (3, 2)]
    angles = torch.cat([down * rates[0], right * rates[1]], -1)  # (24, 24, 5)
    close(there @ back.T, (q * k * angles.cos()).sum(-1), "products, cosines of distances")
    close((there * back).sum(-1), (q @ k).expand(24), "products at distance zero, without places")


def test_late_places_are_told_apart_in_half_precision():
    """Places 2001 to 2004 are one number in bfloat16."""
    x = normal(1, 1, 6, dtype=torch.bfloat16).expand(1, 2005, -1)
    found, expected = lrpe(x), lrpe(x.double())
    assert found.dtype == x.dtype
    torch.testing.assert_close(found, expected.bfloat16(), rtol=2**-7, atol=3e-4)


def test_one_scan_with_places_is_the_formula():
    q, k, v = normal(2, 4, 5, 3), normal(2, 4, 5, 3, seed=2), normal(2, 4, 5, 6, seed=3)
    share = k.flatten(1, 2).softmax(1).view_as(k)
    weight = torch.einsum("btk,bsk->bts", lrpe(q).flatten(1, 2), lrpe(share).flatten(1, 2))
    y = one_scan(q, k, v, places=True)
    close(y.flatten(1, 2), weight @ v.flatten(1, 2), "one scan with places, the formula")
    line = one_scan(q[:, 0], k[:, 0], v[:, 0], places=True)
    assert line.shape == (2, 5, 6), "one axis will do"
    assert not torch.allclose(y[:, 0], line)


def test_filters_along_each_axis_are_toeplitz_products():
    """An impulse leaves strength * decay^t along one axis and nothing beside it."""
    filters = TPE(6, axes=2, heads=3).double()
    x = torch.zeros(1, 4, 5, 6, dtype=torch.float64)
    x[0, 1, 2] = 1.0
    for axis, place, length in ((0, 1, 4), (1, 2, 5)):
        y = filters.filtered(x, axis)[0]
        along = y[:, 2] if axis == 0 else y[1]  # (T, D)
        strength = (filters.q[axis] * filters.k[axis]).sum(-1).repeat_interleave(2)
        decay = filters.decay[axis].sigmoid().repeat_interleave(2)
        time = torch.arange(length)[:, None] - place
        close(along, (strength * decay**time).where(time >= 0, 0.0), "along the axis, the filter")
        close(y.abs().sum((0, 1)), along.abs().sum(0), "all that is there, what lies along the axis")


def test_filters_are_normed_for_each_head_and_summed():
    filters, x = TPE(6, axes=2, heads=3).double(), normal(2, 4, 5, 6)
    expected = torch.zeros_like(x)
    for axis, (norm, out) in enumerate(zip(filters.norms, filters.outs, strict=True)):
        heads = filters.filtered(x, axis).unflatten(-1, (3, 2))
        normed = heads / (heads.square().mean(-1, keepdim=True) + 1e-6).sqrt() * norm.weight
        expected = expected + out(normed.flatten(-2))
    close(filters(x), expected, "sum over axes, written out")
    assert TPE(6, axes=1)(torch.zeros(2, 7, 6)).shape == (2, 7, 6)


def test_places_refuse_what_does_not_fit():
    with pytest.raises(BadInput, match="lrpe: expected x"):
        lrpe(normal(2, 4, 5, 1))
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        TPE(8, heads=3)
    with pytest.raises(BadInput, match="2 axes of tokens, 8"):
        TPE(8)(torch.zeros(2, 4, 8))


def test_one_key_and_no_query_is_attention_with_one_query():
    """The weights of a single key channel with q = 1 are a softmax cut off at each step."""
    layer, x = lightnet(1, 2), normal(1, 9, 2)
    with torch.no_grad():
        layer.project.weight[0], layer.project.bias[0] = 0, 1.2784645427610738  # silu of it is 1
    gate = layer.gate(x).sigmoid()[0]  # (T, 1)
    scores = parts(layer, x)[1][0, :, 0, 0].expand(9, 9)
    causal = torch.ones(9, 9, dtype=torch.bool).tril()
    expected = scores.masked_fill(~causal, -torch.inf).softmax(-1)
    close(layer.operator(x).weight[0, 0] / gate, expected, "weights without the gate, softmax")


def test_state_has_one_size():
    for time in (1, 100):
        state = lightnet(6, 3, 2)(normal(2, time, 3))[1]
        assert [part.shape for part in leaves(state)] == [(2, 2, 3), (2, 2, 3, 3)]


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        LightNet(8, heads=3)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@both
@pytest.mark.parametrize("heads", [1, 3])
def test_kinds_keep_the_promises(heads: int, sink: bool, promise):
    promise(lightnet(6, 3, heads, sink), normal(2, 7, 3))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_the_sink_is_built_as_promised(promise):
    promise(functools.partial(LightNet, sink=True))
