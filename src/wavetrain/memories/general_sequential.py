"""General sequential episodic memory: each memory, when it has been held for a while, gives way to the next.

Karuvally, Sejnowski and Siegelmann 2023, PMLR 202, arXiv 2212.05563: a Hopfield network whose energy is
tilted by a delayed copy d of its own state. Rows xi_i of Xi are memories; Phi_ij = 1 where i is followed by
j.

    DSEM    h = softmax(gamma (sqrt(a) Xi v + c Phi' Xi d)),   T_f dv/dt = sqrt(a) Xi' h - v,   f = v
    LISEM   f = tanh(gamma v),   T_f dv/dt = a Xi' Xi f + c Xi' Phi' Xi d - v;   both:  T_d dd/dt = b f - d
    E       |v|^2 / 2 - log sum exp(gamma h's argument) / gamma, and for LISEM
            v . f - sum log cosh(gamma v) / gamma - a |Xi f|^2 / 2 - c (Xi f) . (Phi' Xi d)

For a d that stands still E only falls, so memories are minima; where d has filled up with memory i, that of j
is the lower one. Learning while it runs, h* and v* being those of the memory that is wanted:

    T_xi dXi/dt = sqrt(a) (h* v*' - h v') + c Phi (h* - h) d',   T_phi dPhi/dt = c (Xi d) (h* - h)'

How long a memory is held is our derivation, `dwell`. The order in which pairs are written makes no difference
but for rounding. Left out: polynomial activations, which the version of 2023 has instead of the softmax.
"""

import enum
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Card, Memory, State, precision
from wavetrain.core.memory import check_patterns
from wavetrain.errors import BadInput
from wavetrain.memories._patterns import check_signs, log_sum, shares


class Nonlinearity(enum.Enum):
    """Which neurons are not linear."""

    HIDDEN = "softmax over memories, DSEM"
    FEATURE = "tanh of each unit, LISEM"


@dataclass(frozen=True)
class Dynamics:
    """Strengths and times; times in any one unit; of `cross` and `gain` only the product matters."""

    hold: float  # a, what keeps a memory
    cross: float  # c, what leads to the next
    gain: float = 7.0  # b, how far the delayed signal rises
    gamma: float = 1.0  # steepness; memories have a squared norm of N, so that 1 is steep for large N
    fast: float = 1.0  # T_f
    slow: float = 20.0  # T_d, far above T_f
    step: float = 0.1  # of Euler's method


class GeneralSequential(Memory):
    """Keys (B, M, size) of +1 and -1, each followed by the value, of the same kind, that it is written with.

    A value may be the key of another pair: so sequences and cycles are written. The state is Xi (B, S, N),
    Phi (B, S, S) and which of the S places are taken (B, S); a pattern that comes twice is one memory, and
    its second place stays empty. `read` starts at the cue and gives f in the middle of the next memory.

    >>> from wavetrain.memories import GeneralSequential
    >>> memory = GeneralSequential(100)
    >>> pattern = torch.randn(1, 3, 100).sign()
    >>> state = memory.write(memory.empty(1), pattern, pattern.roll(-1, 1))  # each is followed by the next
    >>> memory.read(state, pattern).sign().equal(pattern.roll(-1, 1))
    True
    """

    card = Card(
        title="General Sequential Episodic Memory Model",
        authors="Karuvally, Arjun and Sejnowski, Terrence J. and Siegelmann, Hava T.",
        year=2023,
        source="ICML 2023, PMLR 202, arXiv 2212.05563",
        family="associative memory",
        topic="Associative memory",
    )

    def __init__(
        self,
        size: int,
        nonlinearity: Nonlinearity = Nonlinearity.HIDDEN,
        dynamics: Dynamics | None = None,
    ):
        super().__init__(size)
        lisem = nonlinearity is Nonlinearity.FEATURE
        if dynamics is None:  # for LISEM: fields that are as strong in networks of any size
            dynamics = Dynamics(4.5 / size, 1.125 / size) if lisem else Dynamics(1.0, 0.7)
        if lisem and dynamics.hold * size * dynamics.gamma <= 1:
            raise BadInput(
                "GeneralSequential: LISEM holds no memory unless hold * size * gamma is above 1, "
                f"got {dynamics.hold * size * dynamics.gamma:.4g}"
            )
        self.nonlinearity, self.dynamics = nonlinearity, dynamics

    def empty(self, batch: int) -> State:
        zeros = self.place.new_zeros
        return zeros(batch, 0, self.size), zeros(batch, 0, 0), zeros(batch, 0, dtype=torch.bool)

    def blank(self, batch: int, memories: int, generator: torch.Generator) -> State:
        """A memory to be learned: all places taken, Xi normal over N and Phi normal over S."""
        xi = torch.randn(batch, memories, self.size, generator=generator) / self.size
        phi = torch.randn(batch, memories, memories, generator=generator) / memories
        return xi.to(self.place), phi.to(self.place), torch.ones_like(phi[..., 0], dtype=torch.bool)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        given = torch.cat([check_signs(self, key), check_signs(self, value)], 1)  # (B, 2 M, N)
        (old, links, taken), room = state, given.shape[1]
        if not room:
            return state
        xi = torch.cat([old, given], 1)  # (B, S, N)
        first = self._first(xi, given)
        many = xi.shape[1]
        taken = torch.cat([taken, first == torch.arange(many - room, many, device=xi.device)], 1)
        now, after = first.split(room // 2, 1)
        phi = F.pad(links, (0, room, 0, room)).flatten(1)
        phi = phi.scatter(1, now * many + after, 1.0).unflatten(1, (many, many))
        return xi * taken[..., None], phi, taken

    def _first(self, xi: Tensor, given: Tensor) -> Tensor:
        """The first place of xi (B, S, N) at which each pattern of +1 and -1 that is given stands, (B, 2 M).

        Two of them are the same where their product is N; what was learned has other entries.
        """
        signs = (xi.abs() == 1).all(-1)
        fit = precision.wide(given) @ precision.wide(xi).mT
        return ((fit == self.size) & signs[:, None]).to(torch.uint8).argmax(-1)

    def fetch(self, state: State, cue: Tensor) -> Tensor:
        """The memory that follows the cue: keys (B, S, N) are stored, cues (B, M, N) give values (B, M, N).

        Raises BadInput where no memory ever gives way to the next, since `cross * gain` is too small.
        """
        if self.pull() <= 1:
            raise BadInput(
                "GeneralSequential: expected cross * gain above what holds a memory, or nothing follows it; "
                f"their ratio is {self.pull():.4g}"
            )
        return self.walk(state, cue, self.first_dwell() + self.dwell() / 2)[:, :, -1]

    def walk(
        self, state: State, cue: Float[Tensor, "batch cues size"], time: float
    ) -> Float[Tensor, "batch cues steps size"]:
        """f after each step of Euler's method, (B, M, steps, N), from the cues (B, M, N) and d = 0."""
        v, d, path = cue, torch.zeros_like(cue), []
        for _ in range(max(1, round(time / self.dynamics.step))):
            v, d = self.advance(state, v, d)
            path.append(self.features(v))
        return torch.stack(path, 2)

    def advance(
        self, state: State, v: Float[Tensor, "batch cues size"], d: Float[Tensor, "batch cues size"]
    ) -> tuple[Float[Tensor, "batch cues size"], Float[Tensor, "batch cues size"]]:
        """One step of Euler's method for v and d, (B, M, N) each."""
        how = self.dynamics
        rise = (how.gain * self.features(v) - d) / how.slow
        return v + how.step * self.flow(state, v, d) / how.fast, d + how.step * rise

    def flow(
        self, state: State, v: Float[Tensor, "batch cues size"], d: Float[Tensor, "batch cues size"]
    ) -> Float[Tensor, "batch cues size"]:
        """T_f dv/dt for v and d (B, M, N)."""
        xi, how = state[0], self.dynamics
        if self.nonlinearity is Nonlinearity.HIDDEN:
            return how.hold**0.5 * self.hidden(state, v, d) @ xi - v
        return (how.hold * self.features(v) @ xi.mT + self._next(state, d)) @ xi - v

    def features(self, v: Float[Tensor, "batch cues size"]) -> Float[Tensor, "batch cues size"]:
        """f (B, M, N), what the other neurons see of v (B, M, N)."""
        return v if self.nonlinearity is Nonlinearity.HIDDEN else (self.dynamics.gamma * v).tanh()

    def hidden(
        self, state: State, v: Float[Tensor, "batch cues size"], d: Float[Tensor, "batch cues size"]
    ) -> Float[Tensor, "batch cues many"]:
        """h of DSEM (B, M, S), of sum 1 over the memories; without any memory it is 0."""
        return shares(self.dynamics.gamma * self._field(state, v, d), state[2][:, None])

    def energy(
        self, state: State, v: Float[Tensor, "batch cues size"], d: Float[Tensor, "batch cues size"]
    ) -> Float[Tensor, "batch cues"]:
        """E (B, M) of v and d (B, M, N); it falls along `flow` while d stands still."""
        check_patterns(self, state, pattern=v)
        check_patterns(self, state, pattern=d)
        how, f = self.dynamics, self.features(v)
        if self.nonlinearity is Nonlinearity.HIDDEN:
            field = how.gamma * self._field(state, v, d)
            return (v**2).sum(-1) / 2 - log_sum(field, state[2][:, None]) / how.gamma
        overlap, steep = f @ state[0].mT, how.gamma * v
        log_cosh = steep.abs() + F.softplus(-2 * steep.abs()) - math.log(2)  # large v do not overflow
        own = (v * f).sum(-1) - log_cosh.sum(-1) / how.gamma
        return own - how.hold * (overlap**2).sum(-1) / 2 - (overlap * self._next(state, d)).sum(-1)

    def learn(
        self,
        state: State,
        v: Float[Tensor, "batch cues size"],
        d: Float[Tensor, "batch cues size"],
        target: Float[Tensor, "batch cues size"],
        t_xi: float,
        t_phi: float,
    ) -> State:
        """One step of learning of DSEM: at v and d, target (B, M, N) is the memory that should be there.

        Raises BadInput for LISEM, which is written and does not learn.
        """
        if self.nonlinearity is not Nonlinearity.HIDDEN:
            raise BadInput("GeneralSequential: expected DSEM to learn, got LISEM, which is only written")
        (xi, phi, taken), how = state, self.dynamics
        free, wanted = self.hidden(state, v, d), self.hidden(state, target, torch.zeros_like(d))
        missed = wanted - free  # (B, M, S)
        of_xi = how.hold**0.5 * (wanted.mT @ target - free.mT @ v) + how.cross * phi @ (missed.mT @ d)
        of_phi = how.cross * (xi @ d.mT) @ missed
        return xi + how.step * of_xi / t_xi, phi + how.step * of_phi / t_phi, taken

    def pull(self) -> float:
        """A: the full delayed signal over the one at which a memory ceases to be a minimum; above 1 it ends.

        For orthogonal memories, and a steep softmax in DSEM. In LISEM the units in which two memories differ
        rest at v = a N tanh(gamma v) - s, which has no positive solution once s is beyond its fold.
        """
        how = self.dynamics
        if self.nonlinearity is Nonlinearity.HIDDEN:
            return how.cross * how.gain / how.hold**0.5
        held = how.hold * self.size
        slope = (1 - 1 / (held * how.gamma)) ** 0.5  # tanh(gamma v) at the fold
        return how.cross * how.gain * self.size / (held * slope - math.atanh(slope) / how.gamma)

    def first_dwell(self) -> float:
        """-T_d log(1 - 1 / A): how long the first memory is held, from d = 0, where T_f is short."""
        return -self.dynamics.slow * math.log1p(-1 / self.pull()) if self.pull() > 1 else math.inf

    def dwell(self) -> float:
        """-T_d log(1 - A^(-1/2)): how long later ones are held; the signal of the one before still rings.

        For LISEM only roughly: there the signals of older memories add up in each unit.
        """
        return -self.dynamics.slow * math.log1p(-(self.pull() ** -0.5)) if self.pull() > 1 else math.inf

    def _field(self, state: State, v: Tensor, d: Tensor) -> Tensor:
        """What the hidden neurons of DSEM receive, (B, M, S)."""
        return self.dynamics.hold**0.5 * v @ state[0].mT + self._next(state, d)

    def _next(self, state: State, d: Tensor) -> Tensor:
        """c Phi' Xi d: how much the delayed signal speaks for each memory, (B, M, S)."""
        return self.dynamics.cross * (d @ state[0].mT) @ state[1]
