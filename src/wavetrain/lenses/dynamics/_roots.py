"""Where a map stands still, or moves least: descent from many states at once, then Newton's method.

descend   Adam on the squares of F(h) - h, for each row by itself, with a rate that falls to a hundredth
hasten    Broyden's method from there: one Jacobian for each row, which is then only brought up to date
refine    Levenberg and Marquardt, which ends in a fixed point or in a place where the speed is least, and
          Newton steps while they bring the row nearer
apart     which rows are the same point, the slowest first
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from wavetrain.lenses.dynamics._map import Scaled

BETAS = 0.9, 0.99  # of Adam
STEPS = 60  # of Levenberg and Marquardt
HASTE = 40  # of Broyden
HELD = 2**24  # numbers in the inverses that are held at once
STILL = 1e-14  # a speed, next to the size of the state, below which there is nothing to gain


class Refined(NamedTuple):
    """Rows at the end of the search, all at the same row."""

    rows: Float[Tensor, "rows n"]
    speed: Float[Tensor, "rows"]  # norm of F(h) - h at these rows
    jacobian: Float[Tensor, "rows n n"]  # dF / dh at these rows
    slope: Float[
        Tensor, "rows"
    ]  # the share by which the speed falls, a unit of distance: 0 where it is least
    error: Float[Tensor, "rows"]  # how far the fixed point may still be; infinite where there is none


def descend(map: Scaled, rows: Float[Tensor, "rows n"], steps: int, rate: float) -> Float[Tensor, "rows n"]:
    """Rows moved downhill; those that leave for infinity become NaN."""
    rows = rows.clone()
    first, second = torch.zeros_like(rows), torch.zeros_like(rows)
    for step in range(1, steps + 1):
        with torch.enable_grad():
            at = rows.detach().requires_grad_()
            gap = map(at) - at
            grad = torch.autograd.grad((gap**2).sum() / 2, at)[0]
        first = first.lerp(grad, 1 - BETAS[0])
        second = second.lerp(grad**2, 1 - BETAS[1])
        size = (second / (1 - BETAS[1] ** step)).sqrt() + 1e-12
        now = rate * 0.01 ** (step / steps)
        rows = rows - now * first / (1 - BETAS[0] ** step) / size
    return rows


def hasten(map: Scaled, rows: Float[Tensor, "rows n"]) -> Float[Tensor, "rows n"]:
    """Rows nearer to where they stand still, or as they were; steps that make a row faster are not taken."""
    return torch.cat([_hasten(map, some) for some in rows.split(max(1, HELD // rows.shape[1] ** 2))])


def _hasten(map: Scaled, rows: Tensor) -> Tensor:
    eye = torch.eye(rows.shape[1], dtype=rows.dtype)
    rows, inverse = rows.clone(), torch.linalg.inv_ex(map.jacobian(rows) - eye)[0]
    open = torch.nonzero(inverse.sum((1, 2)).isfinite())[:, 0]
    at, inverse = rows[open], inverse[open]
    gap = map(at) - at
    part = torch.ones(len(at), dtype=rows.dtype)  # of a whole step
    for _ in range(HASTE):
        step = -part[:, None] * (inverse @ gap[..., None])[..., 0]
        moved = map(at + step) - at - step
        change = (inverse @ (moved - gap)[..., None])[..., 0]
        along, under = (step[:, None] @ inverse)[:, 0], (step * change).sum(1)
        weight = torch.where(under.abs() > 1e-12 * step.square().sum(1), 1 / under, 0.0)
        update, along = step - change, weight[:, None] * along
        sound = (update.sum(1) * along.sum(1)).isfinite()[:, None]
        inverse.baddbmm_(torch.where(sound, update, 0.0)[:, :, None], torch.where(sound, along, 0.0)[:, None])
        gain = moved.norm(dim=1) < gap.norm(dim=1)
        at = torch.where(gain[:, None], at + step, at)
        gap = torch.where(gain[:, None], moved, gap)
        part = torch.where(gain, 2 * part, part / 2).clamp(max=1.0)
        rows[open] = at
        going = (gap.norm(dim=1) > 1e-8 * (1 + at.norm(dim=1))) & (part > 1 / 32)
        if not going.any():
            break
        if going.sum() < 0.7 * len(going):
            open, at, gap, part, inverse = open[going], at[going], gap[going], part[going], inverse[going]
    return rows


def refine(map: Scaled, rows: Float[Tensor, "rows n"]) -> Refined:
    """Rows at points of least speed; a step is taken only where it makes a row slower."""
    rows, eye = rows.clone(), torch.eye(rows.shape[1], dtype=rows.dtype)
    damp = torch.full((len(rows),), 1e-3, dtype=rows.dtype)
    gap = map(rows) - rows
    matrix = map.jacobian(rows) - eye
    open = torch.arange(len(rows))  # rows that still get slower
    for _ in range(STEPS):
        if not len(open):
            break
        k, r = matrix[open], gap[open]
        down = (k.mT @ r[..., None])[..., 0]
        newton = torch.linalg.solve_ex(k, -r)[0]
        normal = k.mT @ k + damp[open, None, None] * eye
        careful = torch.linalg.solve_ex(normal, -down)[0]
        before = r.norm(dim=1)
        best, taken = rows[open], before.clone()
        better = gap[open]
        for step in (newton, careful):
            there = rows[open] + step
            moved = map(there) - there
            speed = moved.norm(dim=1)
            gain = speed < taken  # NaN is no gain
            best = torch.where(gain[:, None], there, best)
            better = torch.where(gain[:, None], moved, better)
            taken = torch.where(gain, speed, taken)
        rows[open], gap[open] = best, better
        gained = taken < before
        damp[open] = torch.where(gained, damp[open] / 5, damp[open] * 8).clamp(1e-14, 1e8)
        moving = open[gained]
        if len(moving):
            matrix[moving] = map.jacobian(rows[moving]) - eye
        slow = taken < STILL * (1 + rows[open].norm(dim=1))
        stuck = ~gained & (damp[open] >= 1e4)
        crawl = gained & (taken > before * (1 - 1e-9))
        open = open[~(slow | stuck | crawl)]
    speed = gap.norm(dim=1)
    down = (matrix.mT @ gap[..., None])[..., 0].norm(dim=1)
    slope = down / speed.square().clamp(min=1e-300)
    step, fault = torch.linalg.solve_ex(matrix, gap)
    error = torch.where(fault == 0, step.norm(dim=1), torch.inf).nan_to_num(torch.inf, torch.inf)
    return Refined(rows, speed, matrix + eye, torch.where(speed == 0, 0.0, slope), error)


def apart(
    rows: Float[Tensor, "rows n"], speed: Float[Tensor, "rows"], within: float
) -> tuple[Int[Tensor, "points"], Int[Tensor, "rows"]]:
    """The rows that stand for a point, the slowest first, and which of them each row belongs to.

    Two rows are one point where the root mean square of their difference over the units is below `within`.
    """
    left = speed.nan_to_num(torch.inf).argsort(stable=True)
    kept: list[int] = []
    owner = torch.full((len(rows),), -1)
    while len(left):
        head = int(left[0])
        near = (rows[left] - rows[head]).square().mean(1).sqrt() <= within
        near[0] = True
        owner[left[near]] = len(kept)
        kept.append(head)
        left = left[~near]
    return torch.tensor(kept, dtype=torch.long), owner


def finite(rows: Float[Tensor, "rows n"]) -> Bool[Tensor, "rows"]:
    """Rows of which all numbers are finite."""
    return rows.isfinite().all(1)
