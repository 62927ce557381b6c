"""Operations chained through a global workspace: a controller decides which module writes, step by step.

After the abstract of Chateau-Laurent and VanRullen 2025, arXiv 2503.01906; its equations were not available,
so these are ours. The workspace w is a distribution over K values, uniform at first. An LSTM opens gates g,
of sum 1, for an input module, for modules that operate on the workspace, and for the output, which holds it:

    h_t = LSTM([b if t = 0, else 0; g_{t-1}], h_{t-1}),   g_t = softmax(W h_t + c)
    y  += r_t g_out w_t,   r_{t+1} = r_t (1 - g_out)        r_0 = 1: what was not said yet
    w_{t+1} = g_in a + sum over modules of g_m f_m(w_t) + g_out w_t

The rest, r_T w_T, is said at the end. What a holds never reaches the controller. With one module that adds
one, the controller learns a program that adds b to a: input, b increments, output. Given the gates the
workspace is linear in what was written, which `influence` shows. Left out: gates for reading into modules.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import Card, Network, check_width
from wavetrain.errors import BadInput


class Trace(NamedTuple):
    """What happened: G gates are the input's, those of the modules in order, and the output's."""

    gates: Float[Tensor, "batch time modules"]  # of sum 1
    workspace: Float[Tensor, "batch moments symbols"]  # before each step and at the end, of sum 1
    said: Float[Tensor, "batch symbols"]  # of sum 1


class Shift(nn.Module):
    """The increment as it is meant: value k becomes k + 1, and the last the first."""

    def forward(self, workspace: Tensor) -> Tensor:
        return workspace.roll(1, -1)


class Table(nn.Module):
    """An operation to be learned: for each value a distribution over what it becomes, uniform at first."""

    def __init__(self, values: int):
        super().__init__()
        check_width("Table", values=values)
        self.scores = nn.Parameter(torch.zeros(values, values))

    def forward(self, workspace: Tensor) -> Tensor:
        return workspace @ self.scores.softmax(-1)


class GlobalWorkspace(Network):
    """x (B, 2), numbers to be written and for the controller to be told, to log y (B, values).

    The first are below `values`, the second below `told`. With `see`, x is (B, 2, ...) of anything, and `see`
    makes scores (B, values) of each of the two.

    >>> from wavetrain.networks import GlobalWorkspace
    >>> network = GlobalWorkspace(values=19, steps=12)
    >>> x = torch.tensor([[3, 4]])  # write 3, and tell the controller 4
    >>> log_y = network(x)
    >>> log_y.shape, round(log_y.exp().sum().item(), 4)  # a distribution over the answers
    (torch.Size([1, 19]), 1.0)
    """

    card = Card(
        title="Learning to chain operations by routing information through a global workspace",
        authors="Chateau-Laurent, Hugo and VanRullen, Rufin",
        year=2025,
        source="arXiv 2503.01906",
        family="memory network",
        topic="A global workspace",
    )

    def __init__(
        self,
        values: int = 19,
        told: int = 10,
        hidden: int = 32,
        steps: int = 12,
        modules: Sequence[nn.Module] | None = None,
        see: nn.Module | None = None,
    ):
        super().__init__()
        check_width("GlobalWorkspace", values=values, told=told, hidden=hidden, steps=steps)
        if told > values:
            raise BadInput(f"GlobalWorkspace: expected told of at most {values} values, got {told}")
        self.values, self.told, self.steps, self.see = values, told, steps, see
        self.operations = nn.ModuleList([Shift()] if modules is None else modules)
        gates = len(self.operations) + 2
        self.controller = nn.LSTMCell(told + gates, hidden)
        self.gate = nn.Linear(hidden, gates)

    def forward(self, x: Tensor) -> Tensor:
        return (self.trace(x).said + 1e-6).log()

    def trace(self, x: Tensor, hard: bool = False) -> Trace:
        """The run of a program on symbols x (B, 2); `hard` opens in each step only the widest gate."""
        written, seen = self._distributions(x)
        batch, gates = len(x), self.gate.out_features
        state, gate = None, written.new_zeros(batch, gates)
        workspace = torch.full_like(written, 1 / self.values)
        said, rest = torch.zeros_like(written), written.new_ones(batch, 1)
        opened, held = [], [workspace]
        for _ in range(self.steps):
            state = self.controller(torch.cat([seen, gate], 1), state)
            gate = self.gate(state[0]).softmax(-1)
            if hard:
                gate = F.one_hot(gate.argmax(-1), gates).to(gate)
            out = gate[:, -1:]
            said, rest = said + rest * out * workspace, rest * (1 - out)
            offers = torch.stack([written, *(part(workspace) for part in self.operations), workspace], 1)
            workspace = (gate.unsqueeze(-1) * offers).sum(1)
            seen = torch.zeros_like(seen)
            opened.append(gate)
            held.append(workspace)
        return Trace(torch.stack(opened, 1), torch.stack(held, 1), said + rest * workspace)

    @staticmethod
    def influence(gates: Tensor) -> Tensor:
        """How much of what was said at t was written at s, (B, T + 1, T); row T is the end. gates (B, T, G).

        What the sum of all lacks to 1 is said of the first, uniform workspace. Modules must keep the sum.
        """
        write, out = gates[..., 0], gates[..., -1]
        kept = (1 - write).unsqueeze(1)  # (B, 1, T)
        time = gates.shape[1]
        row, column = (
            torch.arange(time + 1, device=gates.device)[:, None],
            torch.arange(time, device=gates.device),
        )
        survived = []
        for s in range(time):  # written at s, still there before step t
            factors = torch.where((column > s) & (column < row), kept, 1.0).prod(-1)  # (B, T + 1)
            survived.append(write[:, s, None] * factors)
        rest = F.pad((1 - out).cumprod(1), (1, 0), value=1.0)  # (B, T + 1)
        spoken = rest * F.pad(out, (0, 1), value=1.0)
        return spoken.unsqueeze(-1) * torch.where(column < row, torch.stack(survived, -1), 0.0)

    def _distributions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the input module writes (B, values), and what the controller is told (B, told)."""
        if x.ndim < 2 or x.shape[1] != 2:
            raise BadInput(f"GlobalWorkspace: expected x (batch, 2), got {tuple(x.shape)}")
        if self.see is not None:
            scores = self.see(x.flatten(0, 1)).unflatten(0, (len(x), 2))
            if scores.shape[2:] != (self.values,):
                raise BadInput(
                    f"GlobalWorkspace: expected scores (batch, {self.values}) of what is seen, "
                    f"got {tuple(scores.shape[2:])} of each"
                )
            return scores[:, 0].softmax(-1), scores[:, 1, : self.told].softmax(-1)
        limit = torch.tensor([self.values, self.told], device=x.device)
        if x.ndim != 2 or x.dtype != torch.long or (x < 0).any() or (x >= limit).any():
            raise BadInput(
                f"GlobalWorkspace: expected x (batch, 2) of whole numbers below {self.values} and "
                f"{self.told}, got {tuple(x.shape)} of {x.dtype}"
            )
        kind = self.controller.weight_ih.dtype
        return F.one_hot(x[:, 0], self.values).to(kind), F.one_hot(x[:, 1], self.told).to(kind)
