"""A value as how often spikes come: each step is an independent draw.

The chance of a spike in a step is the value itself, and for a rate it is rate * dt / 1000, with the rate in
Hz and dt in ms: Bernoulli's form of a Poisson train, not 1 - exp(-rate dt). With it the mean count is exact,
and a rate of 1000 / dt spikes in every step; above that is refused. No two spikes come in one step. Read
back, a value is the mean over steps, whose deviation is sqrt(x (1 - x) / T).
"""

import torch
from jaxtyping import Float, Num
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.zero_or_one import zero_or_one


def shares(about: str, x: Num[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    """Values as floats; whole numbers and truth values become PyTorch's default type.

    Raises BadInput for one below 0, above 1, or not a number.
    """
    values = x if x.is_floating_point() else x.to(torch.get_default_dtype())
    if not bool(((values >= 0) & (values <= 1)).all()):
        bad = values[~((values >= 0) & (values <= 1))][0]
        raise BadInput(f"{about}: expected values from 0 to 1, got {float(bad):g}")
    return values


def rate_spikes(
    x: Num[Tensor, "batch channels"], steps: int, generator: torch.Generator
) -> Float[Tensor, "batch steps channels"]:
    """Values from 0 to 1 as spikes whose chance in each step they are, of the same type.

    Drawn on the CPU, so that a seed gives the same spikes anywhere. A batch drawn in parts with one generator
    is the whole. Raises BadInput for values below 0 or above 1.

    >>> from wavetrain.parts.rate_code import rate_spikes
    >>> spikes = rate_spikes(torch.tensor([[0.0, 0.1, 1.0]]), 1000, torch.Generator().manual_seed(0))
    >>> spikes.sum(1).tolist()
    [[0.0, 79.0, 1000.0]]
    """
    chance = shares("a rate code", x)
    drawn = torch.rand(len(x), steps, x.shape[1], generator=generator, dtype=torch.float64)
    return (drawn.to(chance.device) < chance.double()[:, None]).to(chance.dtype)


def poisson_spikes(
    hertz: Num[Tensor, "batch channels"], steps: int, generator: torch.Generator, dt: float = 1.0
) -> Float[Tensor, "batch steps channels"]:
    """Rates in Hz as spikes in steps of `dt` ms. Raises BadInput for a rate below 0 or above 1000 / dt.

    >>> from wavetrain.parts.rate_code import poisson_spikes
    >>> spikes = poisson_spikes(torch.tensor([[200.0, 1000.0]]), 10_000, torch.Generator().manual_seed(0))
    >>> spikes.mean(1).round(decimals=1)
    tensor([[0.2000, 1.0000]])
    """
    if not dt > 0:
        raise BadInput(f"a rate code: expected dt above 0 ms, got {dt!r}")
    rates = hertz if hertz.is_floating_point() else hertz.to(torch.get_default_dtype())
    if not bool(((rates >= 0) & (rates * dt <= 1000)).all()):
        raise BadInput(
            f"a rate code: expected rates from 0 to {1000 / dt:g} Hz in steps of {dt:g} ms, got "
            f"{float(rates.min()):g} to {float(rates.max()):g} Hz"
        )
    return rate_spikes(rates * dt / 1000, steps, generator)


def rate_values(spikes: Float[Tensor, "batch steps channels"]) -> Float[Tensor, "batch channels"]:
    """The share of steps with a spike, the value on average. BadInput for spikes not of 0 or 1.

    >>> from wavetrain.parts.rate_code import rate_values
    >>> rate_values(torch.tensor([[[1.0], [0.0], [0.0], [1.0]]]))
    tensor([[0.5000]])
    """
    zero_or_one("a rate code", spikes)
    return spikes.mean(1)
