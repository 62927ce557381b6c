"""Leaky integrate-and-fire units, step after step, with surrogate gradients; they may adapt."""

# Above 300 lines: a walk and its way back have many arguments, and each is written down four times, because
# PyTorch reads the form of an operator from the annotations of functions.

import enum
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State, unroll
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.operators import Kernel, Walk, empty_marks, learns, marks
from wavetrain.scan.routes import HALF, Fast, chosen, kernels, running, took

HAS: tuple[Fast, ...] = ("numba", "triton")
Step = Callable[..., tuple[Tensor, State]]


class Form(enum.Enum):
    """The slopes of a spike that the fused walk knows, x being the excess over the threshold.

    >>> from wavetrain.scan import Form
    >>> Form("triangle")
    <Form.TRIANGLE: 'triangle'>
    """

    ARCTAN = "arctan"  # p / (1 + (k x)^2), by k and p
    FAST_SIGMOID = "fast sigmoid"  # 1 / (1 + k |x|)^2, by k
    SIGMOID = "sigmoid"  # k s(k x) s(-k x), s the logistic, by k
    BOXCAR = "boxcar"  # 1 for |x| <= w, by w
    TRIANGLE = "triangle"  # g max(0, 1 - |x|), by g
    BUMPS = "bumps"  # p n(x / l) - q (n((x + l) / w) + n((x - l) / w)), n(z) = exp(-z^2 / 2), by l, w, p, q
    FLAT = "flat"  # 0


class Slope(NamedTuple):
    """The slope of a spike, the derivative of its surrogate: a form and its constants.

    >>> from wavetrain.scan import Form, Slope
    >>> Slope(Form.TRIANGLE, (0.3,)).form.value
    'triangle'
    """

    form: Form
    constants: tuple[float, ...] = ()


class Leaves(enum.Enum):
    """What a spike leaves of the potential.

    >>> from wavetrain.scan import Leaves
    >>> [one.value for one in Leaves]
    ['what is above', 'nothing', 'all']
    """

    ABOVE = "what is above"  # the threshold
    NOTHING = "nothing"
    ALL = "all"


class LIFUnits(NamedTuple):
    """The numbers of a step, the same for all units; the threshold has the unit of the current.

    >>> from wavetrain.scan import Form, LIFUnits, Slope
    >>> LIFUnits(1.0, Slope(Form.ARCTAN, (1.0,))).silence  # steps
    0
    """

    threshold: float
    slope: Slope
    leaves: Leaves = Leaves.ABOVE
    silence: int = 0  # steps without a spike after each
    detached: bool = False  # whether no gradient passes the reset
    strength: float = 0.0  # of the adaptation


def lif(
    step: Step,
    current: Float[Tensor, "batch time units"],
    state: State,
    rates: tuple[Float[Tensor, "units"], ...],
    units: LIFUnits | None,
) -> tuple[Float[Tensor, "batch time units"], State]:
    """What `unroll` gives of step(current, state, *rates), by a fused walk where `units` describe that step.

    `rates` are what a step keeps of the potential v and, if units adapt, of the adaptation a; the state is
    (v, silent) or (v, silent, a), with `silent` in int32. Where `units` is None the step alone knows what
    happens. Returns the spikes and the last state.

    The fused walk gives the same bits, and keeps the current for the way back, 4 bytes a unit and step in
    float32, and the state once in 16 steps. Its gradients of the current and of the state have the same bits
    too, but for slopes with an exponential, and else differ by rounding.

    >>> from wavetrain.scan import Form, LIFUnits, Slope, lif
    >>> def step(now, state, kept):
    ...     v = kept * state[0] + now
    ...     spikes = (v > 1).float()
    ...     return spikes, (v - spikes, state[1])
    >>> units, first = LIFUnits(1.0, Slope(Form.FLAT)), (torch.zeros(1, 1), torch.zeros(1, 1).int())
    >>> spikes, (v, _) = lif(step, torch.full((1, 5, 1), 0.8), first, (torch.tensor([0.5]),), units)
    >>> spikes.flatten().tolist(), round(v.item(), 3)
    ([0.0, 1.0, 0.0, 1.0, 0.0], 0.925)
    """
    if units is None:
        took("lif", "plain")
        return _plain(step, current, state, rates)
    assert isinstance(state, tuple)
    v, silent, *adapted = state
    _check(current, v, silent, adapted, rates)
    kernel = chosen(current, v, *adapted, *rates, time=current.shape[1], has=HAS)
    if kernel and silent.dtype == torch.int32 and current.dtype not in HALF:
        none = current.new_zeros(len(current), 0), current.new_zeros(0)
        a, rho = (adapted[0], rates[1]) if adapted else none
        spikes, v, silent, a, *_ = _walk(
            *(current, rates[0], v, silent, a, rho),
            *(units.threshold, units.strength, units.leaves.value, units.silence, units.detached),
            *(units.slope.form.value, list(units.slope.constants)),
            learns(current, v, *adapted, *rates),
            step,
        )
        return spikes, (v, silent, a) if adapted else (v, silent)
    took("lif", "plain")
    return _plain(step, current, state, rates)


def _plain(step: Step, current: Tensor, state: State, rates: tuple[Tensor, ...]) -> tuple[Tensor, State]:
    """Step by step: the definition."""
    return unroll(lambda now, state: step(now, state, *rates), current, state)


def _check(
    current: Tensor, v: Tensor, silent: Tensor, adapted: list[Tensor], rates: tuple[Tensor, ...]
) -> None:
    """Raise for what `scan.lif` cannot take."""
    if current.ndim != 3 or current.shape[1] == 0:
        raise BadInput(
            f"lif: expected a current (batch, time, units) with at least one step, got {tuple(current.shape)}"
        )
    batch, _, width = current.shape
    for name, part, shape in (
        ("v", v, (batch, width)),
        ("silent", silent, (batch, width)),
        *(("a", part, (batch, width)) for part in adapted),
        *(("rates", part, (width,)) for part in rates),
    ):
        if part.shape != shape:
            raise BadInput(f"lif: expected {name} {shape}, got {tuple(part.shape)}")
    if len(rates) != 1 + len(adapted) or len(adapted) > 1:
        raise BadInput(f"lif: expected a rate for v, and one for a if there is one, got {len(rates)}")
    kinds = {part.dtype for part in (current, v, *adapted, *rates)}
    if len(kinds) > 1 or current.is_complex():
        raise BadInput(f"lif: expected real tensors of one dtype, got {sorted(map(str, kinds))}")


def _forward(
    current: Tensor,
    kept: Tensor,
    v: Tensor,
    silent: Tensor,
    a: Tensor,
    rho: Tensor,
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
    marked: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The spikes, the last state, and states at marks, by the kernel of the device.

    Where nothing adapts, `a` and `rho` have no unit.
    """
    took("lif", running(current))
    if running(current) == "triton":
        shapes = _shapes(current, a.shape[1], silence, marked)
        rows = [empty_marks(part, *shape) for part, shape in zip((v, silent, a), shapes, strict=True)]
        found = kernels("lif", current).forward(
            *(current, kept, v, silent, a, rho),
            [marks(row, *shape) for row, shape in zip(rows, shapes, strict=True)],
            _named(threshold, strength, leaves, silence, detached, form, constants),
        )
        return *found, rows[0], rows[1], rows[2]
    from wavetrain.scan.cpu.lif import LEAVES, TILE, forward

    (batch, _time, width), dtype = current.shape, current.dtype
    spikes = host.fresh(current.shape, dtype)
    last = [part.new_empty(part.shape) for part in (v, silent, a)]
    shapes = _shapes(current, a.shape[1], silence, marked)
    rows = [host.marks(shape, kind) for shape, kind in zip(shapes, (dtype, torch.int32, dtype), strict=True)]
    inputs = [host.array(part) for part in (current, kept, v, silent, a, rho)]
    numbers = [_numbers(current, threshold, strength), LEAVES[leaves]]
    states = [marks(row, *shape) for row, shape in zip(rows, shapes, strict=True)]
    arrays = [*inputs, *numbers, silence, *(part.numpy() for part in (spikes, *last, *states))]
    pieces = host.tiles(batch, width, TILE // current.element_size())
    host.spread(lambda piece: forward(*arrays, *piece), pieces, current.numel())
    return spikes, last[0], last[1], last[2], rows[0], rows[1], rows[2]


def _named(
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
) -> dict[str, Any]:
    """How the units fire, by name, for a kernel that is made for these numbers."""
    return {
        "threshold": threshold,
        "strength": strength,
        "leaves": leaves,
        "silence": silence,
        "detached": detached,
        "form": form,
        "constants": constants,
    }


def _like_forward(
    current: Tensor,
    kept: Tensor,
    v: Tensor,
    silent: Tensor,
    a: Tensor,
    rho: Tensor,
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
    marked: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    shapes = _shapes(current, a.shape[1], silence, marked)
    of = [empty_marks(like, *shape) for like, shape in zip((v, silent, a), shapes, strict=True)]
    last = [part.new_empty(part.shape) for part in (v, silent, a)]
    return current.new_empty(current.shape), last[0], last[1], last[2], of[0], of[1], of[2]


def _backward(
    current: Tensor,
    kept: Tensor,
    rho: Tensor,
    v_row: Tensor,
    silent_row: Tensor,
    a_row: Tensor,
    grad: Tensor | None,
    v_grad: Tensor | None,
    a_grad: Tensor | None,
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of current, kept, v, a and rho; that of kept is zero where it is not wanted."""
    shapes = _shapes(current, len(rho), silence, True)
    rows = zip((v_row, silent_row, a_row), shapes, strict=True)
    states = [marks(row, *shape) for row, shape in rows]
    if running(current) == "triton":
        named = _named(threshold, strength, leaves, silence, detached, form, constants)
        back = kernels("lif", current).backward
        found: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = back(
            *(current, kept, rho, states, (grad, v_grad, a_grad), named), wanted=wanted
        )
        return found
    from wavetrain.scan.cpu.lif import FORMS, LEAVES, TILE, backward

    batch, _time, width = current.shape
    dcurrent = host.fresh(current.shape, current.dtype)
    dkept, dv = (current.new_zeros(batch, width) for _ in range(2))
    drho, da = (current.new_zeros(batch, len(rho)) for _ in range(2))
    grad = current.new_zeros(batch, 0, width) if grad is None else grad
    v_grad = torch.zeros_like(dv) if v_grad is None else v_grad
    a_grad = torch.zeros_like(da) if a_grad is None else a_grad
    numbers = [
        _numbers(current, threshold, strength),
        LEAVES[leaves],
        silence,
        detached,
        FORMS[form],
        _numbers(current, *constants, 0, 0, 0, 0)[:4],
        wanted,
    ]
    given = [host.array(part) for part in (*states, grad, v_grad, a_grad)]
    results = [part.numpy() for part in (dcurrent, dkept, drho, dv, da)]
    arrays = [*(host.array(part) for part in (current, kept, rho)), *numbers, *given, *results]
    pieces = host.tiles(batch, width, TILE // current.element_size())
    host.spread(lambda piece: backward(*arrays, *piece), pieces, current.numel())
    return dcurrent, dkept.sum(0), dv, da, drho.sum(0)


def _like_backward(
    current: Tensor,
    kept: Tensor,
    rho: Tensor,
    v_row: Tensor,
    silent_row: Tensor,
    a_row: Tensor,
    grad: Tensor | None,
    v_grad: Tensor | None,
    a_grad: Tensor | None,
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    batch, _, width = current.shape
    shapes = current.shape, (width,), (batch, width), (batch, len(rho)), (len(rho),)
    of = [current.new_empty(shape) for shape in shapes]
    return of[0], of[1], of[2], of[3], of[4]


def _shapes(current: Tensor, adapting: int, silence: int, marked: bool) -> tuple[tuple[int, ...], ...]:
    """Of the marks of v, silent and a."""
    from wavetrain.scan.cpu.lif import CHUNK

    batch, time, width = current.shape
    chunks = -(-time // CHUNK) if marked else 0
    return (batch, chunks, width), (batch, chunks, width if silence else 0), (batch, chunks, adapting)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.numbers = inputs[6:13]
    ctx.step = inputs[14] if len(inputs) > 14 else None
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(output[2], *output[4:])
    ctx.save_for_backward(*inputs[:6], *output[4:])


def _gradient(
    ctx: Any,
    back: Callable[..., Any],
    grad: Tensor | None,
    v_grad: Tensor | None,
    _: None,
    a_grad: Tensor | None,
    *_marks: None,
) -> tuple[Tensor | None, ...]:
    current, kept, v, silent, a, rho, *rows = ctx.saved_tensors
    others = (None,) * 8
    if torch.is_grad_enabled():
        if ctx.step is None:
            raise BadInput("lif: expected gradients without a graph of their own in a compiled one")
        plain = _of_tensors(ctx.step, silent)
        of = again(plain, (current, kept, v, a, rho), (grad, v_grad, a_grad))
        return *of[:3], None, *of[3:], *others, None
    wanted = ctx.needs_input_grad[1]
    dcurrent, dkept, dv, da, drho = back(
        current, kept, rho, *rows, grad, v_grad, a_grad, *ctx.numbers, wanted
    )
    returned = dcurrent, dkept, dv, None, da, drho, *others
    return returned if ctx.step is None else (*returned, None)


def _numbers(like: Tensor, *values: float) -> tuple[Any, ...]:
    """Numbers in the precision of a tensor."""
    return tuple(np.array(values, str(like.dtype).removeprefix("torch.")))


def _of_tensors(step: Step, silent: Tensor) -> Callable[..., tuple[Tensor, ...]]:
    """The definition, from and to tensors alone."""

    def plain(current: Tensor, kept: Tensor, v: Tensor, a: Tensor, rho: Tensor) -> tuple[Tensor, ...]:
        adapts = a.shape[1] > 0
        state, rates = ((v, silent, a), (kept, rho)) if adapts else ((v, silent), (kept,))
        spikes, last = _plain(step, current, state, rates)
        assert isinstance(last, tuple)
        return spikes, last[0], last[2] if adapts else a

    return plain


_walk = Kernel(
    "lif",
    Walk(_forward, _like_forward),
    Walk(_backward, _like_backward),
    keep=_keep,
    gradient=_gradient,
    aside=1,
)
