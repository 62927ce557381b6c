"""Automata: languages in words, a second algorithm, refinements that come back, and what is not known."""

from itertools import product

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.automaton import UNKNOWN, Automaton, acceptor, difference
from wavetrain.tasks.languages.group_words import A5, S3, GroupWords
from wavetrain.tasks.languages.timed_automaton import DAY, TimedAutomaton
from wavetrain.tasks.languages.tomita import ACCEPT, AFTER, Tomita

TOMITA = {language: acceptor(AFTER[language], ACCEPT[language]) for language in AFTER}


def words(length: int, symbols: int = 2) -> np.ndarray:
    return np.array(list(product(range(symbols), repeat=length)), dtype=int)


def refined(one: Automaton, copies: int, seed: int) -> Automaton:
    """The same language, with several copies of each state; transitions go to any copy."""
    dice = np.random.default_rng(seed)
    of = dice.permutation(np.repeat(np.arange(len(one)), copies))
    start = np.flatnonzero(of == 0)[0]
    of[[0, start]] = of[[start, 0]]
    onward = one.after[of]
    after = np.array([[dice.choice(np.flatnonzero(of == q)) for q in row] for row in onward])
    return Automaton(after, one.answer[of])


def partial(seed: int) -> Automaton:
    """A random automaton of 1 to 6 states over two symbols, a quarter of whose transitions are missing."""
    dice = np.random.default_rng(seed)
    states = int(dice.integers(1, 7))
    after = dice.integers(states, size=(states, 2))
    after[dice.random(after.shape) < 0.25] = UNKNOWN
    return Automaton(after, dice.integers(2, size=states))


def brzozowski(one: Automaton) -> int:
    """States of the minimal acceptor that is complete: turned round and made deterministic, twice."""
    edges = {(q, a, int(one.after[q, a])) for q in range(len(one)) for a in range(one.symbols)}
    start, accept = frozenset({0}), frozenset(np.flatnonzero(one.answer == 1).tolist())
    for _ in range(2):
        start, accept = accept, start
        edges = {(r, a, q) for q, a, r in edges}
        known, waiting, moves = {start: 0}, [start], set()
        while waiting:
            here = waiting.pop()
            for symbol in range(one.symbols):
                onward = frozenset(r for q, a, r in edges if q in here and a == symbol)
                if onward not in known:
                    known[onward] = len(known)
                    waiting.append(onward)
                moves.add((known[here], symbol, known[onward]))
        accept = frozenset(number for one_set, number in known.items() if one_set & accept)
        edges, start = moves, frozenset({0})
    return len(known)


@pytest.mark.parametrize("language", TOMITA)
def test_the_tables_are_minimal_and_run_as_the_task_says(language: int):
    one = TOMITA[language]
    minimal = one.minimise()
    assert len(minimal) == len(one) == brzozowski(one)
    assert difference(one, minimal) is None
    length = 16
    x, y = Tomita(language, length).draw(200, torch.Generator().manual_seed(0))
    assert one.answers(x.numpy())[:, -1].tolist() == y.tolist()


@pytest.mark.parametrize("language", TOMITA)
@pytest.mark.parametrize("seed", range(5))
def test_a_random_refinement_comes_back(language: int, seed: int):
    large = refined(TOMITA[language], copies=4, seed=seed)
    small, became = large.merged()
    wanted = TOMITA[language].minimise()
    np.testing.assert_array_equal(small.after, wanted.after)
    np.testing.assert_array_equal(small.answer, wanted.answer)
    states = large.states(words(10))
    assert (became[states] == small.states(words(10))).all()
    unreached = set(range(len(large))) - set(states.ravel().tolist())
    assert set(np.flatnonzero(became == UNKNOWN).tolist()) == unreached


@pytest.mark.parametrize("group", [S3, A5], ids=lambda group: group.name)
def test_a_group_is_its_own_minimal_automaton(group):
    one = Automaton(group.table, np.arange(len(group)))
    assert len(one.minimise()) == len(group)
    x, y = GroupWords(group, 30).draw(50, torch.Generator().manual_seed(0))
    assert (one.answers(x.numpy())[:, 1:] == y.numpy()).all()


def test_a_clock_multiplies_the_states():
    """Three states at six hours; those of one kind of day that differ by the hour alone are told apart."""
    after = [
        [(hour + 1) % DAY * 3 + ((-symbol % 3 if hour >= DAY // 2 else symbol) if symbol < 3 else state)
         for symbol in range(4)]
        for hour in range(DAY) for state in range(3)
    ]  # fmt: skip
    one = Automaton(after, np.tile(np.arange(3), DAY))
    assert len(one.minimise()) == 18
    x, y = TimedAutomaton(24).draw(50, torch.Generator().manual_seed(0))
    assert (one.answers(x.numpy())[:, 1:] == y.numpy()).all()


def test_three_words_of_one_symbol_keep_their_four_states():
    """{a, aa, aaa}: completed by a dead state before states are merged, so that "aaaa" is rejected."""
    one = Automaton([[1], [2], [3], [UNKNOWN]], [0, 1, 1, 1])
    whole = one.complete(0).minimise()
    assert len(whole) == 5 and whole.answers([[0] * 6]).tolist() == [[0, 1, 1, 1, 0, 0, 0]]
    assert len(one.minimise()) == 4
    assert one.minimise().answers([[0] * 5]).tolist() == [[0, 1, 1, 1, UNKNOWN, UNKNOWN]]


@pytest.mark.parametrize("seed", range(200))
def test_random_partial_automata(seed: int):
    one = partial(seed)
    small = one.minimise()
    assert (one.answers(words(8)) == small.answers(words(8))).all()
    assert len(small) <= len(one) and len(small.minimise()) == len(small)
    np.testing.assert_array_equal(small.minimise().after, small.after)
    whole = one.complete(0)
    assert len(whole.minimise()) == brzozowski(whole)
    assert (whole.answers(words(8)) == np.maximum(one.answers(words(8)), 0)).all()  # unknown is rejected


@pytest.mark.parametrize("seed", range(100))
def test_the_difference_is_the_shortest_and_the_first(seed: int):
    one, two = partial(seed), partial(seed + 1000)
    found = difference(one, two)
    assert found == difference(two, one)
    wrong = (
        tuple(word) for length in range(9) for word in words(length).tolist()
        if one.answers([word])[0, -1] != two.answers([word])[0, -1]
    )  # fmt: skip
    assert found == next(wrong, None)
    assert difference(one, one.minimise()) is None


def test_a_transition_that_is_not_known_is_no_rejection():
    one = Automaton([[0, UNKNOWN]], [1])
    assert difference(one, TOMITA[1]) is not None  # of the language 0*, which rejects 1
    rejects = acceptor([(0, 1), (1, 1)], {0})
    assert difference(one, rejects) == (1,)
    assert difference(one.complete(0), rejects) is None


def test_states_whose_future_is_not_known_at_all_are_the_unknown():
    one = Automaton([[1, 1], [UNKNOWN, UNKNOWN]], [0, UNKNOWN])
    small, became = one.merged()
    assert small.after.tolist() == [[UNKNOWN, UNKNOWN]] and became.tolist() == [0, UNKNOWN]
    nothing = Automaton([[UNKNOWN]], [UNKNOWN]).minimise()
    assert nothing.after.tolist() == [[UNKNOWN]] and nothing.answer.tolist() == [UNKNOWN]


@pytest.mark.parametrize(
    ("after", "answer", "message"),
    [
        ([[0, 1]], [0], "after from -1 .unknown. to 0, got 0 to 1"),
        ([[0, -2]], [0], "got -2 to 0"),
        ([[0, 0]], [0, 1], r"got \(1, 2\) and \(2,\)"),
        ([0, 0], [0, 1], "states, symbols"),
        ([[0.5]], [0], "after of whole numbers, got float64"),
        ([[0]], [-2], "answer from -1 .unknown., got -2 to -2"),
    ],
)
def test_bad_tables(after, answer, message: str):
    with pytest.raises(BadInput, match=message):
        Automaton(after, answer)


def test_bad_words():
    with pytest.raises(BadInput, match=r"symbols from 0 to 1, got \(1, 2\), 0 to 2"):
        TOMITA[1].states([[0, 2]])
    with pytest.raises(BadInput, match=r"got \(3,\)"):
        TOMITA[1].states([0, 1, 1])
    with pytest.raises(BadInput, match="same symbols, got 2 and 1"):
        difference(TOMITA[1], Automaton([[0]], [1]))
