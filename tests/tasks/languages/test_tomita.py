"""Tomita: the automata against the languages in words, the shares of strings, and uniform draws."""

import re
from itertools import groupby, product

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.tomita import ACCEPT, AFTER, Tomita, shares


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def belongs(language: int, text: str) -> bool:
    """The definition in words, not the automaton."""
    zeros, ones = text.count("0"), text.count("1")
    if language == 3:
        runs = [(bit, len(list(run)) % 2) for bit, run in groupby(text)]
        odd = [place for place, run in enumerate(runs) if run == ("1", 1)]
        return not any(run == ("0", 1) for place in odd[:1] for run in runs[place:])
    return {
        1: not zeros,
        2: bool(re.fullmatch("(10)*", text)),
        4: "000" not in text,
        5: zeros % 2 == ones % 2 == 0,
        6: (zeros - ones) % 3 == 0,
        7: bool(re.fullmatch("0*1*0*1*", text)),
    }[language]


def run(language: int, text: str) -> int:
    state = 0
    for bit in text:
        state = AFTER[language][state][int(bit)]
    return state


@pytest.mark.parametrize("language", range(1, 8))
def test_the_automaton_is_the_language(language: int):
    for length in range(11):
        strings = ["".join(bits) for bits in product("01", repeat=length)]
        inside = [belongs(language, text) for text in strings]
        assert inside == [run(language, text) in ACCEPT[language] for text in strings]
        assert float(shares(language, length)[1, -1, 0]) == sum(inside) / len(strings)


@pytest.mark.parametrize(("language", "states"), [(1, 2), (2, 3), (3, 5), (4, 4), (5, 4), (6, 3), (7, 5)])
def test_the_automaton_is_minimal(language: int, states: int):
    """All states are reached, and any two are told apart by some string of up to four bits."""
    tails = ["".join(bits) for length in range(5) for bits in product("01", repeat=length)]
    assert {run(language, tail) for tail in tails} == set(range(states))
    futures = set()
    for state in range(states):
        ends = []
        for tail in tails:
            end = state
            for bit in tail:
                end = AFTER[language][end][int(bit)]
            ends.append(end in ACCEPT[language])
        futures.add(tuple(ends))
    assert len(futures) == states == len(AFTER[language])


@pytest.mark.parametrize(("language", "size"), [(1, 2), (2, 6), (3, 27), (4, 12), (5, 4), (6, 3), (7, 9)])
def test_size_of_the_transition_monoid(language: int, size: int):
    bits = [tuple(row[bit] for row in AFTER[language]) for bit in range(2)]
    maps = {tuple(range(len(AFTER[language])))}
    while more := {tuple(bit[state] for state in one) for one in maps for bit in bits} - maps:
        maps |= more
    assert len(maps) == size


def test_shares_of_strings_of_10_and_16_bits():
    expected = {
        10: (0.0010, 0.0010, 0.2676, 0.4922, 0.5000, 0.3340, 0.1719),
        16: (0.00002, 0.00002, 0.1000, 0.2977, 0.5000, 0.3333, 0.0106),
    }
    for length, row in expected.items():
        found = [float(shares(language, length)[1, -1, 0]) for language in range(1, 8)]
        assert found == pytest.approx(row, abs=5e-5)


@pytest.mark.parametrize("language", range(1, 8))
def test_answers_are_right_and_balanced(language: int):
    x, y = Tomita(language).draw(2000, generator())
    texts = ["".join(map(str, row)) for row in x.tolist()]
    assert [belongs(language, text) for text in texts] == y.bool().tolist()
    assert abs(float(y.double().mean()) - 0.5) < 0.05


@pytest.mark.parametrize("language", [3, 4, 6, 7])
def test_strings_are_uniform_on_both_sides(language: int):
    x, y = Tomita(language, 6).draw(20_000, generator())
    number = (x * 2 ** torch.arange(5, -1, -1)).sum(1)
    for side in (0, 1):
        texts = [text for text in range(64) if belongs(language, f"{text:06b}") == side]
        count = number[y == side].bincount(minlength=64)[texts].double()
        mean = count.sum() / len(texts)
        assert (count - mean).abs().max() < 5 * mean.sqrt()


@pytest.mark.parametrize("language", range(1, 8))
def test_long_strings(language: int):
    x, y = Tomita(language, 1000 if language != 6 else 999).draw(20, generator())
    assert [belongs(language, "".join(map(str, row))) for row in x.tolist()] == y.bool().tolist()
    assert 0 < int(y.sum()) < 20


@pytest.mark.parametrize(
    ("language", "length", "message"),
    [
        (8, 16, "from 1 to 7, got 8"),
        (5, 15, "no string of length 15 is in language 5"),
        (2, 7, "no string of length 7 is in language 2"),
        (4, 2, "no string of length 2 is outside language 4"),
        (4, 1001, "at most 1000"),
        (4, 0, "length must be"),
    ],
)
def test_bad_sizes(language: int, length: int, message: str):
    with pytest.raises(BadInput, match=message):
        Tomita(language, length)
