"""Linear encoders: where a pulse is, what is lost, and which patterns are products of space and time."""

import math

import pytest
import torch

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.ring import Ring
from wavetrain.parts.encoders import (
    Encoder,
    bank,
    bumps,
    gaussian,
    leaks,
    non_separability,
    orthogonal,
    rings,
    shared_ring,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_states_are_the_recurrence():
    encoder = orthogonal(2, 5, 0.9, generator())
    x = torch.randn(7, 2, generator=generator(1))
    h, rows = torch.zeros(10), []
    for now in x:
        h = encoder.moves @ h + encoder.enters @ now
        rows.append(h)
    torch.testing.assert_close(encoder.states(x), torch.stack(rows))
    echoes = encoder.echoes(7)
    last = sum(echoes[age] @ x[6 - age] for age in range(7))
    torch.testing.assert_close(encoder.states(x)[-1], last)


def test_where_a_pulse_is_tells_when_it_came():
    """One mover: the place of the maximum less the site is the number of steps, round the ring."""
    wave = shared_ring([5], 16, movers=1)
    for age, echo in enumerate(wave.echoes(20)):
        assert int(echo[:, 0].argmax()) == (5 + age) % 16 and float(echo.sum()) == 1
    both = shared_ring([5], 16).echoes(20).unflatten(1, (2, 16))
    for age, (there, back) in enumerate(both[..., 0]):
        assert int(there.argmax()) == (5 + age) % 16 and int(back.argmax()) == (5 - age) % 16


def test_the_last_inputs_lie_side_by_side_in_an_open_ring():
    """A permutation: nothing is lost before the end, and nothing is left behind it."""
    x = torch.randn(30, 2, generator=generator())
    states = rings(2, 8).states(x).unflatten(1, (2, 8))
    close(states[-1].T, x[-8:].flip(0), "state, the last inputs")
    first = rings(1, 8).echoes(12)
    assert first[:8, :, 0].equal(torch.eye(8)) and not first[8:].any()


def test_an_open_ring_is_the_state_of_the_layer():
    layer = Ring(3, cells=6)
    layer.encode.weight.data = torch.eye(3)
    x = torch.randn(10, 3, generator=generator())
    state = layer.begin(1)
    for now in x:
        _, state = layer.step(now[None], state)
    close(rings(3, 6).states(x)[-1], state[0].detach().flatten(), "state, that of `Ring`")


def test_what_leaves_an_open_ring_is_gone():
    """Of one site it passes the other, and ends; in a closed ring it comes back."""
    line, ring = (shared_ring([0, 4], 8, movers=1, closed=closed).echoes(20) for closed in (False, True))
    assert torch.equal(line[:8, :, 0], torch.eye(8)) and not line[8:, :, 0].any()
    assert torch.equal(line[:4, 4:, 1], torch.eye(4)) and not line[4:, :, 1].any()
    assert torch.equal(line[4:8, :, 0], line[:4, :, 1]) and torch.equal(ring[8:16], ring[:8])


def test_a_bump_stays_and_fades():
    echoes = bumps([2, 10], 16, width=1.5, kept=0.5).echoes(4)
    assert echoes[:, :, 0].argmax(1).tolist() == [2] * 4 and echoes[:, :, 1].argmax(1).tolist() == [10] * 4
    torch.testing.assert_close(echoes[3], echoes[0] / 8)
    assert float(echoes[0, 2, 0]) == 1 and float(echoes[0, 4, 0]) == pytest.approx(math.exp(-8 / 9))
    assert float(echoes[0, 15, 0]) == pytest.approx(float(echoes[0, 5, 0]))  # round the ring


def test_leaks_fade_and_a_share_of_one_is_a_sum():
    x = torch.randn(9, 2, generator=generator())
    states = leaks(2, torch.tensor([0.5, 1.0])).states(x).unflatten(1, (2, 2))
    torch.testing.assert_close(states[-1, :, 1], x.sum(0))
    weights = 0.5 ** torch.arange(8, -1, -1)
    torch.testing.assert_close(states[-1, :, 0], weights @ x)
    kept = bank(64)
    assert len(kept) == 64 and (kept.diff() > 0).all()
    assert float(kept[0]) == pytest.approx(math.exp(-1)) and float(kept[-1]) == pytest.approx(
        math.exp(-1 / 64)
    )


def test_the_order_of_two_inputs_is_in_a_wave_and_scales_a_bump():
    """Of one site: a bump of another order is the same cell, more or less active."""
    one, other = torch.zeros(2, 6, 2)
    one[1, 0] = one[4, 1] = other[1, 1] = other[4, 0] = 1
    wave = shared_ring([0, 8], 16)
    assert not torch.equal(wave.states(one)[-1], wave.states(other)[-1])
    whole = leaks(2, torch.tensor([1.0]))
    assert torch.equal(whole.states(one)[-1], whole.states(other)[-1])  # a sum knows no order
    faded = leaks(1, torch.tensor([0.9])).echoes(5)[..., 0]
    assert torch.linalg.matrix_rank(faded) == 1


def test_random_networks_are_as_large_as_they_say():
    turning, drawn = orthogonal(2, 8, 0.9, generator()), gaussian(2, 8, 0.9, generator())
    torch.testing.assert_close(turning.moves.T @ turning.moves, 0.81 * torch.eye(16), rtol=0, atol=1e-6)
    for block in (drawn.moves[:8, :8], drawn.moves[8:, 8:]):
        assert float(torch.linalg.eigvals(block).abs().max()) == pytest.approx(0.9, rel=1e-4)
    for encoder in (turning, drawn):
        assert not encoder.moves[:8, 8:].any() and not encoder.enters[:8, 1].any()
        torch.testing.assert_close(encoder.enters.norm(dim=0), torch.ones(2))


@pytest.mark.parametrize("cells", [1, 4, 64])
def test_a_pulse_that_moves_is_no_product(cells: int):
    wave = rings(1, cells).echoes(cells)[..., 0].T
    assert non_separability(wave) == pytest.approx(1 - 1 / cells, abs=1e-12)


def test_what_stays_in_place_is_a_product():
    x = (torch.rand(50, 1, generator=generator()) < 0.2).float()
    assert non_separability(leaks(1, torch.tensor([0.9])).states(x).T) == pytest.approx(0, abs=1e-9)


def test_what_is_refused():
    with pytest.raises(BadInput, match=r"expected x \(time, 2\), got \(5, 3\)"):
        rings(2, 4).states(torch.zeros(5, 3))
    with pytest.raises(BadInput, match="sites from 0 to 7, got \\[8\\]"):
        shared_ring([8], 8)
    with pytest.raises(BadInput, match="one mover or two"):
        shared_ring([1], 8, movers=3)
    for width, kept in ((0.0, 0.5), (1.0, 1.5)):
        with pytest.raises(BadInput, match="a width above 0 and a share from 0 to 1"):
            bumps([1], 8, width, kept)
    with pytest.raises(BadInput, match="shares from 0 to 1"):
        leaks(1, torch.tensor([1.1]))
    with pytest.raises(BadInput, match="not zero everywhere"):
        non_separability(torch.zeros(3, 4))
    with pytest.raises(BadInput, match="cells must be"):
        rings(1, 0)
    assert Encoder(torch.eye(2), torch.ones(2, 1)).states(torch.zeros(0, 1)).shape == (0, 2)
