"""High-order sequences: four pairs with noise between, whose last symbol depends on the first."""

import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.streams.high_order_sequences import HighOrderSequences

STUDY = [
    [6, 8, 7, 4, 2, 3, 0],
    [1, 8, 7, 4, 2, 3, 5],
    [6, 3, 4, 2, 7, 8, 5],
    [1, 3, 4, 2, 7, 8, 0],
    [0, 9, 7, 8, 5, 3, 4, 1],
    [2, 9, 7, 8, 5, 3, 4, 6],
    [0, 4, 3, 5, 8, 7, 9, 6],
    [2, 4, 3, 5, 8, 7, 9, 1],
]


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def named(seed: int) -> list[list[int]]:
    """The study's sequences in the symbols of a seed."""
    name = torch.randperm(10, generator=generator(seed)).tolist()
    return [[name[digit] for digit in one] for one in STUDY]


def parts(task: HighOrderSequences, seed: int = 1) -> list[tuple[int, list[int], list[int], list[list[int]]]]:
    """A stream cut behind its noise: where each whole sequence begins, symbols, answers, what may follow."""
    x, y, possible = (part[0].tolist() for part in task.streams(1, generator(seed)))
    cut, begin = [], 0
    for t, symbol in enumerate(x):
        if symbol >= 10:
            cut.append((begin, x[begin:t], y[begin:t], [_set(row) for row in possible[begin:t]]))
            begin = t + 1
    return cut


def _set(row: list[bool]) -> list[int]:
    return [symbol for symbol in range(10) if row[symbol]]


@pytest.mark.parametrize("seed", [0, 3])
def test_the_sequences_of_the_study_with_noise_between(seed: int):
    sequences, seen = named(seed), []
    for _, symbols, answers, possible in parts(HighOrderSequences(3000, noise=5000, seed=seed)):
        assert symbols in sequences
        assert answers == [0] * (len(symbols) - 2) + [symbols[-1] + 1, 0]
        assert possible == [[]] * (len(symbols) - 2) + [[symbols[-1]], []]
        seen.append(sequences.index(symbols))
    share = torch.tensor(seen).bincount(minlength=8) / len(seen)
    assert (share - 1 / 8).abs().max() < 5 * math.sqrt(7 / 64 / len(seen))


def test_from_the_swap_on_partners_end_as_the_other_did():
    task, sequences = HighOrderSequences(3000, swap=1500), named(0)
    swapped = [[*one[:-1], sequences[i ^ 1][-1]] for i, one in enumerate(sequences)]
    for begin, symbols, _, _ in parts(task):
        assert symbols in (swapped if begin >= 1500 else sequences), begin
    still = HighOrderSequences(3000).draw(1, generator()).x[0]
    x = task.draw(1, generator()).x[0]
    assert torch.equal(x[:1500], still[:1500]) and (x != still).sum() == len(
        [begin for begin, *_ in parts(task) if begin >= 1500]
    )


@pytest.mark.parametrize("endings", [2, 4])
def test_the_future_branches(endings: int):
    task, first = HighOrderSequences(4000, endings), named(0)
    seen: dict[tuple[int, ...], list[int]] = {}
    for _, symbols, answers, possible in parts(task):
        assert answers[-2] == symbols[-1] + 1 and symbols[-1] in possible[-2]
        assert len(possible[-2]) == endings
        seen.setdefault(tuple(symbols[:-1]), []).append(symbols[-1])
    lasts = dict(zip(task.bodies(), task.lasts().tolist(), strict=True))
    assert {body: sorted(set(ends)) for body, ends in seen.items()} == {
        body: sorted(ends) for body, ends in lasts.items()
    }
    assert [ends[0] for ends in lasts.values()] == [one[-1] for one in first]
    for one, other in zip(task.lasts()[::2], task.lasts()[1::2], strict=True):
        assert not set(one.tolist()) & set(other.tolist())
    counts = torch.tensor([[ends.count(end) for end in lasts[body]] for body, ends in seen.items()])
    share = counts / counts.sum(1, keepdim=True)
    assert (share - 1 / endings).abs().max() < 5 * 0.5 / math.sqrt(counts.sum(1).min())


def test_chance_knows_the_time():
    """The first sequence is asked at step 5 (endings 0, 5, 5, 0) or 6 (1, 6, 6, 1): one half is guessed."""
    assert HighOrderSequences(9).chance == pytest.approx(1 / 2)
    assert HighOrderSequences(9, endings=2).chance == pytest.approx(1 / 4)
    assert HighOrderSequences(5000).chance == pytest.approx(1 / 4, abs=0.01)


def test_bad_sizes():
    with pytest.raises(BadInput, match="length must be a whole number of at least 9"):
        HighOrderSequences(8)
    with pytest.raises(BadInput, match="expected 1 to 4 endings, got 5"):
        HighOrderSequences(endings=5)
    with pytest.raises(BadInput, match="swap must be"):
        HighOrderSequences(swap=-1)
