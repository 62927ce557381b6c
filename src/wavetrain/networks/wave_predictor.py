"""Wave predictor: a sheet of delayed phases that forecasts the next frame of a film, and then goes on alone.

Benigno, Budzinski, Davis, Reynolds and Muller 2023, Nature Communications 14:3409, the model beside Muller,
Churchland and Sejnowski 2024, arXiv 2401.14267. A unit sits at each pixel of a square frame. Its state a is a
number on the unit circle that is taken for an angle once more, as in the authors' program:

    W_ij = strength exp(-D_ij^2 / (2 reach^2)),   D_ij in pixels,   tau_ij = D_ij / speed in whole steps
    I_i  = -i sum_j W_ij exp(i (a_j(t - tau_ij) - a_i(t)))
    a(t + 1) = a(t) + drive (z(x_t) + bias) + I,   then divided by its modulus once the state is complex

From a = 0 on. z is a frame without its mean, over its deviation. The forecast is linear in z(a(t + 1)), real
and imaginary parts apart, and `fit` finds it by least squares in one go: nothing else is learned. In a closed
loop forecasts are fed back. Without recurrence (strength 0) a stays real, and is the sum of all frames.

The authors give reach and speed as parts of the side, 0.0169 and 0.0840 of 50 pixels. Left out: frames of
another size than the sheet, their complex read-out, of which they score the real part (here it is real), and
the variant of real phases.
"""

import copy
import math
from typing import NamedTuple

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.delays import Delayed, Weights


class Sheet(NamedTuple):
    """The state of a sheet."""

    now: Complex[Tensor, "batch units"]  # a
    sent: Float[Tensor, "batch 2 longest units"]  # exp(i a) of the last steps, the newest first


class WavePredictor(Carrying):
    """Frames x (B, T, side * side) to what comes after each, alike; the state is a `Sheet`.

    `reach` is in pixels and `speed` in pixels a step. Raises BadInput for settings that are not finite, a
    reach or a speed that is not above 0, and a negative strength or drive.

    >>> from wavetrain.networks import WavePredictor
    >>> from wavetrain.tasks import MovingBump
    >>> film = MovingBump(side=8, period=20).film(torch.zeros(1), 100)
    >>> network = WavePredictor(8).fit(film[:, :80], wash=20, ridge=1e-6)
    >>> ahead = network.forecast(film[:, :80], 20)
    >>> ahead.shape, bool((ahead - film[:, 80:]).abs().max() < 0.1)
    (torch.Size([1, 20, 64]), True)
    """

    card = Card(
        title="Waves traveling over a map of visual space can ignite short-term predictions of sensory input",
        authors="Benigno, Gabriel B. and Budzinski, Roberto C. and Davis, Zachary W. and "
        "Reynolds, John H. and Muller, Lyle",
        year=2023,
        source="Nature Communications 14:3409, doi 10.1038/s41467-023-39076-2",
        family="wave",
        topic="Travelling waves",
    )

    def __init__(
        self,
        side: int,
        *,
        strength: float = 1.0,
        reach: float = 0.84,
        speed: float = 4.2,
        drive: float = 0.03,
        bias: float = 0.0,
    ):
        super().__init__()
        check_width("WavePredictor", side=side)
        if not (0 <= strength < math.inf and 0 <= drive < math.inf and math.isfinite(bias)):
            raise BadInput(
                "WavePredictor: expected a finite bias, and a strength and a drive of 0 or more, "
                f"got {bias}, {strength} and {drive}"
            )
        if not (0 < reach < math.inf and speed > 0):
            raise BadInput(
                "WavePredictor: expected a reach in pixels and a speed in pixels a step above 0, "
                f"got {reach} and {speed}"
            )
        self.side, self.units = side, side * side
        self.inputs = self.units
        self.drive, self.bias = drive, bias
        place = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
        apart = (place[:, None] - place).norm(dim=-1)
        self.coupling = Delayed(self.units, self.units, (apart / speed).round())
        self.coupling.weight = nn.Parameter(
            (strength * torch.exp(-0.5 * (apart / reach) ** 2)).to(torch.get_default_dtype()),
            requires_grad=False,
        )
        self.read = nn.Linear(2 * self.units, self.units, bias=False)

    def begin(self, batch: int) -> Sheet:
        ones = self.read.weight.new_ones(batch, 1, self.coupling.longest, self.units)
        still = self.read.weight.new_zeros(batch, self.units)
        return Sheet(torch.complex(still, still), torch.cat([ones, torch.zeros_like(ones)], 1))

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Tensor, Tensor],
        weights: Weights | None = None,
    ) -> tuple[Float[Tensor, "batch inputs"], Sheet]:
        """One frame x (B, inputs) and the state give the next frame and the next state."""
        state = self._next(x, Sheet(*state), weights)
        return self.read(features(state.now)), state

    def carry(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time inputs"], Sheet]:
        seen, state = self.sheet(x, state)
        return self.read(features(seen)), state

    def sheet(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Complex[Tensor, "batch time units"], Sheet]:
        """The state a after each frame, and the whole state after the last.

        Raises BadInput where x has another shape, or no step.
        """
        if x.ndim != 3 or x.shape[-1] != self.inputs or x.shape[1] == 0:
            raise BadInput(f"WavePredictor: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        state = self.begin(len(x)) if state is None else Sheet(*state)
        seen, weights = [], self.coupling.weights()
        for frame in x.unbind(1):
            state = self._next(frame, state, weights)
            seen.append(state.now)
        return torch.stack(seen, 1), state

    @torch.no_grad()
    def fit(
        self, frames: Float[Tensor, "batch time inputs"], wash: int = 0, ridge: float = 0.0
    ) -> "WavePredictor":
        """Find the read-out from films (B, T, inputs) by least squares, from frame `wash` on; returns itself.

        `ridge` is a part of the trace of the states' products; at 0 the solution is the one of least norm.
        Raises BadInput where fewer than one frame and its next one are left after `wash`, for a negative
        ridge, and for frames that are not finite.
        """
        if frames.ndim != 3 or not 0 <= wash <= frames.shape[1] - 2:
            raise BadInput(
                f"WavePredictor.fit: expected films (batch, time, {self.inputs}) of two frames or more after "
                f"the first {wash}, got {tuple(frames.shape)}"
            )
        if not 0 <= ridge < math.inf:
            raise BadInput(f"WavePredictor.fit: expected a ridge of 0 or more, got {ridge}")
        if not bool(frames.isfinite().all()):
            raise BadInput("WavePredictor.fit: expected finite frames")
        seen = features(self.sheet(frames[:, :-1])[0])[:, wash:].flatten(0, 1)
        self.read.weight.copy_(least_squares(seen, frames[:, 1 + wash :].flatten(0, 1), ridge).T)
        return self

    @torch.no_grad()
    def forecast(
        self, cue: Float[Tensor, "batch cue inputs"], steps: int
    ) -> Float[Tensor, "batch steps inputs"]:
        """The frames after those of a cue, each forecast taken for the frame that came."""
        check_width("WavePredictor.forecast", steps=steps)
        weights = self.coupling.weights()
        y, state = self.carry(cue)
        ahead = [y[:, -1]]
        while len(ahead) < steps:
            y, state = self.step(ahead[-1], state, weights)
            ahead.append(y)
        return torch.stack(ahead, 1)

    def shuffled(self, generator: torch.Generator) -> "WavePredictor":
        """The same sheet with its connections, each with its weight and delay, between units at random."""
        other = copy.deepcopy(self)
        order = torch.randperm(self.units**2, generator=generator).to(self.coupling.delay.device)
        for one in (other.coupling.weight.data, other.coupling.delay):
            one.copy_(one.flatten()[order].view_as(one))
        return other

    def _next(self, x: Tensor, state: Sheet, weights: Weights | None) -> Sheet:
        phase = torch.exp(1j * state.now)
        parts = torch.stack([phase.real, phase.imag], 1)  # (B, 2, units)
        felt = self.coupling.arriving(state.sent.flatten(0, 1), parts.flatten(0, 1), weights)
        felt = felt.unflatten(0, (len(x), 2))
        push = torch.complex(felt[:, 0], felt[:, 1]) / phase
        now = state.now + self.drive * (scaled(x) + self.bias) - 1j * push
        turned = (now.imag != 0).any(-1, keepdim=True)
        now = now / torch.where(turned & (now != 0), now.abs(), 1.0)
        longest = self.coupling.longest
        return Sheet(now, torch.cat([parts.unsqueeze(2), state.sent], 2)[:, :, :longest])


def scaled(frame: Float[Tensor, "*axes pixels"]) -> Float[Tensor, "*axes pixels"]:
    """z: without its mean, over its deviation; zeros where all pixels are alike.

    >>> from wavetrain.networks.wave_predictor import scaled
    >>> scaled(torch.tensor([[0.0, 4.0], [3.0, 3.0]]))
    tensor([[-1.,  1.],
            [ 0.,  0.]])
    """
    centred = frame - frame.mean(-1, keepdim=True)
    size = (centred**2).mean(-1, keepdim=True)
    flat = size == 0
    return centred / torch.where(flat, 1.0, size).sqrt()


def features(now: Complex[Tensor, "*axes units"]) -> Float[Tensor, "*axes features"]:
    """What is read of a state: real parts, then imaginary ones, each scaled over the sheet."""
    return torch.cat([scaled(now.real), scaled(now.imag)], -1)


def least_squares(
    x: Float[Tensor, "steps inputs"], y: Float[Tensor, "steps outputs"], ridge: float
) -> Float[Tensor, "inputs outputs"]:
    """The map that takes x to y with the least error plus `ridge` times the trace of x'x times its square.

    >>> from wavetrain.networks.wave_predictor import least_squares
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> least_squares(x, x, 0.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    left, sizes, right = torch.linalg.svd(x.double(), full_matrices=False)
    least = torch.finfo(x.dtype).eps * max(x.shape) * sizes.max()
    kept = torch.where(sizes > least, sizes, torch.inf)
    share = kept / (kept**2 + ridge * (sizes**2).sum())
    share = torch.where(sizes > least, share, 0.0)
    return (right.T @ (share[:, None] * (left.T @ y.double()))).to(x.dtype)
