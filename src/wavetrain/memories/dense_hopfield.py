"""Dense associative memory: steeper energies hold more patterns; the continuous one is softmax attention.

Krotov and Hopfield 2016, arXiv 1606.01164 (powers); Demircigil et al. 2017, arXiv 1702.01929 (exponential);
Ramsauer et al. 2021, arXiv 2008.02217 (continuous); Krotov and Hopfield 2021, arXiv 2008.06996 (two groups).

    patterns of +1 and -1     E = -sum_m F(xi_m . sigma),  F(z) = z^n, max(z, 0)^n or exp(z)
       sigma_i <- sign sum_m F(xi_mi + a_mi) - F(-xi_mi + a_mi),   a_mi = sum_{j != i} xi_mj sigma_j
    any patterns, F softmax   E = -lse(beta, X'xi) + xi'xi / 2 + ln(S) / beta + max |x|^2 / 2
       xi <- X softmax(beta X'xi)

Since all values are +1 and -1, the sum is xi' (F(z + 2) - F(z - 2)) / 2 - sigma_i c, z = xi . sigma, with c
half the sum of second differences of F: one product of matrices moves all units. Values are read with the
weights of the last update: (z / N)^(n - 1), or the softmax. As a circuit: feature neurons and memory
neurons, one for each pattern, which divide their activity by its sum. Left out: learned patterns, and the
layers of hflayers.
"""

import enum
import math

import torch
from jaxtyping import Bool, Float
from scipy import special
from torch import Tensor
from torch.nn import functional as F

from wavetrain.core import Card, State
from wavetrain.core.memory import check_patterns
from wavetrain.errors import BadInput
from wavetrain.memories._patterns import check_signs, log_sum, settled, shares, signed, warn_beyond
from wavetrain.memories._shelf import Shelf


class Steepness(enum.Enum):
    """F, how the energy grows with the overlap of a pattern and the state."""

    POWER = "z^n"
    RECTIFIED = "max(z, 0)^n"
    EXPONENTIAL = "exp(z)"
    SOFTMAX = "exp(beta z), continuous states"


class DenseHopfield(Shelf):
    """Keys (B, M, size) with any values (B, M, values); keys are +1 and -1 unless F is the softmax.

    The state is that of a `Shelf`. `read` moves the cue `updates` - 1 times, all units at once, and then
    reads the values; one update is attention. `power` is n, `beta` (by default 1 / sqrt(size)) the softmax's.

    >>> from wavetrain.memories import DenseHopfield
    >>> memory = DenseHopfield(16, beta=2.0)
    >>> pattern = torch.randn(1, 40, 16).sign()  # more patterns than units
    >>> state = memory.write(memory.empty(1), pattern, pattern)
    >>> cue = pattern[:, :1].clone()
    >>> cue[..., :3] *= -1
    >>> memory.read(state, cue).sign().equal(pattern[:, :1])
    True
    """

    card = Card(
        title="Dense associative memory for pattern recognition",
        authors="Krotov, Dmitry and Hopfield, John J.",
        year=2016,
        source="NeurIPS 2016, arXiv 1606.01164",
        family="associative memory",
        topic="Associative memory",
    )

    def __init__(
        self,
        size: int,
        values: int | None = None,
        steepness: Steepness = Steepness.SOFTMAX,
        power: int = 3,
        beta: float | None = None,
        updates: int = 1,
    ):
        super().__init__(size, values)
        if power < 2 or updates < 1:
            raise BadInput(f"DenseHopfield: expected power >= 2 and updates >= 1, got {power} and {updates}")
        self.steepness, self.power, self.updates = steepness, power, updates
        self.beta = size**-0.5 if beta is None else beta
        if not 0 < self.beta < math.inf:
            raise BadInput(f"DenseHopfield: beta must be above 0, got {beta}")

    def capacity(self) -> float:
        """How many random patterns are held without error; for the softmax at least those of `on_sphere`."""
        size, n = self.size, self.power
        if self.steepness is Steepness.SOFTMAX:
            return math.inf
        if self.steepness is Steepness.EXPONENTIAL:
            return 2.0 ** min(size / 2, 1000)
        odd = math.prod(range(1, 2 * n - 2, 2))  # (2 n - 3)!!
        return size ** (n - 1) / (2 * odd * max(math.log(size), 0.5))

    def prepared(self, pattern: Tensor) -> Tensor:
        """Patterns (B, S, N) as they are stored; BadInput where they must be +1 and -1 and are not."""
        return pattern if self.steepness is Steepness.SOFTMAX else check_signs(self, pattern)

    def store(self, state: State, key: Tensor, value: Tensor) -> State:
        state = super().store(state, key, value)
        if self.steepness is not Steepness.SOFTMAX:
            about = f"random patterns without errors, F(z) = {self.steepness.value}"
            warn_beyond(self, state[2].sum(1), key.shape[1], self.capacity(), about)
        return state

    def weigh(
        self,
        cue: Float[Tensor, "batch cues size"],
        key: Float[Tensor, "batch many size"],
        readable: Bool[Tensor, "batch cues many"] | Bool[Tensor, "batch 1 many"],
    ) -> Float[Tensor, "batch cues many"]:
        for _ in range(self.updates - 1):
            cue = self._moved(cue, key, readable)
        if self.steepness in (Steepness.SOFTMAX, Steepness.EXPONENTIAL):
            return self._shares(cue, key, readable)
        fit = (cue @ key.mT) / self.size
        fit = fit.relu() if self.steepness is Steepness.RECTIFIED else fit
        return fit ** (self.power - 1) * readable

    def update(
        self, state: State, pattern: Float[Tensor, "batch cues size"]
    ) -> Float[Tensor, "batch cues size"]:
        """All units (B, M, N) at once; those whose field is exactly 0 stay."""
        check_patterns(self, state, pattern=self.prepared(pattern))
        return self._moved(pattern, state[0], state[2][:, None])

    def settle(
        self,
        state: State,
        cue: Float[Tensor, "batch cues size"],
        sweeps: int = 100,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "batch cues size"]:
        """Where cues (B, M, N) end.

        Unit after unit in random order; for the softmax by updates, until one changes less than 1e-6.
        """
        check_patterns(self, state, cue=self.prepared(cue))
        key, _, taken = state
        if self.steepness is not Steepness.SOFTMAX:
            with torch.no_grad():
                return settled(
                    cue,
                    lambda now, i: self._field(now, now[..., i], key, key[..., i], taken[:, None]),
                    sweeps,
                    generator,
                )
        for _ in range(sweeps):
            cue, before = self.update(state, cue), cue
            if torch.allclose(cue, before, rtol=0, atol=1e-6):
                break
        return cue

    def energy(self, state: State, pattern: Float[Tensor, "batch cues size"]) -> Float[Tensor, "batch cues"]:
        """E of states (B, M, N), (B, M); for exp it is -ln sum exp, which falls and rises with E.

        Without patterns nothing attracts: it is 0, for exp the largest there is, for the softmax xi'xi / 2.
        """
        check_patterns(self, state, pattern=pattern)
        key, _, taken = state
        fit, here = pattern @ key.mT, taken[:, None]
        if self.steepness is Steepness.EXPONENTIAL:
            return torch.where(here.any(-1), -log_sum(fit, here), torch.inf)
        if self.steepness is not Steepness.SOFTMAX:
            return -(self._grows(fit, 1.0) * here).sum(-1)
        attracts = log_sum(self.beta * fit, here) / self.beta
        many = taken.sum(1, keepdim=True).clamp(min=1).to(fit).log() / self.beta
        size = F.pad((key**2).sum(-1), (0, 1)).amax(-1, keepdim=True) / 2  # empty places are zero
        return (pattern**2).sum(-1) / 2 - attracts + many + size

    def flow(
        self,
        state: State,
        feature: Float[Tensor, "batch cues size"],
        memory: Float[Tensor, "batch cues many"],
        slow: float,
        fast: float,
        dt: float,
        steps: int,
    ) -> tuple[Float[Tensor, "batch cues size"], Float[Tensor, "batch cues many"]]:
        """The circuit in time: feature neurons v (B, M, N) and memory neurons h (B, M, S), Euler steps of dt.

        slow v' = sum_m xi_m f_m - v,  fast h' = X'v - h,  f = softmax(beta h): each memory neuron divides by
        the sum over all. Returns v and h at the end.
        """
        key, _, taken = state
        for _ in range(steps):
            drive = shares(self.beta * memory, taken[:, None]) @ key
            ahead = feature + dt / slow * (drive - feature)
            memory = memory + dt / fast * (feature @ key.mT - memory)
            feature = ahead
        return feature, memory

    def circuit_energy(
        self,
        state: State,
        feature: Float[Tensor, "batch cues size"],
        memory: Float[Tensor, "batch cues many"],
    ) -> Float[Tensor, "batch cues"]:
        """What the circuit goes down: v.v / 2 + (h.f - lse(beta, h)) - f.X'v, (B, M)."""
        key, _, taken = state
        seen, here = self.beta * memory, taken[:, None]
        drive = (shares(seen, here) * (memory - feature @ key.mT)).sum(-1)
        return (feature**2).sum(-1) / 2 + drive - log_sum(seen, here) / self.beta

    def _shares(self, cue: Tensor, key: Tensor, readable: Tensor) -> Tensor:
        """softmax(beta cue . key) over what is readable, (B, M, S); beta is 1 for patterns of +1 and -1."""
        beta = self.beta if self.steepness is Steepness.SOFTMAX else 1.0
        return shares(beta * cue @ key.mT, readable)

    def _moved(self, cue: Tensor, key: Tensor, readable: Tensor) -> Tensor:
        if self.steepness is Steepness.SOFTMAX:
            return self._shares(cue, key, readable) @ key
        return signed(self._field(cue, cue, key, key, readable), cue)

    def _field(self, cue: Tensor, own: Tensor, key: Tensor, part: Tensor, readable: Tensor) -> Tensor:
        """The sums whose signs units take: states `own` and parts of the keys, of all units or of one."""
        fit = cue @ key.mT
        if self.steepness is Steepness.EXPONENTIAL:
            least = torch.finfo(fit.dtype).min
            most = F.pad(fit.masked_fill(~readable, least), (0, 1), value=least).amax(-1, keepdim=True)
            # the clamp is for places that are not readable: what lies there may be larger than the largest
            low, here, high = ((fit - most + more).clamp(max=2).exp() * readable for more in (-2, 0, 2))
        else:
            scale = 2.0 ** math.ceil(math.log2(self.size + 2))  # a power of two: ties stay exact
            low, here, high = (self._grows(fit + more, scale) * readable for more in (-2, 0, 2))
        pull, hold = (high - low) / 2, (high - 2 * here + low).sum(-1) / 2
        if part.ndim == 2:
            return (pull @ part.unsqueeze(-1)).squeeze(-1) - own * hold
        return pull @ part - own * hold.unsqueeze(-1)

    def _grows(self, fit: Tensor, scale: float) -> Tensor:
        """F(z / scale) for the powers."""
        fit = fit.relu() if self.steepness is Steepness.RECTIFIED else fit
        return (fit / scale) ** self.power


def on_sphere(size: int, beta: float, radius: float, failure: float) -> tuple[float, float]:
    """c, and sqrt(p) c^((d - 1) / 4) patterns that the softmax stores at least, with probability 1 - p.

    For random patterns on a sphere of radius K sqrt(d - 1), `radius` being K and `failure` p. By Ramsauer
    et al. c = b / W0(exp(a + ln b)), a = 2 (1 + ln(2 beta K^2 p (d - 1))) / (d - 1), b = 2 K^2 beta / 5.
    """
    a = 2 / (size - 1) * (1 + math.log(2 * beta * radius**2 * failure * (size - 1)))
    b = 2 * radius**2 * beta / 5
    c = b / float(special.lambertw(math.exp(a + math.log(b))).real)
    return c, failure**0.5 * c ** ((size - 1) / 4)
