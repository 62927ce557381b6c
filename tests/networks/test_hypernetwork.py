"""Hypernetworks: sizes in closed form, which chunk knows of which, growing, and guessing the task."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.networks._weight_generators import Chunked, Generator, Recurrent
from wavetrain.networks.hypernetwork import Hypernetwork

SIZES = (6, 5, 4, 2)  # 35 + 24 + 10 weights and biases


def built(kind: type[Generator] = Chunked, tasks: int = 3, **others: object) -> Hypernetwork:
    torch.manual_seed(3)
    inner = {"hidden": (7, 5)} if kind is Chunked else {"width": 5}
    generator = partial(kind, **{"chunk": 10, "places": 3, **inner, **others})
    return Hypernetwork(SIZES, tasks, generator, embedding=4).double()


def x(many: int = 8) -> Tensor:
    return torch.randn(many, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def count(network: nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


BOTH = pytest.mark.parametrize("make", [Chunked, Recurrent])


# --- sizes ----------------------------------------------------------------------------------------------


def test_sizes_of_split_mnist():
    """A target of 88,802 weights in 64 chunks; 91,563, 90,251 and 89,759 with places of 12, 4 and 1."""
    for places, parameters in ((12, 91_563), (4, 90_251), (1, 89_759)):
        network = Hypernetwork(generator=partial(Chunked, places=places))
        assert network.numbers == 88_802 and len(network.generator.places) == 64
        assert count(network) == parameters
    for places, width, parameters in ((12, 46, 89_520), (4, 47, 89_584), (1, 47, 88_828)):
        network = Hypernetwork(generator=partial(Recurrent, places=places, width=width))
        assert count(network) == parameters + 4 * width  # PyTorch's LSTM has two biases


@BOTH
def test_parameters_are_counted_by_hand(make: type[Generator]):
    network = built(make)
    assert network.numbers == 35 + 24 + 10
    inner = 7 * 7 + 7 + 7 * 5 + 5 if make is Chunked else 4 * 5 * (7 + 5) + 8 * 5
    assert count(network) == inner + 5 * 10 + 10 + 7 * 3 + 3 * 4  # head, places, embeddings


@BOTH
def test_chunks_are_cut_to_what_is_needed(make: type[Generator]):
    network = built(make)
    assert len(network.generator.places) == 7 and network.weights(torch.arange(3)).shape == (3, 69)


@BOTH
def test_weights_begin_with_the_deviation_of_the_fan_in(make: type[Generator]):
    made = built(make).weights(torch.arange(3)).detach()
    assert float(made.std()) == pytest.approx((2 / 6) ** 0.5, rel=1e-6)


# --- what is made, and of what --------------------------------------------------------------------------


@BOTH
def test_the_target_is_a_rectified_perceptron(make: type[Generator]):
    network = built(make)
    weights = network.weights(torch.arange(3))[1]
    plain = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    nn.utils.vector_to_parameters(weights, plain.parameters())
    torch.testing.assert_close(network(x())[:, 2:4], plain(x().flatten(1)))


@BOTH
def test_the_same_embedding_makes_the_same_weights(make: type[Generator]):
    network = built(make)
    assert torch.equal(network.weights(torch.tensor([1])), network.weights(torch.tensor([1])))
    three, one = network.weights(torch.arange(3)), network.weights(torch.tensor([1]))
    torch.testing.assert_close(three[1], one[0])
    assert not torch.equal(three[0], three[1])


def test_chunks_in_closed_form():
    generator = built().generator
    tasks = torch.randn(2, 4, dtype=torch.float64)
    told = torch.cat([tasks[:, None].expand(-1, 7, -1), generator.places.expand(2, -1, -1)], -1)
    first, _, second, _ = generator.net
    hidden = (told @ first.weight.mT + first.bias).relu() @ second.weight.mT + second.bias
    made = (hidden.relu() @ generator.head.weight.mT + generator.head.bias).flatten(1)[:, :69]
    torch.testing.assert_close(generator(tasks), made)


def felt(generator: Generator) -> Tensor:
    """Whether chunk i (a row) feels the place of chunk j."""
    tasks = torch.ones(1, 4, dtype=torch.float64)
    slopes = torch.autograd.functional.jacobian(
        lambda places: generator.head(generator.features(torch.cat([tasks.expand(7, -1), places], -1)[None]))[
            0
        ],
        generator.places.detach(),
    )  # (chunk, number, chunk, place)
    return slopes.abs().amax((1, 3)) > 0


def test_who_knows_of_whom():
    """A recurrent generator feels all chunks before; one that begins anew, or is chunked, none."""
    eye = torch.eye(7, dtype=torch.bool)
    assert torch.equal(felt(built().generator), eye)
    assert torch.equal(felt(built(Recurrent).generator), torch.ones(7, 7).tril().bool())
    assert torch.equal(felt(built(Recurrent, make=GRU).generator), torch.ones(7, 7).tril().bool())
    assert torch.equal(felt(built(Recurrent, dependent=False).generator), eye)


def test_a_recurrent_generator_that_forgets_is_one_that_begins_anew():
    """Without recurrent weights, and with forget gates shut, nothing comes from the chunk before."""
    network, control, tasks = built(Recurrent), built(Recurrent, dependent=False), torch.arange(3)
    with torch.no_grad():
        network.generator.layer.cell.weight_hh_l0.zero_()
        network.generator.layer.cell.bias_hh_l0[5:10] = -1e4
    control.load_state_dict(network.state_dict())
    torch.testing.assert_close(network.weights(tasks), control.weights(tasks))


def test_what_the_control_cannot_use_does_not_learn():
    for network in (built(Recurrent, dependent=False), built(Recurrent)):
        dependent = network.generator.dependent
        assert network.generator.layer.cell.weight_hh_l0.requires_grad == dependent
        network.generator.grow(1)
        assert network.generator.layer.cell.weight_hh_l0.requires_grad == dependent
        assert network.generator.layer.cell.bias_hh_l0.requires_grad


# --- tasks ----------------------------------------------------------------------------------------------


@BOTH
def test_outputs_of_the_task_that_is_learned_are_those_of_all(make: type[Generator]):
    network = built(make)
    network.next_task()
    y, learning = network(x()), network.learning(x())
    assert y.shape == learning.shape == (8, 6)
    torch.testing.assert_close(learning[:, 2:4], y[:, 2:4])
    assert not learning[:, :2].any() and not learning[:, 4:].any()


def test_an_embedding_learns_in_its_own_task_alone():
    network = built()
    network.next_task()
    network(x()).square().sum().backward()
    assert [one.grad is not None for one in network.embeddings] == [False, True, True]
    network.zero_grad()
    network.learning(x()).square().sum().backward()
    assert [one.grad is not None for one in network.embeddings] == [False, True, False]
    assert network.generator.places.grad.abs().sum() > 0


def test_the_surest_answer_tells_the_task():
    network = built()
    with torch.no_grad():
        entropies = torch.stack(
            [torch.special.entr(one.softmax(-1)).sum(-1) for one in network(x()).split(2, -1)]
        )
    assert torch.equal(network.guess(x(), 3), entropies.argmin(0))
    assert torch.equal(network.guess(x(), 2), entropies[:2].argmin(0))
    assert not network.guess(x(), 1).any()


# --- growing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dependent", [True, False])
def test_growing_changes_nothing_that_is_made(dependent: bool):
    network = built(Recurrent, dependent=dependent)
    before = network.weights(torch.arange(3)).detach()
    network.generator.grow(2)
    after = network.weights(torch.arange(3))
    torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-14)
    assert (
        count(network.generator.layer) == 4 * 7 * (7 + 7) + 8 * 7 and network.generator.head.in_features == 7
    )
    after.square().sum().backward()
    assert network.generator.head.weight.grad[:, 5:].abs().sum() > 0  # and what is new can learn


def test_what_has_grown_is_saved_and_loaded():
    network, other = built(Recurrent), built(Recurrent)
    network.generator.grow(3)
    network.next_task()
    with torch.no_grad():
        network.generator.head.weight.add_(0.1)
    other.load_state_dict(network.state_dict())
    torch.testing.assert_close(other(x()), network(x()), rtol=0, atol=0)
    assert other.task == 1


def test_only_lstm_units_grow():
    for network in (built(), built(Recurrent, make=GRU)):
        with pytest.raises(BadInput, match="LSTM units to grow"):
            network.generator.grow(1)
    with pytest.raises(BadInput, match="units must be"):
        built(Recurrent).generator.grow(0)


# --- learning -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [partial(Chunked, hidden=(20,)), partial(Recurrent, width=20)])
def test_it_learns(make: Callable[[int, int], Generator]):
    torch.manual_seed(3)
    network, y = Hypernetwork((6, 20, 2), 2, partial(make, chunk=20), 4), torch.arange(8) % 2
    updates = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(150):
        updates.zero_grad()
        loss = F.cross_entropy(network.learning(x().float())[:, :2], y)
        loss.backward()
        updates.step()
    assert float(loss.detach()) < 0.05


def test_bad_input():
    with pytest.raises(BadInput, match=r"sizes from inputs to outputs, got \(3,\)"):
        Hypernetwork((3,))
    with pytest.raises(BadInput, match="sizes must be"):
        Hypernetwork((3, 0, 2))
    with pytest.raises(BadInput, match="tasks must be"):
        Hypernetwork(tasks=0)
    with pytest.raises(BadInput, match="chunk must be"):
        built(chunk=0)
    with pytest.raises(BadInput, match="at least one hidden layer"):
        built(hidden=())
    for wrong in (x()[:, :1], x()[0, 0]):
        with pytest.raises(BadInput, match="sequences of 6 numbers, got"):
            built()(wrong)
    with pytest.raises(BadInput, match="tasks from 0 to 2, got 1 to 3"):
        built().weights(torch.tensor([1, 3]))
    with pytest.raises(BadInput, match="from 1 to 3 known tasks, got 4"):
        built().guess(x(), 4)
    with pytest.raises(BadInput, match="no more than 1 tasks"):
        built(tasks=1).next_task()
