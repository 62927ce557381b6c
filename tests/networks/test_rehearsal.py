"""Rehearsal: the latest chunks in a ring, a fair sample of all beside them, and a weight that follows."""

import pytest
import torch

from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.networks._rehearsal import Rehearsal


def chunks(*numbers: int) -> Batch:
    """Chunks of four tokens that all are the same number, but for the last, which is one more."""
    first = torch.tensor(numbers)[:, None]
    return Batch(first.expand(-1, 3), torch.cat([first, first, first + 1], 1))


def filled(slots: int, count: int) -> Rehearsal:
    kept = Rehearsal(3, slots)
    for number in range(1, count + 1):
        kept.keep(chunks(number))
    return kept


def test_starts_with_nothing_and_full_weight():
    kept = Rehearsal(5)
    assert kept.chunks.shape == (128, 6) and not kept.chunks.any() and kept.chunks.dtype == torch.long
    assert kept.best.shape == (128,) and (kept.best == torch.inf).all()
    assert kept.seen == 0 and kept.weight == 1
    assert (kept.slots, kept.each, kept.target, kept.gain) == (64, 4, 0.1, 0.05)
    assert set(dict(kept.named_buffers())) == {"chunks", "best", "seen", "weight"}


@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
def test_the_latest_lie_in_a_ring_and_the_sample_has_no_chunk_twice(count: int):
    kept, there = filled(4, count), min(count, 4)
    assert kept.seen == count
    for number in range(count - there, count):
        assert kept.chunks[number % 4].tolist() == [number + 1, number + 1, number + 1, number + 2]
    sample = kept.chunks[4 : 4 + there, 0].tolist()
    assert len(set(sample)) == there and set(sample) <= set(range(1, count + 1))
    assert not kept.chunks[there:4].any() and not kept.chunks[4 + there :].any()
    if count <= 4:
        assert sample == list(range(1, count + 1))


@pytest.mark.parametrize(("slots", "many"), [(1, 2), (4, 5)])
def test_the_sample_is_fair(slots: int, many: int):
    """Each chunk is kept, over many orders of tokens, with the same chance."""
    kept, hits, runs, chance = Rehearsal(3, slots), torch.zeros(many), 200, slots / many
    for run in range(runs):
        kept.seen.zero_()
        kept._generator = lambda run=run: torch.Generator().manual_seed(1000 * run + int(kept.seen))  # type: ignore[method-assign]
        for number in range(many):
            kept.keep(chunks(number))
        hits[kept.chunks[slots:, 0]] += 1
    assert hits.sum() == slots * runs
    assert (hits / runs - chance).abs().max() < 4.5 * (chance * (1 - chance) / runs) ** 0.5


def test_a_new_chunk_has_no_best_loss_yet():
    kept = filled(4, 4)
    kept.told(torch.arange(8), torch.arange(8.0))
    assert kept.best.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    kept.keep(chunks(5))
    assert kept.best[0] == torch.inf and kept.best[1:4].tolist() == [1, 2, 3]
    replaced = (kept.chunks[4:, 0] == 5).nonzero().flatten()
    assert [row for row in range(4) if kept.best[4 + row] == torch.inf] == replaced.tolist()


@pytest.mark.parametrize(("slots", "each", "count"), [(4, 4, 9), (4, 5, 9), (4, 1, 9), (8, 6, 3), (8, 4, 1)])
def test_draws_half_of_the_latest_and_only_what_is_there(slots: int, each: int, count: int):
    kept = Rehearsal(3, slots, each)
    seen = set()
    for number in range(count):
        kept.keep(chunks(number))
    for seed in range(60):
        kept._generator = lambda seed=seed: torch.Generator().manual_seed(seed)  # type: ignore[method-assign]
        which = kept.draw().tolist()
        assert len(which) == each
        assert all(place < slots for place in which[: each // 2])
        assert all(place >= slots for place in which[each // 2 :])
        seen |= set(which)
    there = min(count, slots)
    latest = set(range(there)) if each > 1 else set()
    assert seen == latest | set(range(slots, slots + there))


def test_what_is_drawn_follows_from_how_much_was_seen():
    kept = filled(4, 6)
    assert torch.equal(kept.draw(), kept.draw())
    before = [filled(4, count).draw().tolist() for count in range(6, 16)]
    assert len({tuple(which) for which in before}) > 1


def test_the_weight_rises_with_what_is_forgotten():
    kept, which = filled(4, 4), torch.tensor([0, 5])
    kept.weight.fill_(0.5)
    kept.told(which, torch.tensor([2.0, 3.0]))  # heard for the first time: nothing is forgotten
    assert float(kept.weight) == pytest.approx(0.5 - 0.05 * 0.1) and kept.best[which].tolist() == [2, 3]
    kept.told(which, torch.tensor([1.5, 4.0]))  # half a nat on average
    assert float(kept.weight) == pytest.approx(0.495 + 0.05 * (0.5 - 0.1)) and kept.best[which].tolist() == [
        1.5,
        3,
    ]
    kept.told(which, torch.tensor([101.5, 3.0]))
    assert kept.weight == 1
    for _ in range(201):
        kept.told(which, kept.best[which])
    assert kept.weight == 0


@pytest.mark.parametrize("name", ["window", "slots", "each"])
def test_bad_sizes(name: str):
    sizes = {"window": 1, "slots": 1, "each": 1}
    Rehearsal(**sizes)
    with pytest.raises(BadInput, match=f"Rehearsal: .*{name}"):
        Rehearsal(**(sizes | {name: 0}))
