"""The softmax scan on a GPU, and its gradient: one head of one sequence to a program, in one walk over time.

With L_t = log sum_{s <= t} exp(score_s), which forward keeps, and dy_t what comes back to y_t,

    y_t = sum_{s <= t} exp(score_s - L_t) v_s
    R_s = dy_s + exp(L_s - L_{s+1}) R_{s+1},           D_s = dy_s . y_s + exp(L_s - L_{s+1}) D_{s+1}
    dv_s = exp(score_s - L_s) R_s,                     dscore_s = exp(score_s - L_s) (R_s . v_s - D_s)

No exponent is above zero. What comes back to the last sums c and a enters R and D at the last step, where
exp(L - m) = c. What comes back to the highest score m goes to the last step that had it, or to the first
state; where both had it, half to each.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wavetrain.scan.gpu.launch import carried, launch, on_chip

STAGES = 4  # steps whose loads are under way
FEWEST = 16  # channels that a program has at least, some of them idle


def forward(
    score: Tensor, v: Tensor, highest: Tensor, total: Tensor, mixed: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """y (B, T, H, P), the last m and c (B, H) and a (B, H, P), L (B, T, H), and the step that had m (B, H).

    The step is -1 where the highest score is that of the first state, and -2 - t where both share it.
    """
    batch, time, heads, width = v.shape
    y = torch.empty_like(v, memory_format=torch.contiguous_format)
    m, c, a = (part.new_empty(part.shape) for part in (highest, total, mixed))
    logs = torch.empty(score.shape, dtype=carried(v), device=v.device)
    place = torch.empty(highest.shape, dtype=torch.int32, device=v.device)
    given = [part.contiguous() for part in (score, v, highest, total, mixed)]
    launch(_walk, batch * heads, *given, y, m, c, a, logs, place, time, heads, width, **_constants(v))
    return y, m, c, a, logs, place


def backward(
    inputs: tuple[Tensor, ...], found: tuple[Tensor, ...], grads: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of score, v, m, c and a, from what forward took and found, and what comes back to it."""
    v = inputs[1]
    batch, time, heads, width = v.shape
    of = [part.new_empty(part.shape) for part in inputs]
    given = [part.contiguous() for part in (*inputs, *found, *grads)]
    launch(_back, batch * heads, *given, *of, time, heads, width, **_constants(v))
    dscore, dv, dm, dc, da = of
    return dscore, dv, dm, dc, da


def _constants(v: Tensor) -> dict[str, Any]:
    size = max(FEWEST, triton.next_power_of_2(v.shape[3]))
    return {"SIZE": size, "STAGES": STAGES, "TYPE": on_chip(v), "warps": max(1, size // 128)}


@triton.jit
def _finite(m):
    """What is subtracted: 0 where nothing but minus infinity has come."""
    return tl.where(m > float("-inf"), m, 0.0)


@triton.jit
def _walk(
    score, v, highest, total, mixed, y, m_last, c_last, a_last, logs, place, T, H, P,
    SIZE: tl.constexpr, STAGES: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0).to(tl.int64)
    n = head // H
    d = tl.arange(0, SIZE)
    there = d < P
    one = tl.zeros((1,), tl.int32)
    m = tl.load(highest + head + one).to(TYPE)
    c = tl.load(total + head + one).to(TYPE)
    a = tl.load(mixed + head * P + d, mask=there, other=0.0).to(TYPE)
    before = m
    own = tl.full((1,), float("-inf"), TYPE)  # the highest of these steps alone
    had = one - 1
    for t in tl.range(0, T, num_stages=STAGES):
        row = (n * T + t) * H + head % H
        s = tl.load(score + row + one).to(TYPE)
        value = tl.load(v + row * P + d, mask=there, other=0.0).to(TYPE)
        top = tl.maximum(m, s)
        had = tl.where(s >= own, one + t, had)
        own = tl.maximum(own, s)
        left = tl.exp(m - _finite(top))
        new = tl.exp(s - _finite(top))
        c = left * c + new
        a = left * a + new * value
        m = top
        some = tl.where(c > 0.0, c, 1.0)
        tl.store(y + row * P + d, a / some, mask=there)
        tl.store(logs + row + one, m + tl.log(some))
    tl.store(m_last + head + one, m)
    tl.store(c_last + head + one, c)
    tl.store(a_last + head * P + d, a, mask=there)
    tl.store(place + head + one, tl.where(own > before, had, tl.where(own < before, -1, -2 - had)))


@triton.jit
def _back(
    score, v, highest, total, mixed, y, m_last, c_last, a_last, logs, place, grad, grad_m, grad_c, grad_a,
    dscore, dv, dm, dc, da, T, H, P, SIZE: tl.constexpr, STAGES: tl.constexpr, TYPE: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0).to(tl.int64)
    n = head // H
    d = tl.arange(0, SIZE)
    there = d < P
    one = tl.zeros((1,), tl.int32)
    c = tl.load(c_last + head + one).to(TYPE)
    a = tl.load(a_last + head * P + d, mask=there, other=0.0).to(TYPE)
    to_a = tl.load(grad_a + head * P + d, mask=there, other=0.0).to(TYPE)
    to_c = tl.load(grad_c + head + one).to(TYPE)
    to_m = tl.load(grad_m + head + one).to(TYPE) - tl.sum(to_a * a, 0) - to_c * c
    had = tl.load(place + head + one)
    share = tl.where(had >= 0, 1.0, tl.where(had < -1, 0.5, 0.0)).to(TYPE)  # of what comes back to m
    had = tl.where(had < -1, -2 - had, had)
    carry = c * to_a
    scalar = -c * to_c
    after = tl.load(logs + (n * T + T - 1) * H + head % H + one).to(TYPE)  # L of the step after this one
    for i in tl.range(0, T, num_stages=STAGES):
        t = T - 1 - i
        row = (n * T + t) * H + head % H
        now = tl.load(logs + row + one).to(TYPE)
        s = tl.load(score + row + one).to(TYPE)
        value = tl.load(v + row * P + d, mask=there, other=0.0).to(TYPE)
        mean = tl.load(y + row * P + d, mask=there, other=0.0).to(TYPE)
        come = tl.load(grad + row * P + d, mask=there, other=0.0).to(TYPE)
        left = tl.exp(now - _finite(after))
        carry = left * carry + come
        scalar = left * scalar + tl.sum(tl.where(there, come * mean, 0.0), 0)
        weight = tl.exp(s - _finite(now))
        tl.store(dv + row * P + d, weight * carry, mask=there)
        back = weight * (tl.sum(carry * value, 0) - scalar)
        tl.store(dscore + row + one, back + tl.where(had == t, share * to_m, 0.0))
        after = now
    m = tl.load(highest + head + one).to(TYPE)
    before = tl.load(total + head + one).to(TYPE)
    first = tl.load(mixed + head * P + d, mask=there, other=0.0).to(TYPE)
    left = tl.exp(m - _finite(after))
    tl.store(da + head * P + d, left * carry, mask=there)
    tl.store(dc + head + one, -left * scalar)
    back = left * (tl.sum(carry * first, 0) - scalar * before)
    tl.store(dm + head + one, back + (1.0 - share) * to_m)
