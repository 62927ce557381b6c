"""Rewards, values, and how wrong a value was: the prediction error.

Rewards r are one number for each step, (B, T, outputs), each output with rewards of its own. The value of a
step is what comes after it, and the error is there at the step of an event:

    G_t = r_{t+1} + gamma G_{t+1},   0 at the last step          the return, which a value V_t should be
    delta_t = r_t + gamma V_t - V_{t-1},   V before the start is 0

Sutton and Barto's delta = r + gamma V(next) - V(now) is the same number, counted one step earlier. A cue that
foretells a reward makes V rise at its own step, and there the error is; a reward has its error at its own
step, too. With gamma = 1 all errors of a sequence add up to all its rewards, but for what is still expected
in the last step. A sequence that has ended ends with a step that nothing is expected of; one that was cut
off ends with a step whose value stands for what would have come. No further flag says which.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.parts.reader import Reader

Values = Float[Tensor, "batch time outputs"]


def returns(rewards: Values, discount: float = 1.0) -> Values:
    """G: at each step the discounted sum of what comes later.

    >>> from wavetrain.parts.rewards import returns
    >>> returns(torch.tensor([[[0.0], [0.0], [1.0], [4.0]]]), discount=0.5).flatten()
    tensor([1.5000, 3.0000, 4.0000, 0.0000])
    """
    between("returns", "discount", discount)
    backward = rewards.flip(1)
    sums, _ = scan.linear(rewards.new_full(rewards.shape[-1:], discount), backward)
    return torch.cat([sums.flip(1)[:, 1:], torch.zeros_like(rewards[:, :1])], 1)


def rewards_of(returns: Values, discount: float = 1.0) -> Values:
    """The rewards that returns are of: r_t = G_{t-1} - gamma G_t. That of the first step is in none, and 0.

    >>> from wavetrain.parts.rewards import rewards_of
    >>> rewards_of(torch.tensor([[[1.5], [3.0], [4.0], [0.0]]]), discount=0.5).flatten()
    tensor([0., 0., 1., 4.])
    """
    return torch.cat([torch.zeros_like(returns[:, :1]), returns[:, :-1] - discount * returns[:, 1:]], 1)


def prediction_errors(values: Values, rewards: Values, discount: float = 1.0) -> Values:
    """delta at each step, from values and rewards of one shape; raises BadInput for others.

    >>> from wavetrain.parts.rewards import prediction_errors
    >>> values = torch.tensor([[[0.0], [1.0], [1.0], [0.0]]])  # a cue in step 1 foretells ...
    >>> prediction_errors(values, torch.tensor([[[0.0], [0.0], [0.0], [1.0]]])).flatten()  # a reward in 3
    tensor([0., 1., 0., 0.])
    """
    _alike(values, rewards)
    before = torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], 1)
    return rewards + discount * values - before


@dataclass(frozen=True)
class Bootstrapped:
    """A loss of values and rewards: half the square of each error, summed over a sequence.

    The mean over sequences is returned. What a value is to be, r_{t+1} + gamma V_{t+1}, is held fixed, so the
    gradient by V_t is -delta_{t+1} over the number of sequences. The first reward is in no target. `sampled`
    takes V_{t+1} of another output, drawn anew for each: outputs that stand for a distribution of returns
    are then told by a sample of it (Dabney et al. 2020).

    >>> from wavetrain.parts.rewards import Bootstrapped
    >>> values = torch.zeros(1, 3, 1, requires_grad=True)
    >>> loss = Bootstrapped()(values, torch.tensor([[[0.0], [0.0], [1.0]]]))
    >>> loss.backward()
    >>> loss.item(), values.grad.flatten()
    (0.5, tensor([-0., -1.,  0.]))
    """

    discount: float = 1.0
    sampled: bool = False

    def __post_init__(self) -> None:
        between("Bootstrapped", "discount", self.discount)

    def __call__(self, values: Values, rewards: Values) -> Float[Tensor, ""]:
        _alike(values, rewards)
        later = values[:, 1:].detach()
        if self.sampled:
            later = later.gather(-1, torch.randint(later.shape[-1], later.shape, device=later.device))
        target = rewards[:, 1:] + self.discount * later
        return 0.5 * (target - values[:, :-1]).square().sum((1, 2)).mean()


@dataclass(frozen=True)
class OnReturns:
    """The same loss where returns are given in place of rewards, of which it only takes the rewards.

    >>> from wavetrain.parts.rewards import OnReturns
    >>> values, given = torch.zeros(1, 3, 1), torch.tensor([[[1.0], [1.0], [0.0]]])
    >>> OnReturns()(values, given)
    tensor(0.5000)
    """

    discount: float = 1.0

    def __post_init__(self) -> None:
        between("OnReturns", "discount", self.discount)

    def __call__(self, values: Values, given: Values) -> Float[Tensor, ""]:
        return Bootstrapped(self.discount)(values, rewards_of(given, self.discount))


def critic(layer: Layer, outputs: int = 1) -> Reader:
    """A network that says values: a layer and a linear read-out that starts at 0 and has no bias.

    A bias would be worth something in every step, also before any cue, and make the cue itself expected.

    >>> from wavetrain.parts.rewards import critic
    >>> from wavetrain.parts.stimuli import SerialCompound
    >>> network = critic(SerialCompound(30, inputs=1))
    >>> network(torch.ones(1, 5, 1)).flatten()
    tensor([0., 0., 0., 0., 0.], grad_fn=<ViewBackward0>)
    """
    network = Reader(layer, outputs, every_step=True)
    network.read = nn.Linear(layer.width, outputs, bias=False)
    nn.init.zeros_(network.read.weight)
    return network


def firing_rates(
    errors: Float[Tensor, "*many"], usual: float = 5.0, gain: float = 10.0
) -> Float[Tensor, "*many"]:
    """How often a dopamine neuron fires, in Hz: its usual rate, raised by an error, and never below 0.

    So a dip is cut off where the neuron falls silent. The errors themselves are not, or values would be
    wrong. Both rates are ours.

    >>> from wavetrain.parts.rewards import firing_rates
    >>> firing_rates(torch.tensor([1.0, 0.0, -0.25, -1.0]))
    tensor([15.0000,  5.0000,  2.5000,  0.0000])
    """
    return torch.relu(usual + gain * errors)


def between(owner: str, name: str, value: float) -> None:
    """Raise for a discount, a probability or a share that is not from 0 to 1.

    >>> from wavetrain.parts.rewards import between
    >>> between("Trial", "probability", 0.5)  # says nothing where all is well
    >>> between("Trial", "probability", 1.5)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Trial: expected a probability from 0 to 1, got 1.5
    """
    if not 0 <= value <= 1:
        raise BadInput(f"{owner}: expected a {name} from 0 to 1, got {value!r}")


def _alike(values: Tensor, rewards: Tensor) -> None:
    if values.ndim != 3 or values.shape != rewards.shape:
        raise BadInput(
            f"expected values and rewards (batch, time, outputs) of one shape, got {tuple(values.shape)} "
            f"and {tuple(rewards.shape)}"
        )
