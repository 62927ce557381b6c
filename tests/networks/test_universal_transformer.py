"""Universal Transformer: the equations written out, one block for all steps, and when a position halts."""

import copy
import math

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.errors import BadInput
from wavetrain.networks.universal_transformer import Block, Halting, Transformer, UniversalTransformer, signal


def network(halting: Halting | None = None, steps: int = 3, causal: bool = False) -> UniversalTransformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return UniversalTransformer(3, 5, 8, 2, steps, 12, halting, causal).double()


def certain(p: float, halting: Halting) -> UniversalTransformer:
    """Every position halts with probability p at every step."""
    net = network(halting)
    with torch.no_grad():
        net.halt.weight.zero_()
        net.halt.bias.fill_(math.log(p / (1 - p)) if 0 < p < 1 else 1000 * (2 * p - 1))
    return net


def layer_norm(x: Tensor) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + 1e-5)


def naive_block(block: Block, x: Tensor) -> Tensor:
    """One sequence x (T, D), one position and one head at a time; gains 1 and shifts 0 as at the start."""
    time, size = len(x), x.shape[1] // block.heads
    q, k, v = (x @ block.project.weight.T).view(time, 3, block.heads, size).unbind(1)
    rows = []
    for i in range(time):
        seen = i + 1 if block.causal else time
        heads = []
        for h in range(block.heads):
            fit = torch.stack([q[i, h] @ k[j, h] / math.sqrt(size) for j in range(seen)])
            share = fit.exp() / fit.exp().sum()
            heads.append(sum(share[j] * v[j, h] for j in range(seen)))
        a = layer_norm(x[i] + block.out.weight @ torch.cat(heads))
        first, _, second = block.transition
        inner = (first.weight @ a + first.bias).clamp(min=0)
        rows.append(layer_norm(a + second.weight @ inner + second.bias))
    return torch.stack(rows)


def places(time: int, step: int, width: int, start: int = 0) -> Tensor:
    """P_t as printed, positions and steps from 1."""
    p = torch.zeros(time, width, dtype=torch.float64)
    for i in range(time):
        for j in range(width // 2):
            rate = 10_000 ** (-2 * j / width)
            p[i, 2 * j] = math.sin((start + i + 1) * rate) + math.sin(step * rate)
            p[i, 2 * j + 1] = math.cos((start + i + 1) * rate) + math.cos(step * rate)
    return p


@torch.no_grad()
@pytest.mark.parametrize("causal", [False, True])
def test_is_the_formula(causal: bool):
    net, x = network(causal=causal), normal(2, 6, 3)
    rows = []
    for h in x @ net.encode.weight.T:
        for step in (1, 2, 3):
            h = naive_block(net.block, h + places(6, step, 8))
        rows.append(net.read(h))
    close(net(x), torch.stack(rows), "forward, written out")
    done = net.run(x)
    assert (done.steps == 3).all() and (done.ponder == 3).all()
    assert done.weight.mean((1, 2)).tolist() == [0, 0, 1]


@torch.no_grad()
def test_shared_steps_are_a_stack_of_copies():
    """T steps with one block = T blocks with copied weights; the number of parameters knows no T."""
    net, x = network(steps=4), normal(2, 5, 3)
    h = net.encode(x)
    for step, block in enumerate([copy.deepcopy(net.block) for _ in range(4)], 1):
        h = block(h + places(5, step, 8))
    close(net(x), net.read(h), "shared, copied")
    counts = {sum(p.numel() for p in network(steps=steps).parameters()) for steps in (1, 4, 9)}
    block = 4 * 8 * 8 + 2 * 8 * 12 + 12 + 8 + 4 * 8
    assert counts == {3 * 8 + block + 8 * 5 + 5}
    deep = Transformer(3, 5, 8, 2, steps=4, hidden=12)
    assert sum(p.numel() for p in deep.parameters()) == 3 * 8 + 4 * block + 8 * 5 + 5


@torch.no_grad()
def test_transformer_adds_positions_once():
    net, x = Transformer(3, 5, 8, 2, steps=2, hidden=12).double(), normal(1, 6, 3)
    only = places(6, 0, 8) - torch.tensor([0.0, 1.0] * 4, dtype=x.dtype)  # without sin 0 and cos 0 of a step
    h = x[0] @ net.encode.weight.T + only
    for block in net.blocks:
        h = naive_block(block, h)
    close(net(x)[0], net.read(h), "forward, written out")


@torch.no_grad()
@pytest.mark.parametrize("halting", [None, Halting(most=5)])
def test_without_positions_a_permutation_permutes(halting: Halting | None, monkeypatch: pytest.MonkeyPatch):
    net, x = network(halting), normal(2, 7, 3)
    order = torch.tensor([3, 0, 6, 1, 2, 5, 4])
    assert not torch.allclose(net(x[:, order]), net(x)[:, order]), "positions make no difference"
    path = "wavetrain.networks.universal_transformer._places"
    monkeypatch.setattr(path, lambda h, start: h.new_zeros(1, h.shape[1], h.shape[2]))
    close(net(x[:, order]), net(x)[:, order], "permuted before, permuted after")


@torch.no_grad()
def test_causal_never_reads_ahead():
    for halting in (None, Halting(most=5)):
        net, x = network(halting, causal=True), normal(2, 7, 3)
        later = x.clone()
        later[:, 4:] += 1
        close(net(later)[:, :4], net(x)[:, :4], "future changed, future as it was")
        maps = net.attention(x)
        assert not maps.triu(1).any()


@torch.no_grad()
def test_attention_of_each_step():
    net, x = network(), normal(2, 6, 3)
    maps = net.attention(x)
    assert maps.shape == (3, 2, 2, 6, 6)
    close(maps.sum(-1), torch.ones(3, 2, 2, 6, dtype=x.dtype), "sum of a row, one")
    h = net.encode(x) + places(6, 1, 8)
    v = net.block._heads(h)[2]
    mixed = (maps[0] @ v).transpose(1, 2).flatten(-2)
    a = net.block.mixed(h + net.block.out(mixed))
    close(net.block.moved(a + net.block.transition(a)), net.block(h), "block from its weights, block")


@torch.no_grad()
@pytest.mark.parametrize("interpolated", [True, False])
def test_certain_halting_is_one_step(interpolated: bool):
    run, x = certain(1.0, Halting(most=6, interpolated=interpolated)).run, normal(2, 5, 3)
    one = network(steps=1)
    one.load_state_dict(certain(1.0, Halting(most=6)).state_dict(), strict=False)
    done = run(x)
    close(done.output, one(x), "halted at once, one block")
    assert done.weight.shape == (1, 2, 5) and (done.weight == 1).all()
    assert (done.steps == 1).all() and (done.ponder == 2).all()  # n = 1 and R = 1


@torch.no_grad()
def test_no_halting_runs_all_steps_without_a_remainder():
    done = certain(0.0, Halting(most=6)).run(normal(2, 5, 3))
    assert (done.steps == 6).all() and (done.ponder == 6).all()
    assert done.weight.shape == (6, 2, 5) and not done.weight.any()
    some = certain(0.1, Halting(most=6)).run(normal(2, 5, 3))
    close(some.weight.sum(0), torch.full((2, 5), 0.6, dtype=torch.float64), "sum of weights, 6 p")


@torch.no_grad()
def test_halting_by_hand():
    """p = 0.3: 0.3, 0.6, 0.9 and then 1.2 > 0.99, so 4 steps with weights 0.3, 0.3, 0.3 and 0.1."""
    net, x = certain(0.3, Halting(most=10)), normal(2, 5, 3)
    done = net.run(x)
    expected = torch.tensor([0.3, 0.3, 0.3, 0.1], dtype=x.dtype)[:, None, None].expand(-1, 2, 5)
    close(done.weight, expected, "weights by hand")
    assert (done.steps == 4).all()
    close(done.ponder, torch.full((2, 5), 4.1, dtype=x.dtype), "n + R")


@torch.no_grad()
def test_what_just_reaches_the_limit_goes_on():
    """p = 1/2 and a slack of 1/2: the first half is not above the limit, the second is."""
    done = certain(0.5, Halting(most=6, slack=0.5)).run(normal(2, 5, 3))
    assert (done.weight == 0.5).all() and done.weight.shape == (2, 2, 5)
    assert (done.steps == 2).all() and (done.ponder == 2.5).all()


@torch.no_grad()
@pytest.mark.parametrize("most", [1, 4])
def test_attention_is_shown_for_as_many_steps_as_there_may_be(most: int):
    net, x = network(Halting(most=most)), normal(2, 5, 3)
    plain = network(steps=most)
    plain.load_state_dict(net.state_dict(), strict=False)
    close(net.attention(x), plain.attention(x), "maps of a network that halts, of one that does not")
    assert len(net.attention(x)) == most


@torch.no_grad()
@pytest.mark.parametrize("interpolated", [True, False])
def test_both_rules_of_mixing(interpolated: bool):
    """Weights 0.4, 0.4, 0.2: a sum gives these; moving by them gives 0.192, 0.32 and 0.2 of the states."""
    halting = Halting(most=10, interpolated=interpolated)
    net, x = certain(0.4, halting), normal(2, 5, 3)
    h, states = net.encode(x), []
    for step in (1, 2, 3):
        h = net.block(h + places(5, step, 8))
        states.append(h)
    shares = (0.192, 0.32, 0.2) if interpolated else (0.4, 0.4, 0.2)
    mixed = sum(share * state for share, state in zip(shares, states, strict=True))
    close(net.run(x).output, net.read(mixed), "output, mixed by hand")


@torch.no_grad()
def test_positions_halt_by_themselves():
    """Weights of who halted sum to 1 and then stay 0; the remainder is 1 - what came before."""
    net, x = network(Halting(most=20)), 3 * normal(20, 9, 3)
    net.halt.weight.mul_(4)
    net.halt.bias.fill_(-1.5)
    done = net.run(x)
    halted = done.weight.sum(0) > 0.98
    assert halted.double().mean() > 0.9 and len(done.steps.unique()) >= 4, "all positions do alike"
    close(done.weight.sum(0)[halted], torch.ones(int(halted.sum()), dtype=x.dtype), "sum of weights, one")
    number = torch.arange(1, len(done.weight) + 1)[:, None, None]
    assert not done.weight[number > done.steps].any()
    last = done.weight.gather(0, done.steps.long()[None] - 1)[0]
    close((done.ponder - done.steps)[halted], last[halted], "R, weight of the last step")
    assert not (done.ponder - done.steps)[~halted].any()


@torch.no_grad()
def test_the_loop_ends_when_all_have_halted():
    """A batch is as slow as its slowest position, and nobody's answer depends on the company."""
    net, x = network(Halting(most=20)), normal(6, 4, 3)
    net.halt.weight.mul_(4)
    together = net.run(x)
    alone = [net.run(one[None]) for one in x]
    assert len(together.weight) == max(len(one.weight) for one in alone)
    assert len({len(one.weight) for one in alone}) > 1
    close(together.output, torch.cat([one.output for one in alone]), "together, alone")


def test_ponder_cost_teaches_to_halt():
    net, x = network(Halting(most=12)), normal(4, 6, 3)
    with torch.no_grad():
        net.halt.bias.fill_(-2.0)
    before = net.run(x)
    optimiser = torch.optim.SGD(net.halt.parameters(), 0.5)
    for _ in range(40):
        optimiser.zero_grad()
        net.run(x).ponder.mean().backward()
        optimiser.step()
    assert net.run(x).steps.mean() < before.steps.mean() - 1


@pytest.mark.parametrize("halting", [None, Halting(most=4)])
def test_every_parameter_learns(halting: Halting | None):
    net = network(halting)
    run = net.run(normal(3, 6, 3))
    (run.output.square().mean() + 0.01 * run.ponder.mean()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_a_start_shifts_positions():
    net, x = network(), normal(2, 9, 3)
    both = net(x, torch.tensor([0, 5]))
    close(both[0], net(x)[0], "start 0, no start")
    h = net.encode(x[1:])
    for step in (1, 2, 3):
        h = net.block(h + places(9, step, 8, start=5))
    close(both[1:], net.read(h), "start 5, positions from 6")
    assert not torch.allclose(both[1], net(x)[1])


def test_signal_far_away_is_exact():
    """There is no table that could end, and no rounding of large angles."""
    place = torch.tensor([1, 40, 400, 10**7])
    expected = [[math.sin(i), math.cos(i), math.sin(i / 100), math.cos(i / 100)] for i in place.tolist()]
    close(signal(place, 4), torch.tensor(expected, dtype=torch.float64), "signal, by hand")
    assert signal(place, 3).shape == (4, 3)


@torch.no_grad()
def test_tokens_are_one_hot_vectors():
    net = network()
    x = torch.tensor([[0, 2, 1], [1, 1, 0]])
    close(net(x), net(torch.nn.functional.one_hot(x, 3).double()), "tokens, one-hot")


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        UniversalTransformer(3, 5, 8, 3)
    with pytest.raises(BadInput, match="steps must be a whole number"):
        UniversalTransformer(3, 5, steps=0)
    with pytest.raises(BadInput, match="most must be a whole number"):
        UniversalTransformer(3, 5, halting=Halting(most=0))
    with pytest.raises(BadInput, match="slack must lie between 0 and 1"):
        UniversalTransformer(3, 5, halting=Halting(slack=1.0))
    net = network()
    for shape in ((2, 6), (2, 6, 4), (2, 0, 3)):
        with pytest.raises(BadInput, match="expected tokens"):
            net(torch.zeros(shape, dtype=torch.float64))
    with pytest.raises(BadInput, match=r"expected start \(2,\)"):
        net(normal(2, 6, 3), torch.zeros(3, dtype=torch.long))
    with pytest.raises(BadInput, match="expected tokens from 0 to 2"):
        net(torch.tensor([[3]]))
