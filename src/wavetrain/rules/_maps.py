"""The step of a layer taken apart into sums: linear maps inside it, found by listening to its calls.

A map is a weight matrix that is a parameter and is applied once in a step. What it hears may be a part of the
state as it is; then what it owes to the state is known without a slope. All other parameters (biases, time
constants) are taken for sums that hear a one. Pieces by whose sums the state has the same slopes, as by those
of a matrix and its bias, are one group.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.overrides import TorchFunctionMode

from wavetrain.core import Layer
from wavetrain.rules._cell import NEAR, Cell, like, normal, real


class Piece(NamedTuple):
    """A parameter: the weights (out, into) of a map, or numbers (out, 1) that are sums themselves."""

    name: str
    column: int  # where it begins among all parameters
    out: int
    into: int
    is_map: bool
    heard: Int[Tensor, "inputs"] | None = None  # which number of the state each input is
    place: int = 0  # where its weights begin among those of all maps


class Group(NamedTuple):
    """Pieces with the same slopes; its sums are those from `first` on."""

    first: int
    out: int
    pieces: tuple[Piece, ...]


class Listening(TorchFunctionMode):
    """Within it, what some weights are applied to is noted, and something may be added to their sums.

    Of weights that are `cut`, no slope goes back to what they hear.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        added: Mapping[str, Tensor] | None = None,
        cut: frozenset[str] = frozenset(),
    ):
        super().__init__()
        self.names = {id(weight): name for name, weight in weights.items()}
        self.added, self.cut = added or {}, cut
        self.came: dict[str, list[Tensor]] = {}

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is not torch.nn.functional.linear:
            return function(*args, **kwargs)
        given, weight = args[0], args[1] if len(args) > 1 else kwargs["weight"]
        name = self.names.get(id(weight))
        if name is None:
            return function(*args, **kwargs)
        self.came.setdefault(name, []).append(given.flatten())
        sums = function(given.detach() if name in self.cut else given, *args[1:], **kwargs)
        return sums + self.added[name].reshape(sums.shape) if name in self.added else sums


class Mapped(Cell):
    """A step of which the linear maps are known, and the slopes by their sums."""

    def __init__(self, layer: Layer, inputs: int):
        super().__init__(layer, inputs)
        self.pieces = self._pieces()
        self.maps = [piece for piece in self.pieces if piece.is_map]
        self.cut = frozenset(piece.name for piece in self.maps if piece.heard is not None)
        self.groups = _groups([[piece] for piece in self.pieces])
        self.groups = _groups(self._alike())
        # what can differ from zero: by the state, but for what maps hear of it, and by the sums
        self.direct, self.by_sums = ((one != 0).any(0).cpu() for one in self._near())

    def slopes_by_sums(
        self,
        theta: Float[Tensor, "parameters"],
        flat: Float[Tensor, "many state"],
        still: list[Tensor],
        x: Float[Tensor, "many inputs"],
        *,
        by_state: Float[Tensor, "colours rows"],
        by_sums: Float[Tensor, "more rows"],
    ) -> tuple[
        Float[Tensor, "many colours state"], Float[Tensor, "many more sums"], list[Float[Tensor, "many _"]]
    ]:
        """What goes back to the state, but for what maps hear of it, and to sums; and what groups hear."""
        weights, firsts = self.split(theta), [group.pieces[0] for group in self.groups]
        starts = [
            theta.new_zeros(piece.out) if piece.is_map else real(weights[piece.name]).flatten()
            for piece in firsts
        ]

        def after(flat: Tensor, sums: list[Tensor], still: list[Tensor], x: Tensor) -> tuple[Tensor, Any]:
            parameters, added = dict(weights), {}
            for piece, one in zip(firsts, sums, strict=True):
                if piece.is_map:
                    added[piece.name] = one
                else:
                    parameters[piece.name] = like(one, weights[piece.name])
            listened = {piece.name: parameters[piece.name] for piece in self.maps}
            with Listening(listened, added, self.cut) as heard:
                u = self.after(parameters, flat, still, x)
            return u, {piece.name: heard.came[piece.name][0] for piece in self.maps}

        def each(flat: Tensor, still: list[Tensor], x: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
            _, back, came = torch.func.vjp(  # type: ignore[misc]  # three with has_aux
                lambda one, sums: after(one, sums, still, x), flat, starts, has_aux=True
            )
            to_state, to_sums = torch.func.vmap(back)(torch.cat([by_state, by_sums]))
            count = len(by_state)
            return to_state[:count], torch.cat([one[count:] for one in to_sums], -1), came

        to_state, to_sums, came = torch.func.vmap(each)(flat, still, x)
        one = flat.new_ones(len(flat), 1)
        heard = [
            torch.cat([came[piece.name] if piece.is_map else one for piece in group.pieces], 1)
            for group in self.groups
        ]
        return to_state, to_sums, heard

    def weights(self) -> Float[Tensor, "weights"]:
        """Those of all maps, one after another."""
        each = dict(self.layer.named_parameters())
        return torch.cat([each[piece.name].detach().flatten() for piece in self.maps])

    @staticmethod
    def put(theta: Float[Tensor, "parameters"], group: Group, share: Float[Tensor, "outs inputs"]) -> None:
        """Write what is asked of a group where its parameters are."""
        at = 0
        for piece in group.pieces:
            whole = share[:, at : at + piece.into]
            theta[piece.column : piece.column + whole.numel()] = whole.flatten()
            at += piece.into

    def there(self) -> tuple[Bool[Tensor, "rows state"], Bool[Tensor, "rows parameters"]]:
        """What of the slopes can differ from zero: all weights of a map where its sum can."""
        by_state, by_theta = self.direct.clone(), self.direct.new_zeros(self.rows, self.numbers)
        for group in self.groups:
            moved = self.by_sums[:, group.first : group.first + group.out]
            for piece in group.pieces:
                block = slice(piece.column, piece.column + piece.out * piece.into)
                by_theta[:, block] = moved.repeat_interleave(piece.into, 1)
                if piece.heard is not None:
                    by_state[:, piece.heard] |= moved.any(1, keepdim=True)
        return by_state, by_theta

    @torch.no_grad()
    def _near(self) -> tuple[Float[Tensor, "probes rows state"], Float[Tensor, "probes rows sums"]]:
        """All slopes at some states, at a point near the parameters."""
        theta = self.theta()
        flat, x, still = self.probes(theta)
        every = torch.eye(self.rows, dtype=flat.dtype, device=flat.device)
        near = theta + NEAR * normal(torch.Generator().manual_seed(2), theta)
        return self.slopes_by_sums(near, flat, still, x, by_state=every, by_sums=every)[:2]

    def _alike(self) -> list[list[Piece]]:
        """Pieces with the same slopes; maps come first."""
        slopes = self._near()[1]
        found: list[tuple[Tensor, list[Piece]]] = []
        for group in sorted(self.groups, key=lambda group: not group.pieces[0].is_map):
            own = slopes[..., group.first : group.first + group.out]
            for other, pieces in found:
                if torch.equal(other, own):
                    pieces.extend(group.pieces)
                    break
            else:
                found.append((own, list(group.pieces)))
        return [pieces for _, pieces in found]

    @torch.no_grad()
    def _pieces(self) -> list[Piece]:
        """All parameters: as maps those that are nothing else, as a comparison of slopes tells."""
        theta = self.theta()
        split, (flat, x, still) = self.split(theta), self.probes(theta)
        weights = {name: one for name, one in split.items() if one.ndim == 2 and not one.is_complex()}

        def heard(flat: Tensor, still: list[Tensor], x: Tensor) -> dict[str, Tensor]:
            with Listening(weights) as listening:
                self.after(split, flat, still, x)
            once = {name: came[0] for name, came in listening.came.items() if len(came) == 1}
            return {name: one for name, one in once.items() if len(one) == weights[name].shape[1]}

        came = torch.func.vmap(heard)(flat, still, x)
        slopes = torch.func.vmap(torch.func.jacrev(heard))(flat, still, x) if came else {}
        found, column, place = [], 0, 0
        for name, one in split.items():
            size = real(one).numel()
            if name in came and self._is_map(
                name, column, theta, (flat[0], [part[0] for part in still], x[0])
            ):
                part = _part(slopes[name], came[name], flat)
                out, into = one.shape
                found.append(Piece(name, column, out, into, is_map=True, heard=part, place=place))
                place += size
            else:
                found.append(Piece(name, column, size, 1, is_map=False))
            column += size
        return found

    def _is_map(self, name: str, column: int, theta: Tensor, at: tuple[Tensor, list[Tensor], Tensor]) -> bool:
        """Whether the slope by these weights is that by their sums times what they hear."""
        draw = normal(torch.Generator().manual_seed(1), theta.new_zeros(self.rows))
        (by_theta,) = torch.func.vjp(lambda given: self.one(given, *at), theta)[1](draw)
        split = self.split(theta)

        def after(added: Tensor) -> tuple[Tensor, Tensor]:
            with Listening({name: split[name]}, {name: added}) as listening:
                u = self.after(split, *at)
            return u, listening.came[name][0]

        zero = theta.new_zeros(len(split[name]))
        _, back, came = torch.func.vjp(after, zero, has_aux=True)  # type: ignore[misc]  # three with has_aux
        outer = torch.outer(back(draw)[0], came).flatten()
        return torch.allclose(by_theta[column : column + len(outer)], outer, rtol=1e-4, atol=1e-6)


def _groups(pieces: list[list[Piece]]) -> list[Group]:
    found, first = [], 0
    for some in pieces:
        found.append(Group(first, some[0].out, tuple(some)))
        first += some[0].out
    return found


def _part(
    slopes: Float[Tensor, "probes inputs state"],
    came: Float[Tensor, "probes inputs"],
    flat: Float[Tensor, "probes state"],
) -> Int[Tensor, "inputs"] | None:
    """Which numbers of the state it is, each of them once; None where it is anything else."""
    places = slopes[0].abs().argmax(-1)
    whole = torch.equal(came, flat[:, places]) and len(places.unique()) == len(places)
    one = torch.nn.functional.one_hot(places, slopes.shape[-1]).to(slopes)
    return places if whole and torch.equal(slopes, one.expand_as(slopes)) else None
