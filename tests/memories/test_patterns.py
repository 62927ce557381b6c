"""Patterns and fields: softmax where something is there, signs, ties, and the sweep that changes nothing."""

import warnings

import pytest
import torch
from torch import Tensor

from wavetrain.core import Memory
from wavetrain.errors import BadInput
from wavetrain.memories import _patterns as patterns
from wavetrain.memories.dense_hopfield import DenseHopfield, Steepness
from wavetrain.memories.hopfield import LARGE, Hopfield
from wavetrain.memories.sparse_distributed import SparseDistributed

CUBIC = Steepness.POWER
FIELD = torch.tensor([[[1.0, 2.0, 3.0]]], dtype=torch.float64)


@pytest.mark.parametrize("field", [FIELD, -1e30 * FIELD.float()])
def test_shares_and_sums_are_of_what_is_there(field: Tensor):
    readable = torch.tensor([[[True, False, True]]])
    there = field[readable]
    assert torch.equal(patterns.shares(field, readable)[readable], there.softmax(-1))
    assert not patterns.shares(field, readable)[~readable].any()
    assert torch.equal(patterns.log_sum(field, readable)[0], there.logsumexp(-1, keepdim=True))
    none = torch.zeros_like(readable)
    assert not patterns.shares(field, none).any() and not patterns.log_sum(field, none).any()


def test_signs_and_lengths_are_refused_in_words():
    memory = Hopfield(3)
    signs, vectors = torch.tensor([[[1.0, -1.0, 1.0]]]), torch.tensor([[[3.0, 0.0, 4.0], [0.0, 0.5, 0.0]]])
    assert patterns.check_signs(memory, signs) is signs
    with pytest.raises(BadInput, match=r"Hopfield: expected patterns of \+1 and -1, got 3 in \(1, 2, 3\)"):
        patterns.check_signs(memory, vectors)
    assert patterns.unit(memory, vectors).tolist() == [[pytest.approx([0.6, 0, 0.8]), [0, 1, 0]]]
    with pytest.raises(BadInput, match=r"normalised, got one of zeros in \(1, 2, 3\)"):
        patterns.unit(memory, vectors * torch.tensor([[[1.0], [0.0]]]))


@pytest.mark.parametrize(
    ("stored", "added", "warned"),
    [
        ([1, 3], 1, False),  # 3 of 3.5 fit
        ([1, 4], 1, True),  # the fourth was one too many
        ([4, 1], 4, True),
        ([5, 2], 1, False),  # said before
        ([5, 2], 2, True),
        ([], 1, False),
    ],
)
def test_warns_once_when_there_is_too_much(stored: list[int], added: int, warned: bool):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        patterns.warn_beyond(Hopfield(3), torch.tensor(stored, dtype=torch.long), added, 3.5, "theory")
    assert len(said) == warned
    if warned:
        assert str(said[0].message).startswith(f"Hopfield: {max(stored)} patterns are more than the 3 that")


def test_warns_at_the_very_capacity_only_beyond_it():
    for stored, added, warned in ((3, 1, False), (4, 1, True), (5, 1, False)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            patterns.warn_beyond(Hopfield(3), torch.tensor([stored]), added, 3, "theory")
        assert len(said) == warned


def test_fields_within_the_tie_change_nothing():
    field, before = torch.tensor([0.5, -0.5, 0.25, -0.25, 0.0]), torch.tensor([-1.0, 1.0, -1.0, 1.0, -1.0])
    assert patterns.signed(field, before).tolist() == [1, -1, 1, -1, -1]
    assert patterns.signed(field, before, tie=0.25).tolist() == [1, -1, -1, 1, -1]


def settle(sweeps: int, generator: torch.Generator | None, tie: float = 0.0) -> tuple[Tensor, list[int]]:
    """Four units that take the sign of the first, which stays; and the order in which they were asked."""
    asked: list[int] = []

    def field(pattern: Tensor, unit: int) -> Tensor:
        asked.append(unit)
        return 0.5 * pattern[..., 0]

    start = torch.tensor([[[1.0, -1.0, -1.0, -1.0]]])
    ended = patterns.settled(start, field, sweeps, generator, tie)
    assert start.tolist() == [[[1, -1, -1, -1]]]
    return ended[0], asked


def test_settles_in_random_orders_until_a_sweep_changes_nothing():
    ended, asked = settle(9, None)
    assert ended.tolist() == [[1, 1, 1, 1]]
    assert len(asked) == 8 and sorted(asked[:4]) == sorted(asked[4:]) == [0, 1, 2, 3]
    dice = torch.Generator().manual_seed(0)
    assert asked == [unit for _ in range(2) for unit in torch.randperm(4, generator=dice).tolist()]
    dice = torch.Generator().manual_seed(3)
    assert settle(1, torch.Generator().manual_seed(3))[1] == torch.randperm(4, generator=dice).tolist()
    assert settle(9, None, tie=0.5)[0].tolist() == [[1, -1, -1, -1]]
    assert settle(0, None)[0].tolist() == [[1, -1, -1, -1]]


def test_a_unit_without_a_field_stays_as_it_is():
    start = torch.tensor([[1.0, -1.0, 1.0]])
    assert torch.equal(patterns.settled(start, lambda pattern, unit: 0 * pattern[..., unit], 3, None), start)


@pytest.mark.parametrize(
    "memory", [Hopfield(LARGE), SparseDistributed(16), DenseHopfield(9, steepness=CUBIC)]
)
def test_the_warning_points_at_whoever_wrote_too_much(memory: Memory):
    drawn = torch.randint(2, (1, 200, memory.size), generator=torch.Generator().manual_seed(0))
    key = 2.0 * drawn - 1
    with pytest.warns(UserWarning, match="200 patterns are more than the") as said:
        memory.write(memory.empty(1), key, key)
    assert said[0].filename == __file__
