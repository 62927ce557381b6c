"""State-regularised recurrence: after each step the state is drawn to one of a few learned centroids.

Wang, Lawrence and Niepert 2022, arXiv 2212.05178 (first at ICML 2019, arXiv 1901.08817).

    u_t = cell(h_{t-1}, x_t)
    a_t = softmax(u_t . s_i / temperature) over the centroids s_1 .. s_k
    h_t = sum_i a_t,i s_i,   y_t = h_t,   a_0 = softmax(u_0 . s_i / temperature) with u_0 learned

    GRU       z, r = hs(W x_t + U h),  n = tanh(W_n x_t + U_n (r h)),  u = z h + (1 - z) n;  no biases,
              hs(v) = clip(0.2 v + 0.5, 0, 1)
    LSTM      i, f, o = sigmoid and g = tanh of (W x_t + b + U h),  c_t = f c_{t-1} + i g,  u = o tanh(c_t)
    PEEPHOLE  the same, with p_i c_{t-1}, p_f c_{t-1} and p_o c_t added to the sums of i, f and o

The lower the temperature, the nearer h is to one centroid; in the limit, which `hard` takes, h is always one
of k vectors, and a network of the GRU cell is a finite automaton whose transitions can be read off (the lens
`automata`). Gradients then go past the choice as if it were soft. The LSTM's c is free, so that it can count.
The temperature is not learned; whoever trains may lower it, and it is saved with the parameters.

Centroids and u_0 start uniform in +/- 0.5, as the authors' for brackets; maps of h are orthogonal at first,
and peepholes 0.
Left out: states drawn at random by a_t; scores by distance; and the released code's start symbol, whose
place u_0 takes, and its peepholes of the forget gate, which are those of the input gate.
"""

import enum

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.automaton import Automaton

SPREAD = 0.5  # of the centroids at the start


class Cell(enum.Enum):
    """What makes u of the input and the state before."""

    GRU = "gru"
    LSTM = "lstm"
    PEEPHOLE = "peephole"  # an LSTM whose gates see its cells


class StateRegularized(Nonlinear):
    """x (B, T, inputs) to h (B, T, width); the state is a (B, states), of an LSTM a and c (B, width).

    `states` is the number of centroids. `hard` gives each step the centroid of the largest score.

    >>> from wavetrain.layers import StateRegularized
    >>> layer = StateRegularized(8, inputs=3, states=4, hard=True)
    >>> y, a = layer(torch.randn(20, 50, 3))
    >>> a.sum(-1).unique().tolist(), len(y.flatten(0, 1).unique(dim=0)) <= 4  # each step is at a centroid
    ([1.0], True)
    >>> layer.place(a).shape  # at which
    torch.Size([20])
    """

    card = Card(
        title="State-regularized recurrent neural networks to extract automata and explain predictions",
        authors="Wang, Cheng and Lawrence, Carolin and Niepert, Mathias",
        year=2022,
        source="IEEE TPAMI, arXiv 2212.05178",
        family="recurrence",
        topic="Gates",
    )
    temperature: Tensor

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        states: int = 12,
        cell: Cell = Cell.GRU,
        temperature: float = 1.0,
        hard: bool = False,
    ):
        super().__init__(width, inputs)
        check_width("StateRegularized", states=states)
        if not temperature > 0:
            raise BadInput(f"StateRegularized: the temperature must be above 0, got {temperature}")
        self.cell, self.hard = cell, hard
        gates = 3 if cell is Cell.GRU else 4
        self.encode = nn.Linear(self.inputs, gates * width, bias=cell is not Cell.GRU)
        self.recur = nn.Parameter(torch.empty(gates, width, width))
        self.peep = nn.Parameter(torch.zeros(3, width)) if cell is Cell.PEEPHOLE else None
        self.centroids = nn.Parameter(torch.empty(states, width).uniform_(-SPREAD, SPREAD))
        self.start = nn.Parameter(torch.empty(width).uniform_(-SPREAD, SPREAD))
        self.register_buffer("temperature", torch.tensor(float(temperature)))
        for gate in self.recur:
            nn.init.orthogonal_(gate)

    def begin(self, batch: int) -> State:
        a = self.weights(self.start.expand(batch, -1))
        return a if self.cell is Cell.GRU else (a, self.start.new_zeros(batch, self.width))

    def step(
        self, x: Float[Tensor, "batch inputs"], state: State
    ) -> tuple[Float[Tensor, "batch width"], State]:
        return self._move(self.encode(x), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.unroll(self._move, self.encode(x), state)

    def weights(self, u: Float[Tensor, "batch width"]) -> Float[Tensor, "batch states"]:
        """a: how much of each centroid the state is, of what the cell made."""
        a = (u @ self.centroids.T / self.temperature).softmax(-1)
        if not self.hard:
            return a
        return F.one_hot(a.argmax(-1), a.shape[-1]).to(a) + (a - a.detach())  # the last is exactly 0

    def place(self, state: State) -> Int[Tensor, "batch"]:
        """The centroid of which a state has most."""
        a = state if self.cell is Cell.GRU else state[0]
        return a.argmax(-1)

    @torch.no_grad()
    def bind(self, automaton: Automaton) -> None:
        """Set the weights of a GRU cell to a circuit that follows an automaton over one-hot symbols.

        Centroid i is its state i. A unit for each pair of state and symbol is 1 where they meet and else -1,
        and one unit is always 1; a centroid sums the pairs that lead to it, and as often the one that is
        always 1. One more unit for each state keeps centroids apart: width = states (symbols + 1) + 1.

        Raises BadInput where the sizes do not fit, or not all transitions are known.
        """
        states, symbols = automaton.after.shape
        pairs, width = states * symbols, states * (symbols + 1) + 1
        sizes = len(self.centroids), self.inputs, self.width
        unknown = int((automaton.after < 0).sum())
        if self.cell is not Cell.GRU or sizes != (states, symbols, width) or unknown:
            raise BadInput(
                f"StateRegularized: expected a GRU cell of {states} states, {symbols} inputs and width "
                f"{width}, and all transitions known, got {self.cell.name} of {sizes[0]}, {sizes[1]} and "
                f"{sizes[2]}, and {unknown} unknown"
            )
        leads = F.one_hot(torch.as_tensor(automaton.after).flatten(), states).double().T  # (states, pairs)
        centroids = torch.cat([leads, leads.sum(1, keepdim=True), torch.eye(states).double()], 1)
        apart = torch.linalg.pinv(centroids)  # (width, states): from centroid i to the unit vector i
        state, symbol = torch.cartesian_prod(torch.arange(states), torch.arange(symbols)).T
        self.recur.zero_()
        self.recur[2, :pairs] = (20 * apart.T[state]).to(self.recur)
        self.encode.weight.zero_()
        keep, reset, new = self.encode.weight.chunk(3)
        keep.fill_(-100)
        reset.fill_(100)
        new[:pairs] = 20 * (F.one_hot(symbol, symbols) - 1.5)
        new[pairs] = 20
        self.centroids.copy_(centroids)
        self.start.copy_(2 * apart[:, 0])

    def _move(self, drive: Tensor, state: State) -> tuple[Tensor, State]:
        """One step, from what the input adds to the sums (B, gates D)."""
        if self.cell is Cell.GRU:
            a = self.weights(self._gru(drive, state @ self.centroids))
            return a @ self.centroids, a
        u, c = self._lstm(drive, state[0] @ self.centroids, state[1])
        a = self.weights(u)
        return a @ self.centroids, (a, c)

    def _gru(self, drive: Tensor, h: Tensor) -> Tensor:
        keep, reset, new = drive.chunk(3, -1)
        keep_h, reset_h = (h @ self.recur[:2].flatten(0, 1).T).chunk(2, -1)
        keep = (0.2 * (keep + keep_h) + 0.5).clamp(0, 1)
        reset = (0.2 * (reset + reset_h) + 0.5).clamp(0, 1)
        new = (new + (reset * h) @ self.recur[2].T).tanh()
        return keep * h + (1 - keep) * new

    def _lstm(self, drive: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, o, g = (drive + h @ self.recur.flatten(0, 1).T).chunk(4, -1)
        if self.peep is not None:
            i, f = i + self.peep[0] * c, f + self.peep[1] * c
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        if self.peep is not None:
            o = o + self.peep[2] * c
        return o.sigmoid() * c.tanh(), c
