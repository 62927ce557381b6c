"""Leaky integrate-and-fire units on a GPU, and their surrogate gradient: the equations of `scan.cpu.lif`.

A program owns neighbouring units of one sequence and walks time with their states in registers; what later
steps read is under way meanwhile. Forward marks the states once in CHUNK steps; backward makes the potentials
of a chunk again from its mark, in registers, and walks in reverse. Forward reads the current and writes the
spikes, backward reads the current and what comes back and writes one gradient, and marks are little beside.

Multiplications and additions are rounded each by itself, as PyTorch's own steps round them: a fused one could
make a spike where there is none.
"""
# Above 300 lines: one file, since both walks make the same steps.

from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.cpu.lif import CHUNK
from wavetrain.scan.gpu.launch import launch, on_chip

BLOCK = 64  # units of a program, two for each of 32 threads
ADAPTING = 32  # where they adapt: backward keeps more of a chunk in registers


def forward(
    current: Tensor,
    kept: Tensor,
    v: Tensor,
    silent: Tensor,
    a: Tensor,
    rho: Tensor,
    marks: Sequence[Tensor],
    how: dict[str, Any],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The spikes (B, T, D) and the last v, silent and a; fills the marks of these, (B, chunks, D) each."""
    batch, time, width = current.shape
    spikes = current.new_empty(current.shape)
    last = [part.new_empty(part.shape) for part in (v, silent, a)]
    states = [part.contiguous() for part in (current, kept, v, silent, a, rho)]
    launch(
        _walk,
        batch * triton.cdiv(width, _block(rho)),
        *(_some(part) for part in (*states, spikes, *last, *marks)),
        *(time, width, triton.cdiv(time, CHUNK)),
        BLOCK=_block(rho),
        **_constants(current, **how),
    )
    if not how["silence"]:
        last[1].copy_(silent)
    return spikes, last[0], last[1], last[2]


def backward(
    current: Tensor,
    kept: Tensor,
    rho: Tensor,
    marks: Sequence[Tensor],
    grads: Sequence[Tensor | None],
    how: dict[str, Any],
    *,
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of current, kept, v, a and rho, from those of the spikes, v and a; None for none."""
    batch, time, width = current.shape
    of = [current.new_empty(current.shape), *(current.new_empty(batch, width) for _ in range(2))]
    of += [current.new_empty(batch, len(rho)) for _ in range(2)]
    given = [None if part is None else part.contiguous() for part in grads]
    states = [part.contiguous() for part in (current, kept, rho)]
    launch(
        _back,
        batch * triton.cdiv(width, _block(rho)),
        *(_some(part) for part in (*states, *marks, *given, *of)),
        *(time, width, triton.cdiv(time, CHUNK)),
        LEARNS=wanted,
        BLOCK=_block(rho),
        **_constants(current, **how),
    )
    dcurrent, dkept, dv, drho, da = of
    return dcurrent, dkept.sum(0) if wanted else torch.zeros_like(kept), dv, da, drho.sum(0)


def _block(rho: Tensor) -> int:
    return ADAPTING if len(rho) else BLOCK


def _some(part: Tensor | None) -> Tensor | None:
    return None if part is None or part.numel() == 0 else part


def _constants(
    current: Tensor,
    *,
    threshold: float,
    strength: float,
    leaves: str,
    silence: int,
    detached: bool,
    form: str,
    constants: Sequence[float],
) -> dict[str, Any]:
    first, second, third, fourth = [*constants, 0.0, 0.0, 0.0, 0.0][:4]
    return {
        "THRESHOLD": threshold,
        "STRENGTH": strength,
        "LEAVES": leaves,
        "SILENCE": silence,
        "DETACHED": detached,
        "FORM": form,
        "FIRST": first,
        "SECOND": second,
        "THIRD": third,
        "FOURTH": fourth,
        "TYPE": on_chip(current),
        "CHUNK": CHUNK,
        "warps": 1,
        "exactly": True,
    }


@triton.jit
def _place(D, BLOCK: tl.constexpr):
    """This program's sequence and units."""
    program = tl.program_id(0).to(tl.int64)
    tiles = tl.cdiv(D, BLOCK)
    return program // tiles, ((program % tiles) * BLOCK).to(tl.int32) + tl.arange(0, BLOCK)


@triton.jit
def _walk(
    current, kept, v, silent, a, rho, spikes, v_last, silent_last, a_last, v_marks, silent_marks, a_marks,
    T, D, chunks,
    THRESHOLD: tl.constexpr, STRENGTH: tl.constexpr, LEAVES: tl.constexpr, SILENCE: tl.constexpr,
    DETACHED: tl.constexpr, FORM: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr,
    THIRD: tl.constexpr, FOURTH: tl.constexpr, TYPE: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    n, d = _place(D, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    keep = tl.load(kept + d, mask=there, other=0.0)
    now = tl.load(v + n * D + d, mask=there, other=0.0)
    theta = tl.zeros((BLOCK,), TYPE) + THRESHOLD
    quiet = none
    if SILENCE > 0:
        quiet = tl.load(silent + n * D + d, mask=there, other=0)
    tired = now
    far = keep
    if a is not None:
        tired = tl.load(a + n * D + d, mask=there, other=0.0)
        far = tl.load(rho + d, mask=there, other=0.0)
    for chunk in tl.range(0, chunks, num_stages=3):
        begin = chunk * CHUNK
        inputs = ()
        for k in tl.static_range(CHUNK):
            row = (n * T + begin + k) * D
            inputs = inputs + (tl.load(current + row + d, mask=there & (none + begin + k < T), other=0.0),)
        mark = (n * chunks + chunk) * D
        if v_marks is not None:
            tl.store(v_marks + mark + d, now, mask=there)
            if SILENCE > 0:
                tl.store(silent_marks + mark + d, quiet, mask=there)
            if a is not None:
                tl.store(a_marks + mark + d, tired, mask=there)
        for k in tl.static_range(CHUNK):
            live = there & (none + begin + k < T)
            if a is not None:
                theta = THRESHOLD + STRENGTH * tired
            _moved, out, after, still = _step(inputs[k], keep, now, theta, quiet, LEAVES, SILENCE)
            tl.store(spikes + (n * T + begin + k) * D + d, out, mask=live)
            now = tl.where(live, after, now)
            quiet = tl.where(live, still, quiet)
            if a is not None:
                tired = tl.where(live, far * tired + (1.0 - far) * out, tired)
    tl.store(v_last + n * D + d, now, mask=there)
    if SILENCE > 0:
        tl.store(silent_last + n * D + d, quiet, mask=there)
    if a is not None:
        tl.store(a_last + n * D + d, tired, mask=there)


@triton.jit
def _back(
    current, kept, rho, v_marks, silent_marks, a_marks, grad, v_grad, a_grad, dcurrent, dkept, dv, drho, da,
    T, D, chunks, LEARNS: tl.constexpr,
    THRESHOLD: tl.constexpr, STRENGTH: tl.constexpr, LEAVES: tl.constexpr, SILENCE: tl.constexpr,
    DETACHED: tl.constexpr, FORM: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr,
    THIRD: tl.constexpr, FOURTH: tl.constexpr, TYPE: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    n, d = _place(D, BLOCK)
    there = d < D
    none = tl.zeros((BLOCK,), tl.int32)
    zero = tl.zeros((BLOCK,), TYPE)
    keep = tl.load(kept + d, mask=there, other=0.0)
    far = keep
    if rho is not None:
        far = tl.load(rho + d, mask=there, other=0.0)
    carry = zero  # what comes back to v
    if v_grad is not None:
        carry = tl.load(v_grad + n * D + d, mask=there, other=0.0)
    load = zero  # what comes back to a
    if a_grad is not None:
        load = tl.load(a_grad + n * D + d, mask=there, other=0.0)
    total = zero
    far_total = zero
    for back in tl.range(0, chunks, num_stages=2):
        chunk = chunks - 1 - back
        begin = chunk * CHUNK
        mark = (n * chunks + chunk) * D
        now = tl.load(v_marks + mark + d, mask=there, other=0.0)
        quiet = none
        if SILENCE > 0:
            quiet = tl.load(silent_marks + mark + d, mask=there, other=0)
        tired = now
        if rho is not None:
            tired = tl.load(a_marks + mark + d, mask=there, other=0.0)
        inputs = ()
        come = ()
        for k in tl.static_range(CHUNK):
            row = (n * T + begin + k) * D
            live = there & (none + begin + k < T)
            inputs = inputs + (tl.load(current + row + d, mask=live, other=0.0),)
            if grad is not None:
                come = come + (tl.load(grad + row + d, mask=live, other=0.0),)
        frees = ()
        before = ()
        held = ()
        past = ()
        theta = zero + THRESHOLD
        for k in tl.static_range(CHUNK):
            before = before + (now,)
            held = held + (quiet,)
            past = past + (tired,)
            if rho is not None:
                theta = THRESHOLD + STRENGTH * tired
            moved, out, now, quiet = _step(inputs[k], keep, now, theta, quiet, LEAVES, SILENCE)
            frees = frees + (moved,)
            if rho is not None:
                tired = far * tired + (1.0 - far) * out
        for k in tl.static_range(CHUNK - 1, -1, -1):
            live = there & (none + begin + k < T)
            moved = frees[k]
            if rho is not None:
                theta = THRESHOLD + STRENGTH * past[k]
            given = zero
            if grad is not None:
                given = come[k]
            spike = _spike(moved, theta)
            if rho is not None:
                out = spike
                if SILENCE > 0:
                    out = tl.where(held[k] > 0, 0.0, spike)
                given = given + (1.0 - far) * load
                far_total += tl.where(live, load * (past[k] - out), 0.0)
            if not DETACHED:
                if LEAVES == "what is above":
                    given = given - theta * carry
                if LEAVES == "nothing":
                    given = given - moved * carry
            excess = given * _slope(moved - theta, FORM, FIRST, SECOND, THIRD, FOURTH)
            found = carry + excess
            if LEAVES == "nothing":
                found = carry * (1.0 - spike) + excess
            pull = -excess
            if LEAVES == "what is above":
                pull = -excess - spike * carry
            passed = keep * found
            if SILENCE > 0:
                passed = tl.where(held[k] > 0, carry, passed)
                found = tl.where(held[k] > 0, 0.0, found)
                pull = tl.where(held[k] > 0, 0.0, pull)
            tl.store(dcurrent + (n * T + begin + k) * D + d, found, mask=live)
            carry = tl.where(live, passed, carry)
            if LEARNS:
                total += tl.where(live, found * before[k], 0.0)
            if rho is not None:
                load = tl.where(live, far * load + STRENGTH * pull, load)
    tl.store(dv + n * D + d, carry, mask=there)
    if LEARNS:
        tl.store(dkept + n * D + d, total, mask=there)
    if rho is not None:
        tl.store(da + n * D + d, load, mask=there)
        tl.store(drho + n * D + d, far_total, mask=there)


@triton.jit
def _spike(moved, theta):
    """What is not a number stays so: a training that diverges must be seen."""
    excess = moved - theta
    return tl.where(excess > 0.0, 1.0, tl.where(excess == excess, 0.0, excess))


@triton.jit
def _step(given, keep, v, theta, silent, LEAVES: tl.constexpr, SILENCE: tl.constexpr):
    """The potential before the reset, the spike, the potential after, and how long the unit is silent."""
    moved = keep * v + given
    if SILENCE > 0:
        moved = tl.where(silent > 0, v, moved)
    spike = _spike(moved, theta)
    still = silent
    if SILENCE > 0:
        spike = tl.where(silent > 0, 0.0, spike)
        fires = (moved - theta > 0.0) & (silent == 0)
        still = tl.where(fires, SILENCE, tl.maximum(silent - 1, 0))
    after = moved
    if LEAVES == "what is above":
        after = moved - theta * spike
    if LEAVES == "nothing":
        after = moved * (1.0 - spike)
    return moved, spike, after, still


@triton.jit
def _slope(
    x,
    FORM: tl.constexpr,
    FIRST: tl.constexpr,
    SECOND: tl.constexpr,
    THIRD: tl.constexpr,
    FOURTH: tl.constexpr,
):
    """The derivative of the surrogate at an excess x over the threshold, as in `scan.Form`."""
    if FORM == "arctan":
        scaled = FIRST * x
        return 1.0 / (1.0 + scaled * scaled) * SECOND
    elif FORM == "fast sigmoid":
        scaled = 1.0 / (1.0 + FIRST * tl.abs(x))
        return scaled * scaled
    elif FORM == "boxcar":
        return tl.where(tl.abs(x) <= FIRST, 1.0, tl.zeros_like(x))
    elif FORM == "triangle":
        height = 1.0 - tl.abs(x)
        return FIRST * tl.where(height < 0.0, 0.0, height)
    elif FORM == "sigmoid":
        e = tl.exp(-FIRST * tl.abs(x))
        return FIRST * e / ((1.0 + e) * (1.0 + e))
    elif FORM == "bumps":
        near = x / FIRST
        left = (x + FIRST) / SECOND
        right = (x - FIRST) / SECOND
        sides = tl.exp(-0.5 * left * left) + tl.exp(-0.5 * right * right)
        return THIRD * tl.exp(-0.5 * near * near) - FOURTH * sides
    else:
        return tl.zeros_like(x)
