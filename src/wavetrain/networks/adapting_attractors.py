"""Adapting attractors: patterns that are held for a while and then give way, one after another.

Monaco, Rajan and Hwang 2021, arXiv 2105.07284, propose attractors as the tokens of a brain, made transient by
adaptation and without asymmetric weights. Units with symmetric weights, as in Hopfield 1984, tire:

    y = tanh(steep u)
    u_t = u_{t-1} + (-u_{t-1} + W y_{t-1} + x_t - adaptation a_{t-1}) / tau
    a_t = a_{t-1} + (y_{t-1} - a_{t-1}) / tau_tired,   W = sum of p p' / units, without its diagonal

Without adaptation a pattern stays for ever. With enough of it the pattern that was held is pushed away and
another takes over, or its own negative, which is a pattern too. x is noise or a hint; the network draws
nothing. The size of adaptation from which patterns give way is not published; ours is in the claim.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State
from wavetrain.errors import BadInput


class AdaptingAttractors(Carrying):
    """x (B, T, units) to y (B, T, units); the state is u and a, at first half of the first pattern.

    >>> from wavetrain.networks import AdaptingAttractors
    >>> network = AdaptingAttractors(torch.randn(3, 200).sign(), adaptation=0.7)
    >>> y = network(0.1 * torch.randn(1, 300, 200))
    >>> overlap = network.overlaps(y)[0].abs()
    >>> overlap[20].argmax().item(), overlap[20].max().item() > 0.9, overlap[:, 0].min().item() < 0.5
    (0, True, True)
    """

    card = Card(
        title="A brain basis of dynamical intelligence for AI and computational neuroscience",
        authors="Monaco, Joseph D. and Rajan, Kanaka and Hwang, Grace M.",
        year=2021,
        source="arXiv 2105.07284",
        family="attractor",
        topic="Associative memory",
    )

    def __init__(
        self,
        patterns: Float[Tensor, "many units"],
        adaptation: float = 0.0,
        tau: float = 10.0,
        tau_tired: float = 60.0,
        steep: float = 6.0,
    ):
        """`patterns` are of -1 and 1; times are in steps."""
        super().__init__()
        if patterns.ndim != 2 or not patterns.numel() or not bool((patterns.abs() == 1).all()):
            raise BadInput(
                "AdaptingAttractors: expected patterns (many, units) of -1 and 1, "
                f"got {tuple(patterns.shape)}"
            )
        if not (adaptation >= 0 and tau >= 1 and tau_tired >= 1 and steep > 0):
            raise BadInput(
                "AdaptingAttractors: expected an adaptation of 0 or more, times of 1 step or more and a "
                f"steepness above 0, got {adaptation}, {tau}, {tau_tired} and {steep}"
            )
        self.units = self.inputs = patterns.shape[1]
        self.adaptation, self.tau, self.tau_tired, self.steep = adaptation, tau, tau_tired, steep
        self.register_buffer("patterns", patterns.to(torch.get_default_dtype()))
        weight = self.patterns.T @ self.patterns / self.units
        self.weight = nn.Parameter(weight - torch.diag(weight.diagonal()))

    patterns: Tensor

    def begin(self, batch: int) -> State:
        u = (0.5 * self.patterns[0]).expand(batch, -1)
        return u, torch.zeros_like(u)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One input x (B, units) gives y and the next state."""
        u, tired = state
        y = torch.tanh(self.steep * u)
        u = u + (y @ self.weight.T + x - self.adaptation * tired - u) / self.tau
        return torch.tanh(self.steep * u), (u, tired + (y - tired) / self.tau_tired)

    def carry(
        self, x: Float[Tensor, "batch time units"], state: State = None
    ) -> tuple[Float[Tensor, "batch time units"], State]:
        if x.ndim != 3 or x.shape[-1] != self.units or x.shape[1] == 0:
            raise BadInput(
                f"AdaptingAttractors: expected x (batch, time, {self.units}), got {tuple(x.shape)}"
            )
        state = self.begin(len(x)) if state is None else state
        said = []
        for now in x.unbind(1):
            y, state = self.step(now, state)
            said.append(y)
        return torch.stack(said, 1), state

    def overlaps(self, y: Float[Tensor, "*steps units"]) -> Float[Tensor, "*steps many"]:
        """How much of each pattern is there, from -1 to 1."""
        return y @ self.patterns.T / self.units
