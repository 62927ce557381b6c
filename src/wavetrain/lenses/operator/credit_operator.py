"""Credit operator: which past step's parameters get how much of each step's error, under any rule.

A rule turns the errors of a sequence into one update. Here it is taken apart: row t is the update for the
error of step t alone, column s what of it goes to the weights as they were used in step s. Backpropagation
through time fills the lower triangle; truncation leaves blocks or a band of it; a rule that keeps a unit's
own past alone fills it all, in other directions. So beside the sizes stands the cosine to backpropagation, of
the whole operator and at each distance t - s.

How it is found: to the input of the layer come channels that say which step it is, with weights of 0. They
change no output, and the update of such a weight is what the rule gives to its unit in that step. What it
gives to such a weight when these channels are blank, too, is no credit of a step, and is taken off: so it is
of a rule that sends targets in by the same maps. The rule itself is asked for each step and told nothing
else, so that any one can be looked at whose network is one layer whose inputs come in through linear maps.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Layer, Rule, State, go_back, leaves
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import check_finite, check_sequences
from wavetrain.parts.reader import Reader

card = Card(
    title="Wavetrain: sequence learning in brains and machines",
    authors="The Wavetrain authors",
    year=2026,
    source="Wavetrain, the lens credit_operator",
    family="operator",
    topic="Learning rules",
)


class CreditOperator(NamedTuple):
    """The credit that each step's error gives to each step."""

    # mean over the sequences of the norm over units: row = the error's step, column = the step that gets it
    size: Float[np.ndarray, "time time"]
    exact: Float[np.ndarray, "time time"]  # the same of backpropagation through time
    cosine: float  # of the whole to that of backpropagation; NaN where there is no credit
    by_distance: Float[np.ndarray, "time"]  # the cosine at each distance t - s, NaN where there is none


def credit_operator(
    layer: Layer,
    x: Float[Tensor, "batch time inputs"],
    rule: Rule | None = None,
    read: nn.Linear | None = None,
    answers: Float[Tensor, "batch time outputs"] | None = None,
) -> CreditOperator:
    """The credit of a rule, by default of backpropagation, on sequences x (B, T, inputs).

    The error is half the square of what the outputs `read` differ from `answers` by, without which it is a
    fixed random read-out of two outputs, and zeros. Raises BadInput for a layer whose inputs do not come in
    through linear maps, and for what the rule cannot teach.

    >>> from wavetrain.layers import Elman
    >>> from wavetrain.lenses import credit_operator
    >>> from wavetrain.rules import TruncatedBackpropagation
    >>> layer, x = Elman(6, inputs=3), torch.randn(2, 8, 3)
    >>> found = credit_operator(layer, x, TruncatedBackpropagation(steps=2, sliding=True))
    >>> (found.size[5] > 0).astype(int)  # the error of step 5 reaches steps 4 and 5
    array([0, 0, 0, 0, 1, 1, 0, 0])
    >>> round(credit_operator(layer, x).cosine, 6)
    1.0
    """
    check_sequences(layer, x)
    network, clocked = _clocked(layer, x, read)
    time = x.shape[1]
    with torch.no_grad():
        y = torch.zeros_like(network.read(layer(x)[0])) if answers is None else answers
    clock = torch.eye(time, dtype=x.dtype, device=x.device).expand(len(x), -1, -1)
    batch = Batch(torch.cat([x.detach(), clock], -1), y)
    teach = Exact() if rule is None else rule
    exact = _credits(Exact(), network, clocked, batch)  # (B, T, T, units)
    found = exact if rule is None else _credits(teach, network, clocked, batch)
    check_finite(layer, "credit", found)
    sizes = [float(each.abs().amax()) for each in (found, exact)]
    found, exact = (each / (size or 1.0) for each, size in zip((found, exact), sizes, strict=True))
    dot, one, other = ((a * b).sum((0, 3)) for a, b in ((found, exact), (found, found), (exact, exact)))
    lag = torch.arange(time)
    lag = lag[:, None] - lag
    by_distance = [_cosine(*(part[lag == back].sum() for part in (dot, one, other))) for back in range(time)]
    return CreditOperator(
        found.norm(dim=3).mean(0).numpy() * sizes[0],
        exact.norm(dim=3).mean(0).numpy() * sizes[1],
        _cosine(dot.sum(), one.sum(), other.sum()),
        np.array(by_distance),
    )


class Exact(Rule):
    """Backpropagation through time, which a lens does not fetch from the rules."""

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        value = loss(network(batch.x), batch.y)
        go_back(value)
        return value.detach()


def _cosine(dot: Tensor, one: Tensor, other: Tensor) -> float:
    size = float(one * other) ** 0.5
    return float(dot) / size if size > 0 else float("nan")


def _clocked(layer: Layer, x: Tensor, read: nn.Linear | None) -> tuple[Reader, list[nn.Linear]]:
    """A copy of the layer that is told which step it is, without a word of it in its outputs, and is read."""
    twin, time = copy.deepcopy(layer), x.shape[1]
    maps = _takes_input(twin, x)
    for one in maps:
        wide = one.weight.new_zeros(one.out_features, time)
        one.weight = nn.Parameter(torch.cat([one.weight.detach(), wide], 1))
        one.in_features += time
    twin.inputs += time
    for parameter in twin.parameters():
        parameter.grad = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Reader(twin, 2 if read is None else read.out_features, every_step=True).to(x)
    if read is not None:
        network.read = copy.deepcopy(read)
    silent = torch.cat([x, x.new_zeros(*x.shape[:2], time)], -1)
    with torch.no_grad():
        try:
            same = bool(maps) and torch.allclose(twin(silent)[0], layer(x)[0], rtol=1e-4, atol=1e-6)
        except RuntimeError:  # of shapes that do not fit
            same = False
    if not same:
        raise BadInput(
            f"credit_operator: expected a layer whose inputs come in through linear maps, "
            f"got {type(layer).__name__}"
        )
    return network, maps


def _takes_input(layer: Layer, x: Tensor) -> list[nn.Linear]:
    """The linear maps that take the input: where it is 0 nothing changes with their weights."""
    maps = [one for one in layer.modules() if isinstance(one, nn.Linear) and one.in_features == layer.inputs]
    with torch.no_grad():
        _, state = layer(x)
    return [one for one in maps if _is_silent(layer, one, x, state)]


def _is_silent(layer: Layer, one: nn.Linear, x: Tensor, state: State) -> bool:
    """Whether a step with an input of 0 is the same whatever the weights of a map."""
    with torch.no_grad():
        before = layer.step(torch.zeros_like(x[:, 0]), state)
        kept = one.weight.clone()
        one.weight.mul_(2.0).add_(1.0)
        after = layer.step(torch.zeros_like(x[:, 0]), state)
        one.weight.copy_(kept)
    return all(
        torch.equal(first, second)
        for first, second in zip((before[0], *leaves(before[1])), (after[0], *leaves(after[1])), strict=True)
    )


def _credits(rule: Rule, network: Reader, maps: list[nn.Linear], batch: Batch) -> Tensor:
    """What the error of each step gives to the units in each step: (B, T, T, units)."""
    time, rows = batch.y.shape[1], []
    for x, y in zip(batch.x.split(1), batch.y.split(1), strict=True):
        blank = torch.cat([x[..., :-time], torch.zeros_like(x[..., -time:])], -1)
        for now in range(time):
            clocked, silent = (_given(rule, network, maps, Batch(one, y), now) for one in (x, blank))
            rows.append(clocked - silent)
    return torch.stack(rows).unflatten(0, (-1, time))


def _given(rule: Rule, network: Reader, maps: list[nn.Linear], batch: Batch, now: int) -> Tensor:
    """The update of the weights of the clock for the error of a step: (T, units)."""
    network.zero_grad()
    rule.learn(network, batch, _only(now))
    slopes = [one.weight.grad for one in maps]
    time = batch.y.shape[1]
    given = [slope[:, -time:].mT for slope in slopes if slope is not None]
    return torch.cat(given, 1).detach().double().cpu()


def _only(step: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of one step."""
    return lambda outputs, answers: (outputs[:, step] - answers[:, step]).square().sum() / 2
