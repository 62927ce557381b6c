"""Connections with delays: what is sent in step t over a connection of d steps arrives in step t + d, once.

    a_i[t] = sum over j of W_ij s_j[t - d_ij]

What is on its way is a line, (B, longest, sources): what was sent in the last steps, the newest first. A line
is handed on as a part of a state, so that a sequence may be cut anywhere and no spike is lost.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import check_width
from wavetrain.core.spiking import WHOLE, whole_steps
from wavetrain.errors import BadInput

Weights = list[tuple[int, Float[Tensor, "targets sources"]]]  # of each delay in steps


def delay_steps(ms: Float[Tensor, "*axes"], dt: float, about: str = "delays") -> Int[Tensor, "*axes"]:
    """Delays in ms as whole numbers of steps of `dt` ms; raises BadInput where one is none.

    >>> from wavetrain.parts.delays import delay_steps
    >>> delay_steps(torch.tensor([0.0, 0.3, 2.0]), dt=0.1)
    tensor([ 0,  3, 20])
    """
    if ms.is_meta:
        raise BadInput(f"expected {about} with values, got a tensor on the device meta")
    steps = ms.double() / dt
    room = WHOLE + 2 * (torch.finfo(ms.dtype).eps if ms.is_floating_point() else 0) * steps.abs()
    wrong = ~(((steps - steps.round()).abs() <= room) & (steps.round() >= 0) & steps.isfinite())
    if wrong.any():
        bad = float(ms.double()[wrong][0])
        raise BadInput(f"expected {about} in whole steps of {dt:g} ms, from 0 on, got {bad:g} ms")
    return steps.round().long()


class Delayed(nn.Module):
    """A linear map from `sources` to `targets`, each connection of which has its delay.

    One delay for all, (targets, sources), or (sources,) where each source has one for all of its connections.
    With `recurrent`, sources and targets are the units of one layer, no delay is below one step, and
    `arriving` is asked before the units fire. Raises BadInput for a delay that is no whole number of steps,
    is too short, or longer than `longest` (in ms, by default the longest that is given).

    >>> from wavetrain.parts.delays import Delayed
    >>> map = Delayed(1, 2, delay=torch.tensor([[0.0], [2.0]]))
    >>> _ = map.weight.data.copy_(torch.tensor([[3.0], [5.0]]))
    >>> spikes = torch.tensor([[[1.0], [0.0], [0.0], [0.0]]])
    >>> map.along(spikes, map.begin(1))[0]
    tensor([[[3., 0.],
             [0., 0.],
             [0., 5.],
             [0., 0.]]], grad_fn=<AddBackward0>)
    """

    delay: Tensor  # in steps, (targets, sources)

    def __init__(
        self,
        sources: int,
        targets: int,
        delay: float | Float[Tensor, "*axes"] = 0.0,
        *,
        dt: float = 1.0,
        recurrent: bool = False,
        longest: float | None = None,
    ):
        super().__init__()
        check_width("Delayed", sources=sources, targets=targets)
        self.sources, self.targets, self.recurrent = sources, targets, recurrent
        self.weight = nn.Parameter(torch.randn(targets, sources) / sources**0.5)
        if isinstance(delay, Tensor):
            if tuple(delay.shape) not in ((targets, sources), (sources,)):
                raise BadInput(
                    f"expected delays ({targets}, {sources}) or ({sources},), got {tuple(delay.shape)}"
                )
            steps = delay_steps(delay, dt).expand(targets, sources)
            self.distinct = steps.unique().tolist()
            self.register_buffer("delay", steps.clone(memory_format=torch.contiguous_format))
        else:
            self.distinct = [whole_steps(delay, dt, "delay")]
            self.register_buffer("delay", None)
        self.longest = self.distinct[-1] if longest is None else whole_steps(longest, dt, "longest delay")
        self._check(self.distinct)
        self.register_load_state_dict_post_hook(_again)

    def begin(self, batch: int) -> Float[Tensor, "batch longest sources"]:
        """Nothing is on its way."""
        return self.weight.new_zeros(batch, self.longest, self.sources)

    def arriving(
        self,
        line: Float[Tensor, "batch longest sources"],
        now: Float[Tensor, "batch sources"] | None = None,
        weights: Weights | None = None,
    ) -> Float[Tensor, "batch targets"]:
        """What arrives in this step, of what is on its way and of what is sent `now`.

        Who walks a whole sequence asks for the `weights` once and hands them in.
        """
        assert (now is None) == self.recurrent, "what units send each other now arrives in the next step"
        self._fits(line, len(line) if now is None else len(now))
        parts = [
            F.linear(now if now is not None and steps == 0 else line[:, steps - 1], weight)
            for steps, weight in (self.weights() if weights is None else weights)
        ]
        return _total(parts)

    def sent(
        self, line: Float[Tensor, "batch longest sources"], now: Float[Tensor, "batch sources"]
    ) -> Float[Tensor, "batch longest sources"]:
        """The line after a step in which `now` was sent."""
        return torch.cat([now.unsqueeze(1), line], 1)[:, : self.longest]

    def along(
        self, x: Float[Tensor, "batch time sources"], line: Float[Tensor, "batch longest sources"]
    ) -> tuple[Float[Tensor, "batch time targets"], Float[Tensor, "batch longest sources"]]:
        """All that arrives while x is sent, and the line after it; for what comes into a layer."""
        self._fits(line, len(x))
        time, ever = x.shape[1], torch.cat([line.flip(1), x], 1)
        parts = [
            F.linear(ever[:, self.longest - steps : self.longest - steps + time], weight)
            for steps, weight in self.weights()
        ]
        return _total(parts), ever[:, time:].flip(1)

    def delays(self) -> Int[Tensor, "targets sources"]:
        """The delay of each connection, in steps."""
        if self.delay is None:
            return torch.full((self.targets, self.sources), self.distinct[0], device=self.weight.device)
        return self.delay

    def weights(self) -> Weights:
        """Each delay in steps, with the weights of the connections that have it."""
        if self.delay is None:
            return [(self.distinct[0], self.weight)]
        return [(steps, self.weight * (self.delay == steps)) for steps in self.distinct]

    def _fits(self, line: Tensor, batch: int) -> None:
        """Refuse what another line has left: spikes would be lost, or those of one row spread over all."""
        expected = (batch, self.longest, self.sources)
        if tuple(line.shape) != expected:
            raise BadInput(
                f"expected spikes on their way {expected}, got {tuple(line.shape)}; begin({batch}) makes a "
                "new line"
            )

    def _check(self, steps: Sequence[int]) -> None:
        if self.recurrent and steps[0] < 1:
            raise BadInput("expected delays of at least one step between the units of a layer, got 0")
        if steps[-1] > self.longest:
            raise BadInput(f"expected delays of at most {self.longest} steps, got {steps[-1]}")


def _total(parts: list[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _again(module: nn.Module, keys: Any) -> None:
    """After a load the delays may be others."""
    assert isinstance(module, Delayed)
    if module.delay is not None:
        steps = module.delay.unique().tolist()
        module._check(steps)
        module.distinct = steps
