"""A quantised recurrent network in spikes: units that count out their values, up and down.

Su, You, Xu, Xu and He 2024, arXiv 2408.09403, of which we know the abstract. What follows is our own
construction of it, with the bipolar units of the same group's spiking transformers.

At each position of a sequence a unit has K inner steps, in which it integrates what arrives and answers in
spikes worth a threshold s each, up or down. In units of s, from potential p = 1/2 and count n = 0:

    p <- p + I_k / s
    up    where p >= 1 and n < high:  a spike on the positive channel, p <- p - 1, n <- n + 1
    down  where p < 0 and n > low:    a spike on the negative channel, p <- p + 1, n <- n - 1

After K inner steps h = s n. As p + n = 1/2 + sum I_k / s throughout, a unit that has fallen silent has
counted to floor(1/2 + sum I_k / s), clipped, in whatever order the input came: h is that of the
`QuantisedRNN` with the same parameters (Q in `parts/quantised.py`). Every spike is 0 or 1: a connection has
two channels, one adds its weight and the other takes it off, so that -1, 0 and 1 are their differences.
Unlike elsewhere here a unit on its upper threshold fires, as the quantiser rounds halves up.

A step: W x + b arrives in the first inner step, as the number it is, once a position; what is due of the
position before arrives; units fire and are reset by subtraction in the inner step of the spike; after K of
them potential and count begin anew. An inner step has no length in ms: nothing leaks.

    AT_ONCE   all spikes of the position before arrive in the first inner step: K = max(-low, high) is enough
    STREAMED  those of its inner step k arrive in inner step k: late ones ask for late answers, so K is larger

Gradients are those of the quantised network (`straight`), so a network may learn while it spikes.
Left out: the convolutional branch, the form without reset, and gates, whose products of two values no single
sum can count out. Energy: no figure of the source is known, so `Operations` counts and says no joules.
"""

import copy
import enum
import math
from typing import NamedTuple, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Layer, State
from wavetrain.errors import BadInput
from wavetrain.parts import bipolar
from wavetrain.parts.bipolar import Counted
from wavetrain.parts.quantised import SIGNED, Levels, Quantised, straight

N = TypeVar("N", bound=nn.Module)


class Delivery(enum.Enum):
    """When the spikes of the position before arrive."""

    AT_ONCE = "at once"  # all in the first inner step
    STREAMED = "streamed"  # each in the inner step in which it was fired


class Operations(NamedTuple):
    """What a run over some sequences takes, in all."""

    up: int  # spikes on the positive channel
    down: int  # spikes on the negative channel
    additions: int  # of a recurrent weight, one for each spike and unit that it reaches
    products: int  # of a recurrent weight with a value in the quantised network, which has no spikes


class Converted(Quantised):
    """x (B, T, inputs) to h (B, T, width), each position in `inner` steps of spikes.

    The state is h (B, width); STREAMED, also the spikes of the position before, (B, inner, width), up less
    down. Raises BadInput for fewer than one inner step.

    >>> from wavetrain.layers import QuantisedRNN
    >>> from wavetrain.spiking import Converted
    >>> quantised, x = QuantisedRNN(8, inputs=3), torch.randn(2, 50, 3)
    >>> [torch.equal(Converted.of(quantised, inner)(x)[0], quantised(x)[0]) for inner in (1, 8)]
    [False, True]
    """

    card = Card(
        title="Obtaining Optimal Spiking Neural Network in Sequence Learning via CRNN-SNN Conversion",
        authors="Su, Jiahao and You, Kang and Xu, Zekai and Xu, Weizhi and He, Zhezhi",
        year=2024,
        source="arXiv 2408.09403",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        levels: Levels = SIGNED,
        threshold: float | None = 0.3,
        inner: int = 8,
        delivery: Delivery = Delivery.AT_ONCE,
    ):
        super().__init__(width, inputs, levels, threshold)
        if type(inner) is not int or inner < 1:
            raise BadInput(f"Converted: expected one inner step or more, got {inner!r}")
        self.inner, self.delivery = inner, delivery

    @classmethod
    def of(cls, layer: nn.Module, inner: int, delivery: Delivery = Delivery.AT_ONCE) -> "Converted":
        """A quantised layer in spikes, with copies of its parameters; the layer stays as it is.

        Raises BadInput for another layer, and for a threshold or weights that are no finite numbers.
        """
        if not isinstance(layer, Quantised):
            raise BadInput(
                f"Converted: expected a QuantisedRNN, got {type(layer).__name__}; only a sum that is then "
                "rounded can be counted out in spikes, not a gate or a smooth activation"
            )
        threshold = layer.log.detach().exp().item()
        if not 0 < threshold < math.inf:
            raise BadInput(
                f"Converted: expected a finite threshold above 0, got {threshold}; fit_threshold(x) sets it "
                "from data"
            )
        for name, parameter in layer.named_parameters():
            if not parameter.isfinite().all():
                raise BadInput(f"Converted: expected finite numbers, got others in {name}")
        made = cls(layer.width, layer.inputs, layer.levels, inner=inner, delivery=delivery)
        made.to(layer.log).load_state_dict(layer.state_dict())
        return made

    @classmethod
    def within(cls, network: N, inner: int, delivery: Delivery = Delivery.AT_ONCE) -> N:
        """A copy of a network with its quantised layers in spikes; its other modules must be linear maps.

        What a network does between its modules is not seen. Raises BadInput where one is no linear map, or
        none is quantised.

        >>> from wavetrain.layers import QuantisedRNN
        >>> from wavetrain.parts.reader import Reader
        >>> network, x = Reader(QuantisedRNN(8, inputs=3), 5, every_step=False), torch.randn(2, 50, 3)
        >>> torch.equal(Converted.within(network, inner=8)(x), network(x))
        True
        """
        found = copy.deepcopy(network)
        made: dict[int, Converted] = {}
        inside: tuple[str, ...] = ()
        for place, module in list(found.named_modules(remove_duplicate=False)):
            if place.startswith(inside):
                continue
            if isinstance(module, Quantised):
                made.setdefault(id(module), cls.of(module, inner, delivery))
                inside += (f"{place}.",)
                if place:
                    found.set_submodule(place, made[id(module)])
            elif isinstance(module, Layer) or not (
                isinstance(module, nn.Linear | nn.Identity) or next(module.children(), None)
            ):
                raise BadInput(
                    "Converted: expected a network of quantised layers and linear maps, got "
                    f"{type(module).__name__} at {place}"
                )
        if not made:
            raise BadInput(f"Converted: expected a network with a QuantisedRNN, got {type(network).__name__}")
        return cast(N, made.get(id(found), found))

    def begin(self, batch: int) -> State:
        h = self.recur.weight.new_zeros(batch, self.width)
        if self.delivery is Delivery.AT_ONCE:
            return h
        return h, torch.zeros(batch, self.inner, self.width, dtype=torch.int8, device=h.device)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Tensor, State]:
        h, after, _ = self._next(self.encode(x), state, self.threshold())
        return h, after

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        s = self.threshold()
        return scan.unroll(lambda now, state: self._next(now, state, s)[:2], self.encode(x), state)

    @torch.no_grad()
    def spikes(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time inner 2 width"]:
        """The spikes of a run from the first state, 0 or 1: those up on channel 0, those down on channel 1.

        >>> from wavetrain.spiking import Converted
        >>> layer = Converted(4, inputs=3, inner=6)
        >>> layer.spikes(torch.randn(2, 50, 3)).shape
        torch.Size([2, 50, 6, 2, 4])
        """
        self.check(x)
        state, s, found = self.begin(len(x)), self.threshold(), []
        for now in self.encode(x).unbind(1):
            _, state, counted = self._next(now, state, s)
            found.append(counted.channels())
        return torch.stack(found, 1)

    def operations(self, x: Float[Tensor, "batch time inputs"]) -> Operations:
        """What a run on x takes, from the first state; W x is the same in both networks, and not counted.

        >>> from wavetrain.spiking import Converted
        >>> Converted(4, inputs=3).operations(torch.zeros(2, 50, 3)).products  # 2 x 50 x 4 x 4
        1600
        """
        up, down = (int(one) for one in self.spikes(x).sum((0, 1, 2, 4)))
        return Operations(up, down, (up + down) * self.width, len(x) * x.shape[1] * self.width**2)

    def _next(self, drive: Tensor, state: State, s: Tensor) -> tuple[Tensor, State, Counted]:
        """One position: its h, the state after it, and what was fired."""
        once = self.delivery is Delivery.AT_ONCE
        h, sent = (state, None) if once else state
        z = (drive + F.linear(h, self.recur.weight)) / s
        with torch.no_grad():
            first = z if once else drive / s
            currents = F.pad(first[:, None], (0, 0, 0, self.inner - 1))
            if sent is not None:
                currents = currents + F.linear(s * sent.to(s.dtype), self.recur.weight) / s
            counted = bipolar.counted(currents, self.levels)
        clipped = self.levels.inside(z)
        h = s * (straight(counted.level, clipped) if self.rounded else clipped)
        return h, h if once else (h, counted.spikes.to(torch.int8)), counted
