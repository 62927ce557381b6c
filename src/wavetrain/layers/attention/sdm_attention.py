"""Attention by the weights of sparse distributed memory: keys and queries of unit length, and shared neurons.

Bricken and Pehlevan 2021, arXiv 2111.05498; keys and queries normalised as by Henry et al. 2020.

    q_t, k_t, v_t = W x_t, in H heads of n channels;  q and k divided by their lengths;  cos = q_t . k_s
    y_t = W_o sum_{s <= t} w(q_t . k_s) v_s / sum_{s <= t} w(q_t . k_s)
    w   exp(beta cos), or the share of neurons within d bits of both: balls of the cube, or caps of the sphere

What two balls share falls almost like an exponential of cos, so with the fitted beta the three are alike near
the query. Where no neuron is shared, nothing is read. Each operation has a place in the cerebellum:

    queries and keys arrive          mossy fibres, the same for reading and writing
    a neuron's address               what a granule cell samples with its dendrites
    active within d                  its threshold; Golgi cells set how many are active, which is the radius
    what a neuron stores             its parallel fibres' synapses on Purkinje cells, one cell a value channel
    the value to be written          climbing fibres, about one for each Purkinje cell, gate that plasticity
    the sum over active neurons      Purkinje cells, over as many as 100,000 parallel fibres each

The state is every key and value so far. Linear in its values given the weights, so the operator is exact.
"""

import enum
import functools
import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, Operator, State, check_heads, check_width
from wavetrain.core.constants import constant
from wavetrain.errors import BadInput
from wavetrain.parts import balls

PATTERNS = 1024  # for which the default radius is best: with 64 channels it is 11


class Weights(enum.Enum):
    """How weights fall with the angle between query and key."""

    EXPONENTIAL = "exp(beta cos): softmax"
    BINARY = "balls of the cube, linear between whole bits"
    CAP = "caps of the sphere"


class SdmAttention(Layer):
    """x (B, T, inputs) to y (B, T, width).

    The state is keys and values (B, H, S, n) and which of the S places are taken (B, S). `heads` divides
    `width`; by default a head has at least 32 channels. `beta`, one for each head, is by default the slope
    that fits the balls of `radius`; where it is `learned`, its size counts and not its sign.

    >>> from wavetrain.layers import SdmAttention
    >>> layer = SdmAttention(8)
    >>> weight = layer.operator(torch.randn(1, 50, 8)).weight
    >>> weight.sum(-1).allclose(torch.ones(1, 1, 50))  # shares of the past
    True
    """

    overlap: Tensor  # share of neurons, by bits or, of caps, by angle, (V,)
    beta: Tensor  # (H,)

    card = Card(
        title="Attention approximates sparse distributed memory",
        authors="Bricken, Trenton and Pehlevan, Cengiz",
        year=2021,
        source="NeurIPS 2021, arXiv 2111.05498",
        family="attention",
        topic="Sparse distributed memory",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        heads: int | None = None,
        weights: Weights = Weights.EXPONENTIAL,
        radius: int | None = None,
        beta: float | None = None,
        learned: bool = False,
    ):
        super().__init__(width, inputs)
        heads = check_heads("SdmAttention", width, heads)
        size = width // heads
        radius = max(1, balls.clear_radius(size, 2.0**size, PATTERNS)) if radius is None else radius
        check_width("SdmAttention", radius=radius)
        if radius > max(1, size // 2):
            raise BadInput(
                f"SdmAttention: radius must be at most half of {size} channels a head, got {radius}"
            )
        if beta is not None and not 0 < beta < math.inf:
            raise BadInput(f"SdmAttention: beta must be above 0, got {beta}")
        if weights is not Weights.EXPONENTIAL and (beta is not None or learned):
            raise BadInput(f"SdmAttention: {weights.name} weights have no beta, they follow the radius")
        self.heads, self.weights, self.radius = heads, weights, radius
        self.project = nn.Linear(self.inputs, 3 * width)
        self.out = nn.Linear(width, width)
        if weights is Weights.EXPONENTIAL:
            fitted = balls.fitted_beta(size, radius) if beta is None else beta
            start = torch.full((heads,), float(fitted))
            if learned:
                self.beta = nn.Parameter(start)
            else:
                self.register_buffer("beta", start)
        else:
            table = balls.overlaps_by_angle if weights is Weights.CAP else balls.overlaps
            constant(self, "overlap", functools.partial(table, size, radius))

    def begin(
        self, batch: int
    ) -> tuple[
        Float[Tensor, "batch heads past channels"],
        Float[Tensor, "batch heads past channels"],
        Bool[Tensor, "batch past"],
    ]:
        none = self.out.weight.new_zeros(batch, self.heads, 0, self.width // self.heads)
        return none, none, torch.zeros(batch, 0, dtype=torch.bool, device=none.device)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[
            Float[Tensor, "batch heads past channels"],
            Float[Tensor, "batch heads past channels"],
            Bool[Tensor, "batch past"],
        ],
    ) -> tuple[Float[Tensor, "batch width"], State]:
        q, (k, v, seen) = self._extend(x.unsqueeze(1), state)
        mixed = self._weight(q, k, seen[:, None, None]) @ v  # (B, H, 1, n)
        return self.read(mixed.transpose(1, 2)).squeeze(1), (k, v, seen)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        first = state[2].shape[1] == 0  # nothing came before x
        q, (k, v, seen) = self._extend(x, state)
        if first and self.weights is Weights.EXPONENTIAL:
            mixed = scan.attention(q * self._sharpness(), k, v, scale=1.0)
        else:
            mixed = self._weight(q, k, self._past(seen, x.shape[1])) @ v
        return self.read(mixed.transpose(1, 2)), (k, v, seen)

    def operator(self, x: Tensor) -> Operator:
        q, (k, v, seen) = self._extend(x, self.begin(len(x)))
        return Operator(self._weight(q, k, self._past(seen, x.shape[1])), v.transpose(1, 2))

    def read(self, mixed: Tensor) -> Tensor:
        return self.out(mixed.flatten(-2))

    def _weight(self, q: Tensor, k: Tensor, readable: Tensor) -> Tensor:
        """Shares (B, H, T, S) of what is readable (B, 1, T or 1, S), by queries and keys (B, H, ., n)."""
        if self.weights is Weights.EXPONENTIAL:
            fit = (q * self._sharpness()) @ k.mT
            return fit.masked_fill(~readable, -torch.inf).softmax(-1)
        distance = (1 - q @ k.mT) / 2
        place = balls.angle(distance) if self.weights is Weights.CAP else distance
        shared = balls.share_at(self.overlap, place).masked_fill(~readable, 0.0)
        total = shared.sum(-1, keepdim=True)
        return shared / torch.where(total > 0, total, 1.0)

    def _sharpness(self) -> Tensor:
        return self.beta.abs()[:, None, None]

    def _extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Queries of the new steps (B, H, T, n), and the state with their keys and values behind it."""
        keys, values, seen = state
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, H, T, n)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        seen = torch.cat([seen, seen.new_ones(x.shape[:2])], 1)
        return q, (torch.cat([keys, k], 2), torch.cat([values, v], 2), seen)

    @staticmethod
    def _past(seen: Tensor, time: int) -> Tensor:
        """Which places each of the last `time` steps may read, (B, 1, T, S)."""
        places = seen.shape[1]
        causal = torch.ones(time, places, dtype=torch.bool, device=seen.device).tril(places - time)
        return (seen[:, None] & causal)[:, None]
