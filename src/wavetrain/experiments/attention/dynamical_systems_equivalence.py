"""When is attention a state space, and can a finite state make softmax?

Sieber, Amo Alonso, Didier, Zeilinger and Orvieto 2024, arXiv 2405.15731: attention and state spaces are one
linear system that changes with time, with different matrices. Layers are looked at before any training. The
figures are

    gated       linear attention with a gate g is a selective state space (S6) with one decay, A = -1,
                dt = -log g, B = k / dt, C = q: both routes of the library, on the same sequences
    divided     linear attention that divides by eta_t = phi(q_t) . sum phi(k_s) is one with exp(-dt_t) =
                eta_{t-1} / eta_t and B = phi(k_t) / (eta_t dt_t). S6 has dt > 0, which asks that eta grows;
                the share of steps where it does is reported
    states      how many states each layer must carry, found from its operator alone, for a sequence and for
                one twice as long: linear attention as many as features, S6 its own, softmax more and more
    series      softmax by linear attention with the features of exp's series up to an order, in number
                1 + d + d^2 + ...: the error of the output falls with the order, and is never zero
    best        what softmax loses when the lens keeps only so many states of it
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.evidence.claims import Claim, Figure, Measured, Part
from wavetrain.evidence.picture import Curve
from wavetrain.experiments._layers import built
from wavetrain.layers.attention.linear_attention import Decay, Feature, LinearAttention
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.lenses.operator.dynamical_systems_form import dynamical_systems_form
from wavetrain.train.lab import Lab

EQUAL, NONE = 1e-9, 1e-12  # largest relative error of two routes that are one; smallest of two that are not


def _one_system(figures: Measured) -> bool:
    return figures["gated_as_selective"] < EQUAL and figures["divided_as_selective"] < EQUAL


def _finite(figures: Measured) -> bool:
    return all(figures[f"states_{one}"] == figures[f"states_{one}_twice"] for one in ("linear", "selective"))


def _series_approaches(figures: Measured) -> bool:
    even = [figures[f"series_{order}"] for order in (0, 2, 4)]
    return even[0] > even[1] > even[2] > NONE and even[2] < even[0] / 10


claim = Claim(
    title="Linear attention is a state space, softmax is none of finite size",
    sentence="Linear attention is a selective state space with one decay for all its states. Softmax "
    "attention is no state space of finite size, but linear attention comes closer to it with every even "
    "order of features.",
    topic="Attention",
    source="Sieber et al. 2024, NeurIPS 2024, arXiv 2405.15731, the common form and its lemmas",
    systems=(
        "linear_attention",
        "softmax_attention",
        "mamba",
        "elman",
        "dynamical_systems_form",
    ),
    parts=(
        Part(
            says="Linear attention, with a gate or with a division, equals a selective state space: the "
            "relative error is below 1e-9.",
            holds=_one_system,
            figures=("gated_as_selective", "divided_as_selective"),
        ),
        Part(
            says="Linear attention and the selective state space need as many states for a sequence as for "
            "one twice as long.",
            holds=_finite,
            figures=("states_linear*", "states_selective*"),
        ),
        Part(
            says="Softmax attention needs more states than linear attention, and more again for twice the "
            "length.",
            holds=lambda figures: (
                figures["states_softmax_twice"] > figures["states_softmax"] > figures["states_linear"]
            ),
            figures=("states_softmax*", "states_linear"),
        ),
        Part(
            says="With features of order 0, 2 and 4 the error of linear attention falls each time, to less "
            "than a tenth, and never to zero.",
            holds=_series_approaches,
            figures=("series_0", "series_2", "series_4"),
        ),
    ),
    figures=(
        Figure(
            name="gated_as_selective",
            says="linear attention with a gate against a selective state space",
            unit="relative error",
        ),
        Figure(
            name="divided_as_selective",
            says="linear attention with a division against a selective state space",
            unit="relative error",
        ),
        Figure(
            name="divided_steps_allowed",
            says="steps at which the division makes a positive time step",
            unit="share",
        ),
        Figure(
            name="series_{order}",
            says="linear attention with features up to order {order} against softmax attention",
            unit="relative error",
        ),
        Figure(name="features_{order}", says="features up to order {order}", unit="count"),
        Figure(
            name="states_{layer}_twice",
            says="states that {layer} needs for twice the length",
            unit="count",
        ),
        Figure(name="states_{layer}", says="states that {layer} needs", unit="count"),
        Figure(
            name="best_{states}",
            says="weights of softmax attention that are left out with {states} of its states",
            unit="share",
        ),
    ),
    names={"linear": "linear attention", "selective": "a selective state space", "tanh": "an Elman network"},
    notes="Checked on layers as they start, in float64. The paper's trained comparison (multi-query recall, "
    "accuracy over the number of states) is not run here.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    width: int  # of one head
    time: int
    sequences: int
    states: int  # of the selective state space, for each channel
    orders: int = 4  # of the series


smoke = Scale(width=3, time=16, sequences=1, states=2)
small = Scale(width=6, time=40, sequences=2, states=4)
full = Scale(width=8, time=64, sequences=8, states=16)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    width, seed = scale.width, lab.seed
    draw = torch.randn(scale.sequences, 2 * scale.time, width, generator=lab.generator(), dtype=torch.float64)
    x = draw[:, : scale.time]
    gated = built(lambda: LinearAttention(width, None, 1, Feature.IDENTITY, Decay.GATED), seed)
    linear = built(lambda: LinearAttention(width, heads=1), seed)
    softmax = built(lambda: SoftmaxAttention(width, heads=1, rotary=False), seed)
    selective = built(lambda: Mamba(width, states=scale.states), seed)
    forms = {
        f"{name}{word}": dynamical_systems_form(layer, sequence)
        for name, layer in {"linear": linear, "softmax": softmax, "selective": selective}.items()
        for word, sequence in {"": x, "_twice": draw}.items()
    } | {"tanh": dynamical_systems_form(built(lambda: Elman(width), seed), x)}
    with torch.no_grad():
        same, allowed = _divided(linear, x)
        figures: dict[str, float] = {
            "gated_as_selective": _apart(_gated(gated, x), gated(x)[0]),
            "divided_as_selective": _apart(same, linear(x)[0]),
            "divided_steps_allowed": float(allowed),
        }
        for order in range(scale.orders + 1):
            figures[f"series_{order}"] = _apart(_series(softmax, x, order), softmax(x)[0])
            figures[f"features_{order}"] = sum(width**power for power in range(order + 1))
    figures |= {f"states_{name}": form.states for name, form in forms.items()}
    error = forms["softmax"].error
    figures |= {f"best_{states}": float(error[states]) for states in (1, 2, 4, len(error) - 1)}
    lab.show(
        "states",
        Curve(
            "Systems of few states for a layer's operator",
            np.arange(len(error), dtype=float),
            np.clip([forms[name].error for name in ("linear", "softmax", "selective")], 1e-17, None),
            ("linear attention", "softmax attention", "selective state space"),
            "states",
            "share of the weights that is left",
            log=True,
        ),
    )
    return figures


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _parts(layer: LinearAttention | SoftmaxAttention, x: Tensor) -> tuple[Tensor, ...]:
    """q, k and v of a single head, (B, T, P)."""
    return layer.project(x).chunk(3, -1)


def _gated(layer: LinearAttention, x: Tensor) -> Tensor:
    """Gated linear attention by the recurrence of S6, a channel for each channel of the values."""
    q, k, v = _parts(layer, x)
    dt = -F.logsigmoid(layer.gate(x))  # (B, T, 1)
    y, _ = scan.selective(v, dt.expand_as(v), -torch.ones_like(layer.out.weight), k / dt, q)
    return layer.out(y)


def _divided(layer: LinearAttention, x: Tensor) -> tuple[Tensor, Tensor]:
    """Linear attention with its division by S6, and at which share of steps S6's dt is positive."""
    q, k, v = _parts(layer, x)
    q, k = F.elu(q) + 1, F.elu(k) + 1
    eta = (q * k.cumsum(1)).sum(-1, keepdim=True)
    dt = torch.cat([torch.full_like(eta[:, :1], math.log(2)), (eta[:, 1:] / eta[:, :-1]).log()], 1)
    y, _ = scan.selective(v, dt.expand_as(v), -torch.ones_like(layer.out.weight), k / (eta * dt), q)
    return layer.out(y), (dt > 0).double().mean()


def _series(layer: SoftmaxAttention, x: Tensor, order: int) -> Tensor:
    """Attention with the series of exp up to an order: features, one state for each, and a division."""
    q, k, v = _parts(layer, x)
    root = q.shape[-1] ** -0.25  # the scores' 1 / sqrt(P), half of it on each side
    q, k = (_features(root * part, order).unsqueeze(2) for part in (q, k))  # (B, T, 1, n)
    ones = F.pad(v, (0, 1), value=1.0).unsqueeze(2)
    sums, _ = scan.chunked(q, k, ones, torch.zeros_like(q[..., :1]))
    return layer.out((sums[..., :-1] / sums[..., -1:]).squeeze(2))


def _features(x: Tensor, order: int) -> Tensor:
    """All products of up to `order` channels, so that q . k becomes the sum of (q . k)^p / p!."""
    power = torch.ones_like(x[..., :1])
    features = [power]
    for p in range(1, order + 1):
        power = (power.unsqueeze(-1) * x.unsqueeze(-2)).flatten(-2) / math.sqrt(p)
        features.append(power)
    return torch.cat(features, -1)
