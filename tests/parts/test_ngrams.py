"""Tuples of spikes: which there are, what the table holds, and what follows from both."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.ngrams import NGrams


def train(steps: list[list[int]], units: int = 4) -> torch.Tensor:
    """Spikes (1, T, units) of who fires in each step."""
    spikes = torch.zeros(1, len(steps), units)
    for time, fired in enumerate(steps):
        spikes[0, time, fired] = 1
    return spikes


def drawn(many: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(many, 12, 5, generator=dice) < 0.15).float()
    return spikes, torch.randint(3, (many,), generator=dice)


def test_units_of_one_step_are_alternatives_and_empty_steps_are_left_out():
    grams = NGrams(n=2, classes=2)
    grams.learn(train([[], [0], [], [1, 2], [3], []]), torch.tensor([1]))
    assert grams.table == {pair: [0, 1] for pair in [(0, 1), (0, 2), (1, 3), (2, 3)]}


def test_what_is_asked_is_what_was_learned():
    """In the authors' code prediction flattens simultaneous spikes and leaves out the last tuple."""
    grams, spikes = NGrams(n=2, classes=3), train([[0, 1], [2], [3, 1]])
    grams.learn(spikes, torch.tensor([2]))
    assert grams.scores(spikes).tolist() == [[0, 0, 4]]  # all four tuples, once each
    assert grams.scores(train([[0], [1]])).tolist() == [[0, 0, 0]]  # 0 and 1 fired together, not in order


def test_with_n_of_one_it_is_voting_by_counts():
    spikes, labels = drawn(20)
    grams = NGrams(n=1, classes=3)
    grams.learn(spikes, labels)
    table = torch.nn.functional.one_hot(labels, 3).float().T @ spikes.sum(1)  # classes, units
    assert torch.equal(grams.scores(spikes).float(), spikes.sum(1) @ table.T)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_scores_add_up_but_for_the_tuples_across_the_seam(n: int):
    spikes, labels = drawn(20)
    grams = NGrams(n=n, classes=3)
    grams.learn(spikes, labels)
    first, second = spikes[:10], spikes[10:]
    both = grams.scores(torch.cat([first, second], 1))
    apart = grams.scores(first) + grams.scores(second)
    assert torch.equal(both, apart) if n == 1 else (both >= apart).all() and (both > apart).any()
    fired = [[step.nonzero()[:, 0].tolist() for step in row if step.any()] for row in (first[0], second[0])]
    seam = [fired[0][-n + 1 :] + fired[1][: n - 1]] if n > 1 else []
    more = [
        sum(grams.table.get(gram, [0] * 3)[k] for one in seam for gram in grams.grams(one)) for k in range(3)
    ]
    assert (both - apart)[0].tolist() == more


def test_the_table_holds_as_many_as_there_were():
    spikes, labels = drawn(20)
    grams = NGrams(n=2, classes=3)
    grams.learn(spikes[:5], labels[:5])
    grams.learn(spikes[5:], labels[5:])
    whole = NGrams(n=2, classes=3)
    whole.learn(spikes, labels)
    assert grams.table == whole.table
    products = [row[row.any(1)].sum(1) for row in spikes]  # how many fired in each step that has a spike
    assert sum(map(sum, grams.table.values())) == sum(float((one[1:] * one[:-1]).sum()) for one in products)


def test_without_spikes_it_is_the_first_class():
    grams = NGrams(n=2, classes=3)
    grams.learn(train([[0], [1]]), torch.tensor([2]))
    silent = torch.zeros(1, 2, 4)
    assert grams.answers(silent).tolist() == [0] and grams.answers(train([[0], [1]])).tolist() == [2]
    assert grams.answers(train([[0], []])).tolist() == [0]  # fewer spikes than n
    assert NGrams(n=2, classes=3).scores(silent[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: NGrams(n=0, classes=3), "n and classes of 1 or more, got 0 and 3"),
        (lambda: NGrams(n=2, classes=0), "got 2 and 0"),
        (lambda: NGrams(n=3, classes=2).scores(torch.zeros(1, 2, 4)), "at least n = 3 steps, got 2"),
        (
            lambda: NGrams(n=3, classes=2).learn(torch.zeros(1, 2, 4), torch.tensor([0])),
            "at least n = 3 steps, got 2",
        ),
        (lambda: NGrams(n=1, classes=2).scores(torch.zeros(2, 4)), r"\(batch, time, units\), got \(2, 4\)"),
        (
            lambda: NGrams(n=1, classes=2).learn(torch.zeros(2, 3, 4), torch.tensor([0])),
            r"a label for each of 2, got \(1,\)",
        ),
        (
            lambda: NGrams(n=1, classes=2).learn(torch.zeros(2, 3, 4), torch.tensor([0, 2])),
            "labels from 0 to 1, got 0 to 2",
        ),
    ],
)
def test_what_cannot_be_is_refused(ask, words):
    with pytest.raises(BadInput, match=words):
        ask()
