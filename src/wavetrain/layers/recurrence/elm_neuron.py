"""Expressive leaky memory neuron: leaky branches, slow leaky memory, and a small network between the two.

Spieler, Rahaman, Martius, Schölkopf and Levina 2024, ICLR 2024, arXiv 2306.16922.

    b_t = kappa_b b_{t-1} + sum over the branch's synapses of w x_t,   w = relu(p),  p = 0.5 at the start
    d_t = ctanh(MLP([b_t; kappa_m m_{t-1}])),   ctanh(z) = 1.7159 tanh(2 z / 3)
    m_t = kappa_m m_{t-1} + gain d_t,   y_t = W m_t + c,   kappa = exp(-step / tau)

Version 1 has gain lambda (1 - kappa_m); version 2 (`bounded`) has 1 - exp(-lambda step / tau_m), below 1 for
any tau. The MLP has one hidden layer of 2 M ReLU units for M memories, whose tau start evenly in the
logarithm. In version 1 each synapse leaks by itself, but all with one tau, so that leak and sum commute and
both versions carry branches. Branches are windows of neighbouring inputs that overlap where they hold more
than their share; slots behind the last input stay empty.
The branches are a linear scan; the memory is not linear and is walked.
Left out: SiLU in the MLP, deeper MLPs, the interleaving of excitatory and inhibitory inputs.
"""

import functools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.core.constants import constant
from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Leak:
    """How fast things fade and are written, in the unit of `step`; the paper's defaults."""

    step: float = 1.0  # time between two inputs
    branch: float = 5.0  # tau of the branches, fixed
    shortest: float = 1.0  # tau of the memories, from ...
    longest: float = 1000.0  # ... to; should reach as far as the task asks
    gain: float = 5.0  # lambda
    bounded: bool = False  # version 2
    learned: bool = False  # whether the tau of the memories are learned, within these bounds


PAPER = Leak()


class ELMNeuron(Nonlinear):
    """x (B, T, inputs) to y (B, T, width).

    The state is the branches (B, branches) and the memory (B, memory). By default there is one branch, with
    one synapse, for each input; with fewer `branches`, each has its share of the inputs as synapses.

    >>> from wavetrain.layers import ELMNeuron
    >>> layer = ELMNeuron(4, inputs=12, memory=6, branches=3)
    >>> y, (branches, memory) = layer(torch.rand(2, 50, 12))
    >>> y.shape, branches.shape, memory.shape
    (torch.Size([2, 50, 4]), torch.Size([2, 3]), torch.Size([2, 6]))
    """

    source: Tensor  # the input of each synapse
    wired: Tensor  # 1, or 0 for an empty slot
    place: Tensor  # of each tau between its bounds

    card = Card(
        title="The expressive leaky memory neuron: an efficient and expressive phenomenological neuron model "
        "can solve long-horizon tasks",
        authors="Spieler, Aaron and Rahaman, Nasim and Martius, Georg and Schölkopf, Bernhard and "
        "Levina, Anna",
        year=2024,
        source="ICLR 2024, arXiv 2306.16922",
        family="neuron",
        topic="Single neurons",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        memory: int | None = None,
        branches: int | None = None,
        synapses: int | None = None,
        leak: Leak = PAPER,
    ):
        super().__init__(width, inputs)
        memory = 2 * width if memory is None else memory
        check_width("ELMNeuron", memory=memory)
        branches = self.inputs if branches is None else branches
        check_width("ELMNeuron", branches=branches)
        share = math.ceil(self.inputs / branches)
        synapses = share if synapses is None else synapses
        check_width("ELMNeuron", synapses=synapses)
        if synapses < share:
            raise BadInput(
                f"ELMNeuron: {self.inputs} inputs on {branches} branches need {share} synapses each, "
                f"got {synapses}"
            )
        if not 0 < leak.shortest < leak.longest or min(leak.step, leak.branch, leak.gain) <= 0:
            raise BadInput(f"ELMNeuron: expected positive times, the shortest below the longest, got {leak}")
        self.branches, self.leak = branches, leak
        source, wired = (
            functools.partial(make, self.inputs, share, branches, synapses) for make in (_source, _wired)
        )
        constant(self, "source", source)
        constant(self, "wired", wired)
        self.synapse = nn.Parameter(torch.full((branches * synapses,), 0.5))
        self.hidden = nn.Linear(branches + memory, 2 * memory)
        self.update = nn.Linear(2 * memory, memory)
        self.out = nn.Linear(memory, width)
        place = self._place(memory)
        if leak.learned:
            self.place = nn.Parameter(place)
        else:
            self.register_buffer("place", place)

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch branches"], Float[Tensor, "batch memory"]]:
        zeros = self.synapse.new_zeros
        return zeros(batch, self.branches), zeros(batch, self.update.out_features)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch branches"], Float[Tensor, "batch memory"]],
    ) -> tuple[
        Float[Tensor, "batch width"], tuple[Float[Tensor, "batch branches"], Float[Tensor, "batch memory"]]
    ]:
        b, m = state
        b = math.exp(-self.leak.step / self.leak.branch) * b + self._received(x)
        m = self._next(self._heard(b), m, *self._rates())
        return self.out(m), (b, m)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        b, m = state
        kept = b.new_full((self.branches,), math.exp(-self.leak.step / self.leak.branch))
        b, last = scan.linear(kept, self._received(x), b)
        keep, gain = self._rates()
        m, after = scan.unroll(lambda heard, m: (self._next(heard, m, keep, gain),) * 2, self._heard(b), m)
        return self.out(m), (last, after)

    def taus(self) -> Tensor:
        """The time constants of the memory (memory,), in the unit of `leak.step`."""
        return self.leak.shortest + (self.leak.longest - self.leak.shortest) * self.place.sigmoid()

    def _place(self, memory: int) -> Tensor:
        """Where each tau lies between its bounds, through an inverse sigmoid."""
        low, high = self.leak.shortest, self.leak.longest
        tau = torch.logspace(math.log10(low), math.log10(high), memory, dtype=torch.float64)
        return torch.logit((tau - low) / (high - low), eps=1e-6 / (high - low)).to(torch.get_default_dtype())

    def _received(self, x: Tensor) -> Tensor:
        """What the synapses give to their branches: x (..., I) gives (..., branches)."""
        weight = self.synapse.relu() * self.wired
        return (x[..., self.source] * weight).unflatten(-1, (self.branches, -1)).sum(-1)

    def _heard(self, b: Tensor) -> Tensor:
        """The part of the hidden sums that comes from the branches, (..., 2 M)."""
        return F.linear(b, self.hidden.weight[:, : self.branches], self.hidden.bias)

    def _rates(self) -> tuple[Tensor, Tensor]:
        """kappa_m and the gain, (M,) each."""
        passed = self.leak.step / self.taus()
        keep = torch.exp(-passed)
        if self.leak.bounded:
            return keep, -torch.expm1(-self.leak.gain * passed)
        return keep, -self.leak.gain * torch.expm1(-passed)

    def _next(self, heard: Tensor, m: Tensor, keep: Tensor, gain: Tensor) -> Tensor:
        """One step of the memory: heard (B, 2 M) and m (B, M) give the next m."""
        kept = keep * m
        hidden = (heard + F.linear(kept, self.hidden.weight[:, self.branches :])).relu()
        return kept + gain * 1.7159 * torch.tanh(self.update(hidden) * (2 / 3))


def _places(share: int, branches: int, synapses: int) -> Tensor:
    """The input that each synapse would read, (branches, synapses); the last branches may go beyond."""
    return share * torch.arange(branches)[:, None] + torch.arange(synapses)


def _source(inputs: int, share: int, branches: int, synapses: int) -> Tensor:
    return _places(share, branches, synapses).clamp(max=inputs - 1).flatten()


def _wired(inputs: int, share: int, branches: int, synapses: int) -> Tensor:
    return (_places(share, branches, synapses) < inputs).flatten().to(torch.get_default_dtype())
