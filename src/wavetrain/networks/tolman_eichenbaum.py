"""The Tolman-Eichenbaum machine: where one is and what is seen there, bound in a fast Hebbian memory.

Whittington, Muller, Mark, Chen, Barry, Burgess and Behrens 2020, Cell 183, 1249-1263. One step, row vectors;
modules f = 1 .. F from high to low frequency, of s_f sampled cells, 3 s_f cells of g and s_f C cells of p:

    g' = clamp(g + g D(a))          path integration by the last action; slow modules drive fast ones too
    x_f = (1 - a_f) x_f + a_f x     x is the observation, two of C units; x~_f = w_f normalised(x_f - mean)+
    p_x = A(x~ tiled, M_x)          what is remembered of this observation; mu = MLP(p_x, summed over C)
    g = mean of g' and clamp(mu), each weighed by its precision, mu's told by |mu|^2 and the memory's error
    p = f_p(f_g(g) repeated o x~ tiled)     place times observation, flattened; f_g takes the first s_f
    p_g = A(f_g(g) repeated, M)     and p_g' of g' likewise: the prediction, which has not seen x
    M <- clamp(k M + eta (p + p_g)^T (p - p_g) o mask);   M_x alike, with p_x for p_g and no mask
    A(h, M): h <- f_p(0.8 h + h M), five times; with M, module f stops one time sooner than module f - 1

f_p(z) is leaky relu(clamp(z)). Observations are told from the first module of p, p_g and p_g', summed over
place. Inside a chunk of time M is kept as the sum of its writes and read as linear attention: q M = sum over
s of k^(t-1-s) eta (q . (p + p_g)_s) (p - p_g)_s. At its end the sum is folded into a matrix and clamped, and
gradients stop: chunks of one step are the definition, and longer ones give the same until M reaches 1.

Left out: the decay of the learning rate, which is the optimiser's, that of the price of g, which is slow,
clipping by parameter, and updates inside a walk. Losses are means over all steps to known nodes, and the mean
in x~ is that of one observation, not of the batch.
"""
# Above 300 lines: one file, since the codes, the memory and the losses between them are one model.

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain import scan
from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput

KAPPA, KEEP, ETA = 0.8, 0.9999, 0.5
SMOOTH = (0.99, 0.3, 0.09, 0.03, 0.01)  # a_f before training


class Schedule(NamedTuple):
    """What changes while training goes on."""

    eta: float  # rate of writing
    keep: float  # what is left of M after a step
    ramp: float  # weight of the losses between codes, 0 to 1
    doubt: float  # in what the memory says about g, 1 to 0
    thrift: float  # weight of the price of p, 1 to 0


class Walk(NamedTuple):
    """What happened along a chunk. G, P: cells of g and of p in all modules."""

    predicted: Float[Tensor, "batch time symbols"]  # logits of the next observation, from the action alone
    g: Float[Tensor, "batch time grids"]  # inferred
    path: Float[Tensor, "batch time grids"]  # by path integration
    p: Float[Tensor, "batch time places"]  # inferred
    by_place: Float[Tensor, "batch time places"]  # p_g
    by_sight: Float[Tensor, "batch time places"]  # p_x


class Bindings(NamedTuple):
    """M and M_x, along axis 1: what earlier chunks left, and the writes of this one, to be read as a sum."""

    old: Tensor | None  # (B, 2, P, P), None where empty; no gradient goes there
    keys: Tensor  # (B, 2, t, P), p + p_g and p + p_x
    values: Tensor  # (B, 2, t, P), p - p_g and p - p_x
    left: Tensor  # (t), what is left of each write

    def write(self, p: Tensor, recalled: Tensor, now: Schedule) -> "Bindings":
        """A write of p (B, P), where (B, 2, P) was recalled."""
        p = p.unsqueeze(1)
        return Bindings(
            None if self.old is None else now.keep * self.old,
            torch.cat([self.keys, (p + recalled).unsqueeze(2)], 2),
            torch.cat([self.values, (p - recalled).unsqueeze(2)], 2),
            F.pad(now.keep * self.left, (0, 1), value=now.eta),
        )

    def read(self, probes: Tensor) -> Tensor:
        """Probes (B, m, F, P) times the first m matrices."""
        m = probes.shape[1]
        new = (probes @ self.keys[:, :m].mT * self.left) @ self.values[:, :m]
        return new if self.old is None else new + probes @ self.old[:, :m]

    def matrix(self) -> Tensor:
        """Both as matrices, (B, 2, P, P), clamped; rows are asked, columns answer."""
        new = self.keys.mT @ (self.left[:, None] * self.values)
        return (new if self.old is None else new + self.old).clamp(-1, 1)


class Blocks(nn.Module):
    """An MLP of one hidden layer for each module: (B, sum of inputs) to (B, sum of outputs)."""

    def __init__(self, sizes: Sequence[tuple[int, int, int]], act: Callable[[Tensor], Tensor]):
        super().__init__()
        self.act = act
        self.first = nn.ModuleList(linear(inputs, hidden) for inputs, hidden, _ in sizes)
        self.last = nn.ModuleList(linear(hidden, outputs) for _, hidden, outputs in sizes)

    def ready(self) -> Callable[[Tensor], Tensor]:
        """The map itself, all modules as one, put together once for all steps."""
        first, last = _joined(self.first), _joined(self.last)
        return lambda z: F.linear(self.act(F.linear(z, *first)), *last)


class TolmanEichenbaum(Carrying):
    """x (B, T, 1 + S + A) to logits (B, T, 1 + S) of the next observation; causal.

    A step is a one-hot observation, class 0 where nothing is seen, and the one-hot action that leads to the
    next, zeros to stand still. `modules` are the sampled cells of each, from high to low frequency; C is
    the fewest units of which two can stand for each observation. Schedules run with `iteration`, which
    `ByChunks` counts: `length` stands for the paper's 20,000, and after `trust` iterations, 400 in the paper,
    what the memory says about g comes to count.

    >>> from wavetrain.networks import TolmanEichenbaum
    >>> TolmanEichenbaum(observations=5, modules=(3, 2))(torch.zeros(2, 10, 1 + 5 + 4)).shape
    torch.Size([2, 10, 6])
    """

    card = Card(
        title="The Tolman-Eichenbaum machine: Unifying space and relational memory through generalization "
        "in the hippocampal formation",
        authors="Whittington, James C. R. and Muller, Timothy H. and Mark, Shirley and Chen, Guifen "
        "and Barry, Caswell and Burgess, Neil and Behrens, Timothy E. J.",
        year=2020,
        source="Cell 183, doi 10.1016/j.cell.2020.10.024",
        family="cognitive map",
        topic="Cognitive maps",
    )
    iteration: Tensor
    table: Tensor
    repeat: Tensor
    spot: Tensor
    tile: Tensor
    reach: Tensor
    own: Tensor
    modular: Tensor
    drives: Tensor
    runs: Tensor

    def __init__(
        self,
        observations: int = 45,
        actions: int = 4,
        modules: Sequence[int] = (10, 10, 8, 6, 6),
        length: int = 20_000,
        trust: int = 400,
        iterations: int = 5,
    ):
        super().__init__()
        check_width("TolmanEichenbaum", observations=observations, actions=actions)
        check_width("TolmanEichenbaum", length=length, trust=trust, iterations=iterations)
        check_width("TolmanEichenbaum", cells=min(modules, default=0))
        if len(modules) > len(SMOOTH):
            raise BadInput(f"TolmanEichenbaum: expected 1 to {len(SMOOTH)} modules, got {len(modules)}")
        code = math.ceil((1 + math.sqrt(1 + 8 * observations)) / 2)  # C (C - 1) / 2 >= S
        self.observations, self.actions, self.code = observations, actions, code
        self.cells, self.length, self.trust = tuple(modules), length, trust
        many = len(self.cells)
        every = torch.arange(many)
        self.of_g, owners = (
            [at for at, size in enumerate(self.cells) for _ in range(size * each)] for each in (3, code)
        )
        of_g, of_p = torch.tensor(self.of_g), torch.tensor(owners)

        def blocks(block: Callable[[int], Tensor]) -> Tensor:
            return torch.block_diag(*(block(s) for s in self.cells))

        pairs = torch.tensor(list(itertools.combinations(range(code), 2))[:observations])
        self._fixed("table", F.pad(F.one_hot(pairs, code).sum(1), (0, 0, 1, 0)))  # (1 + S, C)
        self._fixed("repeat", torch.eye(sum(self.cells)).repeat_interleave(code, 1))  # (sum s, P)
        self._fixed("spot", blocks(lambda s: torch.eye(3 * s, s)) @ self.repeat)  # (G, P), f_g and repeat
        self._fixed("tile", blocks(lambda s: torch.eye(code).repeat(1, s)))  # (F C, P)
        self._fixed("own", blocks(lambda s: torch.ones(1, s * code)))  # (F, P), the cells of a module
        slower = every[:, None] <= of_p
        self._fixed("reach", torch.stack([slower, torch.ones_like(slower)]))  # (2, F, P), who drives a module
        self._fixed("modular", blocks(lambda s: torch.ones(3 * s, 1)))  # (G, F), the cells of a module
        self._fixed("drives", of_g[:, None] >= of_g)  # (G, G), from row to column
        stop = torch.arange(iterations)[:, None] < (iterations - of_p).clamp(min=1)
        runs = torch.stack([stop, torch.ones_like(stop)], 1)
        self.register_buffer("runs", runs)  # (iterations, 2, P), the cells that move
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))

        cells = len(of_g)
        self.first = nn.Parameter(nn.init.trunc_normal_(torch.empty(cells), std=0.5, a=-1, b=1))
        self.first_spread = nn.Parameter(torch.zeros(cells))  # a logarithm, like all spreads
        self.hidden = nn.Parameter(nn.init.xavier_normal_(torch.empty(actions, 20 * many)))
        self.drive = nn.Parameter(torch.zeros(20, cells, cells))  # so that D = 0
        self.path_spread = Blocks([(3 * s, 6 * s, 3 * s) for s in self.cells], torch.tanh)
        self.recall = Blocks([(s, 6 * s, 3 * s) for s in self.cells], F.elu)
        self.recall_spread = Blocks([(2, 6 * s, 3 * s) for s in self.cells], torch.tanh)
        for last in self.recall.last.parameters():
            if last.ndim == 2:
                nn.init.trunc_normal_(last, std=0.1, a=-0.2, b=0.2)
        self.smooth = nn.Parameter(torch.tensor(SMOOTH[:many]).logit())
        self.sight = nn.Parameter(torch.ones(many))
        self.scale, self.shift = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(code))
        self.tell = nn.Sequential(linear(code, 20 * code), nn.ELU(), linear(20 * code, 1 + observations))

    def begin(self, batch: int) -> State:
        """Before the first observation: g' and its log spread, x_f, and both matrices."""
        path, spread = (part.expand(batch, -1) for part in (self.first, self.first_spread))
        units, cells = self.tile.shape
        return path, spread, path.new_zeros(batch, units), path.new_zeros(batch, 2, cells, cells)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        walked, state = self.walk(x, state)
        return walked.predicted, state

    def walk(self, x: Tensor, state: State = None) -> tuple[Walk, State]:
        """x (B, T, inputs) as one chunk, after the state: the codes of all steps, and the last state.

        Raises BadInput where x has another number of channels, or no step.
        """
        channels = (1 + self.observations, self.actions)
        if x.ndim != 3 or x.shape[-1] != sum(channels) or not x.shape[1]:
            wanted = f"(batch, time, {sum(channels)})"
            raise BadInput(f"TolmanEichenbaum: expected x {wanted}, got {tuple(x.shape)}")
        seen, action = x.split(channels, -1)
        now, transition, path_spread = self.schedule(), self.transition(), self.path_spread.ready()
        recall, recall_spread = self.recall.ready(), self.recall_spread.ready()
        path, spread, sight, old = self.begin(len(x)) if state is None else state
        none = old.new_zeros(len(x), 2, 0, old.shape[-1])
        memory = Bindings(None if state is None else old.detach(), none, none, none.new_zeros(0))
        steps: list[tuple[Tensor, ...]] = []
        sensed, sight = self.sense(seen, sight)
        for t, content in enumerate(sensed.unbind(1)):
            asked = torch.stack([path @ self.spot, content], 1)
            by_path, by_sight = self.attract(asked, memory).unbind(1)
            mean = recall(by_sight @ self.repeat.mT)
            doubt = recall_spread(self.evidence(mean, by_sight, seen[:, t])).exp() + 10_000 * now.doubt
            g = combine(path, spread.exp(), mean.clamp(-1, 1), doubt)
            p = _fp(g @ self.spot * content)
            by_place = self.attract((g @ self.spot).unsqueeze(1), memory).squeeze(1)
            memory = memory.write(p, torch.stack([by_place, by_sight], 1), now)
            steps.append((by_path, g, path, p, by_place, by_sight))
            path, spread = self.move(g, action[:, t], transition), path_spread(g)
        arrivals, *codes = (torch.stack(part, 1) for part in zip(*steps, strict=True))
        last = self.attract((path @ self.spot).unsqueeze(1), memory)
        predicted = self.decode(torch.cat([arrivals[:, 1:], last], 1))
        return Walk(predicted, *codes), (path, spread, sight, memory.matrix())

    def schedule(self) -> Schedule:
        """What is phased in, at the iteration that training has come to."""
        i = float(self.iteration) * 20_000 / self.length
        return Schedule(
            eta=ETA * min((i + 1) / 16_000, 1),
            keep=KEEP * min((i + 1) / 200, 1),
            ramp=min((i + 1) / 2000, 1),
            doubt=1 / (1 + math.exp(min(2 * float(self.iteration) / self.trust - 2, 700))),
            thrift=max(1 - (i + 1) / 4000, 0),
        )

    def sense(self, seen: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Observations (B, T, 1 + S) and x_f before (B, F C) give x~ tiled, (B, T, P), and x_f at the end."""
        rate = self.smooth.sigmoid().repeat_interleave(self.code)
        sights, last = scan.linear(1 - rate, rate * (seen @ self.table).tile(len(self.cells)), before)
        sight = sights.unflatten(-1, (-1, self.code))  # (B, T, F, C)
        unit = F.normalize(F.relu(sight - sight.mean(-1, keepdim=True)), dim=-1)
        return (self.sight.sigmoid()[:, None] * unit).flatten(2) @ self.tile, last

    def transition(self) -> Tensor:
        """D of each action, (A, G, G); rows drive columns."""
        hidden = self.hidden.tanh().unflatten(1, (20, -1))[..., self.of_g]  # (A, 20, G)
        return torch.einsum("ahj,hij->aij", hidden, self.drive) * self.drives

    def move(self, g: Tensor, action: Tensor, transition: Tensor) -> Tensor:
        """g (B, G) after the action (B, A)."""
        change = (g @ transition).transpose(0, 1)  # (B, A, G)
        return (g + (action.unsqueeze(-1) * change).sum(1)).clamp(-1, 1)

    def evidence(self, mean: Tensor, by_sight: Tensor, seen: Tensor) -> Tensor:
        """What tells how far mu (B, G) is to be trusted, (B, 2 F) for F modules.

        It is the size of mu before the clamp, and how wrong the memory is on x (B, inputs) by sight.
        """
        with torch.no_grad():
            wrong = ((self.decode(by_sight).softmax(-1) - seen) ** 2).sum(-1, keepdim=True) / 2
        size = mean**2 @ self.modular
        return torch.stack([size, wrong.expand_as(size)], 2).flatten(1)

    def attract(self, asked: Tensor, memory: Bindings) -> Tensor:
        """What is asked (B, m, P) of the first m matrices, settled: (B, m, P)."""
        m, h = asked.shape[1], _fp(asked)
        for runs in self.runs:
            driven = memory.read(h.unsqueeze(2) * self.reach[:m])  # (B, m, F, P)
            h = torch.where(runs[:m], _fp(KAPPA * h + (driven * self.own).sum(2)), h)
        return h

    def decode(self, p: Tensor) -> Tensor:
        """Logits (..., 1 + S) of the observation in p (..., P), from the module of highest frequency."""
        first = p[..., : self.cells[0] * self.code].unflatten(-1, (-1, self.code)).sum(-2)
        return self.tell(self.scale * first + self.shift)

    def losses(self, walk: Walk, x: Tensor, known: Tensor) -> Tensor:
        """All losses of a chunk but that of the prediction: a mean over the steps at known nodes (B, T)."""
        now, target = self.schedule(), x[..., 1 : 1 + self.observations].argmax(-1)[known]
        p, g = walk.p[known], walk.g[known]

        def apart(one: Tensor, other: Tensor) -> Tensor:
            return ((one - other[known]) ** 2).sum(-1).mean() / 2

        codes = apart(p, walk.by_place) + (1 - now.doubt) * apart(p, walk.by_sight) + apart(g, walk.path)
        prices = 0.01 * (g**2).sum(-1).mean() / 2 + 0.02 * now.thrift * p.abs().sum(-1).mean()
        told = F.cross_entropy(self.decode(p)[:, 1:], target)
        told = told + F.cross_entropy(self.decode(walk.by_place[known])[:, 1:], target)
        return told + now.ramp * codes + prices

    def _fixed(self, name: str, matrix: Tensor) -> None:
        self.register_buffer(name, matrix.to(torch.get_default_dtype()))


def combine(one: Tensor, spread: Tensor, other: Tensor, doubt: Tensor) -> Tensor:
    """The mean of two words on the same, weighed by their precisions; `spread` and `doubt` are deviations."""
    ratio = (spread / doubt) ** 2
    return one + (other - one) * ratio / (1 + ratio)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Xavier's weights, biases of zero."""
    one = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(one.weight)
    nn.init.zeros_(one.bias)
    return one


def _joined(part: nn.ModuleList) -> tuple[Tensor, Tensor]:
    """Linear maps side by side: one matrix of blocks, and one bias."""
    maps = [one for one in part if isinstance(one, nn.Linear)]
    return torch.block_diag(*(one.weight for one in maps)), torch.cat([one.bias for one in maps])


def _fp(z: Tensor) -> Tensor:
    return F.leaky_relu(z.clamp(-1, 1), 0.01)
