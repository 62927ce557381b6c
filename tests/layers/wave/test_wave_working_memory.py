"""Hidden travelling waves: shift and boundary, companion matrices, attention that is fed its own output."""

import functools

import pytest
import torch
from torch.nn import functional as F

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.wave.wave_working_memory import Boundary, WaveWorkingMemory, propagation

ATTENTION = functools.partial(WaveWorkingMemory, boundary=Boundary.ATTENTION)


def wave(width: int, columns: int, boundary: torch.Tensor | None = None) -> WaveWorkingMemory:
    """Inputs go to the newest column as they are."""
    layer = WaveWorkingMemory(width, columns=columns).double()
    with torch.no_grad():
        layer.encode.weight.copy_(torch.eye(width))
        if boundary is not None:
            layer.compose.weight.copy_(boundary.T)
    return layer


def test_is_one_matrix():
    """h(t) = Phi h(t-1) + the input in the last rows: a block shift and F'."""
    layer, x = generic(functools.partial(WaveWorkingMemory, columns=5), 3, 2), normal(2, 11, 2)
    phi = layer.propagation()
    h = torch.zeros(2, 15, dtype=torch.float64)
    for now in x.unbind(1):
        h = h @ phi.T + F.pad(layer.encode(now), (12, 0))
    y, (columns, filled) = layer(x)
    close(columns.flatten(1), h, "columns, powers of Phi")
    close(y[:, -1], h[:, -3:], "output, newest column")
    assert filled.all()
    assert torch.equal(phi[:12], F.pad(torch.eye(12, dtype=torch.float64), (3, 0)))


def test_scalar_columns_have_the_companion_matrix():
    """Eigenvalues are the roots of z^s - a_s z^(s-1) - ... - a_1; for Fibonacci the golden ratio."""
    a = normal(4)
    values = torch.linalg.eigvals(propagation(a[:, None]))
    powers = values[:, None] ** torch.arange(4)
    close(values**4, (powers * a).sum(-1), "z^4, what the polynomial says")
    golden = torch.linalg.eigvals(propagation(torch.ones(2, 1, dtype=torch.float64))).real.sort().values
    expected = torch.tensor([1 - 5**0.5, 1 + 5**0.5], dtype=torch.float64) / 2
    close(golden, expected, "eigenvalues of Fibonacci")


def test_generalised_fibonacci():
    """F = the sum of all columns, from 1: the numbers of Fibonacci and, with three columns, tribonacci."""
    x = torch.zeros(1, 10, 1, dtype=torch.float64)
    x[0, 0] = 1
    for columns, numbers in (
        (2, [1, 1, 2, 3, 5, 8, 13, 21, 34, 55]),
        (3, [1, 1, 2, 4, 7, 13, 24, 44, 81, 149]),
    ):
        y = wave(1, columns, torch.ones(columns, 1))(x)[0]
        assert y.flatten().tolist() == numbers


def test_operator_is_block_toeplitz_of_powers():
    """M[t, s] = E' Phi^(t - s) E, with E the newest column."""
    layer = generic(functools.partial(WaveWorkingMemory, columns=3), 2, 2)
    weight = layer.operator(normal(1, 6, 2)).weight[0].unflatten(0, (2, 2))  # (D, I, T, T)
    for t in range(6):
        for s in range(t + 1):
            block = torch.linalg.matrix_power(layer.propagation(), t - s)[-2:, -2:] @ layer.encode.weight
            close(weight[:, :, t, s], block, f"block {t}, {s}")


def test_what_is_written_moves_unchanged():
    """d h_(s-k)(t) / d u(t-k) is the identity for k < s, whatever the boundary."""
    for layer in (generic(WaveWorkingMemory, 3, 3), generic(ATTENTION, 3, 3)):
        x = normal(1, 12, 3)
        y, (columns, _) = layer(x)
        close(columns, y[:, -8:], "columns, the last outputs")
    state = tuple(part.detach() for part in layer(x)[1])
    for k in range(8):

        def moved(u: torch.Tensor, k: int = k) -> torch.Tensor:
            return stepped(layer, torch.cat([u, x[:, :k]], 1), state)[1][0][0, 7 - k]

        slope = torch.autograd.functional.jacobian(moved, x[:, :1])[:, 0, 0]
        close(slope, layer.encode.weight, f"gradient to column {8 - k}, that of the input map")


def test_attention_without_queries_is_the_mean():
    """Of the columns that hold anything: a linear boundary, once all of them do."""
    layer = generic(ATTENTION, 4, 4)
    with torch.no_grad():
        layer.encode.weight.copy_(torch.eye(4))
        layer.project.weight[:4] = 0
        layer.project.weight[8:] = torch.eye(4)
    u, x = [], normal(2, 20, 4)
    for now in x.unbind(1):
        mean = torch.stack(u[-8:]).mean(0) if u else torch.zeros_like(now)
        u.append(now + mean)
    close(layer(x)[0], torch.stack(u, 1), "attention without queries, running mean")
    mean = wave(4, 8, torch.eye(4).repeat(8, 1) / 8)
    state = layer(x[:, :9])[1]
    close(layer(x[:, 9:], state), mean(x[:, 9:], state), "attention without queries, a linear boundary")


@pytest.mark.parametrize(("columns", "heads"), [(3, 1), (8, 2), (40, 4)])
def test_is_a_decoder_of_attention_that_writes_its_own_input(columns: int, heads: int):
    """PyTorch's attention with a window on all tokens so far, asked for the last, again and again."""
    layer = generic(functools.partial(ATTENTION, columns=columns, heads=heads), 8, 8)
    start = normal(2, 5, 8)
    x = torch.cat([start, torch.zeros(2, 20, 8).double()], 1)
    tokens = layer.encode(start[:, :1])
    for now in layer.encode(x[:, 1:]).unbind(1):
        time = tokens.shape[1]
        q, k, v = layer.project(tokens).view(2, time, 3, heads, -1).permute(2, 0, 3, 1, 4)
        window = torch.ones(time, time, dtype=torch.bool).tril().triu(1 - columns)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=window).transpose(1, 2).flatten(2)
        tokens = torch.cat([tokens, (layer.out(mixed)[:, -1] + now).unsqueeze(1)], 1)
    close(layer(x)[0], tokens, "attention boundary, decoder")


@pytest.mark.parametrize("make", [WaveWorkingMemory, ATTENTION])
def test_columns_can_be_loaded(make):
    """What is loaded is what is carried on: as if it had come out before."""
    layer, x = generic(functools.partial(make, columns=5), 4, 3), normal(2, 20, 3)
    y = layer(x)[0]
    close(layer(x[:, 11:], layer.load(y[:, 6:11]))[0], y[:, 11:], "outputs after loading, the whole")
    with pytest.raises(BadInput, match=r"expected columns \(batch, 5, 4\), got \(2, 4, 4\)"):
        layer.load(y[:, :4])


@pytest.mark.parametrize("boundary", Boundary)
def test_nothing_comes_of_nothing(boundary: Boundary):
    layer = generic(functools.partial(WaveWorkingMemory, boundary=boundary), 5, 2)
    assert not layer(torch.zeros(2, 20, 2).double())[0].any()


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        ATTENTION(8, heads=3)
    with pytest.raises(BadInput, match="columns"):
        WaveWorkingMemory(8, columns=0)
    with pytest.raises(BadInput, match="attention has no fixed matrix"):
        ATTENTION(8).propagation()
    with pytest.raises(BadInput, match=r"\(columns \* width, width\), got \(7, 2\)"):
        propagation(torch.zeros(7, 2))


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_keeps_the_promises(heads: int, promise):
    promise(generic(functools.partial(ATTENTION, columns=4, heads=heads), 6, 3), normal(2, 7, 3))
