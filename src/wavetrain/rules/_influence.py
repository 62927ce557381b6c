"""The influence of parameters on the state, carried forward in time, and the rules that keep a part of it.

    P_t = J_t P_{t-1} + I_t,        J_t = du_t / du_{t-1},  I_t = the part of du_t / dtheta with u_{t-1} fixed
    dL / dtheta = sum over t of P_t' dL / du_t

u is the state of a layer and what it gives (`_cell`). A rule says which entries of P are kept, which parts of
the state it follows, and by which weights the errors come back from the outputs. Where few entries are kept
for each parameter, only those are carried: P is (B, kept, parameters), else (B, rows, parameters).

Weights stay as they are within a sequence, for which P_t is exact; an update in the middle would mix several
versions of them. Steps are taken in chunks, so that the slopes of many are found in one call. What is stored
does not grow with time.
"""
# Above 300 lines: one file, since an influence carried whole and one of few entries are one definition.

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Batch, Layer, State, check_width
from wavetrain.core.terms import Online, Sight, Terms, learns
from wavetrain.errors import BadInput
from wavetrain.parts.reader import one_hot
from wavetrain.rules._apart import Apart, apart, errors_of
from wavetrain.rules._cell import Cell, Rows
from wavetrain.rules._maps import Mapped
from wavetrain.rules._sums import Few, Sums, chunk_of, few_of, sums_of
from wavetrain.rules._way import walked

FEW = 4  # entries for each parameter, up to which they are carried alone


class Plan(NamedTuple):
    """What of the influence of one layer is kept."""

    cell: Mapped
    by_state: Rows
    by_theta: Rows
    kept: Bool[Tensor, "rows parameters"]
    few: Few | None  # where no parameter keeps many
    sums: Sums | None  # where weights may be carried through their sums besides


class Share(NamedTuple):
    """What the error of one step asks: of the parameters of the layer, and of the read-out."""

    theta: Float[Tensor, "parameters"]
    weight: Float[Tensor, "outputs width"]
    bias: Float[Tensor, "outputs"]


class Influence(Online):
    """A rule that carries an influence forward. Raises BadInput for a network it cannot take apart."""

    def __init__(self, chunk: int):
        check_width(type(self).__name__, chunk=chunk)
        self.chunk = chunk
        self.plans: WeakKeyDictionary[Layer, Plan] = WeakKeyDictionary()

    @abstractmethod
    def keeps(
        self, by_state: Bool[Tensor, "rows state"], by_theta: Bool[Tensor, "rows parameters"]
    ) -> Bool[Tensor, "rows parameters"]:
        """Which entries of the influence are kept, from what of the slopes can differ from zero."""

    def follows(self, cell: Cell) -> Bool[Tensor, "state"]:
        """Through which numbers of the state influence passes from step to step: all of them."""
        return torch.ones(cell.state, dtype=torch.bool)

    def feedback(self, read: nn.Linear) -> Float[Tensor, "outputs width"]:
        """By what the errors of outputs come back to what the layer gives: the read-out itself."""
        return read.weight

    def besides(self, layer: Layer, many: int) -> Float[Tensor, "width"] | None:
        """What is asked of what the layer gives in each of so many steps of sequences, beside the errors."""
        return None

    def hears(self, y: Float[Tensor, "batch *time width"]) -> None:
        """What the layer gave, in one step or some."""

    def terms(self, network: nn.Module) -> Terms:
        apart(type(self).__name__, network)
        return Terms(
            trains=learns(network),
            blind=frozenset({Sight.LATER_STEPS}),
            passes=2,
            stored=lambda depth, time: 1,
        )

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        parts = apart(type(self).__name__, network)
        trained = {name: one for name, one in network.named_parameters() if one.requires_grad}
        if not trained:
            raise BadInput("expected a loss of something that learns, got one of frozen parameters alone")
        with torch.no_grad():
            outputs = network(batch.x)
        value, errors = errors_of(outputs, batch.y, loss)
        for name, update in self.summed(network, parts, batch.x, errors).items():
            parameter = trained[name]
            parameter.grad = update if parameter.grad is None else parameter.grad + update
        return value

    def summed(
        self, network: nn.Module, parts: Apart, x: Tensor, errors: Float[Tensor, "batch *time outputs"]
    ) -> dict[str, Tensor]:
        """The update (...,) of each parameter."""
        if not parts.every_step:  # the loss is one of the last step
            errors = nn.functional.pad(errors[:, None], (0, 0, x.shape[1] - 1, 0))
        if self.plan(parts.layer).sums is not None:
            return self._named(parts, self._by_sums(parts, x, errors))
        total: Share | None = None
        for share in self._shares(parts, x, errors):
            total = (
                share if total is None else Share(*(one + two for one, two in zip(total, share, strict=True)))
            )
        assert total is not None  # of at least one step
        return self._named(parts, total)

    def walk(
        self, network: nn.Module, x: Tensor, errors: Float[Tensor, "batch time outputs"]
    ) -> Iterator[Mapping[str, Tensor]]:
        parts = apart(type(self).__name__, network)
        for share in self._shares(parts, x, errors):
            yield self._named(parts, share)

    def _named(self, parts: Apart, share: Share) -> dict[str, Tensor]:
        """A share by the names of the parameters that learn."""
        named = {f"layer.{name}": one for name, one in self.plan(parts.layer).cell.split(share.theta).items()}
        if parts.read.weight.requires_grad:
            named["read.weight"] = share.weight
        if parts.read.bias is not None and parts.read.bias.requires_grad:
            named["read.bias"] = share.bias
        return named

    @torch.no_grad()
    def _shares(
        self, parts: Apart, x: Tensor, errors: Float[Tensor, "batch time outputs"]
    ) -> Iterator[Share]:
        layer, read, fade = parts.layer, parts.read, parts.kept
        plan = self.plan(layer)
        cell, theta = plan.cell, plan.cell.theta()
        x = one_hot(x, layer.inputs, read.weight.dtype)
        state, feedback = layer.begin(len(x)), (1 - fade) * self.feedback(read)
        influence = traced = given = None
        besides = self.besides(layer, x.shape[0] * x.shape[1])
        for now, wrong in zip(x.split(self.chunk, 1), errors.split(self.chunk, 1), strict=True):
            walked = list(cell.states(now, state))
            state = walked[-1][2]
            for error, (_, y, _), moved in zip(
                wrong.unbind(1), walked, self._moves(plan, theta, now, walked), strict=True
            ):
                influence = moved(influence)
                traced = influence if traced is None or not fade else influence + fade * traced
                given = y if given is None or not fade else y + fade * given
                asked = self._asked(plan, error @ feedback, traced)
                if besides is not None:  # no read-out filters it
                    asked += self._asked(plan, besides.expand(len(x), -1), influence)
                self.hears(y)
                yield Share(asked, (1 - fade) * error.mT @ given, error.sum(0))

    @torch.no_grad()
    def _by_sums(self, parts: Apart, x: Tensor, errors: Float[Tensor, "batch time outputs"]) -> Share:
        """The shares of all steps together, by matrix products."""
        layer, read, fade = parts.layer, parts.read, parts.kept
        cell, sums = self.plan(layer).cell, self.plan(layer).sums
        assert sums is not None
        x = one_hot(x, layer.inputs, read.weight.dtype)
        state, feedback = layer.begin(len(x)), (1 - fade) * self.feedback(read)
        kept = given = None
        theta, weight, left = cell.theta().zero_(), torch.zeros_like(read.weight), x.shape[1]
        besides = self.besides(layer, x.shape[0] * x.shape[1])
        for now, wrong in zip(x.split(self.chunk, 1), errors.split(self.chunk, 1), strict=True):
            left -= now.shape[1]
            befores, y, state = cell.walk(now, state)
            asked = wrong.transpose(0, 1) @ feedback
            if besides is not None:  # e_t = f_t - fade f_{t-1}, and the last f is in no other e
                asked += (1 - fade) * besides
                asked[-1] += fade * besides * (left == 0)
            self.hears(y)
            chunk = chunk_of(cell, sums, now, befores, asked)
            share, kept = walked(cell, chunk, kept, fade, last=left == 0)
            theta += share
            if fade:
                heard = []
                for one in y.unbind(1):
                    given = one if given is None else one + fade * given
                    heard.append(given)
                y = torch.stack(heard, 1)
            weight += (1 - fade) * wrong.flatten(0, 1).mT @ y.flatten(0, 1)
        return Share(theta, weight, errors.sum((0, 1)))

    def plan(self, layer: Layer) -> Plan:
        """What is kept of a layer, found once."""
        if layer not in self.plans:
            cell = Mapped(layer, layer.inputs)
            by_state, by_theta = cell.there()
            by_state = by_state & self.follows(cell)
            wanted = torch.zeros(cell.rows, dtype=torch.bool)
            wanted[: cell.state] = self.follows(cell)
            wanted[cell.given] = True
            kept = self.keeps(by_state, cell.whole(by_theta)) & wanted[:, None]
            states, thetas = Rows.of(by_state, wanted), Rows.of(by_theta, wanted)
            many = int(kept.sum(0).max()) if kept.numel() else 0
            few = sums = None
            if 0 < many <= FEW:
                few = few_of(cell, states, thetas, kept, many)
                sums = sums_of(cell, states, kept, self.follows(cell), wanted)
            self.plans[layer] = Plan(cell, states, thetas, kept, few, sums)
        return self.plans[layer]

    def _moves(
        self,
        plan: Plan,
        theta: Tensor,
        x: Float[Tensor, "batch time inputs"],
        walked: list[tuple[State, Tensor, State]],
    ) -> Iterator[Callable[[Tensor | None], Tensor]]:
        """For each step of a chunk how influence moves; the slopes of all of them are found in one call."""
        cell, (batch, time, _) = plan.cell, x.shape
        befores = [before for before, _, _ in walked]
        flat = torch.cat([cell.flat(before) for before in befores])  # (T B, state)
        still = [torch.cat(parts) for parts in zip(*(cell.still(one) for one in befores), strict=True)]
        to_state, to_theta = cell.slopes(
            theta,
            flat,
            still,
            x.transpose(0, 1).reshape(time * batch, -1),
            by_state=plan.by_state.back(flat),
            by_theta=plan.by_theta.back(flat),
        )
        if plan.few is None:
            both = zip(to_state.split(batch), to_theta.split(batch), strict=True)
            yield from (partial(_moved, plan, *slopes) for slopes in both)
            return
        own = [
            _only(there, to_theta.flatten(1).index_select(1, entry)).split(batch)
            for entry, there in zip(plan.few.entry, plan.few.own, strict=True)
        ]
        passed = [
            _only(link.there, to_state.flatten(1).index_select(1, link.entry)).split(batch)
            for link in plan.few.links
        ]
        for step in range(time):
            slopes = [one[step] for one in passed]
            yield partial(_moved_few, plan.few, [one[step] for one in own], slopes)

    def _asked(
        self, plan: Plan, error: Float[Tensor, "batch width"], influence: Tensor
    ) -> Float[Tensor, "parameters"]:
        """What the error of one step asks of the parameters."""
        if plan.few is None:
            return torch.einsum("br,brp->p", error, influence[:, plan.cell.given])
        asked = influence.new_zeros(influence.shape[-1])
        for place, (channel, heard) in enumerate(zip(plan.few.channel, plan.few.heard, strict=True)):
            if heard.any():
                asked += _only(
                    heard, torch.einsum("bp,bp->p", error.index_select(1, channel), influence[:, place])
                )
        return asked


def _only(which: Bool[Tensor, "parameters"], numbers: Float[Tensor, "*many parameters"]) -> Tensor:
    """The numbers of some parameters, and 0 for the others."""
    return numbers if bool(which.all()) else torch.where(which, numbers, 0.0)


def _moved(
    plan: Plan,
    to_state: Float[Tensor, "batch colours state"],
    to_theta: Float[Tensor, "batch more parameters"],
    influence: Float[Tensor, "batch rows parameters"] | None,
) -> Float[Tensor, "batch rows parameters"]:
    """Influence a step later, where many entries are kept."""
    new = plan.by_theta.full(to_theta)
    if influence is not None:
        new = new + plan.by_state.full(to_state) @ influence[:, : plan.cell.state]
    return torch.where(plan.kept, new, 0.0)


def _moved_few(
    few: Few,
    own: list[Tensor],
    passed: list[Tensor],
    influence: Float[Tensor, "batch places parameters"] | None,
) -> Float[Tensor, "batch places parameters"]:
    """The same where few are."""
    new = torch.stack(own, 1)
    if influence is not None:
        for link, slope in zip(few.links, passed, strict=True):
            new[:, link.to].addcmul_(slope, influence[:, link.past])
    return new


def reached(
    by_state: Bool[Tensor, "rows state"], by_theta: Bool[Tensor, "rows parameters"], steps: int | None
) -> Bool[Tensor, "rows parameters"]:
    """Which rows each parameter reaches within so many steps, the first its own; None for any number."""
    state = by_state.shape[1]
    found, once = by_theta, by_state.float()
    while steps is None or steps > 1:
        more = found | (once @ found[:state].float() > 0)
        if torch.equal(more, found):
            break
        found, steps = more, None if steps is None else steps - 1
    return found
