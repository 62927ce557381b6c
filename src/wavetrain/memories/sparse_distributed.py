"""Sparse distributed memory: patterns are spread over many neurons with random addresses, and read by a vote.

Kanerva 1988, *Sparse Distributed Memory*, ISBN 978-0-262-11132-4; both views, and the version on the sphere,
from Bricken and Pehlevan 2021, arXiv 2111.05498. Neurons have fixed random addresses x_j; bits are +1, -1.

    active      b_j(z) = 1 where x_j and z differ in at most d of n bits; on the sphere x_j.z >= 1 - 2 d / n
    write       X_j += v, h_j += 1   for neurons with b_j(key)
    read        y = sum_j b_j(cue) X_j / sum_j b_j(cue) h_j;   the sign of y is the bit
    the same    y = sum_m w_m v_m / sum_m w_m,   w_m neurons being active both for key m and for the cue

Reading again from what was read cleans the cue. The first is the view of neurons, `SparseDistributed`; the
last that of patterns, `SharedNeurons`, with the expected w_m in place of those counted, as if there were
neurons at all addresses. A cue without an active neuron that was written to brings back zeros. Kanerva's
counters of +1 and -1 are X; h divides them, which changes no sign. Left out: Jaeckel's selected coordinates,
and ties broken at random (a tie keeps the bit).
"""

import enum
import functools
import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Card, Memory, State, check_width
from wavetrain.core.constants import constant
from wavetrain.errors import BadInput
from wavetrain.memories._patterns import check_signs, unit, warn_beyond
from wavetrain.memories._shelf import Shelf
from wavetrain.parts import balls
from wavetrain.scan.routes import fast

EXPECTED = 100  # patterns for which a radius is chosen where none is given


class Space(enum.Enum):
    """Where addresses lie."""

    BINARY = "the cube of +1 and -1"
    CONTINUOUS = "the unit sphere; keys and cues are normalised"


class SparseDistributed(Memory):
    """Keys (B, M, size) with any values (B, M, values): the view of neurons.

    The state is the storage of each neuron, X with h as its last column (B, neurons, values + 1), and how
    many patterns were written (B,). Without a radius d, the one with the clearest signal for 100 patterns is
    taken.

    >>> from wavetrain.memories import SparseDistributed
    >>> memory = SparseDistributed(100, neurons=1000)
    >>> pattern = torch.randn(1, 5, 100).sign()
    >>> state = memory.write(memory.empty(1), pattern, pattern)
    >>> cue = pattern.clone()
    >>> cue[..., :10] *= -1  # a tenth of the bits is wrong
    >>> memory.read(state, cue).sign().equal(pattern)
    True
    """

    address: Tensor

    card = Card(
        title="Sparse distributed memory",
        authors="Kanerva, Pentti",
        year=1988,
        source="MIT Press, ISBN 978-0-262-11132-4",
        family="associative memory",
        topic="Sparse distributed memory",
    )

    def __init__(
        self,
        size: int,
        values: int | None = None,
        neurons: int = 1000,
        radius: float | None = None,
        space: Space = Space.BINARY,
    ):
        super().__init__(size, values)
        check_width("SparseDistributed", neurons=neurons)
        radius = max(1, balls.clear_radius(size, neurons, EXPECTED)) if radius is None else radius
        _check_radius("SparseDistributed", size, radius)
        self.neurons, self.radius, self.space = neurons, radius, space
        if space is Space.BINARY:
            address = torch.randint(2, (neurons, size)) * 2.0 - 1
        else:
            address = F.normalize(torch.randn(neurons, size), dim=-1)
        self.register_buffer("address", address)

    def capacity(self) -> float:
        """Patterns whose values are right to the last bit with probability 1/2, read by their own keys."""
        return _capacity(self.values, self.neurons, _share(self.size, self.radius, self.space))

    def empty(self, batch: int) -> State:
        zeros = self.address.new_zeros
        return zeros(batch, self.neurons, self.values + 1), zeros(batch, dtype=torch.long)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        active, stored = self.active(key), state[1] + key.shape[1]
        about = f"{self.neurons} neurons, radius {self.radius:g}, all bits right in half of the patterns"
        warn_beyond(self, stored, key.shape[1], self.capacity(), about)
        return state[0] + _sparse(active, F.pad(value, (0, 1), value=1.0)), stored

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        total = _sparse(self.active(cue).mT, state[0])
        return _divided(total[..., :-1], total[..., -1:])

    def settle(
        self, state: State, cue: Float[Tensor, "batch cues size"], reads: int = 100
    ) -> Float[Tensor, "batch cues size"]:
        """Where cues (B, M, N) end: read again from what was read, until nothing changes; keys are values."""
        return _again(self, state, cue, reads, self.space)

    def active(self, pattern: Float[Tensor, "batch many size"]) -> Bool[Tensor, "batch neurons many"]:
        """b: which neurons (B, r, M) patterns (B, M, N) reach.

        Raises BadInput for patterns of another size, or of other values than the space has.
        """
        if pattern.ndim != 3 or pattern.shape[-1] != self.size:
            raise BadInput(
                f"SparseDistributed: expected pattern (batch, many, {self.size}), got {tuple(pattern.shape)}"
            )
        if self.space is Space.BINARY:
            check_signs(self, pattern)
            if fast(self.address, pattern):
                from wavetrain.memories._kernels.balls import within

                return within(self.address, pattern, self.radius)
            return self.address @ pattern.mT >= self.size - 2 * self.radius
        return self.address @ unit(self, pattern).mT >= 1 - 2 * self.radius / self.size

    def shared(
        self, cue: Float[Tensor, "batch cues size"], key: Float[Tensor, "batch many size"]
    ) -> Float[Tensor, "batch cues many"]:
        """w: how many neurons each cue shares with each key, (B, M, S)."""
        one, other = (self.active(pattern).to(self.address.dtype) for pattern in (cue, key))
        return one.mT @ other

    def without(self, state: State, share: float, generator: torch.Generator) -> State:
        """The state after that share of the neurons, drawn at random, has died: they bring nothing back.

        Raises BadInput for a share that is not from 0 to 1.
        """
        if not 0 <= share <= 1:
            raise BadInput(f"SparseDistributed: expected a share of neurons from 0 to 1, got {share}")
        lives = torch.ones(self.neurons, dtype=torch.bool)
        lives[torch.randperm(self.neurons, generator=generator)[: round(share * self.neurons)]] = False
        lives = lives.to(self.address.device)
        return state[0] * lives[:, None], state[1]


class SharedNeurons(Shelf):
    """The view of patterns, with neurons at all addresses: weights are what balls, or caps, share.

    Keys are +1 and -1, or in continuous space any, and normalised. Weights are those of the balls of the
    cube, linear between whole bits; with `caps` those of the sphere.
    """

    overlap: Tensor
    card = SparseDistributed.card

    def __init__(
        self,
        size: int,
        values: int | None = None,
        radius: float | None = None,
        space: Space = Space.BINARY,
        caps: bool = False,
    ):
        super().__init__(size, values)
        radius = (
            max(1, balls.clear_radius(size, 2.0 ** min(size, 1000), EXPECTED)) if radius is None else radius
        )
        _check_radius("SharedNeurons", size, radius)
        self.radius, self.space = radius, space
        self.turned = caps and space is Space.CONTINUOUS  # looked up by the angle, and not by whole bits
        by_angle = functools.partial(balls.overlaps_by_angle, size, radius)
        by_bits = functools.partial(balls.overlaps, size, radius, caps)
        constant(self, "overlap", by_angle if self.turned else by_bits)

    def prepared(self, pattern: Tensor) -> Tensor:
        return check_signs(self, pattern) if self.space is Space.BINARY else unit(self, pattern)

    def capacity(self) -> float:
        """Patterns whose values are right to the last bit with probability 1/2, read by their own keys."""
        neurons = 2.0 ** min(self.size, 500)  # the square of more is no float, and it is beyond all storing
        return _capacity(self.values, neurons, _share(self.size, self.radius, self.space))

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        state = super().store(state, key, value)
        if self.space is Space.CONTINUOUS:
            return state  # the theory is one of bits; on the sphere values are read as attention reads them
        about = f"neurons at all addresses, radius {self.radius:g}, all bits right in half of the patterns"
        warn_beyond(self, state[2].sum(1), key.shape[1], self.capacity(), about)
        return state

    def weigh(
        self,
        cue: Float[Tensor, "batch cues size"],
        key: Float[Tensor, "batch many size"],
        readable: Bool[Tensor, "batch cues many"] | Bool[Tensor, "batch 1 many"],
    ) -> Float[Tensor, "batch cues many"]:
        if self.space is Space.BINARY:
            # looked up by whole bits: a share that rounding lends to bits beyond 2 d would be the only one
            apart = ((self.size - cue @ key.mT) / 2).round().long()
            shared = self.overlap.to(cue.dtype)[apart] * readable
        else:
            distance = (1 - cue @ key.mT) / 2
            place = balls.angle(distance) if self.turned else distance
            shared = balls.share_at(self.overlap, place) * readable
        return _divided(shared, shared.sum(-1, keepdim=True))

    def settle(
        self, state: State, cue: Float[Tensor, "batch cues size"], reads: int = 100
    ) -> Float[Tensor, "batch cues size"]:
        """Where cues (B, M, N) end: read again from what was read, until nothing changes; keys are values."""
        return _again(self, state, cue, reads, self.space)


def _again(memory: Memory, state: State, cue: Tensor, reads: int, space: Space) -> Tensor:
    for _ in range(reads):
        found = memory.read(state, cue)
        if space is Space.BINARY:
            after = torch.where(found == 0, cue, found.sign())
        else:
            norm = found.norm(dim=-1, keepdim=True)
            after = torch.where(norm == 0, cue, found / torch.where(norm == 0, 1.0, norm))
        if torch.equal(after, cue) or (space is Space.CONTINUOUS and (after - cue).abs().amax() < 1e-6):
            return after
        cue = after
    return cue


def _sparse(active: Tensor, value: Tensor) -> Tensor:
    """active (B, M, S) @ value (B, S, P), counting on few being active: only those are added up."""
    batch, many, places = active.shape
    row, one, other = active.nonzero(as_tuple=True)
    where = torch.stack([row * many + one, row * places + other])
    ones = torch.ones(len(row), dtype=value.dtype, device=value.device)
    shape = batch * many, batch * places
    matrix = torch.sparse_coo_tensor(where, ones, shape, is_coalesced=True, check_invariants=False)
    return torch.sparse.mm(matrix, value.flatten(0, 1)).unflatten(0, (batch, many))


def _divided(total: Tensor, by: Tensor) -> Tensor:
    """The quotient, or 0 where nothing was read."""
    return torch.where(by > 0, total, 0.0) / torch.where(by > 0, by, 1.0)


def _capacity(values: int, neurons: float, share: float) -> float:
    """One bit alone is right with probability 1/2 whatever is stored."""
    return balls.capacity(values, neurons, share) if values > 1 else math.inf


def _share(size: int, radius: float, space: Space) -> float:
    """p: the share of all neurons that a pattern reaches."""
    if space is Space.BINARY or size < 2:
        return balls.fraction(size, math.floor(radius))
    return balls.cap(size, radius, 0.0)


def _check_radius(name: str, size: int, radius: float) -> None:
    if not 0 < radius < max(size / 2, 1.5):
        raise BadInput(f"{name}: expected a radius above 0 and below half of {size} bits, got {radius}")
