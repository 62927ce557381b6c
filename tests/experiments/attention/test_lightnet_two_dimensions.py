"""Scans of a grid in four directions, written out; the order of tokens; the predicate."""

import pytest
import torch

from tests.answers import answers
from tests.promises import close, normal
from wavetrain.evidence.claims import every
from wavetrain.experiments.attention.lightnet_two_dimensions import (
    additive,
    claim,
    four_decays,
    one_decay,
    order,
)
from wavetrain.layers.attention.lightnet import lrpe


def grids() -> tuple[torch.Tensor, ...]:
    return normal(2, 3, 4, 6), normal(2, 3, 4, 6, seed=2), normal(2, 3, 4, 5, seed=3)


def test_four_scans_are_the_walks_from_all_ends():
    """Each token reads, from each of four sides, what the walk to it has kept."""
    q, k, v = grids()
    rows = [(r, c) for r in range(3) for c in range(4)]
    columns = [(r, c) for c in range(4) for r in range(3)]
    keep, weight = k.sigmoid(), 1 - k.sigmoid()
    expected = []
    for walk in (rows, rows[::-1], columns, columns[::-1]):
        memory, y = torch.zeros(2, 6, 5, dtype=q.dtype), torch.zeros_like(v)
        for r, c in walk:
            memory = keep[:, r, c, :, None] * memory + weight[:, r, c, :, None] * v[:, r, c, None]
            y[:, r, c] = torch.einsum("bk,bkp->bp", q[:, r, c], memory)
        expected.append(y)
    close(one_decay(q, k, v, False), expected[0], "one scan, the walk by rows")
    close(four_decays(q, k, v, False), sum(expected), "four scans, all walks")


def test_places_leave_the_decay_of_each_channel_as_it_is():
    """The two copies of a channel fade alike: its products are those without places, times a cosine."""
    q, k, v = grids()
    far = torch.tensor([6, 11])  # from place (1, 2) to (2, 3)
    q, v = (torch.zeros_like(part).flatten(1, 2) for part in (q, v))
    q[:, far[1]], v[:, far[0]] = 1.0, 1.0
    q, v = q.view(2, 3, 4, 6), v.view(2, 3, 4, 5)
    flat = k.flatten(1, 2)
    kept = (1 - flat[:, 6].sigmoid()) * flat[:, 7:12].sigmoid().prod(1)  # (B, K)
    cosines = (lrpe(torch.ones(1, 3, 4, 6).double())[:, [1, 2], [2, 3]]).prod(1)  # cos cos and sin sin
    cosines = torch.cat([half.unflatten(-1, (2, 3)).sum(-2) for half in cosines.chunk(2, -1)], -1)
    read = one_decay(q, k, v, True)[:, 2, 3, 0]
    close(read, (kept * cosines).sum(-1), "what is read over a distance, by hand")


def test_only_the_additive_scan_is_blind_to_the_order():
    generators = [torch.Generator().manual_seed(0) for _ in range(3)]
    moved = [order(mix, one) for mix, one in zip((additive, one_decay, four_decays), generators, strict=True)]
    assert moved[0] < 1e-5 and moved[1] > 0.1
    assert moved[2] < 1e-5, "four scans by rows and columns are as symmetric"


WHOLE = {
    "one_scan": 0.95,
    "four_scans": 0.96,
    "one_decay": 0.94,
    "order_one_scan": 1e-7,
    "order_one_decay": 0.5,
}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"one_scan": 0.939, "one_decay": 0.9}, [False, True, True]),
        ({"one_decay": 0.95}, [True, False, True]),
        ({"order_one_scan": 1e-3}, [True, True, False]),
        ({"order_one_decay": 1e-6}, [True, True, False]),
        ({"four_scans": 0.7}, [None, None, True]),
        ({"four_scans": 0.1, "one_scan": 0.1, "one_decay": 0.1}, [None, None, True]),
        ({"one_scan": 1.0, "four_scans": 1.0}, [True, True, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, WHOLE | changed) == parts
    assert claim.holds(WHOLE | changed) is every(parts)


def test_the_part_on_the_order_is_exact_for_any_weights():
    moved = {
        f"order_{name}": order(mix, torch.Generator().manual_seed(0))
        for name, mix in {"one_scan": additive, "one_decay": one_decay}.items()
    }
    assert answers(claim, WHOLE | moved)[2] is True
