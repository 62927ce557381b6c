"""A rate as intervals from a Poisson distribution: nearly regular trains, which some codes call Poisson.

In a Poisson train (`parts.rate_code`) intervals of m steps on average have a variance of m (m - 1); here it
is m, as in the code of Saunders et al. 2019, arXiv 1909.02549. At 128 Hz and 1 ms that is 8 in place of 53,
and counts of spikes tell a rate much better than those of a Poisson train can.
"""

import torch
from jaxtyping import Float, Num
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.rate_code import shares

LEAST = 1e-9  # spikes a step, below which none comes


def interval_spikes(
    hertz: Num[Tensor, "batch channels"], steps: int, generator: torch.Generator, dt: float = 1.0
) -> Float[Tensor, "batch steps channels"]:
    """Rates in Hz as spikes in steps of `dt` ms, the first after the first interval.

    An interval of 0 steps counts as one, so the rate is a little too low where intervals are a few steps.
    Raises BadInput for rates below 0 Hz or above a spike a step.

    >>> from wavetrain.parts.interval_code import interval_spikes
    >>> from wavetrain.parts.rate_code import poisson_spikes
    >>> draw, rates = torch.Generator().manual_seed(0), torch.full((1, 2000), 100.0)
    >>> [round(code(rates, 200, draw)[0].sum(0).var().item()) for code in (poisson_spikes, interval_spikes)]
    [18, 2]
    """
    if not dt > 0 or steps < 1:
        raise BadInput(
            f"an interval code: expected steps from 1 on of dt above 0 ms, got {steps} of {dt!r} ms"
        )
    rates = hertz if hertz.is_floating_point() else hertz.to(torch.get_default_dtype())
    chance = shares("an interval code, spikes in a step", rates * (dt / 1000)).double()
    mean = (1 / chance.clamp(min=LEAST))[:, None]  # steps
    many = int(2 * steps * float(chance.max())) + 20 if chance.numel() else 0  # more would hardly fit
    drawn = torch.poisson(mean.expand(-1, many, -1).contiguous().float(), generator)
    times = drawn.clamp(min=1).double().cumsum(1).clamp(max=steps + 1).long()
    spikes = rates.new_zeros(len(rates), steps + 2, rates.shape[1])
    return spikes.scatter_(1, times, 1.0)[:, 1 : steps + 1]
