"""Rotary positions: pairs of channels as complex numbers, turned by a rate that falls from pair to pair."""

import pytest
import torch

from tests.promises import close, normal
from wavetrain.parts.rotary import rotary


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 8])
def test_pairs_turn_like_complex_numbers(channels: int):
    """Pair i of n, channels i and n + i, by place 10000^(-i / n); an odd channel is left as it is."""
    x, place = normal(2, 3, 4, channels), torch.tensor([[0, 1, 2, 700], [5, 0, 3, 1]])
    turned, half = rotary(x, place), channels // 2
    assert turned.shape == x.shape and torch.equal(turned[..., 2 * half :], x[..., 2 * half :])
    for pair in range(half):
        before = torch.complex(x[..., pair], x[..., half + pair])
        angle = place[:, None].double() * 10_000.0 ** (-pair / half)
        after = torch.complex(turned[..., pair], turned[..., half + pair])
        close(after, before * torch.polar(torch.ones_like(angle), angle), f"pair {pair}, turned")


def test_scores_hang_on_the_distance_alone():
    q, k = normal(1, 1, 1, 6), normal(1, 1, 1, 6)
    near, far = (
        (rotary(q, torch.tensor([[place + 3]])) * rotary(k, torch.tensor([[place]]))).sum()
        for place in (0, 40)
    )
    close(near, far, "the same distance")


def test_places_do_not_merge_in_half_precision():
    x, places = torch.ones(1, 1, 4, 2, dtype=torch.bfloat16), torch.arange(2001, 2005)[None]
    exact = rotary(x.double(), places)
    assert (rotary(x, places).double() - exact).abs().max() < 2**-7
