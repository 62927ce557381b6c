"""Temporal difference: a value learns from the change of values, long before the reward is there.

Sutton 1988, Machine Learning 3; as a model of dopamine Montague, Dayan and Sejnowski 1996, J. Neurosci. 16.
Cortex says what was there and how long ago, elements y; weights turn it into a value V_t = w . y_t; and the
firing of dopamine neurons above or below their usual rate is the error

    delta_t = r_t + gamma V_t - V_{t-1},   w <- w + alpha delta_t e_{t-1},   e_t = gamma lambda e_{t-1} + y_t

With lambda = 0 an error teaches what was there the step before, and the burst walks from the reward back to
the cue, alpha steps a trial; with lambda = 1 all that was there, and nothing is seen in between.

Who says which error is the loss: `parts.rewards.Bootstrapped` is half the square of delta with its target
held, so its gradient by V_{t-1} is -delta_t. This rule keeps the traces. So any rule can learn values from
rewards, by that loss, and this one follows any loss of single steps; with lambda = 0 it is backpropagation
that ends at the read-out. A step of plain gradient descent of size alpha is the update above, summed over a
trial and averaged over trials. Where no element comes twice in a trial, as in a serial compound, it
is also what learning at every step does (`teach`).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Batch, Card
from wavetrain.errors import BadInput
from wavetrain.parts.rewards import Bootstrapped, OnReturns, between, prediction_errors
from wavetrain.rules.reward._read_out import ReadOut, read_out


class TemporalDifference(ReadOut):
    """Teaches the linear read-out of a `Reader`; `trace` is lambda, `discount` is gamma.

    `loss` is the one that goes with it, of values and rewards (B, T, outputs). Raises BadInput for another
    network, for a trace or discount that is not from 0 to 1, and for a loss with another discount than the
    traces; where there are none, that of the loss is what counts.

    >>> from wavetrain.parts.conditioning import Trial, laid
    >>> from wavetrain.parts.rewards import critic
    >>> from wavetrain.parts.stimuli import SerialCompound
    >>> from wavetrain.rules import TemporalDifference
    >>> rule, network = TemporalDifference(), critic(SerialCompound(8, inputs=1))
    >>> trial = laid([Trial(cues=(1,), rewards=(4,))], time=6)
    >>> step = torch.optim.SGD(network.parameters(), 1.0)
    >>> for _ in range(4):
    ...     print(rule.errors(network, *trial).flatten().int().tolist())
    ...     step.zero_grad()
    ...     loss = rule.learn(network, trial, rule.loss)
    ...     step.step()
    [0, 0, 0, 0, 1, 0]
    [0, 0, 0, 1, 0, 0]
    [0, 0, 1, 0, 0, 0]
    [0, 1, 0, 0, 0, 0]
    """

    card = Card(
        title="A framework for mesencephalic dopamine systems based on predictive Hebbian learning",
        authors="Montague, P. Read and Dayan, Peter and Sejnowski, Terrence J.",
        year=1996,
        source="Journal of Neuroscience 16, doi 10.1523/JNEUROSCI.16-05-01936.1996",
        family="prediction error",
        topic="Reward and choice",
    )

    def __init__(self, trace: float = 0.0, discount: float = 1.0):
        between("TemporalDifference", "trace", trace)
        between("TemporalDifference", "discount", discount)
        super().__init__(trace * discount)
        self.trace, self.discount, self.loss = trace, discount, Bootstrapped(discount)

    def learn(self, network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        if self.trace and isinstance(loss, Bootstrapped | OnReturns) and loss.discount != self.discount:
            raise BadInput(
                f"TemporalDifference: expected a loss with the discount of its traces, {self.discount}, got "
                f"one with {loss.discount}"
            )
        return super().learn(network, batch, loss)

    def weighed(self, errors: Float[Tensor, "batch *time outputs"]) -> Float[Tensor, "batch *time outputs"]:
        return errors

    @torch.no_grad()
    def errors(
        self, network: nn.Module, x: Tensor, rewards: Float[Tensor, "batch time outputs"]
    ) -> Float[Tensor, "batch time outputs"]:
        """delta at each step of x (B, T, inputs), as the network is."""
        return prediction_errors(network(x), rewards, self.discount)

    @torch.no_grad()
    def teach(
        self,
        network: nn.Module,
        x: Float[Tensor, "batch time inputs"],
        rewards: Float[Tensor, "batch time outputs"],
        rate: float,
    ) -> Float[Tensor, "batch time outputs"]:
        """Learns at every step, by the mean over sequences; returns the errors as they came.

        Raises BadInput for another network, and for rewards of another shape.
        """
        reader, read = read_out("TemporalDifference", network)
        if rewards.shape != (*x.shape[:2], read.out_features):
            raise BadInput(
                f"TemporalDifference: expected rewards {(*x.shape[:2], read.out_features)}, "
                f"got {tuple(rewards.shape)}"
            )
        state = reader.layer.begin(len(x))
        before = trace = x.new_zeros(len(x), read.in_features)
        constant, begun, errors = 0.0, 0.0, []
        for now, reward in zip(x.unbind(1), rewards.unbind(1), strict=True):
            elements, state = reader.layer.step(now, state)
            error = reward + self.discount * read(elements) - begun * read(before)
            for parameter, change in ((read.weight, error.mT @ trace), (read.bias, constant * error.sum(0))):
                if parameter is not None and parameter.requires_grad:
                    parameter += rate * change / len(x)
            trace, constant = self.kept * trace + elements, self.kept * constant + 1
            before, begun = elements, 1.0
            errors.append(error)
        return torch.stack(errors, 1)
