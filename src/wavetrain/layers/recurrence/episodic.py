"""Episodic memory theory: a recurrent network without biases, and the circuit that binds variables in it.

Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430.

    h_t = tanh(W h_{t-1} + U x_t),   y_t = R h_t,   h_0 = 0,   weights uniform in +/- 1 / sqrt(N) at first

The circuit: s variables of d components are not memories themselves but coefficients on groups of memories,
the columns of a basis Psi (N, s d), one group of d for each variable. Phi (s d, s d) moves the coefficients
of each group to the one before, and composes what the last group receives.

    W = Psi Phi Psi^+,   U = Psi_s,   R = Psi^+_s      (the last d columns of Psi and rows of its dual)

The linear network with these weights solves every linear task exactly, in whatever basis; `bind` sets them.
With tanh the origin is a fixed point with Jacobian W, so the theory describes small activity; the authors say
that training ends at this circuit (the lens `privileged_basis` looks for it). It comes from general
sequential memory: T_d and the time of the hidden neurons go to 0, and x = tanh(v) follows x_t = tanh(Xi' (I +
Phi') Xi x_{t-1}). Left out: the tasks beyond linear ones (arithmetic, automata).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.errors import BadInput


class Episodic(Nonlinear):
    """x (B, T, inputs) to y (B, T, width); the state is h (B, hidden), by default 4 times width.

    >>> from wavetrain.layers import Episodic
    >>> layer, phi = Episodic(2, hidden=6), torch.eye(4).roll(2, 1)  # two variables that change places
    >>> layer.bind(phi, torch.linalg.qr(torch.randn(6, 4))[0])
    >>> size = torch.linalg.eigvals(layer.recur.weight.detach()).abs()
    >>> size.sort().values.round().tolist()  # their four numbers are held, on the unit circle
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """

    card = Card(
        title="Episodic Memory Theory for the Mechanistic Interpretation of Recurrent Neural Networks",
        authors="Karuvally, Arjun and DelMastro, Peter and Siegelmann, Hava T.",
        year=2023,
        source="arXiv 2310.02430",
        family="recurrence",
        topic="Working memory as waves",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        hidden: int | None = None,
        activation: scan.Activation = scan.Activation.TANH,
    ):
        super().__init__(width, inputs)
        hidden = 4 * width if hidden is None else hidden
        check_width("Episodic", hidden=hidden)
        self.hidden, self.activation = hidden, activation
        self.encode = nn.Linear(self.inputs, hidden, bias=False)
        self.recur = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, width, bias=False)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)

    def begin(self, batch: int) -> Float[Tensor, "batch hidden"]:
        return self.recur.weight.new_zeros(batch, self.hidden)

    def step(
        self, x: Float[Tensor, "batch inputs"], state: Float[Tensor, "batch hidden"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch hidden"]]:
        h = self._move(self.encode(x), state)[0]
        return self.out(h), h

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        h, last = scan.unroll(self._move, self.encode(x), state)
        return self.out(h), last

    @torch.no_grad()
    def bind(self, phi: Tensor, basis: Tensor) -> None:
        """Set the weights to the circuit phi (s d, s d) in a basis (hidden, s d); width and inputs are d.

        Raises BadInput where the shapes do not fit, or the columns of the basis are not independent.
        """
        size, d = len(phi), self.width
        if phi.shape != (size, size) or size % d or self.inputs != d:
            raise BadInput(
                f"Episodic: expected {d} inputs, the width, and phi ({d} s, {d} s), "
                f"got {self.inputs} inputs and phi {tuple(phi.shape)}"
            )
        if basis.shape != (self.hidden, size) or torch.linalg.matrix_rank(basis) < size:
            raise BadInput(
                f"Episodic: expected {size} independent columns of {self.hidden} units, "
                f"got {tuple(basis.shape)}"
            )
        dual = torch.linalg.pinv(basis)  # (s d, N)
        self.recur.weight.copy_(basis @ phi @ dual)
        self.encode.weight.copy_(basis[:, -d:])
        self.out.weight.copy_(dual[-d:])

    def _move(self, new: Tensor, state: State) -> tuple[Tensor, State]:
        h = self.activation(new + self.recur(state))
        return h, h
