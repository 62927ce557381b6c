"""Leaky integrate-and-fire units, step after step, with surrogate gradients; they may adapt."""

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import State, unroll
from wavetrain.errors import BadInput
from wavetrain.scan._twice import again
from wavetrain.scan.cpu import host
from wavetrain.scan.routes import fast, took, whole

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


@whole
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
    if fast(current, v, *adapted, *rates) and silent.dtype == torch.int32:
        took("lif", "numba")
        none = current.new_zeros(len(current), 0), current.new_zeros(0)
        a, rho = (adapted[0], rates[1]) if adapted else none
        spikes, v, silent, a = _LIF.apply(current, rates[0], v, silent, a, rho, step, units)
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


class _LIF(torch.autograd.Function):
    """The numba route of `scan.lif`; where nothing adapts, `a` and `rho` have no unit."""

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        kept: Tensor,
        v: Tensor,
        silent: Tensor,
        a: Tensor,
        rho: Tensor,
        step: Step,
        units: LIFUnits,
    ) -> tuple[Tensor, ...]:
        from wavetrain.scan.cpu.lif import CHUNK, LEAVES, TILE, forward

        (batch, time, width), dtype = current.shape, current.dtype
        spikes = host.fresh(current.shape, dtype)
        last = torch.empty_like(v), torch.empty_like(silent), torch.empty_like(a)
        chunks = -(-time // CHUNK) if any(ctx.needs_input_grad) else 0
        marks = (
            host.fresh((batch, chunks, width), dtype),
            host.fresh((batch, chunks, width if units.silence else 0), torch.int32),
            host.fresh((batch, chunks, a.shape[1]), dtype),
        )
        inputs = [host.array(part) for part in (current, kept, v, silent, a, rho)]
        numbers = [_numbers(current, units.threshold, units.strength), LEAVES[units.leaves.value]]
        results = [part.numpy() for part in (spikes, *last, *marks)]
        arrays = [*inputs, *numbers, units.silence, *results]
        pieces = host.tiles(batch, width, TILE // current.element_size())
        host.spread(lambda piece: forward(*arrays, *piece), pieces, current.numel())
        ctx.step, ctx.units = step, units
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(last[1])
        ctx.save_for_backward(current, kept, v, silent, a, rho, *marks)
        return spikes, *last

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor | None, v_grad: Tensor | None, _: None, a_grad: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        from wavetrain.scan.cpu.lif import FORMS, LEAVES, TILE, backward

        current, kept, v, silent, a, rho, *marks = ctx.saved_tensors
        units = ctx.units
        if torch.is_grad_enabled():
            plain = _of_tensors(ctx.step, silent)
            of = again(plain, (current, kept, v, a, rho), (grad, v_grad, a_grad))
            return *of[:3], None, *of[3:], None, None
        batch, _time, width = current.shape
        dcurrent = host.fresh(current.shape, current.dtype)
        dkept, dv = (torch.zeros_like(v) for _ in range(2))
        drho, da = (torch.zeros_like(a) for _ in range(2))
        grad = current.new_zeros(batch, 0, width) if grad is None else grad
        v_grad = torch.zeros_like(v) if v_grad is None else v_grad
        a_grad = torch.zeros_like(a) if a_grad is None else a_grad
        constants = _numbers(current, *units.slope.constants, 0, 0, 0, 0)[:4]
        numbers = [
            _numbers(current, units.threshold, units.strength),
            LEAVES[units.leaves.value],
            units.silence,
            units.detached,
            FORMS[units.slope.form.value],
            constants,
            ctx.needs_input_grad[1],
        ]
        given = [host.array(part) for part in (*marks, grad, v_grad, a_grad)]
        results = [part.numpy() for part in (dcurrent, dkept, drho, dv, da)]
        arrays = [*(host.array(part) for part in (current, kept, rho)), *numbers, *given, *results]
        pieces = host.tiles(batch, width, TILE // current.element_size())
        host.spread(lambda piece: backward(*arrays, *piece), pieces, current.numel())
        return dcurrent, dkept.sum(0), dv, None, da, drho.sum(0), None, None


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
