"""Words and their labels, the networks by hand, and the predicates on either side."""

import itertools

import numpy as np
import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.recurrences import state_regularized_automata as claim_of
from wavetrain.experiments.recurrences.state_regularized_automata import (
    LANGUAGES,
    START,
    Words,
    by_hand,
    claim,
)


def in_words(language: int, text: str) -> bool:
    ones = set(text) <= {"1"}
    pairs = text == "10" * (len(text) // 2)
    return {1: ones, 2: pairs, 4: "000" not in text}[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_those_of_the_words_as_they_are(language: int):
    dice = torch.Generator().manual_seed(0)
    for length in (0, 1, 2, 5, 12, 28):
        x, y = Words(language).of(length, 200, dice)
        assert x.shape == (200, 1 + length) and (x[:, 0] == START).all()
        texts = ["".join(map(str, row)) for row in x[:, 1:].tolist()]
        assert [in_words(language, text) for text in texts] == y.bool().tolist()
        if length >= 12:
            assert 0.3 < float(y.double().mean()) < 0.6


def test_one_symbol_in_a_quarter_of_the_words_is_changed():
    """Of the only word of language 1 there is at each length, most that are outside are random."""
    x, y = Words(1).of(12, 4000, torch.Generator().manual_seed(0))
    near = ((x[:, 1:] == 0).sum(1) == 1).double().mean()  # one zero: half of the words, a quarter of them
    assert float(near) == pytest.approx(1 / 8 + 12 / 2**13, abs=0.02)
    assert not y[(x[:, 1:] == 0).any(1)].any()


def test_lengths_are_drawn_and_what_is_held_out_is_longer():
    dice = torch.Generator().manual_seed(0)
    lengths = {Words(4).draw(1, dice).x.shape[1] - 1 for _ in range(200)}
    assert lengths == set(range(13))
    assert Words(4).valid().x.shape == (300, 21)


@torch.no_grad()
@pytest.mark.parametrize("language", LANGUAGES)
def test_networks_by_hand_decide_all_words(language: int):
    network = by_hand(Words(language).automaton)
    for length in (0, 1, 7):
        words = np.array(list(itertools.product(range(2), repeat=length)), dtype=int)
        x = torch.cat([torch.full((len(words), 1), START), torch.from_numpy(words)], 1)
        said = network(x).argmax(-1).bool().tolist()
        assert said == [in_words(language, "".join(map(str, word))) for word in words]


WHOLE = {f"exact_hard_t{one}": 1.0 for one in LANGUAGES} | {
    f"{figure}_{net}_t{one}": value
    for net, purity in (("soft", 0.97), ("gru", 0.9))
    for figure, value in (("purity", purity), ("net", 0.95))
    for one in LANGUAGES
}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True]
    for one in LANGUAGES:
        assert answers(claim, WHOLE | {f"exact_hard_t{one}": 0.0}) == [False, True]
        assert answers(claim, WHOLE | {f"purity_gru_t{one}": 0.97}) == [True, False]
        assert answers(claim, WHOLE | {f"net_soft_t{one}": 0.94}) == [True, None]
        assert answers(claim, WHOLE | {f"net_gru_t{one}": 0.94}) == [True, None]


def test_networks_by_hand_refute_nothing_and_those_of_another_language_do(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("state_regularized_automata") == [True, None]
    other = Words(1).automaton
    monkeypatch.setattr(claim_of, "by_hand", lambda one: by_hand(other))
    assert exact_answers("state_regularized_automata") == [False, None]
