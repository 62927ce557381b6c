"""Thalamically routed cortical columns (TRC2): a language model that is meant to learn on without forgetting.

Khadangi 2026, arXiv 2602.22479, the later version, of which no code and few equations are known; what is ours
is marked *. Columns are transformer blocks whose MLP is a mixture of experts. After column l with stream H:

    C = W H                                       rank r
    Z = TRN(a C_near + b C_past)                  near: causal filter of 4 steps*; past: mean of C over s < t
    a, b = sigmoid(W [C, surprise])               TRN: z / (1 + rms of its group of 8)*
    queries of the next column  q + W_z (Z + F)   W_z starts at 0*
    F = sigmoid(c) W (sigmoid(W [H, M]) M)        M: what the hippocampus brings back, from one column on

The hippocampus holds events (key: the normalised stream at a step, value: that of the next step*) and reads
the nearest by softmax. Two critics, linear in the stream, learn the discounted loss to come, one fast and one
slow; their difference is the surprise. Steps at which the error of the fast one is above that of the slow one
are written, after the backward pass, over weaker events, whose strength fades*. Chunks of tokens are
rehearsed through the columns alone, at a weight that rises when they are forgotten. That is the rule
`consolidation`.
Left out: dropout, and the first version, whose equations let the future leak into the past.
"""
# Above 300 lines: one file, since columns, thalamus, hippocampus and rehearsal are one network.

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput
from wavetrain.networks._rehearsal import Rehearsal
from wavetrain.parts.rotary import rotary

BALANCE, DISCOUNT, NEAR, GROUP = 0.01, 0.9, 4, 8
HALVED = 4  # the strength of an event, while the hippocampus could have been filled so many times


class Run(NamedTuple):
    """What a network said, and what is to be remembered of it."""

    logits: Float[Tensor, "batch time vocabulary"]
    balance: Float[Tensor, ""]  # how unevenly experts are used: 1 for even use, times their number
    # normalised and detached, where events are taken; empty without a hippocampus
    stream: Float[Tensor, "batch time width"]
    state: State


class Gated(nn.Module):
    """SwiGLU: W_3 (silu(W_1 x) * W_2 x)."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.up, self.down = nn.Linear(width, 2 * hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * value)


class Experts(nn.Module):
    """One shared expert, and of several the two that the stream chooses, by their shares."""

    def __init__(self, width: int, hidden: int, experts: int):
        super().__init__()
        self.shared = Gated(width, hidden)
        self.choose = nn.Linear(width, experts, bias=False)
        self.each = nn.ModuleList(Gated(width, hidden) for _ in range(experts))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (..., D) to y alike, and the balance of their use."""
        share = self.choose(x).softmax(-1)
        top, which = share.topk(2, -1)
        weight = torch.zeros_like(share).scatter(-1, which, top / top.sum(-1, keepdim=True))
        y = sum((w.unsqueeze(-1) * expert(x) for w, expert in zip(weight.unbind(-1), self.each, strict=True)))
        used = (weight > 0).to(share).flatten(0, -2).mean(0) / 2
        return self.shared(x) + y, len(self.each) * (used * share.flatten(0, -2).mean(0)).sum()


class Column(nn.Module):
    """Attention of H heads that share keys and values in pairs, with rotary positions; and an MLP."""

    def __init__(self, width: int, heads: int, experts: int, rank: int | None):
        super().__init__()
        self.heads, shared = heads, max(1, heads // 2)
        self.before, self.after = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.query, self.out = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.memory = nn.Linear(width, 2 * shared * (width // heads), bias=False)
        self.hint = None if rank is None else nn.Linear(rank, width, bias=False)
        if self.hint is not None:
            nn.init.zeros_(self.hint.weight)
        self.mlp = Experts(width, width, experts) if experts else Gated(width, 3 * width)

    def forward(self, stream: Tensor, hint: Tensor | None, state: State) -> tuple[Tensor, Tensor, State]:
        """stream (B, T, D), hint (B, T, r) to the next stream, the balance of experts and the state."""
        u, (keys, values) = self.before(stream), state
        q = self.query(u) if hint is None or self.hint is None else self.query(u) + self.hint(hint)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, T, P)
        k, v = self.memory(u).unflatten(-1, (2, -1, q.shape[-1])).permute(2, 0, 3, 1, 4)  # (B, H / 2, T, P)
        begun, time = keys.shape[2], u.shape[1]
        place = torch.arange(begun, begun + time, device=u.device).expand(len(u), -1)
        q, k = rotary(q, place), rotary(k, place)
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        each = self.heads // keys.shape[1]
        past = torch.ones(time, begun + time, dtype=torch.bool, device=u.device).tril(begun)
        read = scan.attention(q, keys.repeat_interleave(each, 1), values.repeat_interleave(each, 1), past)
        stream = stream + self.out(read.transpose(1, 2).flatten(-2))
        done = self.mlp(self.after(stream))
        done, balance = done if isinstance(done, tuple) else (done, done.new_ones(()))
        return stream + done, balance, (keys, values)


class Thalamus(nn.Module):
    """What a column says to the queries of the next: near and past, gated, normalised in groups."""

    def __init__(self, width: int, rank: int):
        super().__init__()
        self.compress = nn.Linear(width, rank, bias=False)
        self.near = nn.Parameter(torch.randn(rank, 1, NEAR) * NEAR**-0.5)
        self.gate = nn.Linear(rank + 1, 2 * rank)

    def forward(self, stream: Tensor, surprise: Tensor, state: State) -> tuple[Tensor, State]:
        """stream (B, T, D), surprise (B, T, 1); the state is the last steps, their sum and number."""
        c, (latest, total, count) = self.compress(stream), state
        near, latest = scan.dilated(c, latest, self.near)
        number = count[:, None] + torch.arange(c.shape[1], device=c.device)  # (B, T) steps before
        past = (total.unsqueeze(1) + c.cumsum(1) - c) / number.clamp(min=1).unsqueeze(-1)
        here, there = self.gate(torch.cat([c, surprise], -1)).sigmoid().chunk(2, -1)
        return normalised(here * near + there * past), (latest, total + c.sum(1), count + c.shape[1])


def normalised(z: Tensor) -> Tensor:
    """Divisive normalisation in groups: z over 1 + the root of the mean square of its group."""
    group = z.unflatten(-1, (-1, GROUP))
    return (group / (1 + group.square().mean(-1, keepdim=True).sqrt())).flatten(-2)


class Hippocampus(nn.Module):
    """Events to be read, and the critics that say what is worth writing. All but the reading are buffers."""

    keys: Tensor
    values: Tensor
    strength: Tensor
    critics: Tensor

    def __init__(self, width: int, rank: int, slots: int, nearest: int, each: int):
        super().__init__()
        self.nearest, self.each = min(nearest, slots), each
        for name in ("keys", "values"):
            self.register_buffer(name, torch.zeros(slots, width))
        self.register_buffer("strength", torch.zeros(slots))  # 0: nothing is there
        self.register_buffer("critics", torch.zeros(2, width))  # fast, slow
        self.gate = nn.Linear(2 * width, width)
        self.bring = nn.Linear(width, rank, bias=False)
        self.open = nn.Parameter(torch.zeros(()))

    def surprise(self, stream: Tensor) -> Tensor:
        """By how much the fast critic expects more loss than the slow one, (B, T, 1)."""
        fast, slow = (stream @ self.critics.T).unbind(-1)
        return (fast - slow).unsqueeze(-1)

    def forward(self, stream: Tensor) -> Tensor:
        """What the normalised stream (B, T, D) brings back, (B, T, r)."""
        fit = F.normalize(stream, dim=-1) @ F.normalize(self.keys, dim=-1).T * self.keys.shape[1] ** 0.5
        best, which = fit.masked_fill(self.strength == 0, -torch.inf).topk(self.nearest, -1)
        weight = best.softmax(-1).nan_to_num(0.0)  # all zero where there is no event
        read = (weight.unsqueeze(-1) * self.values[which]).sum(-2)
        gate = self.gate(torch.cat([stream, read], -1)).sigmoid()
        return self.open.sigmoid() * self.bring(gate * read)

    @torch.no_grad()
    def write(self, stream: Tensor, loss: Tensor) -> None:
        """Teach the critics by the loss of each step (B, T), and keep the most surprising events.

        Strength fades, else what surprised a network that knew nothing would be kept for ever.
        """
        expected = stream @ self.critics.T  # (B, T, 2)
        error = loss[:, :-1, None] + DISCOUNT * expected[:, 1:] - expected[:, :-1]
        rates = stream.new_tensor([0.5, 0.05]) / stream.shape[-1]
        self.critics += torch.einsum("btc,btd,c->cd", error, stream[:, :-1], rates) / error[..., 0].numel()
        strength = (error[..., 0] - error[..., 1]).flatten()
        strongest, where = strength.topk(min(self.each, len(strength), len(self.strength)))
        fade = 0.5 ** (self.each / (HALVED * len(self.strength)))
        least = torch.finfo(self.strength.dtype).tiny  # 0 would mean that nothing is there
        self.strength.copy_((fade * self.strength).clamp(min=least).where(self.strength > 0, 0))
        weak, weakest = self.strength.topk(len(where), largest=False)
        written = strongest > weak  # together the strongest of old and new
        weakest, where = weakest[written], where[written]
        self.keys[weakest] = stream[:, :-1].flatten(0, 1)[where]
        self.values[weakest] = stream[:, 1:].flatten(0, 1)[where]
        self.strength[weakest] = strongest[written]


class CorticalColumns(Carrying):
    """Tokens (B, T) to scores of the next (B, T, vocabulary).

    Without experts the MLPs are SwiGLU of the size that is active with them. `rank` is that of the thalamus,
    a multiple of 8; `slots` are events of the hippocampus, which is read behind column `read_at`.

    >>> from wavetrain.networks import CorticalColumns
    >>> network = CorticalColumns(vocabulary=50, width=32, columns=2, heads=2)
    >>> network(torch.randint(50, (2, 20))).shape  # scores of the next token at each step
    torch.Size([2, 20, 50])
    """

    card = Card(
        title="Efficient continual learning in language models via thalamically routed cortical columns",
        authors="Khadangi, Afshin",
        year=2026,
        source="arXiv 2602.22479",
        family="attention",
        topic="Learning without forgetting",
    )

    def __init__(
        self,
        vocabulary: int,
        width: int = 64,
        columns: int = 3,
        heads: int = 4,
        experts: int = 8,
        rank: int = 16,
        thalamus: bool = True,
        slots: int = 512,
        read_at: int = 1,
        rehearsal: Rehearsal | None = None,
    ):
        super().__init__()
        check_width(
            "CorticalColumns", vocabulary=vocabulary, width=width, columns=columns, heads=heads, rank=rank
        )
        if width % heads or (heads > 1 and heads % 2) or rank % GROUP or experts < 0 or experts == 1:
            raise BadInput(
                f"CorticalColumns: expected 1 or an even number of heads that divides width, rank a multiple "
                f"of {GROUP} and no or two experts or more, got width {width}, {heads} heads, rank {rank} "
                f"and {experts} experts"
            )
        if slots and not 0 < read_at < columns:
            raise BadInput(
                f"CorticalColumns: expected read_at from 1 to {columns - 1}, behind a column and before "
                f"another, got {read_at}"
            )
        self.vocabulary, self.read_at, self.rehearsal = vocabulary, read_at, rehearsal
        self.embed = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embed.weight, std=0.02)
        hinted = rank if thalamus or slots else None
        self.columns = nn.ModuleList(
            Column(width, heads, experts, hinted if number else None) for number in range(columns)
        )
        self.thalamus = nn.ModuleList(Thalamus(width, rank) for _ in range(columns - 1)) if thalamus else None
        self.hippocampus = Hippocampus(width, rank, slots, nearest=8, each=8) if slots else None
        self.norm = nn.RMSNorm(width, eps=1e-6)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        run = self.run(x, state)
        return run.logits, run.state

    def begin(self, batch: int) -> State:
        """The state before the first token: for each column its attention's and its thalamus's."""
        column = self.columns[0]
        assert isinstance(column, Column)
        weight = column.memory.weight
        size = weight.shape[1] // column.heads
        none = weight.new_zeros(batch, len(weight) // (2 * size), 0, size)
        states = []
        for number in range(len(self.columns)):
            thalamus = self.thalamus[number] if self.thalamus and number < len(self.thalamus) else None
            rank = len(thalamus.near) if isinstance(thalamus, Thalamus) else 0
            count = torch.zeros(batch, dtype=torch.long, device=weight.device)
            near = weight.new_zeros(batch, NEAR - 1, rank), weight.new_zeros(batch, rank), count
            states.append(((none, none), near))
        return tuple(states)

    def run(self, x: Tensor, state: State = None, bare: bool = False) -> Run:
        """Tokens (B, T), going on from a state; `bare` leaves thalamus and hippocampus out.

        Raises BadInput where x is not whole numbers (B, T) below the vocabulary, or has no token.
        """
        if x.ndim != 2 or x.dtype != torch.long or not x.numel():
            raise BadInput(
                f"CorticalColumns: expected tokens (batch, time), got {tuple(x.shape)} of {x.dtype}"
            )
        if int(x.min()) < 0 or int(x.max()) >= self.vocabulary:
            raise BadInput(
                f"CorticalColumns: expected tokens from 0 to {self.vocabulary - 1}, got {int(x.min())} to "
                f"{int(x.max())}"
            )
        state = self.begin(len(x)) if state is None else state
        stream = F.rms_norm(self.embed(x), self.norm.weight.shape)
        zero = stream.new_zeros(*x.shape, 1)
        events, balances, hint, recalled, after = stream.detach()[:, :0], [], None, None, []
        surprise = zero
        for number, (column, (attention, near)) in enumerate(zip(self.columns, state, strict=True)):
            stream, balance, attention = column(stream, hint, attention)
            balances.append(balance)
            if not bare and self.hippocampus is not None and number + 1 == self.read_at:
                events = F.rms_norm(stream.detach(), stream.shape[-1:])
                recalled, surprise = self.hippocampus(events), self.hippocampus.surprise(events)
            if not bare and self.thalamus is not None and number < len(self.thalamus):
                hint, near = self.thalamus[number](stream, surprise, near)
                hint = hint if recalled is None else hint + recalled
            elif not bare:
                hint = recalled
            after.append((attention, near))
        logits = F.linear(self.norm(stream), self.embed.weight)
        return Run(logits, torch.stack(balances).mean(), events, tuple(after))
