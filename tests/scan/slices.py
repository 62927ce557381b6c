"""Recurrences on sequences that lie in slices on several ranks, and on the same sequences in one process.

`whole` and `part` give y, the last state, and the gradients of one loss: a random weight for each number at
each step and for each of the last state. Every rank has a share of the loss on the last state.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed
from torch.utils.checkpoint import checkpoint

from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.layers import LRU, LSTM
from wavetrain.parts.ragged import padded
from wavetrain.scan import Slices

WAIT = 200  # seconds, for what would otherwise wait for ever
SHARES = {1: (1.0,), 2: (0.7, 0.3), 3: (0.5, 0.2, 0.3)}


class Case(NamedTuple):
    """A recurrence, and what it is given."""

    run: Callable[..., tuple[Tensor, Tensor]]
    steps: Sequence[Tensor]  # (B, T, ...): each rank has its own
    shared: Sequence[Tensor] = ()  # the same on all ranks
    state: Tensor | None = None  # the first: given as `state` where there is one
    fixed: Sequence[Tensor] = ()  # (B, T, ...), without gradient: given as the last arguments


class Results(NamedTuple):
    """y, the last state, and the gradients of steps, shared and state."""

    y: Tensor
    last: Tensor
    steps: list[Tensor]
    shared: list[Tensor]
    state: list[Tensor]


def whole(case: Case) -> Results:
    """In one process."""
    return _results(case, case.steps, case.fixed, slice(None), 1.0)


def part(case: Case, lengths: Sequence[int], slices: Slices) -> Results:
    """On this rank, which has so many steps; inside `across_time`. The gradients of `shared` are its own."""
    own = [one.split(list(lengths), 1)[slices.rank] for one in case.steps]
    fixed = [one.split(list(lengths), 1)[slices.rank] for one in case.fixed]
    start = sum(lengths[: slices.rank])
    place = slice(start, start + lengths[slices.rank])
    return _results(case, own, fixed, place, SHARES[slices.many][slices.rank])


def _results(
    case: Case, steps: Sequence[Tensor], fixed: Sequence[Tensor], place: slice, share: float
) -> Results:
    steps, shared = ([one.detach().clone().requires_grad_() for one in some] for some in (steps, case.shared))
    first = [] if case.state is None else [case.state.detach().clone().requires_grad_()]
    y, last = case.run(steps, shared, first[0] if first else None, fixed)
    generator = torch.Generator().manual_seed(7)
    time = case.steps[0].shape[1]
    to_last = torch.randn(last.shape, dtype=last.dtype, generator=generator)
    to = torch.randn((len(y), time, *y.shape[2:]), dtype=y.dtype, generator=generator)
    loss = (y * to[:, place]).sum().real + share * (last * to_last).sum().real
    loss.backward()
    grads = [
        [torch.zeros_like(one) if one.grad is None else one.grad for one in some]
        for some in (steps, shared, first)
    ]
    return Results(y.detach(), last.detach(), *grads)


def linear_cases() -> dict[str, Case]:
    """Two sequences of ten steps, in two heads of three channels."""
    torch.manual_seed(3)
    found = {}
    for dtype in (torch.float32, torch.float64, torch.complex64, torch.complex128):
        a, b, state = (torch.randn(2, *more, 6, dtype=dtype) for more in ((10,), (10,), ()))
        name = str(dtype).removeprefix("torch.")
        for resets in (None, ((3, 7), (4,)), ((5, 6), ()), ((0,), (9,)), ((1, 5, 8), (4, 7))):
            fixed = []
            if resets is not None:
                fixed = [torch.zeros(2, 10, dtype=torch.bool)]
                for row, places in enumerate(resets):
                    fixed[0][row, list(places)] = True
            found[f"{name}, resets {resets}"] = Case(_linear, [a, b], [], state, fixed)
        found[f"{name}, no state"] = Case(_linear, [a, b])
        found[f"{name}, one decay"] = Case(_linear_same, [b], [a[0, 0]], state)
        found[f"{name}, one decay, no state"] = Case(_linear_same, [b], [a[0, 0]])
    return found


def _linear(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor | None, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    return scan.linear(*steps, state, *fixed)


def _linear_same(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor | None, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    return scan.linear(*shared, *steps, state)


def other_cases() -> dict[str, Case]:
    """The selective recurrence, that of matrices, and convolutions: two sequences of ten steps."""
    torch.manual_seed(4)
    found = {}
    for dtype in (torch.float32, torch.float64):
        name = str(dtype).removeprefix("torch.")
        x, dt, gate = (torch.randn(2, 10, 6, dtype=dtype) for _ in range(3))
        b, c = (torch.randn(2, 10, 4, dtype=dtype) for _ in range(2))
        a, state, skip = (torch.randn(*shape, dtype=dtype) for shape in ((6, 4), (2, 6, 4), (6,)))
        steps = [x, 0.3 * dt.exp(), b, c]
        found[f"selective, {name}"] = Case(_selective, steps, [-a.exp()], state)
        found[f"selective, {name}, no state"] = Case(_selective, steps, [-a.exp()])
        found[f"selective, {name}, ends"] = Case(_selective, [*steps, gate], [-a.exp(), skip], state)
        q, k, v = (torch.randn(2, 10, 2, 3, dtype=dtype) for _ in range(3))
        state = torch.randn(2, 2, 3, 3, dtype=dtype)
        for size in (1, 3):
            rate = torch.nn.functional.logsigmoid(torch.randn(2, 10, 2, size, dtype=dtype))
            found[f"chunked, {name}, {size} rates"] = Case(_chunked, [q, k, v, rate], [], state)
            found[f"chunked, {name}, {size} rates, no state"] = Case(_chunked, [q, k, v, rate])
            forgets = rate.clone()
            forgets[0, [3, 7]] = forgets[1, 4] = -torch.inf
            found[f"chunked, {name}, {size} rates, forgets"] = Case(_chunked, [q, k, v], [], state, [forgets])
        weight, bias, past = (torch.randn(*shape, dtype=dtype) for shape in ((6, 4), (6,), (2, 3, 6)))
        found[f"short, {name}"] = Case(_short, [x], [weight, bias], past)
        past = torch.randn(2, 6, 6, dtype=dtype)
        found[f"dilated, {name}"] = Case(_dilated, [x], [torch.randn(6, 1, 4, dtype=dtype)], past)
        found[f"dilated, {name}, groups"] = Case(_dilated, [x], [torch.randn(4, 3, 4, dtype=dtype)], past)
    return found


def _selective(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor | None, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    x, dt, b, c, *gate = steps
    a, *skip = shared
    return scan.selective(x, dt, a, b, c, state, *skip, *gate)


def _chunked(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor | None, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    return scan.chunked(*steps, *fixed, state, 2)


def _short(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    return scan.short(*steps, state, *shared)


def _dilated(
    steps: Sequence[Tensor], shared: Sequence[Tensor], state: Tensor, fixed: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    return scan.dilated(*steps, state, *shared, dilation=2)


LENGTHS = {2: [(6, 4), (9, 1)], 3: [(4, 3, 3), (1, 8, 1), (2, 1, 7)]}


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """The ranks as one group; kernels may have to be compiled before the first exchange."""
    distributed.init_process_group("gloo", timeout=datetime.timedelta(seconds=WAIT))
    yield
    distributed.destroy_process_group()


def work() -> dict[str, Any]:
    """On each rank: all cases, the routes, and what cannot be done."""
    with joined():
        return _work()


def _work() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, case in {**linear_cases(), **other_cases()}.items():
        for lengths in LENGTHS[distributed.get_world_size()]:
            with scan.across_time() as slices:
                found[f"{name}, {lengths}"] = part(case, lengths, slices)
    found["documents"] = [documents(lengths) for lengths in LENGTHS[distributed.get_world_size()]]
    found["routes"] = scan.routes()
    if distributed.get_world_size() == 3:
        found["of two"] = of_two()
    return found | refusals()


def of_two() -> Results | str:
    """A sequence that two of three ranks share."""
    group = distributed.new_group([1, 2])
    try:
        with scan.across_time(group) as slices:
            return part(linear_cases()["float64, no state"], (6, 4), slices)
    except BadInput as error:
        return str(error)


def refusals() -> dict[str, str]:
    """What each rank is told where one of them, or all, cannot go on."""
    rank, many = distributed.get_rank(), distributed.get_world_size()
    last = rank == many - 1
    b = torch.ones(2, 3, 4, requires_grad=True)
    a = torch.ones(4)
    said = {}

    def told(name: str, work: Callable[[Slices], Any]) -> None:
        try:
            with scan.across_time() as slices:
                work(slices)
            said[name] = "nothing"
        except Exception as error:
            said[name] = f"{type(error).__name__}: {error}"

    told("wrong shape on one", lambda _: scan.linear(torch.ones(5 if last else 4), b))
    told("no step on one", lambda _: scan.linear(a, b[:, : 0 if last else 3]))
    told("another batch on one", lambda _: scan.linear(a, b[: 1 if last else 2]))
    told("fewer steps than ranks", lambda slices: slices.cut(b[:, : many - 1]))
    told("another error on one", lambda _: 1 / (0 if last else 1))
    told("one leaves early", lambda _: None if last else scan.linear(a, b))
    told("no gradient on one", lambda _: _without(last, lambda: scan.linear(a, b)))
    told("another recurrence", lambda _: scan.wave(torch.ones(2, 3, 1, 4), torch.ones(1, 1, 3)))
    told("gradients of gradients", lambda _: _twice(scan.linear(a, b)[0], b))
    told("a layer that walks", lambda _: LSTM(4)(b))
    told("a layer with another width on one", lambda _: LRU(4)(b[..., : 3 if last else 4]))
    told("another past on one", lambda _: scan.short(b, b[:, : 1 if last else 2], torch.ones(4, 3)))
    told("no step for a convolution", lambda _: scan.dilated(b[:, :0], b, torch.ones(4, 1, 4)))
    told("a step", lambda _: LRU(4).step(b[:, 0], LRU(4).begin(2)))
    told("slices of slices", lambda _: scan.across_time().__enter__())
    told("vmap", lambda _: torch.func.vmap(lambda b: scan.linear(a, b)[0])(b[None]))
    told("run again", lambda _: scan.recomputed(LRU(4), b, chunk=2))
    told("of unequal length", lambda _: padded(LRU(4), b, [3, 2]))
    told("a long kernel", lambda _: scan.convolve(b, torch.ones(3, 4)))
    told("step by step", lambda _: scan.unroll(lambda now, state: (now, state), b, a))
    told("an operator", lambda _: LRU(4).operator(b))
    told("checkpointed", lambda _: _checkpointed(a, b).backward())
    with scan.across_time():
        loss = _checkpointed(a, b)
    try:
        loss.backward()
    except Exception as error:
        said["checkpointed, and back outside"] = f"{type(error).__name__}: {error}"
    told("all is well", lambda _: scan.linear(a, b))
    return said


def _without(off: bool, work: Callable[[], Any]) -> None:
    with torch.set_grad_enabled(not off):
        work()


def _checkpointed(a: Tensor, b: Tensor) -> Tensor:
    def work(b: Tensor) -> Tensor:
        return (2 * scan.linear(a, scan.short(b, torch.ones(2, 3, 4), torch.ones(4, 4))[0])[0]).exp().sum()

    found: Tensor = checkpoint(work, b, use_reentrant=False)
    return found


def documents(lengths: Sequence[int]) -> dict[str, bool]:
    """Whether a document that ends knows nothing of the one before, to the last bit, wherever an edge is."""
    found = {}
    torch.manual_seed(6)
    a, b = torch.rand(2, 10, 6), torch.randn(2, 10, 6)
    for begins in range(1, 10):
        reset = torch.zeros(2, 10, dtype=torch.bool)
        reset[:, begins] = True
        seen = []
        for change in (0.0, 1.0, torch.nan):
            other = b.clone()
            other[:, begins - 1] += change
            with scan.across_time() as slices:
                own = [one.split(list(lengths), 1)[slices.rank] for one in (a, other, reset)]
                start = sum(lengths[: slices.rank])
                inside = torch.arange(start, start + len(own[0][0])) >= begins
                own[1].requires_grad_()
                h, last = scan.linear(own[0], own[1], None, own[2])
                (h[:, inside].sum() + last.sum()).backward()
            before = own[1].grad[:, ~inside]
            found[f"{begins}, {change}: no gradient before"] = bool((before == 0).all())
            seen.append((h[:, inside], last))
        for one in seen[1:]:
            alike = all(x.equal(y) for x, y in zip(one, seen[0], strict=True))
            found[f"{begins}: {len(found)}"] = alike
    return found


def _twice(y: Tensor, b: Tensor) -> None:
    torch.autograd.grad(y.sum(), b, create_graph=True)
