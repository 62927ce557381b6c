"""Quantum RNN: qubits are the state, and each is turned by an angle that the others decide.

Bausch 2020, NeurIPS 2020, arXiv 2006.14619, as it is simulated. There are W qubits of workspace and I lanes,
one for each input up to four. The state is a vector of 2^(W + I) real amplitudes, of norm 1. At each step

    hear       the lanes are measured and found as E x_t, so that of the state what goes with it is left;
               then they are set to it. What was not heard is forgotten
    input      a neuron on each qubit of the workspace
    stages     on each of these a turn by a learned angle, then a neuron
    unset      lanes go back to 0
    output     a neuron on each lane
    y_t        R p, with p the probabilities of the 2^I patterns that the lanes may be found in next

A neuron turns its qubit by a polynomial of all other qubits' bits b, of some degree, and of an order o:

    eta = sum over sets A of phi_A prod_{a in A} b_a + theta + pi / 2
    k_0, k_1 become c k_0 - s k_1 and c k_1 + s k_0, with c, s = cos(eta / 2)^(2^o), sin(eta / 2)^(2^o)

and the whole state is divided by its norm. That is the chance to get through (`through`), by which a real
machine would have to repeat the step; with order 0 it is 1, and all is a rotation. Between the divisions the
state changes linearly. So where inputs take few values, one matrix for each is made first, and a step is a
product with it.

A lane that is set to 0 or 1 is a bit; else it is set to cos(pi v / 2), sin(pi v / 2). phi, theta and angles
start normal with deviation `spread`. E and R start as identities, so that bits go in and probabilities come
out: y_t[i] is that of the pattern whose bits are i, the first lane the highest. More than four inputs share
lanes at the start. Before the first step the lanes are at all patterns alike.
Left out: amplitude amplification, which a simulation does not need, and batches of circuits on a device.
"""

import functools
import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.core.constants import constant
from wavetrain.errors import BadInput

LANES = 4  # at most
FEW = 16  # different inputs for which there may be a matrix each
TINY = 1e-30  # a squared norm that nothing reaches
MOST = 12  # qubits of workspace


class QuantumRNN(Nonlinear):
    """x (B, T, inputs), bits or other numbers, to y (B, T, width); the state is (B, 2^workspace, 2^lanes).

    >>> from wavetrain.layers import QuantumRNN
    >>> layer = QuantumRNN(4, inputs=2, workspace=3)
    >>> y, state = layer(torch.randint(2, (5, 20, 2)).float())
    >>> torch.allclose(y.sum(-1), torch.ones(5, 20))  # probabilities of what comes next
    True
    >>> state.shape, torch.allclose(state.flatten(1).norm(dim=1), torch.ones(5))
    (torch.Size([5, 8, 4]), True)
    """

    card = Card(
        title="Recurrent quantum neural networks",
        authors="Bausch, Johannes",
        year=2020,
        source="NeurIPS 2020, arXiv 2006.14619",
        family="recurrence",
        topic="Gates",
    )
    terms: Tensor  # (2^(qubits - 1), sets): whether all of a set are 1 in a pattern

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        workspace: int = 4,
        stages: int = 1,
        degree: int = 3,
        order: int = 2,
        spread: float = 0.5,
    ):
        super().__init__(width, inputs)
        check_width("QuantumRNN", workspace=workspace, stages=stages, degree=degree)
        if workspace > MOST:
            raise BadInput(f"QuantumRNN: expected a workspace of at most {MOST} qubits, got {workspace}")
        if not isinstance(order, int) or order < 0 or not spread >= 0:
            raise BadInput(f"QuantumRNN: expected order and spread of at least 0, got {order} and {spread}")
        self.workspace, self.stages, self.order = workspace, stages, order
        self.lanes = min(self.inputs, LANES)
        constant(self, "terms", functools.partial(_terms, workspace + self.lanes - 1, degree))
        neurons = (1 + stages) * workspace + self.lanes
        self.phi = nn.Parameter(spread * torch.randn(neurons, self.terms.shape[1]))
        self.theta = nn.Parameter(spread * torch.randn(neurons))
        self.turn = nn.Parameter(spread * torch.randn(stages, workspace))
        self.encode = nn.Parameter(torch.eye(self.lanes)[:, torch.arange(self.inputs) % self.lanes])
        self.out = nn.Parameter(torch.eye(width, 2**self.lanes))

    def begin(self, batch: int) -> Float[Tensor, "batch patterns lanes"]:
        """All workspace qubits at 0, and the lanes at all patterns alike."""
        lanes = 2**self.lanes
        first = self.phi.new_zeros(batch, 2**self.workspace, lanes)
        first[:, 0] = lanes**-0.5
        return first

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch patterns lanes"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch patterns lanes"]]:
        angles = self._angles(x)
        psi = self._cell(_normal(_heard(state, _set(angles))), angles, each=True)
        return psi.square().sum(1) @ self.out.T, psi

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        bound = x.requires_grad or torch.compiler.is_exporting() or torch.jit.is_tracing()
        if bound or scan.written_out(x, state, self.phi):
            return scan.unroll(self.step, x, state)
        values, which = torch.unique(x.flatten(0, 1), dim=0, return_inverse=True)
        if len(values) > FEW:
            return scan.unroll(self.step, x, state)
        size, lanes = 2**self.workspace, 2**self.lanes
        every = torch.eye(size, dtype=x.dtype, device=x.device).repeat(len(values), 1)
        angles = self._angles(values).repeat_interleave(size, 0)
        made = self._cell(every, angles, each=False)  # (values size, size, lanes)
        moves = made.view(len(values), size, size * lanes).transpose(0, 1).flatten(1)
        found = torch.nn.functional.one_hot(which.view(x.shape[:2]), len(values)).to(x)
        set_to = _set(self._angles(x))  # (B, T, lanes)

        def move(now: tuple[Tensor, Tensor], psi: Tensor) -> tuple[Tensor, Tensor]:
            lane, which = now
            heard = _normal(_heard(psi, lane))
            after = (heard @ moves).view(len(lane), len(values), -1)  # after each of the values
            psi = _normal((which[:, None] @ after).view(len(lane), size, lanes))
            return psi.square().sum(1), psi

        chances = []
        for now in zip(set_to.unbind(1), found.unbind(1), strict=True):
            p, state = move(now, state)
            chances.append(p)
        return torch.stack(chances, 1) @ self.out.T, state

    @torch.no_grad()
    def through(self, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time"]:
        """The chance that all neurons of a step get through, for each step from the first state."""
        self.check(x)
        state, chances = self.begin(len(x)), []
        for now in x.unbind(1):
            angles = self._angles(now)
            heard = _normal(_heard(state, _set(angles)))
            chances.append(self._cell(heard, angles, each=False).square().sum((1, 2)))
            _, state = self.step(now, state)
        return torch.stack(chances, 1)

    def _angles(self, x: Tensor) -> Tensor:
        """By what the lanes are turned from 0 where they are set to x (..., inputs): (..., lanes)."""
        return (x @ self.encode.T) * (math.pi / 2)

    def _cell(self, heard: Tensor, angles: Tensor, each: bool) -> Tensor:
        """From the workspace (B, 2^W) to the state after the output; `each` divides after each neuron."""
        size, qubits = self.workspace, self.workspace + self.lanes
        psi = (heard[:, :, None] * _set(angles)[:, None]).flatten(1)
        eta = self.phi @ self.terms.T + self.theta[:, None] + math.pi / 2
        cosines, sines = ((eta / 2).cos() ** (2**self.order), (eta / 2).sin() ** (2**self.order))
        neurons = iter(zip(cosines, sines, strict=True))

        def neuron(psi: Tensor, qubit: int) -> Tensor:
            c, s = next(neurons)
            after = _turned(psi, qubit, qubits, c, s)
            return _normal(after) if each else after

        for qubit in range(size):
            psi = neuron(psi, qubit)
        for turns in self.turn / 2:
            for qubit, angle in enumerate(turns):
                psi = _turned(psi, qubit, qubits, angle.cos(), angle.sin())
            for qubit in range(size):
                psi = neuron(psi, qubit)
        for lane, angle in enumerate(-angles.T):
            c, s = (part[:, None, None] for part in (angle.cos(), angle.sin()))
            psi = _turned(psi, size + lane, qubits, c, s)
        for lane in range(self.lanes):
            psi = neuron(psi, size + lane)
        return psi.unflatten(1, (2**size, -1))


def _heard(psi: Tensor, lanes: Tensor) -> Tensor:
    """What is left of the workspace (B, 2^W) where the lanes are found as (B, 2^I)."""
    return (psi @ lanes[..., None]).squeeze(-1)


def _set(angles: Tensor) -> Tensor:
    """The state (..., 2^I) of lanes that are turned by angles (..., I) from 0."""
    lanes = torch.ones_like(angles[..., :1])
    for lane in torch.stack([angles.cos(), angles.sin()], -1).unbind(-2):
        lanes = (lanes[..., None] * lane[..., None, :]).flatten(-2)
    return lanes


def _turned(psi: Tensor, qubit: int, qubits: int, c: Tensor, s: Tensor) -> Tensor:
    """A qubit of psi (B, 2^qubits) turned, by c and s of all patterns of the others, or one for all."""
    before, behind = 2**qubit, 2 ** (qubits - qubit - 1)
    k0, k1 = psi.view(-1, before, 2, behind).unbind(2)
    if c.ndim == 1:
        c, s = c.view(before, behind), s.view(before, behind)
    return torch.stack([c * k0 - s * k1, c * k1 + s * k0], 2).flatten(1)


def _normal(psi: Tensor) -> Tensor:
    """Divided by its norm, over all axes but the first."""
    size = psi.square().flatten(1).sum(1).add(TINY).rsqrt()
    return psi * size.view(-1, *(1,) * (psi.ndim - 1))


def _terms(bits: int, degree: int) -> Tensor:
    """Whether a set of bits is all 1: (2^bits, sets), all sets of 1 to `degree` bits, small ones first."""
    patterns = torch.tensor(list(itertools.product((0, 1), repeat=bits)))
    sets = [one for size in range(1, degree + 1) for one in itertools.combinations(range(bits), size)]
    columns = [patterns[:, list(one)].prod(1) for one in sets]
    return torch.stack(columns, 1).to(torch.get_default_dtype())
