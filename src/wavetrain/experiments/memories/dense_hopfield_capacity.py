"""Do steeper energies hold more patterns: powers of N, then exponentially many?

Krotov and Hopfield 2016, arXiv 1606.01164: with F(z) = z^n a network of N units of +1 and -1 holds of the
order of N^(n - 1) random patterns; Demircigil et al. 2017, arXiv 1702.01929: with exp at least 2^(N / 2);
Ramsauer et al. 2021, arXiv 2008.02217: with the softmax, and patterns on a sphere in d dimensions, at least
sqrt(p) c^((d - 1) / 4), and one update is enough. In each family K is the number of patterns of which half
are left as they are by one update: all bits, or an error of less than a tenth.

    slope  of ln (K z^2) on ln N for powers. Half of the patterns are whole where the noise of all others is
           z times below the signal, K = N^(n-1) / ((2 n - 3)!! z^2), Phi(z)^N = 1/2; so it should be n - 1
    rate   of ln K on N, or on d: growth is exponential if that line is nearer than that of ln K on ln N; for
           the softmax beta = 1 and the radius is sqrt(d - 1), for which theory guarantees ln(c) / 4
    error  of the softmax with beta = 1 among many standard normal patterns, the cue 0.3 away in each
           channel, after one update and after two, relative to the pattern

`line` and `power` are what those two lines leave of ln K, as the root of the mean square.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import special
from torch import Tensor
from torch.nn import functional as F

from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._curves import crossing
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness, on_sphere
from wavetrain.train.lab import Lab

Kept = Callable[[int, int, torch.Generator], float]  # patterns, those looked at, dice: the share kept

POWERS = (2, 3, 4)
NEAR, SMALL = 0.35, 0.01  # of a slope, of the error after one update
FAILURE = 0.001  # p of the theorem


def _exponential(figures: Measured, kind: str) -> bool:
    """At least as fast as proven, and a line over N rather than over ln N."""
    fast = figures[f"rate_{kind}"] >= figures[f"proven_{kind}"]
    return fast and figures[f"line_{kind}"] < figures[f"power_{kind}"]


claim = Claim(
    title="Steeper energies let Hopfield networks hold exponentially many",
    sentence="A dense associative memory of power n holds of the order of N^(n - 1) patterns, with exp and "
    "with the softmax exponentially many (at rates of at least ln(2) / 2 and ln(c) / 4), and one update of "
    "the softmax finds one pattern of ten thousand to 1%.",
    topic="Associative memory",
    source="Krotov and Hopfield 2016; Demircigil et al. 2017; Ramsauer et al. 2021, arXiv 2008.02217",
    systems=("dense_hopfield",),
    parts=(
        Part(
            says="With powers 2, 3 and 4 the capacity grows as N to the power 1, 2 and 3, to within 0.35.",
            holds=lambda figures: all(abs(figures[f"slope_{n}"] - (n - 1)) <= NEAR for n in POWERS),
            figures=("slope_*",),
        ),
        Part(
            says="With exp the capacity grows exponentially in N, at a rate of at least ln(2) / 2.",
            holds=lambda figures: _exponential(figures, "exp"),
            figures=("rate_exp", "proven_exp", "line_exp", "power_exp"),
        ),
        Part(
            says="With the softmax it grows exponentially in the dimension, at a rate of at least ln(c) / 4.",
            holds=lambda figures: _exponential(figures, "softmax"),
            figures=("rate_softmax", "proven_softmax", "line_softmax", "power_softmax"),
        ),
        Part(
            says="One update of the softmax finds one pattern of ten thousand or more to 1%.",
            holds=lambda figures: figures["error_one"] < SMALL,
            figures=("error_one", "error_two"),
        ),
    ),
    published={"slope_2": 1.0, "slope_3": 2.0, "slope_4": 3.0, "rate_exp": "2^(N / 2)"},
    figures=(
        Figure(name="slope_{n}", says="growth of the capacity with the units, power {n}", unit="exponent"),
        Figure(
            name="proven_{energy}",
            says="growth of the logarithm of the capacity in theory, at least, {energy}",
            unit="nats per unit",
        ),
        Figure(
            name="rate_{energy}",
            says="growth of the logarithm of the capacity, {energy}",
            unit="nats per unit",
        ),
        Figure(
            name="line_{energy}",
            says="what a line over the size leaves of the logarithm of the capacity, {energy}",
            unit="root mean square, nats",
        ),
        Figure(
            name="power_{energy}",
            says="what a power of the size leaves of the logarithm of the capacity, {energy}",
            unit="root mean square, nats",
        ),
        Figure(name="error_one", says="error of the softmax after one update", unit="share of the pattern"),
        Figure(name="error_two", says="error of the softmax after two updates", unit="share of the pattern"),
        Figure(name="held_z^{n}_{size}", says="patterns held by {size} units, power {n}", unit="count"),
        Figure(
            name="held_exp_{size}",
            says="patterns held by {size} units, exponential energy",
            unit="count",
        ),
        Figure(
            name="held_softmax_{size}",
            says="patterns held in {size} dimensions, softmax energy",
            unit="count",
        ),
    ),
    names={"exp": "exponential energy", "softmax": "softmax energy"},
    notes="The margin of the slopes and what counts as found are ours. Growth counts as exponential where a "
    "line through ln K over N leaves less than one over ln N. The theorem on the softmax is a lower bound, "
    "so the measured rate is expected far above it.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    sizes: tuple[int, ...]  # for powers
    bits: tuple[int, ...]  # for exp
    dimensions: tuple[int, ...]  # for the softmax
    draws: int
    tried: int  # patterns of each draw
    many: int  # patterns among which one is found, in 64 dimensions


smoke = Scale(sizes=(8, 12), bits=(4, 6, 8), dimensions=(4, 6, 8), draws=1, tried=10, many=100)
small = Scale(
    sizes=(30, 60, 120),
    bits=(10, 12, 14, 16, 18),
    dimensions=(8, 11, 14, 17, 20),
    draws=10,
    tried=100,
    many=10_000,
)
full = Scale(
    sizes=(50, 100, 200),
    bits=(10, 14, 18, 22),
    dimensions=(8, 14, 20, 26),
    draws=20,
    tried=200,
    many=1_000_000,
)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    shown: dict[str, tuple[tuple[int, ...], list[float]]] = {}
    for n in POWERS:
        held = [_held(_signs(size, Steepness.POWER, n, lab), scale, lab) for size in scale.sizes]
        shown[f"z^{n}"] = scale.sizes, held
        noise = [float(special.ndtri(0.5 ** (1 / size))) ** 2 for size in scale.sizes]
        figures[f"slope_{n}"] = _line(np.log(scale.sizes), np.log(np.array(held) * noise))[0]
    exp = [_held(_signs(size, Steepness.EXPONENTIAL, 2, lab), scale, lab) for size in scale.bits]
    sphere = [_held(_sphere(size, lab), scale, lab) for size in scale.dimensions]
    c, _ = on_sphere(scale.dimensions[-1], 1.0, 1.0, FAILURE)
    for name, sizes, held, proven in (
        ("exp", scale.bits, exp, math.log(2) / 2),
        ("softmax", scale.dimensions, sphere, math.log(c) / 4),
    ):
        shown[name] = sizes, held
        figures[f"proven_{name}"] = proven
        figures[f"rate_{name}"], figures[f"line_{name}"] = _line(np.array(sizes, dtype=float), np.log(held))
        figures[f"power_{name}"] = _line(np.log(sizes), np.log(held))[1]
    figures["error_one"], figures["error_two"] = _errors(scale, lab)
    for name, (sizes, held) in shown.items():
        figures |= {f"held_{name}_{size}": k for size, k in zip(sizes, held, strict=True)}
    axis = sorted({size for sizes, _ in shown.values() for size in sizes})
    lines = np.full((len(shown), len(axis)), np.nan)
    for row, (sizes, held) in enumerate(shown.values()):
        lines[row, [axis.index(size) for size in sizes]] = held
    title = "Patterns of which half are left as they are by one update"
    x = np.array(axis, dtype=float)
    lab.show("capacity", Curve(title, x, lines, tuple(shown), "units or dimensions", "patterns", log=True))
    return figures


def _held(kept: Kept, scale: Scale, lab: Lab) -> float:
    """The number of patterns of which half are kept: more by half an octave, until fewer are."""
    dice, counts, shares = lab.generator(), [1], [1.0]  # one pattern is always kept
    while shares[-1] >= 0.5:
        counts.append(math.ceil(counts[-1] * 2**0.5))
        drawn = [kept(counts[-1], scale.tried, dice) for _ in range(scale.draws)]
        shares.append(float(np.mean(drawn)))
    return math.exp(crossing([math.log(count) for count in counts], shares))


def _signs(size: int, steepness: Steepness, power: int, lab: Lab) -> Kept:
    memory = DenseHopfield(size, steepness=steepness, power=power).to(lab.device)

    def kept(many: int, tried: int, dice: torch.Generator) -> float:
        """The share of patterns of +1 and -1 that an update leaves as they are."""
        pattern = 2.0 * torch.randint(2, (1, many, size), generator=dice).to(lab.device) - 1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "DenseHopfield: .* more than")  # which is the point here
            state = memory.write(memory.empty(1), pattern, pattern)
        one = pattern[:, :tried]
        return float((memory.update(state, one) == one).all(-1).double().mean())

    return kept


def _sphere(size: int, lab: Lab) -> Kept:
    memory = DenseHopfield(size, beta=1.0).to(lab.device)

    def kept(many: int, tried: int, dice: torch.Generator) -> float:
        """The share of patterns on the sphere, of radius sqrt(d - 1), that are moved less than a tenth."""
        pattern = torch.randn(1, many, size, generator=dice).to(lab.device)
        pattern = (size - 1) ** 0.5 * F.normalize(pattern, dim=-1)
        state = memory.write(memory.empty(1), pattern, pattern)
        one = pattern[:, :tried]
        moved = (memory.update(state, one) - one).norm(dim=-1) / (size - 1) ** 0.5
        return float((moved < 0.1).double().mean())

    return kept


def _errors(scale: Scale, lab: Lab) -> tuple[float, float]:
    """What is missing of patterns in 64 dimensions after one update of the softmax, and after two."""
    dice, memory = lab.generator(), DenseHopfield(64, beta=1.0).to(lab.device)
    pattern = torch.randn(1, scale.many, 64, generator=dice).to(lab.device)
    state, one = memory.write(memory.empty(1), pattern, pattern), pattern[:, : scale.tried]
    first = memory.update(state, one + 0.3 * torch.randn(one.shape, generator=dice).to(lab.device))

    def missing(found: Tensor) -> float:
        return float((found - one).norm() / one.norm())

    return missing(first), missing(memory.update(state, first))


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of a line through the points, and the root of the mean square that it leaves."""
    slope, at = np.polyfit(x, y, 1)
    return float(slope), float(np.sqrt(np.mean((y - slope * x - at) ** 2)))
