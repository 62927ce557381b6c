"""One step of a layer as a function of real numbers, and its slopes by state and parameters.

    u_t = F(theta, u_{t-1}, x_t)      u: the state, then what the layer gives, where that is not in it

Complex numbers are pairs of real ones. Of a Jacobian only what can differ from zero is computed: rows that
have no column in common go back together, as one. For units that do not hear one another that is a few
rows in place of one for each unit.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from wavetrain.core import Layer, State, leaves, map_state

PROBES = 8  # points at which it is seen what can differ from zero
NEAR = 0.1  # how far from the parameters they are


class _Stepper(nn.Module):
    """A layer whose `forward` is its step."""

    def __init__(self, layer: Layer):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.layer.step(x, state)


class Rows(NamedTuple):
    """Rows of a Jacobian that go back together: entry (r, c) stands in row `colour[r]`, column c."""

    colour: Int[Tensor, "rows"]
    there: Bool[Tensor, "rows columns"]  # what can differ from zero

    @classmethod
    def of(cls, there: Bool[Tensor, "rows columns"], wanted: Bool[Tensor, "rows"]) -> "Rows":
        """Give wanted rows that share no column one colour, in their order; others have none, -1."""
        colours = torch.full((len(there),), -1)
        taken: list[Tensor] = []
        for row, columns in enumerate(there):
            if not wanted[row]:
                continue
            free = [index for index, one in enumerate(taken) if not (one & columns).any()]
            if free:
                colours[row] = free[0]
                taken[free[0]] = taken[free[0]] | columns
            else:
                colours[row] = len(taken)
                taken.append(columns)
        return cls(colours, there & wanted[:, None])

    def back(self, like: Tensor) -> Float[Tensor, "colours rows"]:
        """What goes back: one vector for each colour, with a one in each of its rows."""
        colours = torch.arange(int(self.colour.max()) + 1)
        return (self.colour == colours[:, None]).to(like)

    def full(self, packed: Float[Tensor, "*many colours columns"]) -> Float[Tensor, "*many rows columns"]:
        """The Jacobian itself."""
        return torch.where(self.there, packed[..., self.colour, :], 0.0)


class Cell:
    """The step of a layer, of which the parameters that learn are `theta`, one after another."""

    def __init__(self, layer: Layer, inputs: int):
        self.stepper, self.inputs = _Stepper(layer), inputs
        self.names = [name for name, one in layer.named_parameters() if one.requires_grad]
        self.layer = layer
        with torch.no_grad():
            first = layer.begin(1)
            y, after = layer.step(self.theta().new_zeros(1, inputs), first)
        self.first = first
        self.moving = [_moves(part) for part in leaves(first)]
        sizes = [real(part).numel() if moves else 0 for part, moves in zip(leaves(first), self.moving)]  # noqa: B905
        self.starts = [sum(sizes[:index]) for index in range(len(sizes))]
        self.state = sum(sizes)  # numbers in the state that move
        kept = [index for index, part in enumerate(leaves(after)) if part.data_ptr() == y.data_ptr()]
        self.apart = not (kept and self.moving[kept[0]])  # whether what it gives is not in the state
        start = self.state if self.apart else self.starts[kept[0]]
        self.given = torch.arange(start, start + y.shape[-1])  # rows of u that are what it gives
        self.rows = self.state + (y.shape[-1] if self.apart else 0)
        self.numbers = len(self.theta())

    def theta(self) -> Float[Tensor, "parameters"]:
        """All parameters that learn, as they are now."""
        each = dict(self.layer.named_parameters())
        parts = [real(each[name].detach()).flatten() for name in self.names]
        return torch.cat(parts) if parts else next(iter(each.values())).detach().new_zeros(0)

    def split(self, theta: Float[Tensor, "parameters"]) -> dict[str, Tensor]:
        """The parameters by their names, each in its shape."""
        each, found, at = dict(self.layer.named_parameters()), {}, 0
        for name in self.names:
            size = real(each[name]).numel()
            found[name] = like(theta[at : at + size], each[name])
            at += size
        return found

    def flat(self, state: State) -> Float[Tensor, "batch state"]:
        """The numbers of a state that move."""
        parts = [real(one).flatten(1) for one, moves in zip(leaves(state), self.moving, strict=True) if moves]
        return torch.cat(parts, 1)

    def still(self, state: State) -> list[Tensor]:
        """The parts of a state that have no slope: counters and masks."""
        return [one for one, moves in zip(leaves(state), self.moving, strict=True) if not moves]

    def one(
        self, theta: Float[Tensor, "parameters"], flat: Float[Tensor, "state"], still: list[Tensor], x: Tensor
    ) -> Float[Tensor, "rows"]:
        """u of one sequence after a step from a state."""
        return self.after(self.split(theta), flat, still, x)

    def after(
        self, parameters: dict[str, Tensor], flat: Float[Tensor, "state"], still: list[Tensor], x: Tensor
    ) -> Float[Tensor, "rows"]:
        held, starts = iter(still), iter(zip(self.starts, self.moving, strict=True))

        def put(part: Tensor) -> Tensor:
            start, moves = next(starts)
            return like(flat[start : start + real(part).numel()], part) if moves else next(held)[None]

        named = {f"layer.{name}": part for name, part in parameters.items()}
        y, after = torch.func.functional_call(self.stepper, named, (x[None], map_state(put, self.first)))
        parts = [
            real(part).flatten() for part, moves in zip(leaves(after), self.moving, strict=True) if moves
        ]
        return torch.cat([*parts, y[0]] if self.apart else parts)

    def slopes(
        self,
        theta: Float[Tensor, "*many parameters"],
        flat: Float[Tensor, "many state"],
        still: list[Tensor],
        x: Float[Tensor, "many inputs"],
        *,
        by_state: Float[Tensor, "colours rows"],
        by_theta: Float[Tensor, "more rows"],
    ) -> tuple[Float[Tensor, "many colours state"], Float[Tensor, "many more parameters"]]:
        """What goes back to the state and to the parameters, of each of many steps."""

        def each(theta: Tensor, flat: Tensor, still: list[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
            to_state = torch.func.vjp(lambda one: self.one(theta, one, still, x), flat)[1]
            to_theta = torch.func.vjp(lambda one: self.one(one, flat, still, x), theta)[1]
            return torch.func.vmap(to_state)(by_state)[0], torch.func.vmap(to_theta)(by_theta)[0]

        where = 0 if theta.ndim == 2 else None
        return torch.func.vmap(each, in_dims=(where, 0, 0, 0))(theta, flat, still, x)

    @torch.no_grad()
    def there(self) -> tuple[Bool[Tensor, "rows state"], Bool[Tensor, "rows parameters"]]:
        """What of the slopes can differ from zero: seen at points near the parameters, in any state."""
        theta = self.theta()
        points = theta + NEAR * normal(torch.Generator().manual_seed(2), theta.expand(PROBES, -1))
        flat, x, still = self.probes(theta)
        every = torch.eye(self.rows, dtype=theta.dtype, device=theta.device)
        by_state, by_theta = self.slopes(points, flat, still, x, by_state=every, by_theta=every)
        return (by_state != 0).any(0).cpu(), (by_theta != 0).any(0).cpu()

    def probes(self, theta: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """States and inputs at which is seen what can differ from zero."""
        draw = torch.Generator().manual_seed(0)
        flat = normal(draw, theta.new_zeros(PROBES, self.state))
        x = normal(draw, theta.new_zeros(PROBES, self.inputs))
        return flat, x, [part.expand(PROBES, *part.shape[1:]) for part in self.still(self.first)]

    def whole(self, there: Bool[Tensor, "rows columns"]) -> Bool[Tensor, "rows columns"]:
        """Rows of which the two parts of a complex number are both there where one is."""
        there, parts = there.clone(), zip(leaves(self.first), self.starts, strict=True)
        for part, start in parts:
            if part.is_complex():
                pairs = there[start : start + 2 * part.numel()].unflatten(0, (-1, 2))
                pairs |= pairs.any(1, keepdim=True)
        return there

    def walk(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[list[State], Float[Tensor, "batch time width"], State]:
        """The states before each step, what the layer gives, and the last state.

        A layer whose state is what it gives is asked for all steps at once.
        """
        if isinstance(state, Tensor) and not self.apart and self.state == len(self.given) == state.shape[-1]:
            y, last = self.layer(x, state)
            return [state, *y[:, :-1].unbind(1)], y, last
        befores, given, afters = zip(*self.states(x, state), strict=True)
        return list(befores), torch.stack(given, 1), afters[-1]

    def states(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> Iterator[tuple[State, Float[Tensor, "batch width"], State]]:
        """The state before each step, what the layer gives, and the state after it."""
        for now in x.unbind(1):
            y, after = self.layer.step(now, state)
            yield state, y, after
            state = after


def _moves(part: Tensor) -> bool:
    return part.is_floating_point() or part.is_complex()


def real(part: Tensor) -> Tensor:
    return torch.view_as_real(part) if part.is_complex() else part


def like(numbers: Float[Tensor, "numbers"], part: Tensor) -> Tensor:
    """Numbers in the shape of a part, complex where it is."""
    if part.is_complex():
        return torch.view_as_complex(numbers.reshape(*part.shape, 2))
    return numbers.reshape(part.shape)


def normal(draw: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(like.shape, generator=draw, dtype=like.dtype).to(like.device)
