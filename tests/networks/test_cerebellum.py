"""The cerebellum: the bits of sparse distributed memory, which synapses move, zones, and what is refused."""

import math
import warnings

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.memories.sparse_distributed import SparseDistributed
from wavetrain.networks.cerebellum import Cerebellum, Teaching, Winners, Within

ADD = Teaching.ADD


def signs(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(2, shape, generator=torch.Generator().manual_seed(seed)) * 2.0 - 1


def built(*sizes: int, seed: int = 3, **settings) -> Cerebellum:  # type: ignore[no-untyped-def]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Cerebellum(*sizes, **settings)


@pytest.mark.parametrize("radius", [9, 12, 15])  # from few cells to a third of them
@pytest.mark.parametrize("many", [3, 60])  # few patterns, and more than it holds
@torch.no_grad()
def test_it_reads_the_bits_of_sparse_distributed_memory(radius: int, many: int):
    memory = SparseDistributed(32, 20, neurons=400, radius=radius)
    network = built(32, 20, granule=400, claws=None, golgi=Within(radius), teaching=ADD)
    network.dendrites.copy_(memory.address)
    key, value = signs(2, many, 32), signs(2, many, 20, seed=1)
    cue = torch.where(torch.rand(key.shape) < 0.1, -key, key)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SparseDistributed: .* more than")
        state = memory.write(memory.empty(2), key, value)
    _, synapses = network.carry(network.said(key, value))
    read, _ = network.carry(network.said(cue), synapses)
    assert torch.equal(network.active(cue), memory.active(cue).mT)
    assert torch.equal(read.sign(), memory.read(state, cue).sign())
    assert torch.equal(synapses, state[0][..., :-1].mT)  # W are the counters


@torch.no_grad()
def test_as_many_winners_as_lie_within_a_radius_are_the_same_cells():
    drive = built(32, 1, granule=400, claws=None)
    m = signs(5, 32)
    within = Within(12)(m @ drive.dendrites.T, 32)
    for row in range(5):
        assert torch.equal(Winners(int(within[row].sum()))(m[row] @ drive.dendrites.T, 32), within[row])


@torch.no_grad()
def test_an_answer_is_moved_by_the_rate_and_extinguished_by_zero():
    network = built(30, 2, rate=0.25)
    m = signs(1, 1, 30)
    x = torch.cat([network.said(m, torch.tensor([[[1.0, -2.0]]]))] * 3, 1)
    y, synapses = network.carry(x)
    torch.testing.assert_close(y[0, :, 0], torch.tensor([0, 0.25, 1 - 0.75**2]))
    torch.testing.assert_close(y[0, :, 1], -2 * y[0, :, 0])
    forgets = network.said(m.expand(1, 60, 30), torch.zeros(1, 60, 2))
    y, synapses = network.carry(forgets, synapses)
    assert float(y[0, -1].abs().max()) < 1e-6 and y[0, 0].abs().min() > 0.5


@torch.no_grad()
def test_only_synapses_of_active_cells_of_told_zones_move():
    network = built(30, 2, zones=3, granule=200)
    network.start.copy_(torch.randn(6, 200))
    m = signs(1, 1, 30)
    before = network.begin(1)
    _, after = network.carry(network.said(m, torch.ones(1, 1, 6), zone=1))
    moved = (after != before)[0]
    expected = torch.zeros(6, 200, dtype=torch.bool)
    expected[2:4] = network.active(m)[0, 0]
    assert torch.equal(moved, expected) and int(moved.sum()) == 2 * 20
    _, silent = network.carry(network.said(m.expand(1, 5, 30)))
    assert torch.equal(silent, before)


@torch.no_grad()
def test_zones_are_networks_of_their_own_on_the_same_granule_cells():
    both = built(30, 2, zones=2, granule=200)
    m, c = signs(3, 8, 30), signs(3, 8, 4, seed=1)
    first = torch.rand(3, 8) < 0.5  # which zone is told
    x = torch.where(first[..., None], both.said(m, c, zone=0), both.said(m, c, zone=1))
    y, _ = both.carry(x)
    for zone in range(2):
        one = built(30, 2, granule=200)
        one.dendrites.copy_(both.dendrites)
        said = one.said(m, c[..., 2 * zone : 2 * zone + 2])
        said[..., 30] = (first == (zone == 0)).float()
        torch.testing.assert_close(one(said), y[..., 2 * zone : 2 * zone + 2])


def test_cells_hear_so_many_fibres():
    network = built(30, 1, granule=500, claws=4)
    assert (network.dendrites.abs().sum(1) == 4).all()
    assert network.dendrites.unique().tolist() == [-1, 0, 1]
    heard = network.dendrites.abs().sum(0)
    assert heard.min() > 30 and heard.max() < 110  # 67 of 500 in the mean
    assert (built(30, 1, claws=None).dendrites.abs() == 1).all()
    assert int(network.active(torch.randn(30)).sum()) == 20


@torch.no_grad()
def test_no_active_cell_says_nothing_and_learns_nothing():
    network = built(30, 1, granule=50, claws=None, golgi=Within(0))
    y, synapses = network.carry(network.said(signs(1, 2, 30), torch.ones(1, 2, 1)))
    assert not y.any() and not synapses.any()


def test_what_does_not_fit_is_refused():
    for wrong, words in (
        (dict(claws=5), "at most 4 claws"),
        (dict(claws=0), "claws"),
        (dict(granule=0), "granule"),
        (dict(granule=19), "at most 19 winners"),
        (dict(golgi=Winners(0)), "winners"),
        (dict(golgi=Within(-1)), "radius"),
        (dict(golgi=Within(2.5)), "radius"),
        (dict(golgi=Within(math.nan)), "radius"),
        (dict(rate=0.0), "rate"),
        (dict(rate=1.1), "rate"),
        (dict(rate=math.nan), "rate"),
    ):
        with pytest.raises(BadInput, match=words):
            Cerebellum(4, 2, **wrong)
    Cerebellum(4, 2, golgi=Within(2), rate=1.0)
    network = Cerebellum(4, 2, zones=2)
    for zone in (-1, 2):
        with pytest.raises(BadInput, match="a zone from 0 to 1"):
            network.said(torch.ones(1, 1, 4), torch.ones(1, 1, 4), zone)
    with pytest.raises(BadInput, match=r"\(batch, time, 10\)"):
        network(torch.ones(1, 1, 4))
    x = network.said(torch.ones(1, 2, 4), torch.ones(1, 2, 4), zone=1)
    for gate in (-0.1, 1.1, math.nan):
        x[0, 1, 5] = gate
        with pytest.raises(
            BadInput, match=f"expected climbing fibres to be there from 0 to 1, got {gate:g}$"
        ):
            network(x)
