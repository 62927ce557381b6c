"""Cliques hold and give way, reservoirs follow a closed form, and pixels are learned where they decide."""

import itertools
import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.networks.transient_states import Constants, TransientStates, maximal

TRIANGLES = [(0, 1, 2), (2, 3, 4), (4, 5, 6)]


def held(network: TransientStates, clique: tuple[int, ...], rows: int = 1) -> tuple[torch.Tensor, ...]:
    """A state in which a clique is active and all reservoirs are full."""
    _, reservoir, v, signal = network.begin(rows)
    x = torch.zeros_like(reservoir)
    x[:, list(clique)] = 1
    return x, reservoir, v, signal


def test_cliques_are_all_that_cannot_grow():
    links = (torch.rand(9, 9, generator=torch.Generator().manual_seed(0)) < 0.5).float().triu(1)
    links = links + links.T
    whole = [
        set(some)
        for size in range(2, 10)
        for some in itertools.combinations(range(9), size)
        if all(links[one, two] for one, two in itertools.combinations(some, 2))
    ]
    largest = [one for one in whole if not any(one < other for other in whole)]
    assert maximal(links) == sorted(tuple(sorted(one)) for one in largest)


@torch.no_grad()
def test_a_clique_holds_for_ever_while_no_reservoir_moves():
    network = TransientStates(TRIANGLES, 2, constants=Constants(fill=0, drain=0)).double()
    assert network.cliques == TRIANGLES
    for clique in network.cliques:
        x, state = network.carry(torch.zeros(1, 500, 2).double(), held(network, clique))
        assert set(torch.nonzero(x[0, -1])[:, 0].tolist()) == set(clique) and (state[0].max() == 1)


@torch.no_grad()
def test_energy_falls_while_all_reservoirs_are_full():
    network = TransientStates(TRIANGLES, 2, constants=Constants(fill=0, drain=0, step=0.02)).double()
    weights = network.excites - network.inhibits
    network.first.copy_(torch.rand(7, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    x, _ = network.carry(torch.zeros(1, 2000, 2).double())
    energy = -(x @ weights * x).sum(-1)[0] / 2
    assert (energy.diff() <= 1e-12).all() and energy[-1] < energy[0] - 0.1


@torch.no_grad()
def test_reservoirs_of_active_sites_drain_and_those_at_rest_fill():
    network = TransientStates(TRIANGLES, 2, constants=Constants(step=0.01)).double()
    x, reservoir, v, signal = held(network, (0, 1, 2))
    reservoir = torch.full_like(reservoir, 0.9)
    _, after = network.carry(torch.zeros(1, 1000, 2).double(), (x, reservoir, v, signal))
    assert after[0][0].round().tolist() == [1, 1, 1, 0, 0, 0, 0]
    torch.testing.assert_close(
        after[1][0, :3], torch.full((3,), 0.9 * math.exp(-0.09)).double(), rtol=1e-4, atol=0
    )
    torch.testing.assert_close(
        1 - after[1][0, 3:], torch.full((4,), 0.1 * math.exp(-0.04)).double(), rtol=1e-4, atol=0
    )


@torch.no_grad()
def test_levels_of_the_reservoir():
    network = TransientStates(TRIANGLES, 2).double()
    level = network._level(torch.linspace(0, 1, 101).double(), 0.7)
    assert float(level[0]) == pytest.approx(0.05) and float(level[-1]) == pytest.approx(1)
    assert (level.diff() > 0).all() and 0.3 < float(level[70]) < 0.7


@torch.no_grad()
def test_it_wanders_and_stays_in_its_range():
    torch.manual_seed(0)
    network = TransientStates(TRIANGLES, 2)
    y, (x, reservoir, _, _) = network.carry(torch.zeros(1, 6000, 2))
    assert float(y.min()) >= 0 and float(y.max()) <= 1 and float(reservoir.min()) >= 0
    seen = [tuple(torch.nonzero(row > 0.85)[:, 0].tolist()) for row in y[0]]
    assert len({one for one in seen if one in TRIANGLES}) >= 2
    assert torch.equal(x, y[:, -1])


@torch.no_grad()
def test_the_signal_rises_where_pixels_turn_a_sign_and_only_then_is_learned():
    network = TransientStates([(0, 1), (2, 3)], 2, constants=Constants(learn=0.1)).double()
    for drive, decides in ((1.9, False), (2.1, True)):  # the site is inhibited by two, with strength 1 each
        network.see.copy_(torch.tensor([[0.0, 0], [0, 0], [drive, 0], [0, 0]]))
        x, reservoir, _, signal = held(network, (0, 1))
        state = x, reservoir, network.see[None], signal
        told = network.step(torch.tensor([[1.0, 0.0]]).double(), state)
        assert float(told[3]) == pytest.approx(0.2 * 0.5 * decides)
        assert torch.equal(told[2][0], network.see)  # the signal was not above its threshold


@torch.no_grad()
def test_active_sites_learn_to_want_what_is_seen_and_others_do_not():
    constants = Constants(learn=0.1, decay=0.0, step=0.2)
    network = TransientStates([(0, 1), (2, 3)], 2, spread=0.0, constants=constants).double()
    x, reservoir, v, signal = held(network, (0, 1))
    _, _, after, _ = network.step(
        torch.tensor([[1.0, 0.0]]).double(), (x, reservoir, v, torch.ones_like(signal))
    )
    step = 0.2 * 0.1 * torch.tensor([0.3, 0.3, -0.05, -0.05]).double()
    torch.testing.assert_close(after[0], step[:, None] * torch.tensor([0.5, -0.5]).double())
    _, _, still, _ = network.step(torch.tensor([[1.0, 0.0]]).double(), (x, reservoir, v, 0.1 + signal))
    assert torch.equal(still, v)


@torch.no_grad()
@pytest.mark.parametrize("least", [0.05, 0.3])
def test_a_step_is_that_of_the_equations(least: float):
    """Site by site, from the middle of everything, with constants that all differ."""
    c = Constants(least=least, excite=0.4, active=0.6, fill=0.02, drain=0.03, learn=0.7, opens=0.15)
    network = TransientStates([(0, 1, 2), (2, 3)], 3, constants=c).double()
    dice = torch.Generator().manual_seed(4)
    x, p = torch.rand(2, 2, 4, generator=dice, dtype=torch.float64)
    x[0, 0] = x[1, 2] = 0.6  # at x_c itself
    p[1, 1] = 1.0
    v, y = torch.randn(2, 4, 3, generator=dice).double(), torch.randn(2, 3, generator=dice).double()
    signal = torch.tensor([[0.15], [0.4]], dtype=torch.float64)  # one at what opens
    linked = {frozenset(pair) for pair in ((0, 1), (0, 2), (1, 2), (2, 3))}

    def level(reservoir: float, at: float) -> float:
        low, high = math.atan(-20 * at), math.atan(20 * (1 - at))
        return least + (1 - least) * (math.atan(20 * (reservoir - at)) - low) / (high - low)

    said, reservoirs, wants, told = (part.clone() for part in (x, p, v, signal))
    for b in range(2):
        decides = False
        for i in range(4):
            alone = 0.0
            for j in range(4):
                if frozenset((i, j)) in linked:
                    alone += level(float(p[b, i]), 0.7) * 0.4 * float(x[b, j])
                elif i != j:
                    alone -= level(float(p[b, j]), 0.15) * float(x[b, j])
            hears = float(v[b, i] @ y[b])
            growth = alone + hears
            decides |= growth > 0 >= alone
            moved = float(x[b, i]) + 0.2 * growth * (1 - float(x[b, i]) if growth > 0 else float(x[b, i]))
            said[b, i] = min(max(moved, 0), 1)
            below = float(x[b, i]) < 0.6
            fills = 0.02 * (1 - float(p[b, i])) * (1 - float(x[b, i]) / 0.6)
            reservoirs[b, i] = p[b, i] + 0.2 * (fills if below else -0.03 * float(p[b, i]))
            if signal[b] > 0.15:
                missed = (0.3 if x[b, i] > 0.6 else -0.05) - hears
                wants[b, i] = v[b, i] + 0.2 * 0.7 * signal[b] * missed * (y[b] - y[b].mean())
        told[b] = signal[b] + 0.2 * (decides * 0.5 * (1 - signal[b]) - 0.02 * signal[b])
    for after, expected in zip(
        network.step(y, (x, p, v, signal)), (said, reservoirs, wants, told), strict=True
    ):
        torch.testing.assert_close(after, expected, rtol=1e-9, atol=1e-9)


def test_what_does_not_fit_is_refused():
    for linked in ([], [(0, 2)], [(1, 2)]):
        with pytest.raises(BadInput, match="sites from 0 on"):
            TransientStates(linked, 2)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 2\)"):
        TransientStates(TRIANGLES, 2)(torch.zeros(1, 5, 3))
