"""General sequential memory: energy and flow, the time a memory is held, sequences, cycles, and learning."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.core import State
from wavetrain.errors import BadInput
from wavetrain.memories.general_sequential import Dynamics, GeneralSequential, Nonlinearity

DSEM, LISEM = Nonlinearity.HIDDEN, Nonlinearity.FEATURE
ODD = {  # no strength or time is 1
    DSEM: Dynamics(1.3, 0.6, gain=2.0, gamma=0.3, fast=0.7, slow=9.0, step=0.05),
    LISEM: Dynamics(0.3, 0.2, gain=2.0, gamma=0.8, fast=0.7, slow=9.0, step=0.05),
}


def memory(size: int, kind: Nonlinearity = DSEM, dynamics: Dynamics | None = None) -> GeneralSequential:
    return GeneralSequential(size, kind, dynamics).double()


def signs(*shape: int, seed: int = 1) -> Tensor:
    return normal(*shape, seed=seed).sign()


def orthogonal(size: int) -> Tensor:
    """Sylvester's matrix of +1 and -1 (1, size, size)."""
    rows = torch.ones(1, 1, dtype=torch.float64)
    while len(rows) < size:
        rows = torch.cat([torch.cat([rows, rows], 1), torch.cat([rows, -rows], 1)])
    return rows[None]


def cycles(of: GeneralSequential, patterns: Tensor, *tours: tuple[int, ...]) -> State:
    state = of.empty(len(patterns))
    for tour in tours:
        state = of.write(state, patterns[:, list(tour)], patterns[:, [*tour[1:], tour[0]]])
    return state


def visits(path: Tensor, patterns: Tensor) -> tuple[list[int], list[int]]:
    """Which memory is nearest to a path (steps, N), in order, and at which step each of them begins."""
    nearest = (path @ patterns.T).argmax(-1)
    begins = torch.cat([torch.ones(1, dtype=torch.bool), nearest[1:] != nearest[:-1]])
    return nearest[begins].tolist(), begins.nonzero().flatten().tolist()


@pytest.mark.parametrize("kind", Nonlinearity)
def test_what_is_written(kind: Nonlinearity):
    """Two cycles: seven memories in seven places, and Phi their successors."""
    of, patterns = memory(16, kind), signs(2, 7, 16)
    xi, phi, taken = cycles(of, patterns, (0, 1, 2), (3, 4, 5, 6))
    assert taken.sum(1).tolist() == [7, 7] and not xi[~taken].any()
    for row in range(2):
        its = taken[row]
        assert torch.equal(xi[row, its], patterns[row])
        links = torch.zeros(7, 7, dtype=torch.float64)
        for i, j in ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 6), (6, 3)):
            links[i, j] = 1
        assert torch.equal(phi[row][its][:, its], links)
        assert phi[row].sum() == 7


@pytest.mark.parametrize("kind", Nonlinearity)
def test_the_flow_goes_down_the_energy(kind: Nonlinearity):
    """With d at rest: exact gradient descent in DSEM, and in LISEM with the slope of tanh for each unit."""
    of = memory(12, kind, ODD[kind])
    state = cycles(of, signs(2, 4, 12), (0, 1, 2, 3))
    v, d = normal(2, 3, 12, seed=2).requires_grad_(), normal(2, 3, 12, seed=3)
    (slope,) = torch.autograd.grad(of.energy(state, v, d).sum(), v)
    rate = 1 if kind is DSEM else ODD[kind].gamma * (1 - of.features(v) ** 2)
    close(slope, -rate * of.flow(state, v, d), "gradient of the energy, the flow turned round")


@pytest.mark.parametrize("kind", Nonlinearity)
def test_energy_falls_only_while_the_delay_rests(kind: Nonlinearity):
    of, patterns = memory(64, kind), signs(1, 3, 64)
    state = cycles(of, patterns, (0, 1, 2))
    v, d = normal(1, 1, 64), 2 * patterns[:, :1]
    energies = []
    for _ in range(400):
        energies.append(float(of.energy(state, v, d)))
        v = of.advance(state, v, d)[0]
    assert all(later <= before + 1e-12 for before, later in itertools.pairwise(energies))
    assert energies[0] - energies[-1] > 1
    own = torch.stack([of.energy(state, 4.5 * patterns[:, j : j + 1], 7 * patterns[:, :1]) for j in range(3)])
    assert own.argmin() == 1, "with the signal of memory 0 full, memory 1 lies lowest"


def test_energy_of_large_states_does_not_overflow():
    of = memory(8, LISEM)
    state = cycles(of, signs(1, 2, 8), (0, 1))
    v = torch.full((1, 1, 8), 2000.0, dtype=torch.float64)
    f = torch.ones(8, dtype=torch.float64)
    own = 8 * math.log(2)  # v f - log cosh v = log 2 where v is large
    expected = own - of.dynamics.hold * float(((state[0][0] @ f) ** 2).sum()) / 2
    assert float(of.energy(state, v, torch.zeros_like(v))) == pytest.approx(expected)


@pytest.mark.parametrize("kind", Nonlinearity)
def test_no_links_no_sequence(kind: Nonlinearity):
    """Without Phi every memory stays, for DSEM a modern Hopfield network."""
    of, patterns = memory(64, kind), signs(1, 4, 64)
    xi, phi, taken = cycles(of, patterns, (0, 1, 2, 3))
    path = of.walk((xi, 0 * phi, taken), patterns, 150.0)[0]
    for row in range(4):
        assert visits(path[row], patterns[0])[0] == [row]


@pytest.mark.parametrize("kind", Nonlinearity)
def test_only_the_product_of_cross_and_gain_counts(kind: Nonlinearity):
    patterns, ends = signs(1, 5, 40), []
    hold = 1.0 if kind is DSEM else 4.5 / 40
    cross = 0.7 if kind is DSEM else 1.125 / 40
    for share in (1.0, 7.0):
        of = memory(40, kind, Dynamics(hold, cross * share, gain=7.0 / share))
        ends.append(of.walk(cycles(of, patterns, (0, 1, 2, 3, 4)), patterns[:, :2], 12.0))
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("cross", "slow"), [(4.9, 40.0), (2.0, 40.0), (4.9, 80.0)])
def test_time_that_a_memory_of_dsem_is_held(cross: float, slow: float):
    """The closed forms, for a steep softmax and T_f = 1 well below T_d; in proportion to T_d."""
    of = memory(16, DSEM, Dynamics(1.0, cross, gain=1.0, gamma=100.0, slow=slow, step=0.2))
    assert of.dwell() == pytest.approx(-slow * math.log(1 - cross**-0.5))
    patterns = orthogonal(16)[:, 1:13]
    time = of.first_dwell() + 5.2 * of.dwell()
    path = of.walk(cycles(of, patterns, tuple(range(12))), patterns[:, :1], time)
    order, begins = visits(path[0, 0], patterns[0])
    assert order[:6] == [0, 1, 2, 3, 4, 5]
    times = 0.2 * torch.tensor(begins).diff().double()
    assert float(times[0]) == pytest.approx(of.first_dwell(), abs=2.0)
    assert float(times[2:5].mean()) == pytest.approx(of.dwell(), abs=2.0)


@pytest.mark.parametrize("cross", [1.125, 2.25])
def test_time_that_the_first_memory_of_lisem_is_held(cross: float):
    """With the fold of tanh, which is passed in a time of the order of (T_f^2 T_d)^(1/3) = 5.3."""
    of = memory(16, LISEM, Dynamics(4.5 / 16, cross / 16, slow=150.0))
    root = (7 / 9) ** 0.5
    assert of.pull() == pytest.approx(7 * cross / (4.5 * root - math.atanh(root)))
    patterns = orthogonal(16)[:, 1:3]
    pair = of.write(of.empty(1), patterns[:, :1], patterns[:, 1:])
    path = of.walk(pair, patterns[:, :1], of.first_dwell() + 3 * 5.3)
    order, begins = visits(path[0, 0], patterns[0])
    assert order == [0, 1]
    assert 0 < 0.1 * begins[1] - of.first_dwell() < 3 * 5.3


def test_times_in_figures():
    """A = 4.9, T_d = 20: 12.0, and 4.6 for the first; A = 1.1 holds 61."""
    of = memory(100)
    assert of.pull() == pytest.approx(4.9)
    assert of.dwell() == pytest.approx(12.02, abs=0.01) and of.first_dwell() == pytest.approx(4.565, abs=0.01)
    assert memory(100, DSEM, Dynamics(1.0, 1.1, gain=1.0)).dwell() == pytest.approx(61.4, abs=0.1)


@pytest.mark.parametrize("kind", Nonlinearity)
def test_a_weak_link_never_leads_on(kind: Nonlinearity):
    """A just below 1: the memory stays; just above: it ends."""
    for pull, order in ((0.97, [0]), (1.1, [0, 1])):
        how = memory(16, kind).dynamics
        cross = how.cross * pull / memory(16, kind).pull()
        of = memory(16, kind, Dynamics(how.hold, cross, gamma=1.0 if kind is LISEM else 100.0))
        assert of.pull() == pytest.approx(pull)
        patterns = orthogonal(16)[:, 1:4]
        path = of.walk(of.write(of.empty(1), patterns[:, :1], patterns[:, 1:2]), patterns[:, :1], 100.0)
        assert visits(path[0, 0], patterns[0])[0] == order
    with pytest.raises(BadInput, match=r"nothing follows it; their ratio is 0\.5"):
        weak = memory(16, DSEM, Dynamics(1.0, 0.5, gain=1.0))
        weak.read(weak.empty(1), patterns)


def test_times_where_a_memory_is_only_just_held():
    """A = 1 holds for ever, and so does less: nothing can be read; LISEM needs a gain of just above 1."""
    for cross in (1.0, 0.5):
        of = memory(16, DSEM, Dynamics(4.0, 2 * cross, gain=1.0))
        assert of.pull() == cross and of.dwell() == of.first_dwell() == math.inf
        with pytest.raises(BadInput, match="nothing follows it"):
            of.read(of.empty(1), signs(1, 1, 16))
    assert memory(8, LISEM, Dynamics(0.13, 0.1)).dynamics.hold == 0.13
    plain = memory(50, LISEM).dynamics
    assert (plain.hold, plain.cross, plain.gain) == (4.5 / 50, 1.125 / 50, 7.0)


@pytest.mark.parametrize("kind", Nonlinearity)
def test_a_walk_is_steps_of_euler_written_out(kind: Nonlinearity):
    how, of = ODD[kind], memory(6, kind, ODD[kind])
    xi, phi, taken = cycles(of, signs(1, 3, 6), (0, 1, 2))
    rows, links = xi[0], phi[0]
    v, d = normal(6), torch.zeros(6).double()
    path = of.walk((xi, phi, taken), v[None, None], 3.4 * how.step)[0, 0]
    assert len(path) == 3 and of.walk((xi, phi, taken), v[None, None], 0.0).shape == (1, 1, 1, 6)
    for step in range(3):
        f = v if kind is DSEM else (how.gamma * v).tanh()
        onward = how.cross * links.T @ (rows @ d)
        if kind is DSEM:
            h = (
                (how.gamma * (how.hold**0.5 * rows @ v + onward))
                .masked_fill(~taken[0], -torch.inf)
                .softmax(0)
            )
            flow = how.hold**0.5 * rows.T @ h - v
        else:
            flow = rows.T @ (how.hold * rows @ f + onward) - v
        v, d = v + how.step / how.fast * flow, d + how.step / how.slow * (how.gain * f - d)
        close(path[step], v if kind is DSEM else (how.gamma * v).tanh(), f"after step {step}")


@pytest.mark.slow
def test_two_cycles_are_walked_in_order():
    """100 units, cycles 0-1-2 and 3-4-5-6, c = 4.9, as in the released demonstration: ten rounds."""
    of, patterns = memory(100, DSEM, Dynamics(1.0, 4.9, step=0.2)), signs(1, 7, 100)
    path = of.walk(cycles(of, patterns, (0, 1, 2), (3, 4, 5, 6)), patterns[:, [0, 3]], 220.0)[0]
    assert visits(path[0], patterns[0])[0][:31] == [0, 1, 2] * 10 + [0]
    assert visits(path[1], patterns[0])[0][:41] == [3, 4, 5, 6] * 10 + [3]


@pytest.mark.parametrize("kind", Nonlinearity)
def test_reads_what_comes_next(kind: Nonlinearity):
    of, patterns = memory(64, kind), signs(2, 4, 64)
    out = of.read(cycles(of, patterns, (0, 1, 2, 3)), patterns)
    assert torch.equal(out.sign(), patterns.roll(-1, 1))


@pytest.mark.parametrize(
    ("kind", "size", "stored", "least", "most"),
    [
        (DSEM, 40, 256, 1.0, 1.0),
        (DSEM, 10, 256, 0.0, 0.5),
        (LISEM, 100, 5, 1.0, 1.0),
        (LISEM, 50, 60, 0.0, 0.3),
    ],
)
def test_how_many_are_too_many(kind: Nonlinearity, size: int, stored: int, least: float, most: float):
    """DSEM finds its way among six times as many memories as units, LISEM not among as many as units."""
    of, patterns = memory(size, kind), signs(1, stored, size)
    cues = min(stored - 1, 16)
    out = of.read(of.write(of.empty(1), patterns, patterns.roll(-1, 1)), patterns[:, :cues])
    right = (out @ patterns.mT).argmax(-1)[0] == torch.arange(1, cues + 1)
    assert least <= float(right.double().mean()) <= most


@pytest.mark.parametrize("kind", Nonlinearity)
def test_names_of_memories_do_not_count(kind: Nonlinearity):
    """Places in another order, with Phi alike, leave v as it is."""
    of = memory(12, kind, ODD[kind])
    xi, phi, taken = cycles(of, signs(1, 4, 12), (0, 1, 2, 3))
    turn = torch.randperm(xi.shape[1], generator=torch.Generator().manual_seed(1))
    turned = xi[:, turn], phi[:, turn][:, :, turn], taken[:, turn]
    v, d = normal(1, 3, 12), normal(1, 3, 12, seed=2)
    close(of.flow(turned, v, d), of.flow((xi, phi, taken), v, d), "flow with places in another order")


def test_hidden_neurons_share_one():
    of = memory(12, DSEM, ODD[DSEM])
    state = cycles(of, signs(2, 4, 12), (0, 1, 2, 3))
    h = of.hidden(state, normal(2, 3, 12), normal(2, 3, 12, seed=2))
    close(h.sum(-1), torch.ones(2, 3, dtype=torch.float64), "sum of the hidden neurons")
    assert not h.transpose(1, 2)[~state[2]].any()
    assert not of.hidden(of.empty(2), normal(2, 3, 12), normal(2, 3, 12)).numel()


def test_lisem_in_steps_is_a_recurrent_network():
    """Strengths 1, d at once where it tends to, a step of T_f: v' = Xi' (I + Phi') Xi tanh(v)."""
    of = memory(10, LISEM, Dynamics(1.0, 1.0, gain=1.0))
    xi, phi, taken = cycles(of, signs(1, 3, 10), (0, 1, 2))
    v = normal(1, 2, 10)
    matrix = xi[0].T @ (torch.eye(len(phi[0]), dtype=phi.dtype) + phi[0].T) @ xi[0]
    close(v + of.flow((xi, phi, taken), v, v.tanh()), v.tanh() @ matrix.T, "flow, matrix")


def test_learning_goes_down_a_difference_of_energies():
    """The update is the gradient of the couplings at the target minus those where the network is, h fixed."""
    how = ODD[DSEM]
    of = memory(12, DSEM, how)
    xi, phi, taken = of.blank(2, 5, torch.Generator().manual_seed(1))
    xi.requires_grad_(), phi.requires_grad_()
    v, d, target = normal(2, 1, 12, seed=2), normal(2, 1, 12, seed=3), signs(2, 1, 12)
    free = of.hidden((xi, phi, taken), v, d).detach()
    wanted = (how.gamma * how.hold**0.5 * target @ xi.mT).softmax(-1).detach()

    def coupling(v: Tensor, h: Tensor) -> Tensor:
        direct = (how.hold**0.5 * v @ xi.mT * h).sum()
        return direct + how.cross * ((d @ xi.mT) @ phi * h).sum()

    of_xi, of_phi = torch.autograd.grad(coupling(target, wanted) - coupling(v, free), [xi, phi])
    after = of.learn((xi, phi, taken), v, d, target, t_xi=3.0, t_phi=5.0)
    close(after[0], xi + how.step * of_xi / 3, "Xi after a step")
    close(after[1], phi + how.step * of_phi / 5, "Phi after a step")


def test_a_blank_memory_is_small():
    """Xi with a deviation of 1 / N and Phi with one of 1 / S: 100 x 80 x 40 draws, 5 deviations of theirs."""
    xi, phi, taken = memory(40).blank(100, 80, torch.Generator().manual_seed(1))
    assert xi.shape == (100, 80, 40) and phi.shape == (100, 80, 80) and taken.all()
    for part, deviation in ((xi, 1 / 40), (phi, 1 / 80)):
        assert abs(float(part.std()) / deviation - 1) < 5 / (2 * part.numel()) ** 0.5


def test_nothing_is_learned_where_the_target_is():
    of = memory(12)
    xi, phi, taken = of.blank(1, 5, torch.Generator().manual_seed(1))
    target, none = signs(1, 1, 12), torch.zeros(1, 1, 12, dtype=torch.float64)
    close(of.learn((xi, phi, taken), target, none, target, 1.0, 1.0)[:2], (xi, phi), "after, before")
    with pytest.raises(BadInput, match="expected DSEM to learn"):
        memory(12, LISEM).learn((xi, phi, taken), target, none, target, 1.0, 1.0)


def test_what_cannot_be_is_refused():
    good = torch.ones(1, 1, 8, dtype=torch.float64)
    with pytest.raises(BadInput, match=r"expected patterns of \+1 and -1, got 0.5"):
        memory(8).write(memory(8).empty(1), good / 2, good)
    with pytest.raises(BadInput, match=r"expected cue \(batch, many, 8\), got \(1, 1, 7\)"):
        memory(8).read(memory(8).empty(1), good[..., 1:])
    for hold, gamma in ((0.1, 0.1), (1.0, 0.1), (0.01, 10.0)):  # 8 hold gamma is at most 1
        with pytest.raises(BadInput, match="LISEM holds no memory"):
            memory(8, LISEM, Dynamics(hold=hold, cross=0.1, gamma=gamma))
