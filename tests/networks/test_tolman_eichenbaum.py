"""The Tolman-Eichenbaum machine: its equations written out, limits of its memory, and a map that is given."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.networks.tolman_eichenbaum import Bindings, Schedule, TolmanEichenbaum, combine
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks

SMALL = (3, 2)
NOW = Schedule(eta=0.5, keep=0.9999, ramp=1.0, doubt=0.0, thrift=1.0)


def network(observations: int = 15, modules: tuple[int, ...] = SMALL, iteration: int = 0) -> TolmanEichenbaum:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = TolmanEichenbaum(observations, 4, modules, length=100, trust=5).double()
    net.iteration.fill_(iteration)
    return net


def moving(iteration: int = 80) -> TolmanEichenbaum:
    """A network in which actions move g, as they do after some training."""
    net = network(iteration=iteration)
    with torch.no_grad():
        net.drive.copy_(0.3 * normal(*net.drive.shape))
    return net


def walk(batch: int, time: int, observations: int = 15, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    seen = 1 + torch.randint(observations, (batch, time), generator=generator)
    action = torch.randint(4, (batch, time), generator=generator)
    return torch.cat([F.one_hot(seen, 1 + observations), F.one_hot(action, 4)], -1).double()


def test_sizes_of_the_paper():
    net = TolmanEichenbaum()
    assert net.table.shape == (46, 10) and net.own.shape == (5, 400)
    assert net.own.sum(1).tolist() == [100, 100, 80, 60, 60]
    assert net.first.shape == (30 + 30 + 24 + 18 + 18,)
    torch.testing.assert_close(net.smooth.sigmoid(), torch.tensor([0.99, 0.3, 0.09, 0.03, 0.01]))
    assert net.tell[0].weight.shape == (200, 10) and net.tell[2].weight.shape == (46, 200)


def test_two_hot():
    table = TolmanEichenbaum().table[1:]
    assert len(table.unique(dim=0)) == 45
    assert (table.sum(1) == 2).all() and ((table == 0) | (table == 1)).all()
    assert (TolmanEichenbaum(21).code, TolmanEichenbaum(22).code) == (7, 8)


def test_one_observation_is_both_of_two_units():
    net = TolmanEichenbaum(1, 1, (1,))
    assert net.table.tolist() == [[0, 0], [1, 1]] and net.first.shape == (3,)
    assert TolmanEichenbaum(2, 1, (1,)).table.tolist() == [[0, 0, 0], [1, 1, 0], [1, 0, 1]]


def test_what_is_seen_is_smoothed_without_its_mean_and_of_length_w():
    """Each module by itself: a rate for each, the mean over its units, their norm, and a weight; tiled."""
    net = network(observations=6)  # four units, of which two stand for each observation
    with torch.no_grad():
        net.smooth.copy_(torch.tensor([0.75, 0.25], dtype=torch.float64).logit())
        net.sight.copy_(torch.tensor([0.9, 0.2], dtype=torch.float64).logit())
    seen, before = walk(2, 5, 6)[..., :7], normal(2, 8)
    tiled, last = net.sense(seen, before)
    units, now = [], before.view(2, 2, 4)
    for observed in seen.unbind(1):
        fed = observed @ net.table
        parts = []
        for module, (rate, weight) in enumerate(((0.75, 0.9), (0.25, 0.2))):
            sight = (1 - rate) * now[:, module] + rate * fed
            above = (sight - sight.mean(1, keepdim=True)).clamp(min=0)
            parts.append((sight, weight * above / above.square().sum(1, keepdim=True).sqrt()))
        now = torch.stack([sight for sight, _ in parts], 1)
        units.append(torch.cat([parts[0][1].repeat(1, 3), parts[1][1].repeat(1, 2)], 1))
    close(tiled, torch.stack(units, 1), "x~ for each cell")
    close(last, now.flatten(1), "the last x_f")


def test_repeat_and_tile_are_an_outer_product():
    net = network(modules=(4,))
    g, x = normal(5, 4), normal(5, net.code)
    p = (g @ net.repeat) * (x @ net.tile)
    close(p, torch.einsum("bi,bj->bij", g, x).flatten(1), "p and the outer product of place and observation")
    close(p @ net.repeat.T, g * x.sum(1, keepdim=True), "p summed over observation")
    close(p @ net.tile.T, x * g.sum(1, keepdim=True), "p summed over place")


def test_place_takes_the_first_third_of_each_module():
    net = network()
    g = torch.arange(15.0).double()
    assert (g @ net.spot).reshape(5, -1)[:, 0].tolist() == [0, 1, 2, 9, 10]


def test_nothing_moves_before_training_nor_standing_still():
    """D starts at 0; and an action of zeros gives D = 0 in any network."""
    g = normal(4, 15).clamp(-1, 1)
    net = network()
    for action in torch.eye(4).double():
        close(net.move(g, action.expand(4, -1), net.transition()), g, "g moved by D = 0")
    net = moving()
    close(net.move(g, torch.zeros(4, 4).double(), net.transition()), g, "g standing still")
    assert (net.move(g, torch.eye(4).double(), net.transition()) != g).any()


def test_slow_modules_drive_fast_ones_only():
    transition = moving().transition()
    assert transition[:, :9, 9:].abs().max() == 0  # from the fast module to the slow one
    assert (transition[:, 9:, :9] != 0).all() and (transition[:, :9, :9] != 0).all()


def test_transition_written_out():
    """Hidden units of the module that is moved, tanh, no biases."""
    net, g = moving(), normal(15)
    hidden = net.hidden.tanh().view(4, 20, 2)
    moved = g.clone()
    for j in range(15):
        for i in range(0 if j < 9 else 9, 15):
            moved[j] += sum(hidden[2, h, int(j >= 9)] * net.drive[h, i, j] * g[i] for h in range(20))
    action = torch.tensor([[0.0, 0, 1, 0]]).double()
    close(net.move(g[None], action, net.transition())[0], moved.clamp(-1, 1), "g moved")


def test_an_empty_memory_shrinks_what_is_asked():
    net = network()
    h = normal(3, 1, 30).abs().clamp(max=1)
    none = h.new_zeros(3, 2, 0, 30)
    empty = Bindings(None, none, none, h.new_zeros(0))
    close(net.attract(h, empty)[:, 0, :18], 0.8**5 * h[:, 0, :18], "module 1")
    close(net.attract(h, empty)[:, 0, 18:], 0.8**4 * h[:, 0, 18:], "module 2")


def filled(steps: int = 4) -> Bindings:
    none = torch.zeros(3, 2, 0, 30).double()
    memory = Bindings(0.1 * normal(3, 2, 30, 30), none, none, none.new_zeros(0))
    for step in range(steps):
        memory = memory.write(0.2 * normal(3, 30, seed=step), 0.2 * normal(3, 2, 30, seed=step + 50), NOW)
    return memory


def test_writes_are_the_delta_rule():
    """M <- k M + eta (p + p^)^T (p - p^) at each step."""
    m = 0.1 * normal(3, 2, 30, 30)
    for step in range(4):
        p, recalled = 0.2 * normal(3, 1, 30, seed=step), 0.2 * normal(3, 2, 30, seed=step + 50)
        m = 0.9999 * m + 0.5 * torch.einsum("bmi,bmj->bmij", p + recalled, p - recalled)
    assert m.abs().max() < 1
    close(filled().matrix(), m, "the sum of writes and the matrix")


def test_what_is_known_writes_nothing():
    p = normal(3, 30)
    before = filled()
    after = before.write(p, p[:, None].expand(-1, 2, -1), NOW)
    close(after.matrix(), 0.9999 * before.matrix(), "M after a write of what it recalled")


def test_attractor_written_out():
    """The masked matrix, five iterations, modules stopping early; against the form of sums."""
    net, memory, asked = network(), filled(), normal(3, 2, 30)
    of = torch.tensor([0] * 18 + [1] * 12)
    matrix = memory.matrix()
    masks = [(of[:, None] >= of).double(), torch.ones(30, 30).double()]
    for which, stops in ((0, (5, 4)), (1, (5, 5))):
        h = F.leaky_relu(asked[:, which].clamp(-1, 1), 0.01)
        for iteration in range(5):
            moved = 0.8 * h + torch.einsum("bi,bij->bj", h, matrix[:, which] * masks[which])
            runs = torch.tensor([iteration < stops[module] for module in of])
            h = torch.where(runs, F.leaky_relu(moved.clamp(-1, 1), 0.01), h)
        close(net.attract(asked, memory)[:, which], h, f"memory {which}")


def test_weighing_by_precision():
    one, other, equal = normal(5), normal(5, seed=2), torch.full((5,), 0.3).double()
    close(combine(one, equal, other, equal), (one + other) / 2, "the mean of two of equal spread")
    close(combine(one, equal, other, torch.tensor(1e9)), one, "the mean with an endless spread beside")
    close(combine(one, 2 * equal, other, equal), (one + 4 * other) / 5, "the mean of unequal spread")


@pytest.mark.parametrize("iteration", [5, 10**6])
def test_doubt_is_told_by_the_size_before_the_clamp(iteration: int):
    """mu of 3 and of 0.5 in all cells of the two modules: sizes of 81 and 1.5, where g moves by 1 and 0.5.

    After five iterations a half of 10,000 is added to the memory's deviation, and paths are as unsure here.
    """
    net, x = network(iteration=iteration), walk(2, 1)
    spread = 1.0 if iteration > 5 else 5000.0
    added = 0.0 if iteration > 5 else 5000.0
    mu = torch.tensor([3.0] * 9 + [0.5] * 6).double()
    with torch.no_grad():
        for last, part in zip(net.recall.last, mu.split([9, 6]), strict=True):
            last.weight.zero_()  # type: ignore[operator]
            last.bias.copy_(part)  # type: ignore[operator]
        none = x.new_zeros(2, 2, 0, 30)
        content = net.sense(x[:, :, :16], net.begin(2)[2])[0]
        by_sight = net.attract(content.expand(-1, 2, -1), Bindings(None, none, none, none.new_zeros(0)))[:, 1]
        error = (net.decode(by_sight).softmax(-1) - x[:, 0, :16]).square().sum(-1) / 2
        told = torch.stack([torch.full((2,), 81.0), error, torch.full((2,), 1.5), error], 1).double()
        net.first_spread.fill_(math.log(spread))
        doubt = net.recall_spread.ready()(told).exp() + added
        g = combine(net.first, torch.full((15,), spread).double(), mu.clamp(-1, 1), doubt)
        close(net.walk(x)[0].g[:, 0], g, "g, of a memory without bounds")


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_make_no_difference(chunk: int):
    """In chunks of one step it is the definition, with M as a matrix at every step."""
    net, x, state, outputs = moving(), walk(3, 11), None, []
    (whole, *_), last = net.walk(x)
    for part in x.split(chunk, 1):
        done, state = net.walk(part, state)
        outputs.append(done.predicted)
    close(torch.cat(outputs, 1), whole, f"chunks of {chunk}, one chunk")
    close(list(state), list(last), "the last state")
    assert last[3].abs().max() < 1


def test_the_prediction_has_not_seen_the_answer():
    net, x = moving(), walk(2, 9)
    other = x.clone()
    other[:, 6, 1:16] = other[:, 6, 1:16].roll(1, -1)
    change = (net(x) - net(other)).abs().amax((0, 2))
    assert (change[:6] == 0).all() and change[6:].max() > 1e-9


def test_sequences_do_not_meet():
    net, x = moving(), walk(3, 8)
    close(net(x)[1:2], net(x[1:2]), "a walk in a batch, alone")


def test_schedules():
    """At the paper's length, half of 20,000 iterations in."""
    net = TolmanEichenbaum()
    net.iteration.fill_(1000 - 1)
    now = net.schedule()
    assert (now.eta, now.ramp, now.thrift) == (0.5 / 16, 0.5, 0.75)
    assert now.keep == 0.9999 and now.doubt == pytest.approx(1 / (1 + math.exp(599 / 200)))
    net.iteration.fill_(400)
    assert net.schedule().doubt == 0.5
    net.iteration.zero_()
    assert net.schedule()[:3] == pytest.approx((0.5 / 16_000, 0.9999 / 200, 1 / 2000), rel=1e-12)
    assert net.schedule()[3:] == pytest.approx((1 / (1 + math.exp(-2)), 1 - 1 / 4000), rel=1e-12)
    net.iteration.fill_(99)
    assert net.schedule().keep == pytest.approx(0.9999 / 2, rel=1e-12)
    net.iteration.fill_(10**9)
    assert net.schedule()[:3] == (0.5, 0.9999, 1) and net.schedule()[3:] == pytest.approx((0, 0), abs=1e-300)
    short = TolmanEichenbaum(length=200, trust=4)
    short.iteration.fill_(2)  # 200 of the paper's
    assert short.schedule().ramp == pytest.approx(201 / 2000, rel=1e-12)
    assert short.schedule().doubt == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-12)


@pytest.mark.parametrize("iteration", [0, 5, 30])
def test_losses_are_those_written_out(iteration: int):
    """Step by step: what is told twice, codes that shall agree, and the prices of cells; mean over steps."""
    net, x = moving(iteration), walk(2, 7)
    known = torch.rand(2, 7, generator=torch.Generator().manual_seed(1)) < 0.6
    done, now = net.walk(x)[0], net.schedule()
    total, steps = torch.zeros(()).double(), known.nonzero().tolist()
    for b, t in steps:
        p, g, seen = done.p[b, t], done.g[b, t], x[b, t, 1:16].argmax()
        for code in (p, done.by_place[b, t]):
            total = total - net.decode(code)[1:].log_softmax(0)[seen]
        apart = 0.5 * (p - done.by_place[b, t]).square().sum() + 0.5 * (g - done.path[b, t]).square().sum()
        apart = apart + 0.5 * (1 - now.doubt) * (p - done.by_sight[b, t]).square().sum()
        total = total + now.ramp * apart + 0.005 * g.square().sum() + 0.02 * now.thrift * p.abs().sum()
    torch.testing.assert_close(net.losses(done, x, known), total / len(steps))
    if iteration == 5:  # 1,000 of the paper's 20,000
        assert 0.4 < now.ramp < 0.6 and 0.7 < now.thrift < 0.8 and now.doubt == 0.5


def knowing(world: worlds.World, iterations: int = 5) -> TolmanEichenbaum:
    """No training: g is the node itself, from whatever node; actions permute it; labels are read as kept."""
    net = TolmanEichenbaum(
        20, len(world.actions), (world.nodes,), length=1, trust=10**6, iterations=iterations
    )
    net.iteration.fill_(1)  # eta has its full size, and the memory has no say on g
    with torch.no_grad():
        net.first.copy_(torch.eye(3 * world.nodes)[0])
        net.hidden.copy_(20 * torch.eye(len(world.actions), 20))  # tanh gives a unit for each action
        for action, to in enumerate(world.successor.T):
            net.drive[action, : world.nodes, : world.nodes] = torch.eye(world.nodes)[to] - torch.eye(
                world.nodes
            )
        net.tell = torch.nn.Linear(net.code, 21, bias=False)
        net.tell.weight.copy_(net.table)
    return net


@pytest.mark.parametrize("iterations", [5, 1])
def test_with_a_map_given_every_known_node_is_answered(iterations: int):
    """Links that were never taken included; and what cannot be known is not."""
    task = graph_walks(length=200)
    walked = task.walks(8, torch.Generator().manual_seed(3))
    seen, (x, _) = worlds.steps(task.world, walked), task.encode(walked)
    told = knowing(task.world, iterations)(x)[..., 1:].argmax(-1)
    right = told == walked.label[:, 1:]
    assert right[seen.visited].all() and seen.zero_shot.sum() > 200
    assert right[~seen.visited].float().mean() < 0.25  # one in 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"observations": 0},
        {"actions": 0},
        {"modules": ()},
        {"modules": (3, 0)},
        {"modules": (1, 1, 1, 1, 1, 1)},
        {"length": 0},
        {"trust": 0},
        {"iterations": 0},
    ],
)
def test_bad_sizes(wrong: dict[str, object]):
    with pytest.raises(BadInput):
        TolmanEichenbaum(**wrong)  # type: ignore[arg-type]


def test_bad_input():
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 20\), got \(2, 5, 10\)"):
        network()(torch.zeros(2, 5, 10))
    with pytest.raises(BadInput, match=r"got \(2, 0, 20\)"):
        network()(torch.zeros(2, 0, 20))
    with pytest.raises(BadInput, match=r"got \(5, 20\)"):
        network()(torch.zeros(5, 20))
