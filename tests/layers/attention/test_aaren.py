"""Aaren: softmax attention with a learned query, the worked values, and a state of one size."""

import functools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.core import State, leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.aaren import Aaren
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention


def aaren(width: int, inputs: int, heads: int = 1) -> Aaren:
    return generic(functools.partial(Aaren, heads=heads), width, inputs)


def bare() -> Aaren:
    """One channel: the first input is the score, the second the value, and the output is the mean itself."""
    layer = Aaren(1, inputs=2).double()
    with torch.no_grad():
        for linear in (layer.ask, layer.project, layer.out):
            linear.bias.zero_()
        layer.query.fill_(1.0)
        layer.ask.weight.fill_(1.0)
        layer.project.weight.copy_(torch.eye(2))
        layer.out.weight.fill_(1.0)
    return layer


def tokens(scores: list[float], values: list[float]) -> Tensor:
    return torch.tensor([scores, values], dtype=torch.float64).T[None]  # (1, T, 2)


def merged(one: State, two: State) -> State:
    """The state after two spans, from the states after each by itself."""
    (m1, c1, a1), (m2, c2, a2) = one, two
    m = torch.maximum(m1, m2)
    left, right = (m1 - m).exp(), (m2 - m).exp()
    return m, left * c1 + right * c2, left[..., None] * a1 + right[..., None] * a2


@pytest.mark.parametrize(("width", "heads"), [(8, 2), (9, 3), (7, 1), (3, 3)])
@pytest.mark.parametrize("scale", [1, 50])
def test_is_softmax_attention_with_a_learned_query(width: int, heads: int, scale: float):
    layer, x = aaren(width, 4, heads), normal(2, 70, 4)
    with torch.no_grad():
        layer.query.mul_(scale)
    q = layer.ask(layer.query).view(heads, 1, -1).expand(2, -1, 70, -1)  # the same at all steps
    k, v = layer.project(x).view(2, 70, 2, heads, -1).permute(2, 0, 3, 1, 4)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    close(layer(x)[0], layer.out(mixed), "forward, attention of PyTorch")
    close(stepped(layer, x)[0], layer.out(mixed), "steps, attention of PyTorch")


@pytest.mark.parametrize("form", [lambda layer, x: layer(x), stepped])
def test_worked_values(form):
    layer, x = bare(), tokens([1, 2, 0.5], [1, 0, 2])
    expected = [(1, 1, 1, 1), (2, 1.367879, 0.367879, 0.268941), (2, 1.591010, 0.814140, 0.511713)]
    for time, figures in enumerate(expected, 1):
        y, (m, c, a) = form(layer, x[:, :time])
        got = torch.stack([m.squeeze(), c.squeeze(), a.squeeze(), y[0, -1, 0]])
        torch.testing.assert_close(got, torch.tensor(figures).double(), rtol=0, atol=5e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_huge_scores_stay_finite(dtype: torch.dtype):
    layer = bare().to(dtype)
    x = tokens([-1e4, 1e4, 0, 1e4, -1e4], [1, 2, 3, 4, 5]).to(dtype).requires_grad_()
    expected = torch.tensor([1, 2, 2, 3, 3], dtype=dtype)
    for y, last in (layer(x), stepped(layer, x)):
        torch.testing.assert_close(y[0, :, 0], expected)
        (slope,) = torch.autograd.grad(y.sum() + sum(part.sum() for part in last), x)
        assert slope.isfinite().all()


def test_a_constant_in_all_scores_shifts_the_highest_alone():
    layer, x = bare(), normal(1, 9, 2)
    y, (m, c, a) = layer(x)
    shifted, (high, total, mixed) = layer(x + torch.tensor([7.0, 0.0]))
    close((shifted, high, total, mixed), (y, m + 7, c, a), "with 7 on all scores, without")


def test_equal_scores_give_the_running_mean_and_a_high_one_its_value():
    values = normal(9).tolist()
    mean = torch.tensor(values).double().cumsum(0) / torch.arange(1, 10)
    torch.testing.assert_close(bare()(tokens([3.0] * 9, values))[0][0, :, 0], mean)
    high = bare()(tokens([0, 0, 800, 0, 0, 0, 0, 0, 0], values))[0][0, 2:, 0]
    close(high, torch.full_like(high, values[2]), "outputs after a high score, its value")


def test_spans_merge_in_any_grouping():
    layer, x = aaren(6, 3, 2), normal(2, 12, 3)
    one, two, three = (layer(part)[1] for part in x.split([5, 1, 6], 1))
    close(merged(merged(one, two), three), layer(x)[1], "merged from the left, whole")
    close(merged(one, merged(two, three)), layer(x)[1], "merged from the right, whole")
    close(merged(three, merged(two, one)), layer(x)[1], "merged in another order, whole")
    close(merged(layer.begin(2), one), one, "merged with the first state, as it was")


def test_weights_are_one_row_cut_off_and_made_to_sum_to_one():
    weight = aaren(8, 3, 2).operator(normal(1, 15, 3)).weight[0]
    assert (weight >= 0).all()
    close(weight.sum(-1), torch.ones(2, 15, dtype=torch.float64), "sum of a row, one")
    for cut in range(1, 15):
        sizes = torch.linalg.svdvals(weight[:, cut:, :cut])
        assert (sizes[:, 1:] < 1e-14).all(), "a block below the diagonal is not of rank 1"


def test_slope_of_a_score():
    """d o_k / d s_j = W_kj (v_j - o_k)."""
    layer, x = bare(), normal(1, 6, 2)
    y, weight = layer(x)[0][0, :, 0], layer.operator(x).weight[0, 0]
    slopes = torch.autograd.functional.jacobian(lambda x: layer(x)[0][0, :, 0], x)[:, 0, :, 0]
    close(slopes, weight * (x[0, :, 1] - y[:, None]), "slope, weight times the distance from the mean")


def test_state_has_one_size():
    layer = aaren(6, 3, 2)
    for time in (1, 100):
        assert [part.shape for part in leaves(layer(normal(2, time, 3))[1])] == [(2, 2), (2, 2), (2, 2, 3)]


def test_has_one_vector_more_than_softmax_attention():
    counts = [sum(part.numel() for part in kind(512).parameters()) for kind in (Aaren, SoftmaxAttention)]
    assert counts[0] - counts[1] == 512  # 3,152,896 against 3,152,384 in the paper's example


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        Aaren(8, heads=3)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("heads", [2, 6])
def test_heads_keep_the_promises(heads: int, promise):
    promise(aaren(6, 3, heads), normal(2, 7, 3))
