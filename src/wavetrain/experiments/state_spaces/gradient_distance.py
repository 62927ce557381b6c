"""Does attention's gradient reach any distance, where that of stable linear dynamics fades?

Ghodsi 2025, arXiv 2512.15115, third result, the gradient highway. Attention has inputs for which the gradient
of a step by a past one does not depend on their distance. In stable linear dynamics it is at most c
rho^distance. Layers are looked at as they start. The inputs for attention (one head, no positions) are noise
of 0.1 in which the last step and the one at the distance asked share a feature. The feature is the direction
that fits itself best under the layer's own queries and keys, large enough that the two steps outweigh all
others. The stable systems are an LRU with all modes within 0.9 and a wave that shrinks to 0.9 a step. They
get the same inputs; they are linear, so that it makes no difference. The figures are spectral norms of d y_i
/ d x_j at each distance.

Two things are reported beside the claim: the factor by which the gradient changes with a step of distance in
other layers on white noise, and how the gradient of attention on noise falls when the sequence is longer. The
highway exists for some inputs, not for all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavetrain import scan
from wavetrain.core import Layer
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.layers.attention.linear_attention import LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.aussm import AUSSM
from wavetrain.layers.state_space.lru import LRU
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.wave.wave_rnn import Start, WaveRNN
from wavetrain.lenses.dynamics.gradient_highway import gradient_highway
from wavetrain.scan import Activation
from wavetrain.train.lab import Lab

RATE = 0.9  # the largest |lambda| of the stable systems
FLAT, FADED = 0.5, 1e-3
NOISE, MARGIN = 0.1, 4.0  # of the inputs; by how much the match is ahead of all others together, in nats


def _bounded(figures: Measured) -> bool:
    """Up to rounding."""
    return all(figures[f"over_bound_{name}"] <= 1 + 1e-9 for name in ("lru", "wave"))


def _faded(figures: Measured) -> bool:
    return all(figures[f"lasting_{name}"] <= FADED for name in ("lru", "wave"))


claim = Claim(
    title="Attention's gradient reaches any distance; linear dynamics fade",
    sentence="There are inputs for which the gradient of attention is alike at all distances, within a "
    "factor of two up to 200 steps; in stable linear dynamics it stays under c rho^distance for every "
    "input, and fades",
    topic="Attention",
    source="Ghodsi 2025, arXiv 2512.15115, gradient highway (abstract)",
    systems=("softmax_attention", "lru", "wave_rnn", "gradient_highway"),
    parts=(
        Part(
            says="On inputs made for it, attention's smallest gradient over all distances is at least half "
            "its largest",
            figures=("flat_attention",),
            holds=lambda figures: figures["flat_attention"] >= FLAT,
        ),
        Part(
            says="The gradients of an LRU and of a shrinking wave stay under c rho^distance",
            figures=("over_bound_lru", "over_bound_wave"),
            holds=_bounded,
        ),
        Part(
            says="At the longest distance the gradients of the two have faded to a thousandth",
            figures=("lasting_lru", "lasting_wave"),
            holds=_faded,
        ),
    ),
    figures=(
        Figure(
            name="flat_{net}",
            says="smallest gradient over all distances, {net}",
            unit="share of the largest",
        ),
        Figure(
            name="lasting_{net}",
            says="gradient at the longest distance, {net}",
            unit="share of that at the shortest",
        ),
        Figure(name="over_bound_{net}", says="largest gradient over its bound, {net}", unit="ratio"),
        Figure(
            name="rate_{net}",
            says="change of the gradient with a step of distance on white noise, {net}",
            unit="factor",
        ),
        Figure(
            name="noise_attention_length{t}",
            says="gradient by the step before, softmax attention on noise, length {t}",
            unit="spectral norm",
        ),
        Figure(
            name="{net:attention|lru|wave}_{d}",
            says="gradient at distance {d}, {net}",
            unit="spectral norm",
        ),
    ),
    names={
        "attention": "softmax attention",
        "wave": "shrinking wave",
        "softmax_rotary": "softmax attention with rotary positions",
        "linear_attention": "linear attention",
    },
    notes="The abstract prints no figure; the inputs, the factor of two and the thousandth are ours. "
    "`over_bound` is the largest ratio of a gradient to its bound, `lasting` the gradient at the longest "
    "distance over that at the shortest. Nothing is trained.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int
    time: int
    distances: tuple[int, ...]
    sequences: int = 4  # of white noise


smoke = Scale(width=4, time=16, distances=(1, 4, 12), sequences=2)
small = Scale(width=8, time=256, distances=(1, 2, 4, 8, 16, 32, 64, 128, 200))
full = Scale(width=64, time=2048, distances=(1, 4, 16, 64, 256, 1024, 2000))


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    with scan.only_plain():  # a few short walks are not worth the compiling of kernels for float64
        return _look(scale, lab)


def _look(scale: Scale, lab: Lab) -> dict[str, float]:
    attention = built(lambda: SoftmaxAttention(scale.width, heads=1, rotary=False), lab.seed)
    lru = built(lambda: LRU(scale.width, largest=RATE), lab.seed)
    wave = built(lambda: linear_wave(scale.width), lab.seed)
    x = matched(attention, scale, lab.generator())
    far = list(scale.distances)
    lines: dict[str, np.ndarray] = {}
    figures: dict[str, float] = {}
    for name, layer in {"attention": attention, "lru": lru, "wave": wave}.items():
        norm = gradient_highway(layer, x).norm  # (distances, T), a sequence for each distance
        lines[name] = norm[np.arange(len(far)), far]
        figures[f"flat_{name}"] = float(lines[name].min() / lines[name].max())
        figures[f"lasting_{name}"] = float(lines[name][-1] / lines[name][0])
        figures |= {f"{name}_{d}": float(size) for d, size in zip(far, lines[name], strict=True)}
    for name, (size, rate) in {"lru": _bound(lru), "wave": (1.0, RATE)}.items():
        figures[f"over_bound_{name}"] = float((lines[name] / (size * rate ** np.array(far))).max())
    noise = torch.randn(
        scale.sequences, scale.time, scale.width, generator=lab.generator(), dtype=torch.float64
    )
    for name, make in _others(scale.width).items():
        found = gradient_highway(built(make, lab.seed), noise)
        figures[f"rate_{name}"] = found.rate
        lines[f"{name}, white noise"] = found.profile[far]
    for part in (1, 2, 4):
        profile = gradient_highway(attention, noise[:, : scale.time // part]).profile
        figures[f"noise_attention_length{scale.time // part}"] = float(profile[1])
    title, axis = "Gradient over distance, layers as they start", np.array(far, dtype=float)
    values = np.clip(list(lines.values()), 1e-30, None)
    lab.show(
        "distance", Curve(title, axis, values, tuple(lines), "distance (steps)", "|d y / d x|", log=True)
    )
    return figures


def linear_wave(width: int) -> WaveRNN:
    """h_t = 0.9 (h_{t-1} moved by one position) + x_t: an orthogonal map that shrinks."""
    start = Start(zero_bias=True)
    layer = WaveRNN(width, channels=1, activation=Activation.IDENTITY, start=start)
    with torch.no_grad():
        layer.kernel.mul_(RATE)
        layer.encode.weight.copy_(torch.eye(width))
    return layer


def matched(attention: SoftmaxAttention, scale: Scale, generator: torch.Generator) -> Tensor:
    """A sequence (T, width) for each distance, whose last step and the one before it share a feature."""
    ask, keep, _ = attention.project.weight.detach().chunk(3)
    fit = ask.T @ keep * scale.width**-0.5
    best, directions = torch.linalg.eigh((fit + fit.T) / 2)
    feature = directions[:, -1] * math.sqrt((math.log(scale.time) + MARGIN) / float(best[-1]))
    shape = (len(scale.distances), scale.time, scale.width)
    x = NOISE * torch.randn(shape, generator=generator, dtype=torch.float64)
    for row, distance in enumerate(scale.distances):
        x[row, [-1, -1 - distance]] = feature
    return x


def _bound(layer: LRU) -> tuple[float, float]:
    """c = |C| |B| and rho, so that |d y_i / d x_j| <= c rho^(i - j) for i > j."""
    with torch.no_grad():
        read, write = torch.complex(*layer.c), torch.complex(*layer.b) * layer.log_gamma.exp().unsqueeze(-1)
        size = torch.linalg.matrix_norm(read, 2) * torch.linalg.matrix_norm(write, 2)
        return float(size), float((-layer.nu.exp()).exp().max())


def _others(width: int) -> dict[str, Callable[[], Layer]]:
    return {
        "softmax": lambda: SoftmaxAttention(width, heads=1, rotary=False),
        "softmax_rotary": lambda: SoftmaxAttention(width, heads=1),
        "linear_attention": lambda: LinearAttention(width, heads=1),
        "mamba": lambda: Mamba(width),
        "aussm": lambda: AUSSM(width),
        "gru": lambda: GRU(width),
        "elman": lambda: Elman(width),
    }
