"""Where every parameter of every layer starts: the closed form, or the bounds and moments of what is drawn.

Each layer is built from many seeds. What has a closed form must have it in each. What is drawn must lie in
its bounds and fill them, must not repeat itself, and its mean and variance may be off by at most 4.5 standard
errors, sigma / sqrt(n) and sigma^2 sqrt((kurtosis + 2) / n) for n numbers.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from wavetrain import find
from wavetrain.layers.state_space.mamba2 import Mamba2

W, I, SEEDS = 64, 48, 20  # width, inputs  # noqa: E741
Check = Callable[
    [Tensor, dict[str, Tensor]], None
]  # the parameter from all seeds (SEEDS, ...), and all others
MAKE = {"mamba2": functools.partial(Mamba2, heads=2 * W)}  # so that there are many step sizes


def exactly(value: float | Tensor, by: Callable[[Tensor], Tensor] = lambda v: v, rtol: float = 1e-6) -> Check:
    def check(v: Tensor, others: dict[str, Tensor]) -> None:
        v = by(v).double()
        torch.testing.assert_close(v, torch.as_tensor(value).double().expand_as(v), rtol=rtol, atol=0)

    return check


def drawn(
    law: stats.rv_continuous, by: Callable[[Tensor], Tensor] = lambda v: v, slack: float = 1e-6
) -> Check:
    def check(v: Tensor, others: dict[str, Tensor]) -> None:
        values = by(v).detach().double().flatten().numpy()
        n, (low, high) = len(values), law.support()
        mean, variance, excess = (float(moment) for moment in law.stats("mvk"))
        if math.isfinite(high - low):
            span, near = high - low, 12 / n  # the part next to a bound is empty once in e^12
            assert low - slack * span <= values.min() <= low + near * span
            assert high - near * span <= values.max() <= high + slack * span
        assert abs(values.mean() - mean) < 4.5 * (variance / n) ** 0.5
        assert abs(((values - mean) ** 2).mean() - variance) < 4.5 * variance * ((excess + 2) / n) ** 0.5
        assert len(np.unique(values)) > 0.95 * n

    return check


def within(bound: float) -> Check:
    """Uniform in +/- bound."""
    return drawn(stats.uniform(-bound, 2 * bound))


def normal(deviation: float, by: Callable[[Tensor], Tensor] = lambda v: v) -> Check:
    return drawn(stats.norm(0, deviation), by)


def half(first: Check, second: Check) -> Check:
    """One start for the first W rows, another for those behind them."""

    def check(v: Tensor, others: dict[str, Tensor]) -> None:
        first(v[:, :W], others)
        second(v[:, W:], others)

    return check


def linear(name: str, fan_in: int, bias: bool = True) -> dict[str, Check]:
    """The usual start of a linear map or convolution: uniform in +/- 1 / sqrt(fan in)."""
    return {f"{name}.{part}": within(fan_in**-0.5) for part in ("weight", "bias")[: 1 + bias]}


def small(name: str) -> dict[str, Check]:
    return {f"{name}.weight": normal(0.02), f"{name}.bias": exactly(0)}


def chunks() -> dict[str, Check]:
    """Gated attention of MEGA: deviations of 0.02, biases of zero."""
    maps = small("attend.value") | small("attend.base") | small("attend.mix")
    rest = {"attend.scale": normal(0.02), "attend.shift": exactly(0), "attend.bias": normal(0.02)}
    return maps | rest


def attention() -> dict[str, Check]:
    return linear("project", I) | linear("out", W)


def steps(by: Callable[[Tensor], Tensor] = lambda v: v) -> Check:
    """Step sizes whose logarithm is uniform from that of 0.001 to that of 0.1."""
    return drawn(stats.uniform(math.log(0.001), math.log(100)), by, slack=1e-4)


def echo(v: Tensor, others: dict[str, Tensor]) -> None:
    """Uniform, scaled so that the largest eigenvalue is 0.9."""
    largest = torch.linalg.eigvals(v.double()).abs().amax(1)
    torch.testing.assert_close(largest, torch.full_like(largest, 0.9), rtol=1e-5, atol=0)
    drawn(stats.uniform(-1, 2), lambda v: v / v.abs().amax((1, 2), keepdim=True))(v, others)


def off_diagonal(v: Tensor, others: dict[str, Tensor]) -> None:
    """Uniform in +/- 1 / sqrt(W), but for a diagonal of zeros."""
    assert not v.diagonal(dim1=1, dim2=2).any()
    within(W**-0.5)(v[:, ~torch.eye(W, dtype=torch.bool)], others)


def gamma(v: Tensor, others: dict[str, Tensor]) -> None:
    """gamma^2 = 1 - |lambda|^2."""
    size = (-others["nu"].double().exp()).exp()
    torch.testing.assert_close((2 * v.double()).exp(), 1 - size**2, rtol=1e-4, atol=1e-6)


def addresses(v: Tensor, others: dict[str, Tensor]) -> None:
    """Of length 1 and, of what is uniform about 0, the part above 0."""
    assert (v >= 0).all() and abs(float((v == 0).double().mean()) - 0.5) < 4.5 * (4 * v.numel()) ** -0.5
    torch.testing.assert_close(v.norm(dim=-1), torch.ones(v.shape[:-1]), rtol=1e-5, atol=0)
    relative = v / v.amax(-1, keepdim=True)
    assert abs(float(relative[(relative > 0) & (relative < 1)].mean()) - 0.5) < 0.01  # flat up to the largest


def stores(v: Tensor, others: dict[str, Tensor]) -> None:
    bound = 1000**-0.5
    assert abs(float((v == 0).double().mean()) - 0.5) < 4.5 * (4 * v.numel()) ** -0.5
    drawn(stats.uniform(0, bound), lambda v: v[v > 0])(v, others)


def moves(v: Tensor, others: dict[str, Tensor]) -> None:
    """The nearest rotation or reflection to I + G / (2 sqrt(hidden)), G normal: its mean trace is known."""
    hidden = v.shape[-1]
    torch.testing.assert_close(v @ v.mT, torch.eye(hidden).expand_as(v), rtol=0, atol=1e-5)
    dice = np.random.default_rng(0).standard_normal((200, hidden, hidden))
    u, _, w = np.linalg.svd(np.eye(hidden) + 0.5 * hidden**-0.5 * dice)
    same, here = np.trace(u @ w, axis1=1, axis2=2), v.diagonal(dim1=-2, dim2=-1).sum(-1).flatten().numpy()
    error = (same.var() / len(same) + here.var() / len(here)) ** 0.5
    assert abs(same.mean() - here.mean()) < 4.5 * error


def orthogonal(v: Tensor, others: dict[str, Tensor]) -> None:
    """Any rotation or reflection is as likely as another: entries have mean 0 and variance 1 / W."""
    torch.testing.assert_close(v @ v.mT, torch.eye(W).expand_as(v), rtol=0, atol=1e-5)
    assert abs(float(v.double().mean())) < 4.5 * (W * v.numel()) ** -0.5
    assert len(np.unique(v.numpy())) > 0.95 * v.numel()


def unit(v: Tensor, others: dict[str, Tensor]) -> None:
    torch.testing.assert_close(v.norm(dim=1), torch.ones(SEEDS))
    normal(W**-0.5)(v, others)


def softplus_log(v: Tensor) -> Tensor:
    return nn.functional.softplus(v.double()).log()


def polar(name: str) -> dict[str, Check]:
    return {name: normal(0.5**0.5)}


ORDER = torch.arange(64, dtype=torch.float64)  # of states
SIZES = (2 * ORDER + 1).sqrt()
LEGS = -(SIZES[:, None] * SIZES).tril(-1) - torch.diag(ORDER + 1)
FALL = -torch.stack([torch.linspace(0, 1, W), torch.zeros(W), torch.zeros(W)])
RECUR = {"recur": normal(2 * (5 * W) ** -0.5), "bias": exactly(FALL)}
CELL = [f"cell.{kind}_{side}_l0" for kind in ("weight", "bias") for side in ("ih", "hh")]
SHIFT = torch.stack([torch.zeros(2, 2), torch.zeros(2, 2), torch.eye(2)], -1)  # 2 channels, 3 taps
SOURCE = torch.zeros(2, W // 2, I).index_fill(1, torch.tensor(0), 1).flatten(0, 1)  # a ring's first unit


def legs_modes() -> tuple[Tensor, Tensor]:
    """The frequencies of the normal part of LegS, ascending, and B in its modes."""
    skew = LEGS + torch.outer(SIZES, SIZES) / 2 + torch.eye(64) / 2
    values, vectors = np.linalg.eig(skew.numpy())
    order = np.argsort(values.imag)[32:]
    return torch.tensor(values.imag[order]), torch.tensor(np.abs(vectors[:, order].conj().T @ SIZES.numpy()))


FREQUENCY, WRITE = legs_modes()
COMPLEX = torch.stack([WRITE, torch.zeros(32)], -1)

STARTS: dict[str, dict[str, Check]] = {
    "aaren": {"query": normal(0.02)} | linear("ask", W) | linear("project", I) | linear("out", W),
    "analog_lstm": {"weight": within(W**-0.5)},
    "aussm": linear("enter", I, bias=False)
    | linear("convolve", 4)
    | linear("rate_down", W, bias=False)
    | linear("rate_up", 16)
    | {"turn.weight": within(W**-0.5), "turn.bias": within(math.pi), "D": exactly(1)}
    | polar("B")
    | polar("C")
    | linear("out", W, bias=False),
    "echo_state": {"encode.weight": within(1), "encode.bias": within(1), "recur.weight": echo},
    "elm_neuron": {"synapse": exactly(0.5)}
    | linear("hidden", I + 2 * W)
    | linear("update", 4 * W)
    | linear("out", 2 * W),
    "elman": linear("encode", W) | linear("recur", W),
    "episodic": {f"{name}.weight": within((4 * W) ** -0.5) for name in ("encode", "recur", "out")},
    "fsmn": linear("expand", I)
    | linear("project", W, bias=False)
    | linear("gate", I)
    | {"kernels.0": within(20**-0.5), "kernels.1": within(40**-0.5)},
    "gru": dict.fromkeys(CELL, within(W**-0.5)),
    "identity_rnn": {
        "encode.weight": normal(0.001),
        "encode.bias": within(I**-0.5),
        "recur.weight": exactly(torch.eye(W)),
        "recur.bias": exactly(0),
    },
    "quantised_rnn": linear("encode", I)
    | {"log": exactly(math.log(0.3)), "recur.weight": exactly(0.9 * torch.eye(W))},
    "leaky_rnn": linear("encode", I)
    | {"beyond": drawn(stats.uniform(0, 1)), "recur.weight": off_diagonal, "recur.bias": within(W**-0.5)},
    "lightnet": attention() | linear("gate.0", I) | linear("gate.1", W // 2) | {"norm.weight": exactly(1)},
    "line_attractor": linear("encode", I, bias=False)
    | {"line": unit, "tilt": exactly(0), "gain": exactly(1)},
    "linear_attention": attention(),
    "loop_attention": linear("encode", I)
    | {f"{name}.weight": normal(W**-0.5) for name in ("query", "key", "value")},
    "lru": linear("encode", I)
    | {
        "nu": drawn(stats.uniform(0, 1), lambda v: (-2 * v.double().exp()).exp()),
        "theta": drawn(stats.uniform(0, 2 * math.pi), lambda v: v.double().exp()),
        "log_gamma": gamma,
        "b": normal((2 * W) ** -0.5),
        "c": normal(W**-0.5),
        "skip": normal(1),
    },
    "lssl": linear("encode", I)
    | {"a": exactly(LEGS), "log_step": steps(), "b": exactly(SIZES), "c": normal(1), "skip": normal(1)}
    | linear("out", W),
    "lstm": dict.fromkeys(CELL, within(W**-0.5)),
    "mamba": linear("in_proj", I, bias=False)
    | linear("conv1d", 4)
    | linear("x_proj", 2 * W, bias=False)
    | {"dt_proj.weight": within((W / 16) ** -0.5), "dt_proj.bias": steps(softplus_log)}
    | {"A_log": exactly(torch.arange(1.0, 17).log()), "D": exactly(1)}
    | linear("out_proj", 2 * W, bias=False),
    "mamba2": linear("in_proj", I, bias=False)
    | linear("conv1d", 4)
    | {"A_log": drawn(stats.uniform(1, 15), lambda v: v.exp()), "dt_bias": steps(softplus_log)}
    | {"D": exactly(1), "norm.weight": exactly(1)}
    | linear("out_proj", 2 * W, bias=False),
    "mega": linear("encode", I)
    | {"delta": normal(0.2), "alpha": normal(0.2), "gamma": normal(1), "omega": normal(1)}
    | {"beta": normal(0.02, lambda v: v - torch.tensor([1.0, -1.0]).repeat(8))}
    | chunks(),
    "para_gru": {"encode": within((6 / (I / 2 + W)) ** 0.5)} | RECUR,
    "para_lstm": {"encode": within((6 / (I / 2 + W / 2)) ** 0.5), "peep": normal(2 * (5 * W) ** -0.5)}
    | RECUR,
    "quantum_rnn": {
        **dict.fromkeys(("phi", "theta", "turn"), normal(0.5)),
        "encode": exactly(torch.eye(4).repeat(1, I // 4)),
        "out": exactly(torch.eye(W, 16)),
    },
    "recurrent_highway": linear("encode", I, bias=False)
    | {f"recur.{level}.weight": within(W**-0.5) for level in range(2)}
    | {f"recur.{level}.bias": half(within(W**-0.5), exactly(-2)) for level in range(2)},
    "ring": linear("encode", I, bias=False) | {"profile": normal(64**-0.5)},
    "s4": linear("encode", I)
    | {"log_step": steps(), "log_decay": exactly(math.log(0.5)), "frequency": exactly(FREQUENCY, rtol=1e-5)}
    | {"b": exactly(COMPLEX, rtol=1e-5), "p": exactly(COMPLEX * 0.5**0.5, rtol=1e-5)}
    | {"c": normal(0.5**0.5), "skip": normal(1)}
    | linear("out", W),
    "s4d": linear("encode", I)
    | {"log_step": steps(), "log_decay": exactly(math.log(0.5)), "frequency": exactly(math.pi * ORDER[:32])}
    | {"c": normal(0.5**0.5), "skip": normal(1)}
    | linear("out", W),
    "sdm_attention": attention(),
    "sdm_perceptron": {"address": addresses, "store": stores},
    "softmax_attention": attention(),
    "state_regularized": linear("encode", I, bias=False)
    | {"recur": orthogonal, "centroids": within(0.5), "start": within(0.5)},
    "tcnca": linear("encode", I)
    | {"kernel": within(5**-0.5)}
    | linear("mix.0", W)
    | linear("mix.1", W)
    | linear("mix.2", W)
    | chunks(),
    "tem_transformer": {
        "first": normal(32**-0.5),
        "move": moves,
        "key.weight": exactly(torch.eye(32)),
        "sharpness": exactly(2),
        "out.weight": exactly(torch.eye(W, I - I // 2)),
    },
    "temporal_convolution": linear("encode", I)
    | {"kernel": within((3 * W) ** -0.5), "bias": within((3 * W) ** -0.5)},
    "wave_rnn": {
        "encode.weight": exactly(SOURCE),
        "encode.bias": exactly(0),
        "kernel": exactly(SHIFT),
        "bias": within(6**-0.5),
    },
    "wave_working_memory": linear("encode", I, bias=False) | linear("compose", 8 * W, bias=False),
}


def built(found: find.Found) -> dict[str, Tensor]:
    """All parameters of a layer, from all seeds one above the other."""
    starts = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        starts.append(dict(MAKE.get(found.name, found.load())(W, inputs=I).named_parameters()))
    return {name: torch.stack([one[name].detach() for one in starts]) for name in starts[0]}


@pytest.mark.parametrize("found", find.members("layers"), ids=lambda found: found.name)
def test_every_parameter_starts_as_published(found: find.Found) -> None:
    values, expected = built(found), STARTS[found.name]
    assert set(values) == set(expected)
    for name, check in expected.items():
        try:
            check(values[name], values)
        except AssertionError as error:
            raise AssertionError(f"{found.name}: {name} does not start as it should: {error}") from error


@pytest.mark.parametrize("off", [0.98, 1.02])
def test_a_start_that_is_two_percent_off_is_seen(off: float) -> None:
    torch.manual_seed(0)
    flat, bell = off * (2 * torch.rand(SEEDS, W, W) - 1), off * torch.randn(SEEDS, W, W)
    for check, values in ((within(1), flat), (normal(1), bell), (exactly(1), torch.full((SEEDS,), off))):
        with pytest.raises(AssertionError):
            check(values, {})
    within(1)(flat / off, {})
    normal(1)(bell / off, {})
