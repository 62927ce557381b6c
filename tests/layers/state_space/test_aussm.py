"""AUSSM: the recurrence written out, a modulus of exactly one, and counters that are set by hand."""

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import ON_BUILDING, ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.state_space.aussm import AUSSM

ONE = math.log(math.e - 1)  # softplus of this is 1


def aussm(width: int, inputs: int, states: int = 2, rank: int | None = None, taps: int = 4) -> AUSSM:
    return generic(functools.partial(AUSSM, states=states, rank=rank, taps=taps), width, inputs)


def naive(layer: AUSSM, x: Tensor) -> Tensor:
    """The formula for one sequence x (T, I): one step, one state, one channel at a time."""
    time, width, states = len(x), layer.width, layer.states
    raw, z = (x @ layer.enter.weight.T).chunk(2, -1)
    kernel = layer.convolve.weight.squeeze(1)  # (D, taps)
    taps = kernel.shape[1]
    u = torch.zeros(time, width, dtype=x.dtype) + layer.convolve.bias
    for t in range(time):
        for back in range(min(taps, t + 1)):
            u[t] += kernel[:, taps - 1 - back] * raw[t - back]
    v = u * torch.sigmoid(u)
    low = u @ layer.rate_down.weight.T
    dt = torch.log1p(torch.exp(low @ layer.rate_up.weight.T + 2 * layer.rate_up.bias))
    turns = layer.turn.weight.view(states, width, width)
    offset = layer.turn.bias.view(states, width)
    y = layer.D * v
    for k in range(states):
        b, c = (
            torch.log1p(torch.exp(pair[k, 0])) * torch.exp(1j * pair[k, 1]) for pair in (layer.B, layer.C)
        )
        for i in range(width):
            h = torch.zeros((), dtype=torch.complex128)
            for t in range(time):
                theta = turns[k, i] @ u[t] / math.sqrt(width) + offset[k, i]
                h = torch.exp(1j * theta) * h + b * dt[t, i] * v[t, i]
                y[t, i] += (c * h).real
    return (y * z * torch.sigmoid(z)) @ layer.out.weight.T


@torch.no_grad()
@pytest.mark.parametrize(("width", "states", "rank", "taps"), [(4, 3, 2, 4), (3, 1, None, 1), (1, 2, 1, 3)])
def test_is_the_formula(width: int, states: int, rank: int | None, taps: int):
    layer, x = aussm(width, 2, states, rank, taps), normal(2, 7, 2)
    expected = torch.stack([naive(layer, row) for row in x])
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


def test_prefix_sums_are_the_recurrence():
    layer, x = aussm(6, 3, states=4), normal(2, 40, 3)
    close(layer(x), stepped(layer, x), "prefix sums, recurrence")


def silent(layer: AUSSM) -> AUSSM:
    """No input, no drive: what remains is the turning."""
    with torch.no_grad():
        layer.convolve.bias.zero_()
    return layer


def test_nothing_is_forgotten():
    """With no drive, every |h| stays what it is, and so does every gradient from the last state to it."""
    layer = silent(aussm(4, 3, states=3))
    state = layer(normal(2, 9, 3))[1]
    zeros = torch.zeros(2, 500, 3, dtype=torch.float64)
    _, (window, h) = layer(zeros[:, :4], state)  # until the convolution has run dry
    h = h.detach().requires_grad_()
    for form in (layer, functools.partial(stepped, layer)):
        last = form(zeros, (window, h))[1][1]
        close(last.abs(), h.abs(), "size of the state 500 steps on, as it was")
        assert (last - h).abs().max() > 0.1, "nothing has turned"
        push = torch.randn(h.shape, generator=torch.Generator().manual_seed(1), dtype=h.dtype)
        (slope,) = torch.autograd.grad(last, h, push)
        close(slope.abs(), push.abs(), "size of the gradient over 500 steps, as it came in")


def test_without_turning_the_state_is_a_running_sum():
    layer, x = aussm(3, 2), normal(2, 30, 2)
    with torch.no_grad():
        layer.turn.weight.zero_()
        layer.turn.bias.zero_()
        layer.convolve.weight.zero_()  # the drive is the same at every step
    once = layer(x[:, :1])[1][1]
    close(layer(x)[1][1], 30 * once, "state after 30 steps, 30 times that after one")


def test_whole_turns_change_nothing():
    layer, x = aussm(3, 2), normal(2, 12, 2)
    expected = layer(x)
    with torch.no_grad():
        layer.turn.bias += 2 * torch.pi * torch.tensor([-3, 1, 0, 2, -1, 5]).double()
    close(layer(x), expected, "with whole turns added, without")


def test_mirrored_angles_give_the_same_output():
    layer, x = aussm(3, 2), normal(2, 12, 2)
    y, (window, h) = layer(x)
    with torch.no_grad():
        for part in (layer.turn.weight, layer.turn.bias, layer.B[:, 1], layer.C[:, 1]):
            part.neg_()
    close(layer(x), (y, (window, h.conj().resolve_conj())), "mirrored, as it was")


def test_turns_commute():
    """The order of the past does not count for how far a state that was there before has turned."""
    layer, x = aussm(4, 3, taps=1), normal(1, 10, 3)
    start = torch.ones(1, 2, 4, dtype=torch.complex128)

    def turned(x: Tensor) -> Tensor:
        """exp(iG) alone: the difference that the first state makes."""
        window, zero = layer.begin(1)
        return layer(x, (window, start))[1][1] - layer(x, (window, zero))[1][1]

    close(turned(x[:, torch.randperm(10)]), turned(x), "turn in another order, in order")
    close(turned(x).abs(), start.real, "size of the turn, one")


def test_long_sequences_keep_their_phase_in_float32():
    """20 000 steps of about half a turn each: the angle summed in float32 would be off by far more."""
    layer = AUSSM(3, inputs=1, states=2, taps=1)
    with torch.no_grad():
        layer.turn.weight.mul_(0.1)
        layer.turn.bias.fill_(3.0)
    x = normal(1, 20_000, 1, dtype=torch.float32)
    with torch.no_grad():
        single = layer(x)[0].double()
        double = layer.double()(x.double())[0]
    assert (single - double).abs().max() < 1e-3 * double.abs().max()


# --- counters set by hand -------------------------------------------------------------------------------
# Channel 0 of the input is 1 at the first step and 0 after it: it writes h = 1 once, and from there h turns.


def counter(width: int, turns: dict[int, float], gate: int, target: int, offset: float = 0.0) -> AUSSM:
    """exp(i sum of turns[r] x[r]) from the first step on, read as its cosine, in channel `target`.

    It is shown where channel `gate` of the input is not 0, times SiLU of that channel.
    """
    layer = AUSSM(width, states=1, rank=1, taps=1).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.enter.weight[:width] = torch.eye(width)  # u = x
        layer.enter.weight[width, gate] = 1.0  # z_0 = x[gate]
        layer.convolve.weight.fill_(1.0)
        layer.rate_up.bias.fill_(ONE / 2)  # dt = 1
        layer.B[0, 0] = layer.C[0, 0] = ONE
        layer.C[0, 1] = offset
        for channel, angle in turns.items():
            layer.turn.weight[0, channel] = angle * math.sqrt(width)
        layer.out.weight[target, 0] = 1.0
    return layer


SHOWN = F.silu(torch.ones((), dtype=torch.float64)).item()  # SiLU(1)


@torch.no_grad()
@pytest.mark.parametrize("base", [2, 3, 5, 7, 60])
def test_counts_modulo(base: int):
    """One layer adds digits modulo any base; at length 1000 as at length 1, and by 250 steps."""
    digits = torch.randint(base, (4, 1000), generator=torch.Generator().manual_seed(base))
    digits[:, 0] = 0
    x = torch.zeros(4, 1000, 3, dtype=torch.float64)
    x[:, 0, 0], x[:, :, 1], x[:, :, 2] = 1.0, digits.double(), 1.0
    offset = math.pi / (2 * base)  # tells k from base - k
    layer = counter(3, {1: 2 * math.pi / base}, gate=2, target=0, offset=offset)
    codes = SHOWN**2 * torch.cos(2 * math.pi * torch.arange(base, dtype=x.dtype) / base + offset)
    for y, _ in (layer(x), stepped(layer, x[:, :250])):
        distance = (y[:, :, 0, None] - codes).abs()
        assert torch.equal(distance.argmin(-1), digits.cumsum(1)[:, : y.shape[1]] % base)
        assert distance.amin(-1).max() < 1e-10


@torch.no_grad()
def test_two_layers_track_a_group_that_does_not_commute():
    """S3, turns and reflections of a triangle: layer 1 counts reflections, layer 2 turns by their sign."""
    time = 1000
    word = torch.randint(3, (2, time), generator=torch.Generator().manual_seed(0))  # stay, turn, reflect
    word[:, 0] = 0
    x = torch.zeros(2, time, 5, dtype=torch.float64)  # start, turn, reflect, one, turn with its sign
    x[:, 0, 0], x[:, :, 1], x[:, :, 2], x[:, :, 3] = 1.0, (word == 1).double(), (word == 2).double(), 1.0
    sign = counter(5, {2: math.pi}, gate=3, target=4)(x)[0][..., 4] / SHOWN**2
    x = x + counter(5, {2: math.pi}, gate=1, target=4)(x)[0]
    offset = math.pi / 6
    turn = counter(5, {4: 2 * math.pi / 3 / SHOWN**2}, gate=3, target=0, offset=offset)(x)[0][..., 0]
    codes = SHOWN**2 * torch.cos(2 * math.pi * torch.arange(3, dtype=x.dtype) / 3 + offset)
    for row in range(2):
        turns, flips = 0, 0  # the product so far is turn^turns reflect^flips
        for t in range(time):
            turns = (turns + (word[row, t] == 1).item() * (-1) ** flips) % 3
            flips = (flips + (word[row, t] == 2).item()) % 2
            assert abs(sign[row, t].item() - (-1) ** flips) < 1e-9
            assert abs(turn[row, t].item() - codes[turns].item()) < 1e-9


def test_starts_as_released():
    torch.manual_seed(0)
    layer = AUSSM(32, states=16)
    assert torch.equal(layer.D, torch.ones(32))
    assert layer.turn.bias.abs().max() <= math.pi < 1.1 * layer.turn.bias.abs().max()
    assert layer.enter.bias is None and layer.out.bias is None and layer.rate_down.bias is None
    assert layer.rate_down.weight.shape == (16, 32), "the rank of dt is the number of states"
    torch.manual_seed(0)
    B = AUSSM(1, states=10_000).B
    assert abs(B.square().sum(1).mean() - 1) < 0.05, "a standard complex normal has a mean square of one"


def test_bad_sizes_are_refused():
    for name in ("states", "rank", "taps"):
        with pytest.raises(BadInput, match=f"{name} must be a whole number"):
            AUSSM(8, **{name: 0})


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("taps", [1, 2])
def test_variants_keep_the_promises(taps: int, promise):
    promise(aussm(5, 3, states=1, rank=3, taps=taps), normal(2, 6, 3))


@pytest.mark.parametrize("promise", ON_BUILDING, ids=lambda check: check.__name__.removeprefix("check_"))
def test_variants_are_built_as_promised(promise):
    promise(functools.partial(AUSSM, states=3, rank=2, taps=2))
