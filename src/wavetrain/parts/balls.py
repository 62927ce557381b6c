"""Balls of the cube and caps of the sphere: what two of them share, the best radius, the softmax that fits.

A neuron of sparse distributed memory answers to all addresses within d bits of its own, so two addresses v
bits apart share as many neurons as lie in both of their balls. Kanerva 1988, *Sparse Distributed Memory*; the
optimal radii and the fit by an exponential from Bricken and Pehlevan 2021, arXiv 2111.05498.

    N(n, d, v)   points of {0, 1}^n within d of both of two centres v apart; a whole number, exact
    cap(n, d, v) the same on the unit sphere of R^n as a fraction of it, with cos = 1 - 2 v / n
    p            fraction of the cube in one ball, N(n, d, 0) / 2^n;   r neurons;   m stored patterns
    beta         slope of ln N on cos over v = 0 .. d - 1, so that N falls about like exp(beta cos)
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy import integrate, special
from torch import Tensor

from wavetrain.errors import BadInput

ANGLES = 1024  # steps of a table of caps over half a turn


def circle(bits: int, radius: int) -> list[int]:
    """N(n, d, v) for v = 0 .. n, as Python integers.

    What is lost when the centres move apart: nothing at an even step, and at the odd step j the points that
    lie on the border, C(j - 1, (j - 1) / 2) C(n - j, d - (j - 1) / 2).
    """
    _check(bits, radius, bits)
    shared = [sum(math.comb(bits, i) for i in range(int(radius) + 1))]
    for j in range(1, bits + 1):
        half = (j - 1) // 2
        lost = math.comb(j - 1, half) * math.comb(bits - j, radius - half) if j % 2 and radius >= half else 0
        shared.append(shared[-1] - lost)
    return shared


def cap(bits: int, radius: float, distance: float) -> float:
    """The fraction of the sphere that lies in both of two caps.

    Their half-angle is arccos(1 - 2 d / n), and their centres are arccos(1 - 2 v / n) apart.
    One is cut into slices, whose shares of the other are integrated. Needs n of at least 2.
    """
    _check(bits, radius, bits / 2)
    if bits < 2:
        raise BadInput(f"caps need vectors of at least 2 channels, got {bits}")
    wide, apart = math.acos(1 - 2 * radius / bits), math.acos(1 - 2 * distance / bits)
    if apart >= 2 * wide:
        return 0.0
    if bits == 2:
        return (2 * wide - apart) / (2 * math.pi)
    if apart == 0:
        return 0.5 * float(special.betainc((bits - 1) / 2, 0.5, math.sin(wide) ** 2))

    def slice_of(angle: float) -> float:
        inside = 1 - (math.tan(apart / 2) / math.tan(angle)) ** 2
        share = special.betainc((bits - 2) / 2, 0.5, min(max(inside, 0.0), 1.0))
        return (math.sin(angle) / math.sin(wide)) ** (bits - 2) * share

    area = integrate.quad(slice_of, apart / 2, wide, epsabs=0, epsrel=1e-10, limit=200)[0]
    scale = math.lgamma(bits / 2) - math.lgamma((bits - 1) / 2) - 0.5 * math.log(math.pi)
    return area * math.exp(scale + (bits - 2) * math.log(math.sin(wide)))


def fraction(bits: int, radius: float) -> float:
    """p, the share of the cube within d of a point."""
    return float(special.bdtr(radius, bits, 0.5))


def radius_of(bits: int, share: float) -> int:
    """The smallest radius whose ball holds that share of the cube: the binomial quantile."""
    return next(d for d in range(bits + 1) if d == bits or fraction(bits, d) >= share)


def clear_radius(bits: int, neurons: float, patterns: float) -> int:
    """Best ratio of signal to noise for cues with few wrong bits: p = (2 m r)^(-1/3)."""
    return radius_of(bits, (2 * patterns * neurons) ** (-1 / 3))


def roomy_radius(bits: int, neurons: float, right: float = 0.5) -> int:
    """Room for most patterns, all bits of one being right with probability `right`; cues without noise.

    The paper's closed form. It counts how unevenly many neurons patterns reach as noise, which makes the
    smallest balls the worst. By `capacity`, without that, room never shrinks with the ball.
    """
    z, r = _certainty(bits, right), neurons
    k = (2 * z**2 + z**6 / r + 2 * math.sqrt(z**4 + z**8 / r)) ** (1 / 3)  # times r^(4/3)
    return radius_of(bits, (z**4 / k * r ** (-4 / 3) + k * r ** (-2 / 3) + z**2 / r) / 2)


def capacity(bits: int, neurons: float, share: float, right: float = 0.5) -> float:
    """Patterns whose values have no wrong bit with probability `right`, read from their own keys.

    m = 1 + (p r)^2 / z^2 / (p^2 r + (p^2 r)^2) for values that are independent of the keys. How many neurons
    a pattern reaches differs from one to the next, but scales its signal and turns no bit: it is no noise.
    Where patterns that reach no neuron at all are too many, 1.
    """
    p, r, z = share, neurons, _certainty(bits, right)
    if r * math.log1p(-min(p, 1 - 1e-16)) > math.log1p(-right):
        return 1.0
    return 1 + r / (z**2 * (1 + p**2 * r))


def bits_right(
    bits: int, neurons: float, patterns: float, radius: int, wrong: int, echo: bool = False
) -> float:
    """The share of bits that one read has right, from a cue with that many wrong bits.

    Phi(w(v) / sigma) with w(v) = r N(v) / 2^n and sigma^2 = m r p^2 (1 + p^2 r), for values that are
    independent of the keys. Where keys are their own values, what other patterns left in the neurons near a
    cue points towards it, an `echo` of m r (C(n - 1, d) / 2^n)^2 on each bit: it speaks for those that are
    right, and against the correction of those that are wrong.
    """
    return _rights(bits, neurons, patterns, radius, echo)[wrong]


def critical_distance(bits: int, neurons: float, patterns: float, radius: int) -> int:
    """The most wrong bits of a cue that reading makes fewer, on average: the largest v with v' < v up to it.

    v' = n (1 - the share that `bits_right` gives from v wrong bits, without an echo: it makes them fewer in
    one read from almost anywhere, but the next read hears it again and takes it for the pattern).
    """
    rights = _rights(bits, neurons, patterns, radius, False)[: bits // 2]
    grows = (v for v, right in enumerate(rights) if v and bits * (1 - right) >= v)
    return next(grows, len(rights)) - 1


def _rights(bits: int, neurons: float, patterns: float, radius: int, echo: bool) -> list[float]:
    """`bits_right` for cues with 0 .. n wrong bits."""
    whole, p = 2**bits, fraction(bits, radius)
    noise = math.sqrt(patterns * neurons * p**2 * (1 + p**2 * neurons))
    towards = patterns * neurons * (math.comb(bits - 1, radius) / whole) ** 2 if echo else 0.0
    rights = []
    for wrong, count in enumerate(circle(bits, radius)):
        signal = neurons * (count / whole)
        kept = (bits - wrong) * special.ndtr((signal + towards) / noise)
        rights.append(float(kept + wrong * special.ndtr((signal - towards) / noise)) / bits)
    return rights


def far_radius(bits: int, neurons: float, patterns: float) -> int:
    """The radius with the largest critical distance, the smallest of them where several have it."""
    radii = range(1, bits // 2 + 1)
    return max(radii, key=lambda d: (critical_distance(bits, neurons, patterns, d), -d))


def fitted_beta(bits: int, radius: int, caps: bool = False) -> float:
    """The least-squares slope of ln N, or of the logarithm of the caps, on 1 - 2 v / n for v = 0 .. d - 1.

    The paper's betas (35.5, 15.9 and 10.1 for n = 64 and d = 5, 11, 15) are d / (d - 1) times as large: there
    the covariance is divided by d - 1 and the variance by d. A radius of 1 is fitted over v = 0 and 1.
    """
    v = range(max(radius, 2))
    shared: Sequence[float] = [cap(bits, radius, k) for k in v] if caps else circle(bits, radius)[: len(v)]
    return float(np.polyfit(1 - 2 * np.array(v) / bits, [math.log(x) for x in shared], 1)[0])


def overlaps(bits: int, radius: float, caps: bool = False) -> Float[Tensor, "distances"]:
    """What two balls, or two caps, share over what one holds, at 0 .. n bits, in float64."""
    if caps:
        shared = [cap(bits, radius, v) for v in range(bits + 1)]
        return torch.tensor(shared, dtype=torch.float64) / shared[0]
    whole = circle(bits, math.floor(radius))
    return torch.tensor([count / whole[0] for count in whole], dtype=torch.float64)


def overlaps_by_angle(bits: int, radius: float) -> Float[Tensor, "angles"]:
    """What two caps share over what one holds, in equal steps of the angle from 0 to pi, in float64.

    Near the angle 0 caps fall off linearly in it, and so like a root of the distance in bits.
    """
    apart = [bits * (1 - math.cos(math.pi * step / ANGLES)) / 2 for step in range(ANGLES + 1)]
    shared = torch.tensor([cap(bits, radius, v) for v in apart], dtype=torch.float64)
    return shared / shared[0]


def angle(distance: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """The angle, over pi, of two vectors at distances (1 - cos) / 2 from 0 to 1.

    A distance that rounding has put outside counts as the end it is near. There the slope is infinite, and
    is taken for 0.
    """
    between = ~((distance <= 0) | (distance >= 1))
    turned = 2 / math.pi * torch.where(between, distance, 0.5).sqrt().asin()
    return torch.where(between, turned, distance.detach().clamp(0, 1))


def share_at(table: Float[Tensor, "rows"], place: Float[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """The rows of a table at places from 0, its first row, to 1, its last; linear between rows.

    A place that rounding has put outside counts as the end it is near.
    """
    table, last = table.to(place.dtype), len(table) - 1
    at = place * last
    below = at.detach().nan_to_num(0.0).floor().clamp(0, last - 1)
    row = below.long()
    return torch.lerp(table[row], table[row + 1], (at - below).clamp(0, 1))


def _certainty(bits: int, right: float) -> float:
    """Standard deviations between the signal of a bit and its threshold, for all n bits to be right."""
    return float(special.ndtri(right ** (1 / bits)))


def _check(bits: int, radius: float, most: float) -> None:
    if not 0 <= radius <= most:
        raise BadInput(f"expected a radius from 0 to {most:g} for {bits} bits, got {radius}")
