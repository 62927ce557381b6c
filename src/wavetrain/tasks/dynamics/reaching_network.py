"""Reaching network: a cue names a movement, and two muscles follow what a model of motor cortex does then.

The model is the stability-optimised circuit of Hennequin, Vogels and Gerstner 2014, Neuron 82:1394, with half
of the neurons excitatory and half inhibitory:

    tau dv/dt = -v + W phi(v)        tau 200 ms, steps of 1 ms

W is sparse, random and unstable. Gradient descent on its inhibitory weights brings the largest real part of
its eigenvalues, a smooth bound of it in truth, below 1. A movement is the activity that follows a start: one
of the directions that evoke most activity (eigenvectors of the observability Gramian), of length 1.5 for the
root of each neuron. It is a transient oscillation, which two random linear read-outs, the muscles, follow.

    x  0 1 0 0 | 0 1 0 0 | 0 0 0 0 | ...   the cue of the second movement, 50 ms      y  both muscles

phi(v) saturates at r0 below and rmax above 0; r0 = 20 and rmax = 100 are as remembered, and not from the
source. Muscles have mean square 1 over all movements. Left out: spikes, and the preparation of a movement.
"""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import get_lapack_funcs, schur
from torch import Tensor

from wavetrain.core import VALUES, Batch, Generated, explained
from wavetrain.errors import BadInput
from wavetrain.tasks._draws import at_least

TAU = 200.0  # ms; a step is 1 ms
LOW, HIGH = 20.0, 100.0  # Hz below and above rest, where rates saturate
CONNECTED, RADIUS, RATIO, KEPT = 0.1, 10.0, 3.0, 0.4
TARGET, STEPS, RATE = 0.15, 400, 10.0  # of the descent
MUSCLES = 2


@dataclass(frozen=True)
class ReachingNetwork(Generated):
    """x (B, length, conditions) the cue, y (B, length, 2) the muscles; `circuit` is a seed.

    >>> from wavetrain.tasks import ReachingNetwork
    >>> task = ReachingNetwork(conditions=2, length=40, neurons=20)
    >>> x, y = task.draw(3, torch.Generator().manual_seed(0))
    >>> x.shape, y.shape, task.rates().shape  # what the neurons do in each movement
    (torch.Size([3, 40, 2]), torch.Size([3, 40, 2]), torch.Size([2, 40, 20]))
    """

    conditions: int = 4
    length: int = 600
    cue: int = 50
    neurons: int = 40
    circuit: int = 0

    # without annotations: facts of the task, not fields
    outputs = MUSCLES
    tokens = False
    every_step = True
    objective = VALUES

    def __post_init__(self) -> None:
        at_least("reaching network", 2, length=self.length, conditions=self.conditions)
        at_least("reaching network", 1, cue=self.cue)
        at_least("reaching network", 4, neurons=self.neurons)
        if self.neurons % 2 or self.conditions > self.neurons:
            raise BadInput(
                f"reaching network: expected an even number of neurons, as many as conditions or more, got "
                f"{self.neurons} neurons and {self.conditions} conditions"
            )
        y = self.movements().y.double()
        same = y.mean(0, keepdim=True).expand_as(y)
        self.set_facts(inputs=self.conditions, chance=float(explained(same, y)))

    def draw(self, batch: int, generator: torch.Generator) -> Batch:
        rows = torch.randint(self.conditions, (batch,), generator=generator)
        every = self.movements()
        return Batch(every.x[rows], every.y[rows])

    def movements(self) -> Batch:
        """Each movement once, in order."""
        x = torch.zeros(self.conditions, self.length, self.conditions)
        x[:, : self.cue] = torch.eye(self.conditions)[:, None]
        draw = np.random.default_rng([self.circuit, 1])
        y = self.rates().numpy() @ draw.standard_normal((self.neurons, MUSCLES))
        return Batch(x, torch.from_numpy(y / np.sqrt((y**2).mean((0, 1)))).float())

    def rates(self) -> Tensor:
        """The rates of the neurons in each movement, (conditions, length, neurons), float64, in Hz."""
        states = moved(self.neurons, self.circuit, self.conditions, self.length)
        return torch.from_numpy(rate(states))


def rate(v: np.ndarray) -> np.ndarray:
    """The rates of states (...), Hz from rest: of slope 1 at 0, between -LOW and HIGH - LOW."""
    most = np.where(v < 0, LOW, HIGH - LOW)
    found: np.ndarray = most * np.tanh(v / most)
    return found


@functools.lru_cache(maxsize=16)
def moved(neurons: int, circuit: int, conditions: int, length: int) -> np.ndarray:
    """The states (conditions, length, neurons) from each start on, by the exponential step."""
    weights, fade = stabilised(neurons, circuit), np.exp(-1 / TAU)
    states = [starts(weights, conditions)]
    for _ in range(length - 1):
        to = rate(states[-1]) @ weights.T
        states.append(to + (states[-1] - to) * fade)
    return np.stack(states, 1)


def starts(weights: np.ndarray, conditions: int) -> np.ndarray:
    """The directions (conditions, neurons) that evoke most activity, most first."""
    neurons = len(weights)
    form, turned = schur(weights)
    _, gramian = gramians(form, turned, 1.0)
    _, axes = np.linalg.eigh((gramian + gramian.T) / 2)
    best = axes[:, ::-1][:, :conditions].T
    sign = np.sign(np.take_along_axis(best, np.abs(best).argmax(1)[:, None], 1))  # the same everywhere
    found: np.ndarray = 1.5 * np.sqrt(neurons) * sign * best
    return found


def abscissa(weights: np.ndarray) -> float:
    """The largest real part of an eigenvalue."""
    return float(np.linalg.eigvals(weights).real.max())


def unstable(neurons: int, circuit: int) -> np.ndarray:
    """Random weights (neurons, neurons): the first half of the columns excites, the second inhibits."""
    draw = np.random.default_rng([circuit, 0])
    size = np.sqrt(2) * RADIUS / np.sqrt(CONNECTED * (1 - CONNECTED) * (1 + RATIO**2) * neurons)
    weights = size * (draw.random((neurons, neurons)) < CONNECTED)
    weights[:, neurons // 2 :] *= -RATIO
    np.fill_diagonal(weights, 0.0)
    return weights


@functools.lru_cache(maxsize=16)
def stabilised(neurons: int, circuit: int) -> np.ndarray:
    """The weights after the descent: those of the least abscissa that it came by.

    Raises BadInput where it has not come below 1, so that the circuit would explode.
    """
    weights = unstable(neurons, circuit)
    least, best = np.inf, weights
    for _ in range(STEPS):
        form, axes = schur(weights)
        now = float(form.diagonal().max())  # of a pair of complex values, both stand there as real parts
        if now < least:
            least, best = now, weights.copy()
        if now <= TARGET:
            break
        reached, seen = gramians(form, axes, max(1.5 * now, now + 0.2))
        slope = seen @ reached / np.trace(seen @ reached)
        weights = _kept(weights, RATE * slope)
    if not least < 1:
        raise BadInput(
            f"reaching network: expected a circuit with an abscissa below 1, got {least:.2f} from seed "
            f"{circuit} with {neurons} neurons; take another seed"
        )
    return best


def gramians(form: np.ndarray, axes: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Q and P of A Q + Q A' = -2 I and A' P + P A = -2 I, where A = axes form axes' - shift I (Schur)."""
    form = form - shift * np.eye(len(form))
    (trsyl,) = get_lapack_funcs(("trsyl",), (form,))
    found = []
    for first, second in (("N", "T"), ("T", "N")):
        inner, scale, _ = trsyl(form, form, -2 * np.eye(len(form)), trana=first, tranb=second)
        found.append(axes @ (inner * scale) @ axes.T)
    return found[0], found[1]


def _kept(weights: np.ndarray, down: np.ndarray) -> np.ndarray:
    """A step down of the inhibition: none above 0, RATIO times the mean excitation, the strongest KEPT."""
    half, weights = len(weights) // 2, weights.copy()
    stepped = weights - down
    np.fill_diagonal(stepped, 0.0)
    inhibition = np.minimum(stepped[:, half:], 0.0)
    if inhibition.any():
        inhibition *= -RATIO * weights[:, :half].mean() / inhibition.mean()
    inhibition[inhibition > np.quantile(inhibition, KEPT)] = 0.0
    weights[:, half:] = inhibition
    return weights
