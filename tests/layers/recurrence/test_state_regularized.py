"""State-regularised recurrence: mixtures of centroids, both limits of the temperature, and the automaton."""

import functools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.core import leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.state_regularized import Cell, StateRegularized
from wavetrain.parts.automaton import UNKNOWN, Automaton, acceptor
from wavetrain.tasks.languages.group_words import S3
from wavetrain.tasks.languages.tomita import ACCEPT, AFTER

CELLS = list(Cell)


def layer(cell: Cell, states: int = 5, temperature: float = 1.0, hard: bool = False) -> StateRegularized:
    """In general position, of width 6 and 3 inputs."""
    make = functools.partial(StateRegularized, states=states, cell=cell, temperature=temperature, hard=hard)
    return generic(make, 6, 3)


def weights(one: StateRegularized, x: Tensor) -> Tensor:
    """a of each step, the one before the first included, (B, T + 1, k)."""
    state, found = one.begin(len(x)), []
    for now in x.unbind(1):
        found.append(leaves(state)[0])
        state = one.step(now, state)[1]
    return torch.stack([*found, leaves(state)[0]], 1)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_the_state_is_a_mixture_of_centroids(cell: Cell, hard: bool):
    one, x = layer(cell, hard=hard), normal(3, 20, 3)
    a, y = weights(one, x), one(x)[0]
    close(a.sum(-1), torch.ones(3, 21).double(), "the sum of a, one")
    assert (a >= 0).all()
    close(y, a[:, 1:] @ one.centroids, "the output, the mixture")
    assert y.norm(dim=-1).max() <= one.centroids.norm(dim=-1).max() + 1e-12


@pytest.mark.parametrize("cell", CELLS)
def test_one_centroid_tells_nothing_of_the_input(cell: Cell):
    one = layer(cell, states=1)
    close(one(normal(2, 9, 3))[0], one.centroids.expand(2, 9, -1), "the output, the centroid")


@pytest.mark.parametrize("cell", CELLS)
def test_the_limits_of_the_temperature(cell: Cell):
    """Near 0 a is one-hot and the steps are those of hard states; without limit h is the mean."""
    x = normal(3, 20, 3)
    cold, hard = layer(cell, temperature=2.0**-40), layer(cell, hard=True)
    hard.load_state_dict(cold.state_dict() | {"temperature": torch.tensor(1.0)})
    close(weights(cold, x), weights(hard, x), "a at a low temperature, hard a")
    y = hard(x)[0]
    assert (y[:, :, None] == hard.centroids).all(-1).any(-1).all()
    assert set(weights(hard, x).unique().tolist()) == {0.0, 1.0}
    warm = layer(cell, temperature=math.inf)
    close(warm(x)[0], warm.centroids.mean(0).expand(3, 20, -1), "the output, the mean of the centroids")


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_centroids_have_no_order(cell: Cell, hard: bool):
    one, x = layer(cell, hard=hard), normal(2, 12, 3)
    y, a = one(x)[0], weights(one, x)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        one.centroids.copy_(one.centroids[order])
    close(one(x)[0], y, "the output with centroids in another order, before")
    close(weights(one, x), a[..., order], "a in the same order")


def test_equal_scores_are_shared_equally():
    one = layer(Cell.GRU)
    close(
        one.weights(torch.zeros(2, 6).double()),
        torch.full((2, 5), 0.2, dtype=torch.float64),
        "a of no score, a fifth",
    )


@pytest.mark.parametrize("temperature", [None, 2.0**-5])
@pytest.mark.parametrize("name", [*AFTER, "S3", "end"])
def test_bound_to_an_automaton_it_follows_it(name: int | str, temperature: float | None):
    """Long words, with hard states and with nearly hard ones; also where a state never comes back."""
    named = {"S3": Automaton(S3.table, np.arange(6)), "end": Automaton([[1], [1]], [0, 1])}
    one = named[name] if isinstance(name, str) else acceptor(AFTER[name], ACCEPT[name])
    states, symbols = one.after.shape
    words = torch.randint(symbols, (300, 40), generator=torch.Generator().manual_seed(0))
    bound = StateRegularized(
        states * (symbols + 1) + 1, symbols, states, temperature=temperature or 1.0, hard=temperature is None
    ).double()
    bound.bind(one)
    a = weights(bound, torch.nn.functional.one_hot(words, symbols).double())
    assert (a.argmax(-1).numpy() == one.states(words.numpy())).all()
    assert a.amax(-1).min() > 0.999


def test_what_cannot_be_bound_is_refused():
    for layer_of, one in (
        (StateRegularized(7, 2, 2), Automaton([[0, UNKNOWN], [1, 1]], [0, 1])),
        (StateRegularized(7, 2, 2), Automaton([[0, 1, 1], [1, 1, 1]], [0, 1])),
        (StateRegularized(5, 2, 2), Automaton([[0, 1], [1, 1]], [0, 1])),
        (StateRegularized(7, 2, 2, Cell.LSTM), Automaton([[0, 1], [1, 1]], [0, 1])),
    ):
        with pytest.raises(BadInput, match="expected a GRU cell of 2 states"):
            layer_of.bind(one)


def test_without_centroids_between_it_is_an_lstm():
    """One step from h = a centroid: u and c are those of an LSTM with the same weights."""
    one, other, x = layer(Cell.LSTM, hard=True), LSTM(6, 3).double(), normal(4, 3)
    order = [0, 1, 3, 2]  # i, f, o, g here; i, f, g, o there
    with torch.no_grad():
        encode, recur, bias, zero = other.cell.all_weights[0]
        encode.copy_(one.encode.weight.view(4, 6, 3)[order].flatten(0, 1))
        recur.copy_(one.recur[order].flatten(0, 1))
        bias.copy_(one.encode.bias.view(4, 6)[order].flatten())
        zero.zero_()
    a, c = torch.eye(5).double()[:4], normal(4, 6, seed=3)
    u, (_, wanted) = other.step(x, (a @ one.centroids, c))
    y, (after, c) = one.step(x, (a, c))
    close(c, wanted, "cells, those of the LSTM")
    scores = u @ one.centroids.T
    close(y, one.centroids[scores.argmax(-1)], "the output, the centroid of the largest score")
    assert torch.equal(after.argmax(-1), scores.argmax(-1))


def test_peepholes_start_closed_and_each_gate_has_its_own():
    one, x = layer(Cell.PEEPHOLE), normal(2, 5, 3)
    plain = layer(Cell.LSTM)
    plain.load_state_dict({name: value for name, value in one.state_dict().items() if name != "peep"})
    assert not StateRegularized(4, cell=Cell.PEEPHOLE).peep.any()
    state = (torch.eye(5).double()[:2], normal(2, 6, seed=4))
    i, f, o, g = (one.encode(x[:, 0]) + state[0] @ one.centroids @ one.recur.flatten(0, 1).T).chunk(4, -1)
    i, f = (i + one.peep[0] * state[1]).sigmoid(), (f + one.peep[1] * state[1]).sigmoid()
    c = f * state[1] + i * g.tanh()
    a, cells = one.step(x[:, 0], state)[1]
    close(cells, c, "cells, written out")
    u = (o + one.peep[2] * c).sigmoid() * c.tanh()
    close(a, (u @ one.centroids.T).softmax(-1), "a, written out")
    with torch.no_grad():
        one.peep.zero_()
    close(one(x)[0], plain(x)[0], "with closed peepholes, an LSTM")


def test_gates_of_the_gru_saturate():
    """Hard sigmoids: a sum above 2.5 keeps h whole, so that u is h and a that of the centroid itself."""
    one = layer(Cell.GRU)
    with torch.no_grad():
        one.encode.weight[:6] = 0
        one.encode.weight[:6, 0] = 100
    a = torch.eye(5).double()
    after = one.step(torch.ones(5, 3).double(), a)[1]
    close(after, (one.centroids @ one.centroids.T).softmax(-1), "a, of h as it was")


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_hard_states_are_those_of_soft_ones_at_the_same_state(cell: Cell):
    """They go past the choice: one step from one state, back to what a was made of."""
    one, x = layer(cell, hard=True), normal(2, 3)
    state = map_state(lambda part: part.detach(), one.begin(2))
    (one.step(x, state)[1] if cell is Cell.GRU else one.step(x, state)[1][0])[:, 0].sum().backward()
    hard = one.encode.weight.grad.clone()
    one.zero_grad()
    one.hard = False
    (one.step(x, state)[1] if cell is Cell.GRU else one.step(x, state)[1][0])[:, 0].sum().backward()
    close(hard, one.encode.weight.grad, "gradient of hard states, of soft ones")
    assert hard.abs().max() > 0


def test_the_temperature_is_saved_and_never_learned():
    one = StateRegularized(4, temperature=0.25)
    assert one.temperature.item() == 0.25 and "temperature" not in dict(one.named_parameters())
    other = StateRegularized(4)
    other.load_state_dict(one.state_dict())
    assert other.temperature.item() == 0.25


def test_sizes():
    """Three maps of x and of h without biases; four with; centroids and the start."""
    for cell, count in (
        (Cell.GRU, 3 * (8 * 3 + 8 * 8)),
        (Cell.LSTM, 4 * (8 * 3 + 8 * 8 + 8)),
        (Cell.PEEPHOLE, 4 * (8 * 3 + 8 * 8 + 8) + 3 * 8),
    ):
        one = StateRegularized(8, inputs=3, states=5, cell=cell)
        assert sum(part.numel() for part in one.parameters()) == count + 5 * 8 + 8


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_temperatures_that_are_none_are_refused(temperature: float):
    with pytest.raises(BadInput, match="the temperature must be above 0"):
        StateRegularized(4, temperature=temperature)
    with pytest.raises(BadInput, match="states"):
        StateRegularized(4, states=0)


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("cell", [Cell.LSTM, Cell.PEEPHOLE])
def test_variants_keep_the_promises(cell: Cell, promise):
    promise(generic(functools.partial(StateRegularized, states=3, cell=cell), 4, 2), normal(2, 7, 2))
