"""How the context of signal propagation comes in beside the data: what the first stage makes of both."""

import enum
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.parts.kept import into_optimiser, of_optimiser, under, within
from wavetrain.rules._stages import Maps, Piece, Stage


class Signal(enum.Enum):
    """How a context comes in."""

    PROJECTED = "through the first map, projected to the size of an input"
    OWN = "by a map of its own in place of the first"
    RESHAPED = "through the first map, spread over an input"
    JOINED = "through the first map with the data, whose last channels are blank for it"
    BESIDE = "through the first map alone, by the last channels, which are blank in the data"


class _Map:
    """The map of contexts, N(0, 1) at the start; where it learns, it does so by Adam."""

    def __init__(self, weight: Float[Tensor, "classes size"], rate: float):
        self.weight = nn.Parameter(weight)
        self.updates = torch.optim.Adam([self.weight], rate)


class Signals:
    """What sends contexts into networks: without a signal OWN into maps, and PROJECTED into layers.

    Where the map of contexts has a `rate` it learns by it.
    """

    def __init__(self, signal: Signal | None, rate: float, seed: int):
        if not rate >= 0:
            raise BadInput(f"SignalPropagation: expected a rate of at least 0, got {rate!r}")
        self.signal, self.rate, self.seed = signal, rate, seed
        self.maps: WeakKeyDictionary[nn.Module, _Map] = WeakKeyDictionary()
        self.waiting: Mapping[str, Tensor] = {}  # of a map, until its network is met

    def state_dict(self) -> dict[str, Tensor]:
        """The map of contexts and what Adam knows of it, where it learns; raises BadInput for several."""
        if not self.rate or not self.maps:
            return dict(self.waiting)
        if len(self.maps) > 1:
            raise BadInput(
                f"SignalPropagation: expected one network whose map of contexts is kept, got {len(self.maps)}"
            )
        (kept,) = self.maps.values()
        both = {"weight": kept.weight.detach()} | within("adam", of_optimiser(kept.updates))
        return {name: one.clone() for name, one in both.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The map is that of the network which is taught next."""
        self.maps, self.waiting = WeakKeyDictionary(), dict(state)

    def pieces(self, network: nn.Module, stage: Stage, streams: list[Tensor], each: bool) -> Iterator[Piece]:
        """What the first stage makes of data and contexts."""
        x, contexts = streams
        if self.signal in (Signal.JOINED, Signal.BESIDE):
            return stage.pieces([x, _joined(x, contexts, self.signal is Signal.JOINED)], each)
        if self.signal is Signal.RESHAPED:
            return stage.pieces([x, _reshaped(x, contexts)], each)
        return self._mapped(network, stage, x, contexts, each)

    def _mapped(
        self, network: nn.Module, stage: Stage, x: Tensor, contexts: Tensor, each: bool
    ) -> Iterator[Piece]:
        """The same with a map of contexts, which learns when the last piece is over."""
        own = self.signal is Signal.OWN or (self.signal is None and isinstance(stage, Maps))
        if own and not isinstance(stage, Maps):
            raise BadInput(
                f"SignalPropagation: expected a first map that contexts can have one of their own beside, "
                f"got {type(stage.modules[0]).__name__}"
            )
        data = stage.modules[0](x) if own else x
        axes = data.shape[2:] if data.ndim == 3 else data.shape[1:]
        if network not in self.maps:
            draw = torch.Generator().manual_seed(self.seed)
            drawn = torch.randn(contexts.shape[-1], axes.numel(), generator=draw).to(contexts)
            self.maps[network] = _Map(self.waiting.get("weight", drawn).to(drawn).clone(), self.rate)
            into_optimiser(self.maps[network].updates, under("adam", self.waiting))
            self.waiting = {}
        kept = self.maps[network]
        made = _each_step(data, (contexts @ kept.weight).unflatten(-1, axes))
        leaf = made.detach().requires_grad_(self.rate > 0 and torch.is_grad_enabled())
        if isinstance(stage, Maps) and own:
            yield stage.piece([data, leaf])
        else:
            yield from stage.pieces([x, leaf], each)
        if leaf.grad is not None:
            kept.updates.zero_grad()
            made.backward(leaf.grad)
            kept.updates.step()


def _each_step(x: Tensor, made: Tensor) -> Tensor:
    """What comes in at every step, where there are steps."""
    return made[:, None].expand(-1, x.shape[1], -1) if x.ndim == 3 and made.ndim == 2 else made


def _joined(x: Tensor, contexts: Tensor, data: bool) -> Tensor:
    """Contexts in the last channels, with the data or 0; raises BadInput where these are not blank."""
    many = contexts.shape[-1]
    if x.shape[-1] <= many or x[..., -many:].any():
        raise BadInput(f"SignalPropagation: expected the last {many} channels to be blank, for the context")
    told = _each_step(x, contexts)
    rest = x[..., :-many] if data else x.new_zeros(*told.shape[:-1], x.shape[-1] - many)
    return torch.cat([rest, told], -1)


def _reshaped(x: Tensor, contexts: Tensor) -> Tensor:
    """Contexts spread over an input, each entry over as many neighbours."""
    axes = x.shape[2:] if x.ndim == 3 else x.shape[1:]
    many = contexts.shape[-1]
    if axes.numel() < many:
        raise BadInput(f"SignalPropagation: expected {many} channels or more, got {axes.numel()}")
    place = torch.arange(axes.numel(), device=x.device) * many // axes.numel()
    return _each_step(x, contexts[..., place].unflatten(-1, axes))
