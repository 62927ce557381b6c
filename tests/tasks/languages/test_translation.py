"""Translation: the two languages word by word, the exact chance level, and BLEU by hand."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.translation import END, Translation, bleu, sentences


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def translated(task: Translation, source: list[int]) -> list[int]:
    """By the rules of the grammar: chains one after another, nouns first, then verbs inside out."""
    words = [token - task.outputs for token in source]
    target, chain = [], []
    for noun, verb in zip(words[::2], words[1::2], strict=True):
        assert 0 <= noun < 2 * task.nouns <= verb < 2 * task.nouns + 2 * task.verbs
        chain.append((noun, verb - 2 * task.nouns))
        if verb < 2 * task.nouns + task.verbs:  # it closes
            target += [2 + noun for noun, _ in chain]
            first = 2 + 2 * task.nouns
            target += [first + 2 * verb + (noun >= task.nouns) for noun, verb in reversed(chain)]
            chain = []
    assert not chain, "the last verb of a sentence closes"
    return target


@pytest.mark.parametrize(
    "task", [Translation(), Translation(2), Translation(9, 2, 3, 0.8), Translation(3, 1, 2)]
)
def test_grammar(task: Translation):
    words = 2 * task.clauses
    x, y = task.draw(200, generator())
    assert x.shape == y.shape == (200, 2 * words + 1)
    assert (x[:, words] == END).all() and (y[:, :words] == 0).all() and (y[:, -1] == END).all()
    assert torch.equal(x[:, words + 1 :], y[:, words:-1]), "what is to be said is what is fed next"
    for source, target in zip(x[:, :words].tolist(), y[:, words:-1].tolist(), strict=True):
        assert target == translated(task, source)


def test_word_order_with_and_without_embedding():
    flat, x = Translation(5, embed=0.0), Translation(5, embed=0.0).draw(50, generator()).x
    nouns = x[:, :10:2] - flat.outputs + 2
    assert torch.equal(x[:, 11::2], nouns), "without embedding the order is that of the source"
    nested = Translation(5, embed=1.0)
    x = nested.draw(50, generator()).x
    assert torch.equal(x[:, 11:16], x[:, :10:2] - nested.outputs + 2)
    verbs = (x[:, 1:10:2] - nested.outputs - 2 * nested.nouns).flip(1)
    assert torch.equal((x[:, 16:] - 2 - 2 * nested.nouns) // 2, verbs), "all verbs inside out"


def test_agreement_is_with_the_own_noun_however_far():
    task = Translation(4, embed=1.0)
    x = task.draw(200, generator()).x
    gender = (x[:, :8:2] - task.outputs >= task.nouns).long()  # (B, clauses)
    form = (x[:, 13:] - 2 - 2 * task.nouns) % 2
    assert torch.equal(form, gender.flip(1))
    assert 0.4 < gender.double().mean() < 0.6


def test_no_held_out_sentence_is_ever_drawn():
    """The smallest language: of its 32 sentences half is held out, and all of the rest is drawn."""
    task = Translation(2, nouns=1, verbs=2)
    drawn, *held = (
        {tuple(row) for row in batch.x.tolist()}
        for batch in (task.draw(5000, generator()), task.valid(), task.test())
    )
    assert len(drawn) == len(held[0]) == len(held[1]) == 16 and held[0] == held[1]
    assert not drawn & held[0]


def test_words_are_as_likely_where_they_are_held_out():
    task = Translation(3, nouns=3, verbs=5, embed=0.4)
    parts = [task.draw(20_000, generator()), *(task._draw(20_000, generator(seed), True) for seed in (2, 3))]
    shares = [torch.nn.functional.one_hot(part.x, task.inputs).double().mean(0) for part in parts]
    assert (shares[0] - shares[1]).abs().max() < 0.02 and (shares[1] - shares[2]).abs().max() < 0.02


def test_sizes_of_the_vocabularies():
    task = Translation(2, nouns=3, verbs=5)
    assert task.outputs == 2 + 6 + 20 and task.inputs == 28 + 6 + 10
    x = task.draw(3000, generator()).x
    assert set(x.unique().tolist()) == set(range(1, task.inputs)), "all words are used, and no other"


def test_chance_in_closed_form():
    """Two clauses, a chain with chance p: N V N V or N N V V."""
    nouns, verbs = 8, 6
    for p in (0.0, 0.3, 0.5, 1.0):
        second = max(p / nouns, (1 - p) / verbs)
        third = max((1 - p) / nouns, p / verbs)
        fourth = max((1 - p) / verbs, p / verbs)
        expected = (1 / nouns + second + third + fourth + 1) / 5
        assert Translation(2, 4, 3, p).chance == pytest.approx(expected)


def test_chance_is_the_share_of_the_likeliest_words():
    task, many = Translation(6, 2, 3, 0.6), 40_000
    y = task.draw(many, generator()).y[:, 12:]
    share = torch.stack([column.bincount().max() for column in y.T]).double().mean() / many
    assert float(share) == pytest.approx(task.chance, abs=5 * math.sqrt(0.25 / many))


def test_bleu_by_hand():
    right = [[1, 2, 3, 4, 5]]
    assert bleu(right, right) == pytest.approx(1)
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples and 1 of 2 quadruples are right
    assert bleu([[1, 2, 3, 4, 9]], right) == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert bleu([[1, 2, 3, 4]], right) == pytest.approx(math.exp(1 - 5 / 4)), "all right, but too short"
    assert bleu([[7, 1, 2, 3, 4, 5]], right) == pytest.approx((5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)
    assert bleu([[1, 1, 1, 1]], [[1, 2, 3, 1]], most=1) == pytest.approx(1 / 2), (
        "each as often as it is there"
    )
    assert bleu([[6, 7, 8, 9]], right) == 0.0 and bleu([[]], right) == 0.0
    two = bleu([[1, 2, 3, 4, 5], []], [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
    assert two == pytest.approx(math.exp(1 - 2)), "of the corpus, not the mean over sentences"


def test_sentences_end():
    rows = torch.tensor([[5, END, 7], [END, 5, 6], [5, 6, 7]])
    assert sentences(rows) == [[5], [], [5, 6, 7]]


def test_bad_sizes():
    with pytest.raises(BadInput, match="clauses must be"):
        Translation(1)
    with pytest.raises(BadInput, match="verbs must be"):
        Translation(verbs=1)
    with pytest.raises(BadInput, match="a chance from 0 to 1"):
        Translation(embed=1.5)
    with pytest.raises(BadInput, match="got 1 and 2"):
        bleu([[1]], [[1], [1]])
