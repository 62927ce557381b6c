"""Full-FORCE: a random network that is driven by the answers shows each unit what its currents should be.

DePasquale, Cueva, Rajan, Escola and Abbott 2018, arXiv 1710.03070. The generator is never trained and is
driven by the answers f:

    tau dz/dt = -z + g J tanh(z) + U f + V u        J of variance 1 / N, U and V even in [-1, 1]
    tau dx/dt = -x + W r + V u,   r = tanh(x)       the student; it answers R r

W learns the generator's currents g J tanh(z) + U f from the student's own rates, R the answers, both by
recursive least squares at about every second step, with one P for all rows:

    k = P r / (1 + r' P r)    P <- P - k (P r)'    W <- W - (W r - current) k'    R <- R - (R r - f) k'

So after K updates W is the ridge regression of the currents on the rates with strength alpha, P^-1 being
alpha + sum r r'. The first trials are forced: the currents stand in for W r. Steps are exact for constant
drive. Recorded rates of a network to be imitated are further answers: they drive the generator as outputs do
(Salatiello and Giese 2020, arXiv 2005.02211, read in its abstract alone; the form is ours).
The update of a batch is left in `.grad`, so that a step of size 1 without momentum ends where the rule does.
"""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card, Lesson, Rule, check_width
from wavetrain.errors import BadInput


class Student(nn.Module):
    """x (B, T, inputs) to answers (B, T, outputs), float64; its generator is beside it. Starts with W = 0.

    `tau` is in steps, `gain` is g. Draws from the shared generator.

    >>> from wavetrain.rules.full_force import Student
    >>> student = Student(30, inputs=2, outputs=3, tau=20.0, gain=1.5)
    >>> x, y = torch.randn(4, 10, 2), torch.randn(4, 10, 3)
    >>> student(x).shape, student.currents(x, y).shape
    (torch.Size([4, 10, 3]), torch.Size([4, 10, 30]))
    """

    chaos: Tensor
    feedback: Tensor
    encode: Tensor

    def __init__(self, units: int, inputs: int, outputs: int, *, tau: float, gain: float):
        super().__init__()
        check_width("Student", units=units, inputs=inputs, outputs=outputs)
        if not tau > 0:
            raise BadInput(f"Student: expected a tau above 0 steps, got {tau}")
        self.units, self.inputs, self.outputs = units, inputs, outputs
        self.fade = math.exp(-1 / tau)
        double = torch.float64
        self.recur = nn.Parameter(torch.zeros(units, units, dtype=double))
        self.read = nn.Parameter(torch.zeros(outputs, units, dtype=double))
        self.register_buffer("chaos", gain * torch.randn(units, units, dtype=double) / units**0.5)
        self.register_buffer("feedback", 2 * torch.rand(units, outputs, dtype=double) - 1)
        self.register_buffer("encode", 2 * torch.rand(units, inputs, dtype=double) - 1)

    def forward(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time outputs"]:
        return self.rates(x) @ self.read.mT

    def rates(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time units"]:
        """The activity of the student that runs by itself, from rest.

        Raises BadInput where x has another shape.
        """
        if x.ndim != 3 or x.shape[-1] != self.inputs:
            raise BadInput(f"Student: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        drive = x.to(self.encode) @ self.encode.mT
        state, seen = torch.zeros_like(drive[:, 0]), []
        for now in drive.unbind(1):
            state = self.moved(state, torch.tanh(state) @ self.recur.mT + now)
            seen.append(torch.tanh(state))
        return torch.stack(seen, 1)

    def currents(
        self, x: Float[Tensor, "batch time inputs"], y: Float[Tensor, "batch time outputs"]
    ) -> Float[Tensor, "batch time units"]:
        """What the generator, driven by the answers y, gives each unit beside the input."""
        drive, known = x.to(self.encode) @ self.encode.mT, y.to(self.encode) @ self.feedback.mT
        state, seen = torch.zeros_like(drive[:, 0]), []
        for now, answer in zip(drive.unbind(1), known.unbind(1), strict=True):
            current = torch.tanh(state) @ self.chaos.mT + answer
            state = self.moved(state, current + now)
            seen.append(current)
        return torch.stack(seen, 1)

    def moved(self, state: Float[Tensor, "*batch units"], to: Float[Tensor, "*batch units"]) -> Tensor:
        """The state a step later under a constant drive, exactly."""
        return to + (state - to) * self.fade


class FullForce(Rule):
    """Teaches a `Student`; trials of a batch follow one another, and P is kept from batch to batch.

    `alpha` is the strength of the ridge, `share` that of the steps that learn, `forced` how many trials are.
    The loss that is returned is that of the batch before it is learned. Raises BadInput for another network.

    >>> from wavetrain.rules import FullForce
    >>> network, batch, loss = FullForce.lesson()
    >>> rule, step = FullForce(forced=1), torch.optim.SGD(network.parameters(), lr=1.0)
    >>> for _ in range(20):
    ...     step.zero_grad()
    ...     said = rule.learn(network, batch, loss)
    ...     step.step()
    >>> bool(loss(network(batch.x), batch.y) < 0.2 * batch.y.square().mean())
    True
    """

    card = Card(
        title="full-FORCE: A target-based method for training recurrent networks",
        authors="DePasquale, Brian and Cueva, Christopher J. and Rajan, Kanaka and Escola, G. Sean and "
        "Abbott, L. F.",
        year=2018,
        source="PLOS ONE 13, arXiv 1710.03070",
        family="least squares",
        topic="Learning rules",
    )

    def __init__(self, alpha: float = 1.0, share: float = 0.5, forced: int = 10):
        if not (alpha > 0 and 0 < share <= 1 and forced >= 0):
            raise BadInput(
                "FullForce: expected alpha above 0, a share above 0 and at most 1, and no less than 0 forced "
                f"trials, got {alpha}, {share} and {forced}"
            )
        self.alpha, self.share, self.forced = alpha, share, forced
        self.trials = 0  # so far
        self.inverse: Tensor | None = None  # P

    @classmethod
    def lesson(cls) -> Lesson:
        time = torch.arange(60, dtype=torch.float64)
        y = torch.stack([torch.sin(time / 6), torch.cos(time / 9)], 1).expand(2, -1, -1)
        x = torch.zeros(2, 60, 1, dtype=torch.float64)
        x[:, :5] = 1.0
        network = Student(40, inputs=1, outputs=2, tau=5.0, gain=1.3)
        return Lesson(network, Batch(x, y), nn.functional.mse_loss)

    def state_dict(self) -> dict[str, Tensor]:
        inverse = {} if self.inverse is None else {"inverse": self.inverse.clone()}
        return {"trials": torch.tensor(self.trials)} | inverse

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.trials = int(state["trials"])
        self.inverse = state["inverse"].clone() if "inverse" in state else None

    @torch.no_grad()
    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if not isinstance(network, Student):
            raise BadInput(f"FullForce: expected a Student, got {type(network).__name__}")
        value = loss(network(batch.x), batch.y)
        weights = torch.cat([network.recur, network.read])  # one P serves all rows
        before, answers = weights.clone(), batch.y.to(weights)
        currents = network.currents(batch.x, batch.y)
        drive = batch.x.to(weights) @ network.encode.mT
        for trial in zip(drive, currents, answers, strict=True):
            self._trial(network, weights, *trial)
            self.trials += 1
        updates = (before - weights).split([network.units, network.outputs])
        for parameter, update in zip((network.recur, network.read), updates, strict=True):
            parameter.grad = update.clone() if parameter.grad is None else parameter.grad + update
        return value

    def _trial(
        self, network: Student, weights: Tensor, drive: Tensor, currents: Tensor, answers: Tensor
    ) -> None:
        """One trial from rest; changes the weights, those of currents above those of answers, in place."""
        units, forced = network.units, self.trials < self.forced
        state = rate = torch.zeros_like(drive[0])
        wanted = torch.cat([currents[1:], answers[:-1]], 1)  # rates answer now, and make the next currents
        learns = [*(torch.rand(len(wanted)) < self.share).tolist(), False]
        for step, learn in enumerate(learns):
            own = currents[step] if forced else weights[:units] @ rate
            state = network.moved(state, own + drive[step])
            rate = torch.tanh(state)
            if learn:
                self.update(weights, rate, wanted[step])

    def update(
        self,
        weights: Float[Tensor, "rows units"],
        rate: Float[Tensor, "units"],
        wanted: Float[Tensor, "rows"],
    ) -> None:
        """A step of recursive least squares towards weights that give what is wanted, in place."""
        if self.inverse is None:
            self.inverse = torch.eye(len(rate), dtype=torch.float64) / self.alpha
        along = self.inverse @ rate
        step = along / (1 + rate @ along)
        weights.addr_(weights @ rate - wanted, step, alpha=-1.0)
        self.inverse.addr_(step, along, alpha=-1.0)
        self.inverse = (self.inverse + self.inverse.mT) / 2  # rounding would make it lose its symmetry
