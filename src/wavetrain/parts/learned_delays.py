"""Connections whose delays are learned: each one's weight lies on the steps around its delay, in a bell.

Hammouamri, Khalfaoui-Hassani and Masquelier 2023, arXiv 2306.17670. A connection with the weight w and the
delay p, a real number of steps, delivers

    w exp(-(d - p)^2 / (2 spread^2)) / (the sum of that over all d)

after d = 0 .. longest steps. By its width the bell tells the gradient whether a spike should come sooner or
later. The spread begins wide and shrinks; at 0 all of the weight comes after the delay that is nearest, as in
`parts/delays.py`, and a delay has no gradient. A delay may be pushed out of the range: most of its bell is
then at that end, and its gradient can bring it back.

What is on its way is a line, (B, longest, sources): what was sent in the last steps, the newest first.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import check_width
from wavetrain.core.spiking import whole_steps
from wavetrain.errors import BadInput

SHARP = 1e-3  # steps; a bell that is narrower stands on one step
LAST = 0.25  # steps: the spread at the end of learning
WHILE = 0.25  # of learning, in which the spread shrinks


class LearnedDelays(nn.Module):
    """The delays of a map from `sources` to `targets`, up to `longest` ms; weights are handed in.

    `position` are the delays in steps, drawn evenly at the start; `spread` is in ms, half of `longest` where
    none is given. With `recurrent`, sources and targets are units of one layer, and no delay is below a step.

    >>> from wavetrain.parts.learned_delays import LearnedDelays
    >>> late = LearnedDelays(1, 1, longest=4.0, spread=1.0)
    >>> _ = late.position.data.fill_(2.0)
    >>> (10 * late.kernel(torch.ones(1, 1))).flatten().round().tolist()  # tenths of it, after 0 to 4 steps
    [1.0, 2.0, 4.0, 2.0, 1.0]
    >>> late.hold()
    >>> late.kernel(torch.ones(1, 1)).flatten().tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0]
    """

    spread: Tensor  # steps

    def __init__(
        self,
        sources: int,
        targets: int,
        *,
        longest: float,
        spread: float | None = None,
        dt: float = 1.0,
        recurrent: bool = False,
    ):
        super().__init__()
        check_width("LearnedDelays", sources=sources, targets=targets)
        self.sources, self.targets, self.least = sources, targets, int(recurrent)
        self.longest = whole_steps(longest, dt, "longest delay")
        if self.longest < self.least:
            raise BadInput("expected delays of at least one step between the units of a layer, got 0")
        wide = self.longest / 2 if spread is None else spread / dt
        if not 0 <= wide < math.inf:
            raise BadInput(f"LearnedDelays: expected a spread of 0 ms or more, got {spread!r}")
        self.first = max(wide, LAST)
        self.position = nn.Parameter(torch.empty(targets, sources).uniform_(self.least, self.longest))
        self.register_buffer("spread", torch.tensor(float(wide)))

    def begin(self, batch: int) -> Float[Tensor, "batch longest sources"]:
        """Nothing is on its way."""
        return self.position.new_zeros(batch, self.longest, self.sources)

    def delays(self) -> Int[Tensor, "targets sources"]:
        """The delay of each connection in whole steps, which is what it has once the spread is 0."""
        return self.position.detach().round().clamp(self.least, self.longest).long()

    def kernel(self, weight: Float[Tensor, "targets sources"]) -> Float[Tensor, "taps targets sources"]:
        """What of each weight arrives after each number of steps, from `least` to `longest`."""
        steps = torch.arange(self.least, self.longest + 1, device=weight.device)[:, None, None]
        wide = self.spread > SHARP
        off = (steps - self.position) / torch.where(wide, self.spread, torch.ones_like(self.spread))
        shares = torch.where(wide, (-(off**2) / 2).softmax(0), (steps == self.delays()).to(off))
        return weight * shares

    def arriving(
        self,
        line: Float[Tensor, "batch longest sources"],
        kernel: Float[Tensor, "taps targets sources"],
        now: Float[Tensor, "batch sources"] | None = None,
    ) -> Float[Tensor, "batch targets"]:
        """What arrives in this step, of what is on its way and of what is sent `now`."""
        assert (now is None) == bool(self.least), "what units send each other now arrives in the next step"
        self._mine(line, len(line) if now is None else len(now))
        sent = line if now is None else torch.cat([now.unsqueeze(1), line], 1)
        total = F.linear(sent[:, 0], kernel[0])
        for step in range(1, len(kernel)):
            total = total + F.linear(sent[:, step], kernel[step])
        return total

    def sent(
        self, line: Float[Tensor, "batch longest sources"], now: Float[Tensor, "batch sources"]
    ) -> Float[Tensor, "batch longest sources"]:
        """The line after a step in which `now` was sent."""
        return torch.cat([now.unsqueeze(1), line], 1)[:, : self.longest]

    def along(
        self,
        x: Float[Tensor, "batch time sources"],
        line: Float[Tensor, "batch longest sources"],
        kernel: Float[Tensor, "taps targets sources"],
    ) -> tuple[Float[Tensor, "batch time targets"], Float[Tensor, "batch longest sources"]]:
        """All that arrives while x is sent, and the line after it; for what comes into a layer."""
        assert not self.least, "what units send each other is not known beforehand"
        self._mine(line, len(x))
        time, ever = x.shape[1], torch.cat([line.flip(1), x], 1)
        total = F.linear(ever[:, self.longest : self.longest + time], kernel[0])
        for step in range(1, len(kernel)):
            total = total + F.linear(ever[:, self.longest - step : self.longest - step + time], kernel[step])
        return total, ever[:, time:].flip(1)

    def _mine(self, line: Tensor, batch: int) -> None:
        if tuple(line.shape) != (batch, self.longest, self.sources):
            raise BadInput(
                f"LearnedDelays: expected a line of {batch} sequences, {self.longest} steps and "
                f"{self.sources} sources, got {tuple(line.shape)}"
            )

    def shrink(self, done: float) -> None:
        """Set the spread for the share of learning that is done, 0 to 1.

        It shrinks by the same factor in each step of the first quarter, to a quarter of a step.
        """
        if not 0 <= done <= 1:
            raise BadInput(f"LearnedDelays: expected a share of learning from 0 to 1, got {done!r}")
        self.spread.fill_(self.first * (LAST / self.first) ** min(1.0, done / WHILE))

    def hold(self) -> None:
        """Set the spread to 0: each connection has one delay, as it is used when learning is over."""
        self.spread.zero_()
