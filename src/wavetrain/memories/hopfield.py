"""Hopfield's network: patterns of +1 and -1 as minima of a quadratic energy, found by going downhill.

Hopfield 1982, PNAS 79, doi 10.1073/pnas.79.8.2554; capacity by Amit, Gutfreund and Sompolinsky 1985.

    W = (1/N) sum_m xi_m xi_m', zero diagonal (Hebb);   E = -1/2 sigma' W sigma
    sigma_i <- sign(sum_j W_ij sigma_j), unchanged where the sum is exactly 0

One unit at a time, in random order, E never rises: each flip lowers it by twice the unit's field. All at
once, it may end in a cycle of two states. Up to 0.138 N random patterns stay near where they were stored,
for large N. Two other ways to store: the pseudo-inverse (a projection; up to N independent patterns are
exact fixed points) and Storkey's rule, W_ij += (xi_i xi_j - xi_i h_ji - h_ij xi_j) / N, where h_ij is the
sum of W_ik xi_k over all k but i and j. Values are read by value units beside the others: V'sigma / N, with
V = sum_m xi_m v_m' (by the pseudo-inverse, V is the exact map from patterns to values). For Storkey's rule
the order of writes makes a difference, and for the pseudo-inverse that of keys that depend on each other.
Left out: temperature and dilution.
"""

import enum

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, Memory, State
from wavetrain.core.memory import check_patterns
from wavetrain.memories._patterns import check_signs, settled, signed, warn_beyond


class Storage(enum.Enum):
    """How a pattern changes the weights."""

    HEBB = "outer products"
    PSEUDO_INVERSE = "projection on the patterns"
    STORKEY = "Storkey's rule"


class Update(enum.Enum):
    """Which units move together."""

    ASYNCHRONOUS = "one at a time, in random order"
    SYNCHRONOUS = "all at once"


LARGE = 32  # the theory of capacity is one of large N: networks of fewer units are not warned about
CAPACITY = {
    Storage.HEBB: (0.138, "0.138 N random patterns, Amit, Gutfreund and Sompolinsky 1985"),
    Storage.PSEUDO_INVERSE: (1.0, "N independent patterns"),
    Storage.STORKEY: (1.0, "N, the most patterns that can be independent"),
}


class Hopfield(Memory):
    """Keys (B, M, size) of +1 and -1 with any values (B, M, values).

    The state is N W with its diagonal (B, N, N), V (B, N, values) and how many patterns were written (B,).
    `read` settles for at most `sweeps` sweeps and gives V'sigma / N, whose sign is the value's; 0 sweeps read
    the cue as it is. `settle` gives the pattern itself. Random orders are the same in each call.

    >>> from wavetrain.memories import Hopfield
    >>> memory = Hopfield(100)
    >>> pattern = torch.randn(1, 3, 100).sign()
    >>> state = memory.write(memory.empty(1), pattern, pattern)
    >>> cue = pattern.clone()
    >>> cue[..., :20] *= -1  # a fifth of the bits is wrong
    >>> memory.settle(state, cue).equal(pattern)
    True
    """

    card = Card(
        title="Neural networks and physical systems with emergent collective computational abilities",
        authors="Hopfield, John J.",
        year=1982,
        source="PNAS 79(8), doi 10.1073/pnas.79.8.2554",
        family="associative memory",
        topic="Associative memory",
    )

    def __init__(
        self,
        size: int,
        values: int | None = None,
        storage: Storage = Storage.HEBB,
        update: Update = Update.ASYNCHRONOUS,
        sweeps: int = 100,
    ):
        super().__init__(size, values)
        self.storage, self.update, self.sweeps = storage, update, sweeps

    def capacity(self) -> float:
        """How many patterns the network holds, by the theory of its way to store them."""
        return CAPACITY[self.storage][0] * self.size

    def empty(self, batch: int) -> State:
        zeros, size = self.place.new_zeros, self.size
        return (
            zeros(batch, size, size),
            zeros(batch, size, self.values),
            zeros(batch, dtype=torch.long),
        )

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        check_signs(self, key)
        weight, readout, stored = state
        stored = stored + key.shape[1]
        if self.size >= LARGE:
            warn_beyond(self, stored, key.shape[1], self.capacity(), CAPACITY[self.storage][1])
        if self.storage is Storage.HEBB:
            return weight + key.mT @ key, readout + key.mT @ value, stored
        change = self._project if self.storage is Storage.PSEUDO_INVERSE else self._storkey
        for one, its in zip(key.unbind(1), value.unbind(1), strict=True):
            weight, readout = change(weight, readout, one, its)
        return weight, readout, stored

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        return self.settle(state, cue) @ state[1] / self.size

    def settle(
        self, state: State, cue: Float[Tensor, "batch cues size"], generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch cues size"]:
        """The pattern (B, M, N) that the cue ends at; the generator draws the order of units."""
        check_patterns(self, state, cue=check_signs(self, cue))
        weight = self.weight(state).detach()
        # by Hebb's rule fields are whole numbers over N; the others' carry the rounding of many writes
        tie = 0.1 / self.size if self.storage is Storage.HEBB else torch.finfo(cue.dtype).eps ** 0.75
        with torch.no_grad():
            if self.update is Update.ASYNCHRONOUS:
                return settled(
                    cue, lambda now, i: (now @ weight[:, i, :, None])[..., 0], self.sweeps, generator, tie
                )
            for _ in range(self.sweeps):
                cue, before = signed(cue @ weight, cue, tie), cue
                if torch.equal(cue, before):
                    break
            return cue

    def energy(self, state: State, pattern: Float[Tensor, "batch cues size"]) -> Float[Tensor, "batch cues"]:
        """-1/2 sigma' W sigma of patterns (B, M, N), (B, M)."""
        check_patterns(self, state, pattern=pattern)
        return -0.5 * ((pattern @ self.weight(state)) * pattern).sum(-1)

    def weight(self, state: State) -> Float[Tensor, "batch size size"]:
        """W (B, N, N), without the diagonal."""
        return _hollow(state[0]) / self.size

    def _project(self, weight: Tensor, readout: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """What is new in the key (B, N) becomes a direction of its own, and carries what is not yet read."""
        new = key - (key[:, None] @ weight)[:, 0] / self.size
        length = (new**2).sum(-1, keepdim=True)
        known = length < self.size * torch.finfo(key.dtype).eps ** 0.5  # a sum of those that are there
        new, length = torch.where(known, 0.0, new), torch.where(known, 1.0, length)
        share = (self.size * new / length)[:, :, None]
        missing = value - (key[:, None] @ readout)[:, 0] / self.size
        return weight + share * new[:, None], readout + share * missing[:, None]

    def _storkey(self, weight: Tensor, readout: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        row, column = key[:, None], key[:, :, None]
        old = _hollow(weight) / self.size
        field = old @ column - old * row  # h_ij, (B, N, N)
        change = column * row - column * field.mT - field * row
        return weight + _hollow(change), readout + column * value[:, None]


def _hollow(matrix: Tensor) -> Tensor:
    """The matrices without their diagonals."""
    return matrix - torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1))
