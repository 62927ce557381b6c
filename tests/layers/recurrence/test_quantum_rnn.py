"""Quantum RNN: turns at known angles, norms, the published numbers of parameters, and the fast form."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.quantum_rnn import QuantumRNN, _heard, _set, _turned


def layer(order: int = 2, stages: int = 1, workspace: int = 3, inputs: int = 2) -> QuantumRNN:
    """In general position, with bits that go in and probabilities that come out as they are."""
    make = functools.partial(QuantumRNN, workspace=workspace, stages=stages, order=order)
    one = generic(make, 2**inputs, inputs)
    with torch.no_grad():
        one.encode.copy_(torch.eye(inputs))
        one.out.copy_(torch.eye(2**inputs))
    return one


def bits(*shape: int, seed: int = 1) -> Tensor:
    return torch.randint(2, shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(
    ("workspace", "inputs", "stages", "degree", "count"),
    [
        (5, 3, 2, 3, 1162),
        (4, 2, 1, 3, 264),
        (8, 2, 2, 2, 1212),
        (6, 2, 2, 3, 1292),
        (5, 3, 1, 2, 382),
        (5, 3, 1, 1, 109),
        (3, 3, 1, 1, 57),
    ],
)
def test_published_numbers_of_parameters(workspace, inputs, stages, degree, count):
    """Without the maps of inputs and outputs, which are the identity there."""
    one = QuantumRNN(2**inputs, inputs, workspace, stages, degree)
    assert torch.equal(one.encode, torch.eye(inputs)) and torch.equal(one.out, torch.eye(2**inputs))
    ours = one.encode.numel() + one.out.numel()
    assert sum(part.numel() for part in one.parameters()) - ours == count


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_norm_and_probabilities(order: int):
    one, x = layer(order), bits(3, 6, 2)
    y, state = one(x)
    close(state.flatten(1).norm(dim=1), torch.ones(3).double(), "norm of the state, one")
    close(y.sum(-1), torch.ones(3, 6).double(), "sum of the probabilities, one")
    assert (y >= 0).all()
    chance = one.through(x)
    if order:
        assert ((chance > 0) & (chance <= 1)).all() and (chance < 0.99).any()
    else:
        close(chance, torch.ones(3, 6).double(), "chance to get through without an order, one")


def one_neuron(eta: float, order: int, k0: float, k1: float) -> list[float]:
    """A qubit that is turned by eta alone, divided by its norm."""
    c, s = math.cos(eta / 2) ** 2**order, math.sin(eta / 2) ** 2**order
    psi = _turned(torch.tensor([[k0, k1]]).double(), 0, 1, torch.tensor([c]), torch.tensor([s]))
    return (psi / psi.norm())[0].tolist()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_turns_at_known_angles(order: int):
    """Nothing at 0, a half turn at pi, an equal mix at pi / 2, and between steeper with the order."""
    assert one_neuron(0, order, 0.6, 0.8) == pytest.approx([0.6, 0.8], abs=1e-7)
    assert one_neuron(math.pi, order, 0.6, 0.8) == pytest.approx([-0.8, 0.6], abs=1e-7)
    mixed = one_neuron(math.pi / 2, order, 1.0, 0.0)
    assert mixed == pytest.approx([0.5**0.5, 0.5**0.5], abs=1e-7)
    k0, k1 = one_neuron(2.0, order, 1.0, 0.0)
    assert k1 / k0 == pytest.approx(math.tan(1.0) ** 2**order, rel=1e-6)


def test_the_bias_of_a_neuron_is_a_quarter_turn():
    """With no sources and theta = -pi / 2 all neurons do nothing, and what was set is what is heard."""
    one = layer()
    with torch.no_grad():
        one.phi.zero_()
        one.turn.zero_()
        one.theta.fill_(-math.pi / 2)
    y, state = one(bits(4, 5, 2)[:, :1])
    wanted = torch.zeros(4, 8, 4).double()
    wanted[:, 0, 0] = 1  # set, unset
    close(state, wanted, "the state, all at 0")
    close(y[:, 0], wanted[:, 0], "probabilities, all of pattern 0")


def test_a_step_written_out_on_two_qubits():
    """One qubit of workspace and one lane, order 1: the lane decides, pattern by pattern."""
    one = layer(order=1, workspace=1, inputs=1)
    (a, b, out), (ta, tb, tout) = one.phi[:, 0].tolist(), one.theta.tolist()
    turn = one.turn.item()
    for x in (0, 1):
        k = [1.0, 0.0]  # the workspace

        def neuron(k: list[float], eta: float) -> list[float]:
            c, s = math.cos(eta / 2) ** 2, math.sin(eta / 2) ** 2
            return [c * k[0] - s * k[1], c * k[1] + s * k[0]]

        k = neuron(k, a * x + ta + math.pi / 2)
        c, s = math.cos(turn / 2), math.sin(turn / 2)
        k = [c * k[0] - s * k[1], c * k[1] + s * k[0]]
        k = neuron(k, b * x + tb + math.pi / 2)
        psi = [[0.0, 0.0], [0.0, 0.0]]
        for bit in (0, 1):  # the lane is at 0 again, and the workspace decides how it turns
            lane = neuron([k[bit], 0.0], out * bit + tout + math.pi / 2)
            psi[bit] = lane
        state = torch.tensor(psi, dtype=torch.float64)
        state = state / state.norm()
        y, found = one.step(torch.tensor([[x]], dtype=torch.float64), one.begin(1))
        close(found[0], state, "the state, written out")
        close(y[0], state.square().sum(0), "probabilities, written out")


def test_the_division_is_by_one_norm_for_all_patterns():
    """Of a mixture of source patterns, one that is turned by a quarter loses weight against one at rest."""
    psi = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).double() * 0.5**0.5  # sources 0 and 1; the target at 0
    c, s = torch.tensor([1.0, 0.5]), torch.tensor([0.0, 0.5])  # order 1: eta of 0 and pi / 2
    after = _turned(psi, 1, 2, c, s)
    after = after / after.norm()
    close(
        after[0, :2].square().sum(), torch.tensor(2 / 3, dtype=torch.float64), "weight of the pattern at rest"
    )


def test_what_was_heard_decides_what_is_left():
    """After a step, hearing a pattern leaves the part of the state that goes with it."""
    one, x = layer(), bits(3, 1, 2)
    _, state = one(x)
    for heard in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]):
        place = int(2 * heard[0] + heard[1])
        part = state[:, :, place] / state[:, :, place].norm(dim=1, keepdim=True)
        lanes = _set(one._angles(torch.tensor([heard]).double()))[0]
        close(lanes, torch.eye(4).double()[place], "the lanes, one pattern")
        found = _heard(state, lanes.expand(3, -1))
        close(found / found.norm(dim=1, keepdim=True), part, "what is left, that part")


def test_between_bits_a_lane_is_set_to_both():
    one = layer()
    lanes = _set(one._angles(torch.tensor([[1.0, 1 / 3]], dtype=torch.float64)))
    close(lanes, torch.tensor([[0, 0, 0.75**0.5, 0.5]], dtype=torch.float64), "lanes, cosine and sine")


@pytest.mark.parametrize("stages", [1, 2])
def test_the_form_by_matrices_is_the_steps(stages: int):
    one, x = layer(stages=stages), bits(4, 9, 2)
    first = one(bits(4, 3, 2, seed=5))[1].detach()
    assert len(torch.unique(x.flatten(0, 1), dim=0)) <= 4
    close(one(x, first), stepped(one, x, first), "by matrices, by steps")
    slopes = []
    for run in (one, functools.partial(stepped, one)):
        state = first.clone().requires_grad_()
        y, last = run(x, state)
        loss = (y * normal(4, 9, 4)).sum() + (last * normal(4, 8, 4)).sum()
        slopes.append(torch.autograd.grad(loss, [state, one.phi, one.theta, one.turn, one.encode]))
    close(slopes[0], slopes[1], "gradients by matrices, by steps")
    with scan.only_plain():
        close(one(x, first), stepped(one, x, first), "plain, by steps")


def test_the_start_is_the_published_kind():
    one = QuantumRNN(4, 2, workspace=4, spread=0.1)
    assert torch.equal(one.out, torch.eye(4))
    many = QuantumRNN(3, 6, workspace=2)  # inputs beyond the fourth share lanes
    assert torch.equal(many.encode, torch.eye(4)[:, [0, 1, 2, 3, 0, 1]])
    assert one.phi.std().item() == pytest.approx(0.1, rel=0.2)
    none = QuantumRNN(4, 2, spread=0.0)
    assert not none.turn.any() and not none.phi.any() and not none.theta.any()


@pytest.mark.parametrize(
    "words",
    [{"workspace": 0}, {"stages": 0}, {"degree": 0}, {"order": -1}, {"workspace": 13}, {"spread": -1.0}],
)
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="QuantumRNN"):
        QuantumRNN(4, **words)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_without_an_order_it_keeps_the_promises(promise):
    make = functools.partial(QuantumRNN, workspace=2, order=0, degree=2)
    promise(generic(make, 4, 2), normal(2, 7, 2))
