"""A value as the time of one spike: the stronger, the earlier.

    t = round((1 - x) (T - 1))      x in (0, 1]; a half goes to the even step
    no spike                        x = 0

Each channel spikes once or not at all, equal values at the same time. A weak value still spikes in the last
step, where 0 does not. Read back, a value is at most half a step wrong, 1 / (2 (T - 1)).
"""

import torch
from jaxtyping import Float, Int, Num
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.rate_code import shares
from wavetrain.parts.zero_or_one import zero_or_one


def latency_times(x: Num[Tensor, "batch channels"], steps: int) -> Int[Tensor, "batch channels"]:
    """At which of so many steps each value spikes; -1 where it does not.

    Raises BadInput for fewer than 2 steps, and for values below 0 or above 1.

    >>> from wavetrain.parts.latency_code import latency_times
    >>> latency_times(torch.tensor([[1.0, 0.5, 0.25, 0.0]]), steps=11).tolist()  # 7.5 to the even step
    [[0, 5, 8, -1]]
    """
    values = shares("a latency code", x)
    if steps < 2:
        raise BadInput(f"a latency code: expected 2 steps or more, got {steps}")
    times = ((1 - values.double()) * (steps - 1)).round().long()
    return torch.where(values > 0, times, -1)


def spikes_at(
    times: Int[Tensor, "batch channels"], steps: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "batch steps channels"]:
    """One spike of each channel at its time; none where the time is -1.

    Raises BadInput for a time that is no step: a spike is neither cut off nor moved to the last.

    >>> from wavetrain.parts.latency_code import spikes_at
    >>> spikes_at(torch.tensor([[2, 0, -1]]), steps=3)[0].T
    tensor([[0., 0., 1.],
            [1., 0., 0.],
            [0., 0., 0.]])
    """
    if times.numel() and not (int(times.min()) >= -1 and int(times.max()) < steps):
        raise BadInput(
            f"a latency code: expected times from 0 to {steps - 1}, or -1, got {int(times.min())} to "
            f"{int(times.max())}"
        )
    return (torch.arange(steps, device=times.device)[:, None] == times[:, None]).to(dtype)


def latency_spikes(x: Num[Tensor, "batch channels"], steps: int) -> Float[Tensor, "batch steps channels"]:
    """Values from 0 to 1 as spikes of the same type; of PyTorch's default type where they are no floats.

    Raises BadInput for fewer than 2 steps, and for values below 0 or above 1.

    >>> from wavetrain.parts.latency_code import latency_spikes
    >>> latency_spikes(torch.tensor([[1.0, 0.0, 0.5]]), steps=3)[0].T
    tensor([[1., 0., 0.],
            [0., 0., 0.],
            [0., 1., 0.]])
    """
    dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
    return spikes_at(latency_times(x, steps), steps, dtype)


def latency_values(spikes: Float[Tensor, "batch steps channels"]) -> Float[Tensor, "batch channels"]:
    """What each channel's first spike stands for; 0 where there is none. BadInput for spikes not of 0 or 1.

    >>> from wavetrain.parts.latency_code import latency_spikes, latency_values
    >>> latency_values(latency_spikes(torch.tensor([[0.9, 0.52, 0.0]]), steps=11))
    tensor([[0.9000, 0.5000, 0.0000]])
    """
    steps = spikes.shape[1]
    if steps < 2:
        raise BadInput(f"a latency code: expected 2 steps or more, got {steps}")
    zero_or_one("a latency code", spikes)
    first = (spikes > 0).to(spikes.dtype).argmax(1).to(spikes.dtype)
    return (1 - first / (steps - 1)) * (spikes > 0).any(1)
