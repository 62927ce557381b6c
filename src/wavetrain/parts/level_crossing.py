"""A signal as the moments at which it has moved by a threshold: send on delta.

Each channel keeps what was sent last, r. When the signal has moved from it by d or more,

    n_t = whole part of (x_t - r_{t-1}) / d, toward 0,     r_t = r_{t-1} + n_t d

n_t crossings are sent, up where it is above 0 and down where it is below. A signal that stays sends nothing,
and noise below d is not sent. r is what can be read back; it is never d or more from the signal. It is held
as a whole number of thresholds from the start, so that no error adds up over time.

Where no more than one crossing comes in a step, they are spikes of two channels each, `up_and_down`. What
moves faster is refused there; `finer` puts steps between those of a signal until it is slow enough.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.zero_or_one import zero_or_one


def level_crossings(
    x: Float[Tensor, "batch time channels"],
    threshold: float,
    sent: Float[Tensor, "batch channels"] | None = None,
) -> tuple[Int[Tensor, "batch time channels"], Float[Tensor, "batch channels"]]:
    """How many thresholds each step is sent as having moved, up or down; and what was sent last.

    `sent` is what was sent before, 0 where left out, so that a signal may be cut anywhere. Raises BadInput
    for a threshold that is not above 0, and for a signal that is not finite.

    >>> from wavetrain.parts.level_crossing import level_crossings
    >>> x = torch.tensor([0.0, 0.9, 1.1, 0.2, 0.0, -2.5])[None, :, None]
    >>> level_crossings(x, 1.0)[0].flatten().tolist()  # 0.2 is not a whole threshold below 1
    [0, 0, 1, 0, -1, -2]
    """
    if not 0 < threshold < math.inf:
        raise BadInput(f"level crossing: expected a threshold above 0, got {threshold!r}")
    if not bool(x.isfinite().all()):
        raise BadInput("level crossing: expected a finite signal, got one that is not")
    start = x.new_zeros(x.shape[0], x.shape[2]) if sent is None else sent
    moved = (x.double() - start.double()[:, None]) / threshold  # thresholds from the start
    level = torch.zeros_like(start, dtype=torch.float64)
    levels = [level]
    for now in moved.unbind(1):
        level = level + (now - level).trunc()
        levels.append(level)
    crossings = torch.stack(levels, 1).diff(dim=1).long()
    return crossings, (start.double() + threshold * level).to(x.dtype)


def levels(
    crossings: Int[Tensor, "batch time channels"],
    threshold: float,
    sent: Float[Tensor, "batch channels"] | None = None,
) -> Float[Tensor, "batch time channels"]:
    """The signal as far as it was sent: less than a threshold from what it was.

    Of the type of `sent`, and in double precision where that is left out.

    >>> from wavetrain.parts.level_crossing import level_crossings, levels
    >>> x = torch.randn(2, 50, 3).cumsum(1)
    >>> bool(((levels(level_crossings(x, 0.5)[0], 0.5) - x).abs() < 0.5).all())
    True
    """
    moved = threshold * crossings.cumsum(1).double()
    return moved if sent is None else (sent.double()[:, None] + moved).to(sent.dtype)


def up_and_down(crossings: Int[Tensor, "batch time channels"]) -> Float[Tensor, "batch time both"]:
    """Spikes of 0 and 1: the channels up, then the channels down.

    Raises BadInput where a step has more than one crossing of a channel.

    >>> from wavetrain.parts.level_crossing import up_and_down
    >>> up_and_down(torch.tensor([[[1], [0], [-1]]]))
    tensor([[[1., 0.],
             [0., 0.],
             [0., 1.]]])
    """
    most = int(crossings.abs().max()) if crossings.numel() else 0
    if most > 1:
        raise BadInput(
            f"level crossing: expected a signal that crosses one level in a step at the most, got {most}; "
            "a larger threshold or finer steps make it one"
        )
    return torch.cat([crossings > 0, crossings < 0], -1).to(torch.get_default_dtype())


def crossings_of(spikes: Float[Tensor, "batch time both"]) -> Int[Tensor, "batch time channels"]:
    """The crossings that such spikes stand for; BadInput for spikes not of 0 or 1.

    >>> from wavetrain.parts.level_crossing import crossings_of, up_and_down
    >>> crossings_of(up_and_down(torch.tensor([[[1], [0], [-1]]]))).flatten().tolist()
    [1, 0, -1]
    """
    zero_or_one("level crossing", spikes)
    up, down = spikes.long().chunk(2, -1)
    return up - down


def finer(x: Float[Tensor, "batch time channels"], times: int) -> Float[Tensor, "batch finer channels"]:
    """So many steps for each step of a signal, on straight lines from one value to the next.

    The last of them is the value itself; before the first value the signal stays at it.

    >>> from wavetrain.parts.level_crossing import finer
    >>> finer(torch.tensor([0.0, 1.0, 3.0])[None, :, None], 2).flatten().tolist()
    [0.0, 0.0, 0.5, 1.0, 2.0, 3.0]
    """
    if times < 1:
        raise BadInput(f"level crossing: expected 1 or more steps for each, got {times}")
    before = F.pad(x, (0, 0, 1, 0), "replicate")[:, :-1] if x.shape[1] else x
    part = torch.arange(1, times + 1, dtype=x.dtype, device=x.device)[:, None] / times
    between = before[:, :, None] + part * (x - before)[:, :, None]
    between[:, :, -1] = x  # to the last bit
    return between.flatten(1, 2)
