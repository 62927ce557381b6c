"""Automata of networks: planted ones come back, with noise too; the null, ties, and what was not seen."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from wavetrain.core import Nonlinear, State, leaves
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.state_regularized import StateRegularized
from wavetrain.layers.state_space.lru import LRU
from wavetrain.lenses.machines.automata import automata
from wavetrain.parts.automaton import UNKNOWN, Automaton, acceptor
from wavetrain.tasks.languages.group_words import S3
from wavetrain.tasks.languages.tomita import ACCEPT, AFTER
from wavetrain.testing import check_lens

TOMITA = {language: acceptor(AFTER[language], ACCEPT[language]) for language in AFTER}


class Machine(Nonlinear):
    """An automaton as a layer: its state is near the corner of a cube that stands for a state, y its answer.

    Each coordinate is off by up to `noise`, by an amount that hangs on the row and on all that came before.
    """

    def __init__(self, one: Automaton, noise: float = 0.0):
        super().__init__(int(one.answer.max()) + 1, one.symbols)
        self.noise, self.after, self.answer = noise, torch.as_tensor(one.after), torch.as_tensor(one.answer)
        self.corner = torch.eye(len(one)).double()

    def begin(self, batch: int) -> State:
        row = torch.arange(1.0, batch + 1).double()[:, None]
        return self._near(torch.zeros(batch, dtype=torch.long), row * self.corner.sum(0).cumsum(0))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        place = self.after[state.argmax(-1), x.argmax(-1)]
        return torch.eye(self.width).double()[self.answer[place]], self._near(place, state)

    def _near(self, place: Tensor, before: Tensor) -> Tensor:
        return self.corner[place] + self.noise * (1e4 * before).sin()


class Drawn(Nonlinear):
    """A layer whose cluster at each step is drawn by dice, whatever came before; `clusters` tells it."""

    def __init__(self, batch: int, time: int, seed: int):
        super().__init__(2, 2)
        self.table = torch.from_numpy(np.random.default_rng(seed).integers(3, size=(batch, time + 1)))

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, dtype=torch.long)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return x, state + 1

    def clusters(self, state: State) -> Tensor:
        return self.table.gather(1, state[:, None]).squeeze(1)


def words(one: Automaton, batch: int = 200, length: int = 20, seed: int = 0) -> Tensor:
    """One-hot symbols (B, T, symbols)."""
    word = torch.randint(one.symbols, (batch, length), generator=torch.Generator().manual_seed(seed))
    return torch.eye(one.symbols).double()[word]


def table(one: Automaton) -> tuple[Any, Any]:
    return one.after.tolist(), one.answer.tolist()


def found_in(one: Automaton, noise: float = 0.0, clusters: int = 12, **given: Any) -> Any:
    return automata(Machine(one, noise), words(one), clusters, **given)


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("language", TOMITA)
def test_a_planted_automaton_comes_back(language: int, noise: float):
    """As many clusters as there are states: each is one, whatever the noise.

    Most words of Tomita 2 end in its sink. From 0.3 on, k-means gains as much by splitting the sink as it
    loses by joining the two other states, and how a sine was rounded would decide.
    """
    one = TOMITA[language]
    found = found_in(one, noise, clusters=len(one), truth=one, shuffles=99)
    assert table(Automaton(found.after, found.answer)) == table(one.minimise())
    assert found.equal == 1 and not found.counter.size
    assert found.purity == found.agreement == 1 and found.ties == found.unseen == 0
    assert found.p == 0.01 and found.null.max() < 1
    np.testing.assert_array_equal(found.symbol, np.eye(2))
    states = one.states(words(one).argmax(-1).numpy())
    assert len(found.merged) == len(found.counts) == len(one)
    renamed = one.minimise().states(words(one).argmax(-1).numpy())
    assert len(np.unique(states)) == len(one) and (found.merged[found.cluster] == renamed).all()


def test_states_that_are_split_are_merged_again():
    """Four states in noise over eight clusters: each word ends in one of the same state, at random which."""
    found = found_in(TOMITA[5], 0.3, clusters=8, truth=TOMITA[5], shuffles=9)
    assert found.equal == 1 and found.agreement == 1 and len(found.merged) == 8 and found.purity < 0.8


def test_more_than_two_answers():
    """The group S3: six states, each with an answer of its own."""
    one = Automaton(S3.table, np.arange(6))
    found = found_in(one, truth=one, shuffles=9)
    assert found.equal == 1 and len(found.after) == 6 and sorted(found.answer.tolist()) == list(range(6))


@pytest.mark.parametrize("language", TOMITA)
def test_a_network_bound_to_an_automaton(language: int):
    """A state-regularised GRU whose clusters are its own centroids, its answers read by a linear map."""
    one = TOMITA[language]
    layer = StateRegularized(3 * len(one) + 1, 2, states=len(one), hard=True).double()
    layer.bind(one)
    answers = torch.eye(2).double()[torch.as_tensor(one.answer)]
    read = nn.Linear(layer.width, 2, bias=False).double()
    read.weight.data = (torch.linalg.pinv(layer.centroids.detach()) @ answers).T
    for clusters in (12, layer.place):
        found = automata(layer, words(one), clusters, read=read, truth=one, shuffles=9)
        assert found.equal == 1 and found.purity == 1 and found.agreement == 1


def test_a_wrong_automaton_is_told_by_the_shortest_word():
    found = found_in(TOMITA[4], truth=TOMITA[1], shuffles=0)
    assert found.equal == 0 and found.counter.tolist() == [0]  # in no 000, not in 1*
    assert found.p == 1 and not found.null.size  # without draws nothing is told
    assert found_in(TOMITA[4], shuffles=0).equal == UNKNOWN


def test_too_few_clusters_mix_states():
    found = found_in(TOMITA[5], clusters=2, truth=TOMITA[5], shuffles=9)
    assert found.purity < 0.8 and found.equal == 0


def test_what_was_not_seen_is_unknown_and_not_rejected():
    """From one word, 000 and no 1: the last state has no successor, and the first gave no answer."""
    x = torch.eye(2).double()[torch.tensor([[0, 0, 0]])]
    found = automata(Machine(TOMITA[4]), x, shuffles=9)
    assert found.symbol.tolist() == [[1.0, 0.0]]  # the only one there was
    assert found.after.tolist() == [[1], [2], [3], [UNKNOWN]]
    assert found.answer.tolist() == [UNKNOWN, 1, 1, 0] and found.unseen == 1 and found.agreement == 1
    both = torch.eye(2).double()[torch.tensor([[1, 0, 0, 0]])]
    found = automata(Machine(TOMITA[4]), both, truth=TOMITA[4], shuffles=9)
    assert found.after.tolist() == [[1, 0], [2, UNKNOWN], [3, UNKNOWN], [UNKNOWN, UNKNOWN]]
    assert found.equal == 0 and found.counter.tolist() == [0, 1] and found.unseen == 4


def test_steps_that_are_skipped_lead_to_the_start():
    """A start symbol, 2, that restarts the automaton; the answer behind it is that of no symbol at all."""
    one = acceptor([(*row, 0) for row in AFTER[4]], ACCEPT[4])
    started = torch.cat([torch.full((200, 1), 2), words(TOMITA[4]).argmax(-1)], 1)
    found = automata(Machine(one), torch.eye(3).double()[started], skip=1, truth=TOMITA[4], shuffles=9)
    assert found.equal == 1 and found.symbol.shape == (2, 3) and found.cluster.shape == (200, 21)
    short = automata(Machine(one), torch.eye(3).double()[started[:, :2]], skip=1, shuffles=9)
    assert short.answer[0] == 1
    varied = torch.eye(3).double()[torch.tensor([[2, 0], [1, 0]])]
    with pytest.raises(BadInput, match=r"1 first steps that are the same .* got x \(2, 2, 3\)"):
        automata(Machine(one), varied, skip=1)
    with pytest.raises(BadInput, match="2 first steps"):
        automata(Machine(one), varied, skip=2)


def test_ties_are_unknown():
    """Symbol 1 led once to either of two clusters."""
    layer = Drawn(2, 2, seed=0)
    layer.table = torch.tensor([[0, 1, 0], [0, 2, 0]])
    x = torch.eye(2).double()[torch.tensor([[1, 0], [1, 0]])]
    found = automata(layer, x, layer.clusters, shuffles=9)
    assert found.ties == 1 and found.after[0].tolist() == [UNKNOWN, UNKNOWN] and found.purity == 0.75


def test_the_null_has_its_level():
    """Clusters drawn by dice: with 19 draws one in twenty has p = 0.05, or fewer where purities are tied."""
    x = words(TOMITA[1], 40, 12)
    layers = [Drawn(40, 12, seed) for seed in range(300)]
    p = np.array([automata(one, x, one.clusters, shuffles=19).p for one in layers])
    assert 3 <= (p <= 0.05).sum() <= 28  # of 15, by 3.5 deviations; ties make it fewer
    assert 110 <= (p <= 0.5).sum() <= 180


def test_a_layer_without_a_memory_does_not_beat_the_null():
    """Its next state depends on the symbol alone: as pure as can be, and no more than the null."""
    found = automata(Machine(Automaton([[0, 1], [0, 1]], [0, 1])), words(TOMITA[1]), shuffles=19)
    assert found.purity == 1 and found.p == 1


def test_states_of_all_kinds():
    """Complex ones, and two parts; a cache that grows has no clusters unless a function says them."""
    x = words(TOMITA[1], 5, 9)
    for layer in (LRU(4, 2).double(), LSTM(4, 2).double()):
        found = automata(layer, x, clusters=4, shuffles=9)
        assert found.cluster.max() == 3 and 0.25 < found.purity <= 1
    layer = SoftmaxAttention(4, 2).double()
    with pytest.raises(BadInput, match="a SoftmaxAttention whose state grows"):
        automata(layer, x)
    found = automata(layer, x, lambda state: torch.full((5,), leaves(state)[0].shape[2] % 2), shuffles=9)
    assert found.purity == 1 and found.merged.shape == (2,)


def test_bad_arguments():
    one, x = Machine(TOMITA[1]), words(TOMITA[1], 3, 4)
    for given in ({"clusters": 0}, {"skip": -1}, {"shuffles": -1}):
        with pytest.raises(BadInput, match=f"{next(iter(given))} must be at least"):
            automata(one, x, **given)
    with pytest.raises(BadInput, match=r"whole numbers, got torch\.float32"):
        automata(one, x, lambda state: torch.zeros(3))
    with pytest.raises(BadInput, match=r"each of 3 sequences, .* got torch\.int64 \(2,\)"):
        automata(one, x, lambda state: torch.zeros(2, dtype=torch.long))
    with pytest.raises(BadInput, match="same symbols, got 2 and 6"):
        automata(one, x, truth=Automaton(S3.table, np.arange(6)))


def test_what_a_lens_promises():
    check_lens(automata)


def test_two_words_by_hand():
    """Words 100 and 101, whose clusters are 7337 and 7377; each answer is the symbol that was seen.

    7 leads by 1 to 3 twice and to 7 once, 3 leads by 0 to 7 twice and to 3 once. In 7 the answers are 0, 0
    and 1, in 3 they are 1, 0 and 1. The third step of 100 is not known, all other answers are.
    """
    layer = Drawn(2, 3, seed=0)
    layer.table = torch.tensor([[7, 3, 3, 7], [7, 3, 7, 7]])
    x = torch.eye(2).double()[torch.tensor([[1, 0, 0], [1, 0, 1]])]
    found = automata(layer, x, layer.clusters, shuffles=9)
    assert found.cluster.tolist() == [[0, 1, 1, 0], [0, 1, 0, 0]]
    assert found.counts.tolist() == [[[0, 0], [1, 2]], [[2, 1], [0, 0]]]
    assert found.after.tolist() == [[UNKNOWN, 1], [0, UNKNOWN]] and found.answer.tolist() == [0, 1]
    assert found.merged.tolist() == [0, 1] and found.unseen == 2 and found.ties == 0
    assert found.purity == pytest.approx(4 / 6) and found.agreement == pytest.approx(5 / 6)
    np.testing.assert_allclose(found.null, 4 / 6)  # each symbol has one cluster: nothing to exchange
    assert found.p == 1 and found.equal == UNKNOWN and not found.counter.size


def test_the_null_exchanges_successors_of_one_symbol():
    """Symbol 0 leads from 0 to 1 and from 1 to 0, as often: exchanged it is so or the other way, or tied."""
    layer = Drawn(1, 4, seed=0)
    layer.table = torch.tensor([[0, 1, 0, 1, 0]])
    x = torch.eye(2).double()[torch.tensor([[0, 0, 0, 0]])]
    found = automata(layer, x, layer.clusters, shuffles=300)
    assert set(found.null.tolist()) == {0.5, 1.0} and found.purity == 1
    assert found.p == pytest.approx((1 + (found.null == 1).sum()) / 301)
    assert (found.null == 1).mean() == pytest.approx(1 / 3, abs=0.1)  # two of six ways
    again = automata(layer, x, layer.clusters, shuffles=300, seed=1)
    assert not np.array_equal(again.null, found.null)


def test_as_many_states_as_clusters_are_each_their_own():
    """However near two of them are: k-means only divides those that are more."""
    one = TOMITA[4]
    layer = Machine(one)
    layer.corner[2:, 2:] = 1 + 1e-9 * torch.eye(2).double()
    for clusters, many in ((4, 4), (5, 4), (3, 3)):
        assert len(automata(layer, words(one), clusters, shuffles=0).counts) == many
