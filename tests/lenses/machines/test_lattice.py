"""Lattices: planted orders come back, what is irreducible in known ones, the completion, cycles, the null."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.recurrence.episodic import Episodic
from wavetrain.lenses.machines.lattice import Acyclic, lattice
from wavetrain.scan import Activation
from wavetrain.testing import check_lens

Order = list[tuple[int, int]]  # the first drives the second

CHAIN: Order = [(0, 1), (1, 2), (2, 3)]
DIAMOND: Order = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)]  # M3
PENTAGON: Order = [(0, 1), (1, 2), (2, 4), (0, 3), (3, 4)]  # N5
SUBSETS: Order = [
    (one, two)
    for one, two in itertools.permutations(range(8), 2)
    if one & two == one and two - one in (1, 2, 4)
]
CROWN: Order = [(low, 3 + high) for low in range(3) for high in range(3) if low != high]


def network(units: int, order: Order) -> Episodic:
    """Of h' = W h + x, with a weight of 1 for each pair of the order."""
    layer = Episodic(1, hidden=units, activation=Activation.IDENTITY).double()
    with torch.no_grad():
        layer.recur.weight.zero_()
        for source, goal in order:
            layer.recur.weight[goal, source] = 1
    return layer


def of(units: int, order: Order, quantile: float = 0.0, **given: Any) -> Any:
    return lattice(
        network(units, order), torch.zeros(1, 2, 1), quantile, shuffles=given.pop("shuffles", 0), **given
    )


@pytest.mark.parametrize(
    ("units", "order", "kept", "completion"),
    [
        (4, CHAIN, [0, 1, 2], 4),
        (3, [], [0, 1, 2], 5),  # with a least and a greatest element
        (5, DIAMOND, [1, 2, 3], 5),
        (5, PENTAGON, [1, 2, 3], 5),
        (8, SUBSETS, [3, 5, 6], 8),  # of three things: those that lack one
        (6, CROWN, [3, 4, 5], 8),  # its completion is the subsets of three things
        (1, [], [], 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("acyclic", list(Acyclic))
def test_what_is_needed_of_known_orders(
    units: int, order: Order, kept: list[int], completion: int, acyclic: Acyclic
):
    found = of(units, order, acyclic=acyclic)
    assert np.flatnonzero(found.kept).tolist() == kept and found.completion == completion
    assert found.element.tolist() == list(range(units))
    if completion == units:  # a lattice: those right below one element
        assert np.flatnonzero(found.upper == 1).tolist() == kept


@pytest.mark.parametrize("seed", range(20))
def test_against_the_completion_itself(seed: int):
    """Cuts written out: an element is meet-irreducible where those strictly above it have a greater meet."""
    dice = np.random.default_rng(seed)
    units = 6
    order = [pair for pair in itertools.combinations(range(units), 2) if dice.random() < 0.3]
    found = of(units, order)
    at_most = found.below | np.eye(units, dtype=bool)
    down = [frozenset(np.flatnonzero(at_most[:, one]).tolist()) for one in range(units)]
    cuts = {frozenset(range(units))}
    for many in range(1, units + 1):
        for some in itertools.combinations(down, many):
            cuts.add(frozenset.intersection(*some))
    assert found.completion == len(cuts)
    for one in range(units):
        above = [cut for cut in cuts if cut > down[one]]
        meet = frozenset.intersection(*above) if above else None
        assert found.kept[one] == (meet is not None and meet != down[one])


@pytest.mark.parametrize("seed", range(10))
def test_reduction_and_closure(seed: int):
    """The closure of the covers is the order, and no cover can be left out."""
    found = lattice(network(12, []), torch.zeros(1, 1, 1), shuffles=0)
    layer = network(12, [])
    layer.recur.weight.data = normal(12, 12, seed=seed)
    found = lattice(layer, torch.zeros(1, 1, 1), 0.9, Acyclic.INDEX, shuffles=0)
    reach = found.cover.astype(int)
    closed = sum(np.linalg.matrix_power(reach, power) for power in range(1, 13)) > 0
    assert (closed == found.below).all() and not found.below.diagonal().any()
    between = (found.below.astype(int) @ found.below.astype(int)) > 0
    assert not (found.cover & between).any()


def test_units_on_a_cycle_are_one_element():
    found = of(4, [(0, 1), (1, 2), (2, 1), (2, 3)])
    assert found.element.tolist() == [0, 1, 1, 2] and found.below.sum() == 3
    assert found.kept.tolist() == [True, True, True, False] and found.upper.tolist() == [1, 1, 1, 0]
    assert of(3, [(0, 1), (1, 2), (2, 0)]).kept.tolist() == [False] * 3  # all one


def test_a_threshold_is_raised_until_no_cycle_is_left():
    layer = network(4, [(0, 1), (1, 2), (2, 3), (3, 0)])
    layer.recur.weight.data[0, 3] = 0.5
    x = torch.zeros(1, 1, 1)
    found = lattice(layer, x, 0.0, Acyclic.RAISE, shuffles=0)
    assert found.threshold == 0.5 and found.kept.tolist() == [True, True, True, False]
    assert lattice(layer, x, 0.0, Acyclic.INDEX, shuffles=0).threshold == 0
    layer.recur.weight.data[2, 1] = 0.25
    found = lattice(layer, x, 0.0, Acyclic.RAISE, shuffles=0)
    assert found.threshold == 0.25 and found.below.sum() == 6  # a chain from 2 by 3 and 0 to 1
    assert not found.kept[1] and found.kept.sum() == 3


@pytest.mark.parametrize("noise", [0.1, 0.4])
def test_a_planted_order_comes_back_from_noise(noise: float):
    """Subsets of three things, 12 connections of 1 among 56, all with uniform noise of up to 0.4."""
    layer = network(8, SUBSETS)
    layer.recur.weight.data += noise * (2 * torch.rand(8, 8, generator=torch.Generator().manual_seed(0)) - 1)
    found = lattice(layer, torch.zeros(1, 3, 1), 1 - 12 / 56, shuffles=0)
    assert np.flatnonzero(found.kept).tolist() == [3, 5, 6] and found.completion == 8
    assert found.cover.sum() == 12 and found.p == 1  # without draws nothing is told


def test_a_ring_keeps_fewer_than_the_null():
    """All 24 units on one cycle: none is needed; with connections exchanged most are."""
    found = of(24, [(one, (one + 1) % 24) for one in range(24)], shuffles=99)
    assert found.p == 0.01 and found.kept.sum() == 0 and found.null.min() > 8


def test_the_null_has_its_level():
    """Networks of random weights: with 19 draws one in twenty has p = 0.05, fewer where counts are tied."""
    layer, x, p = network(10, []), torch.zeros(1, 1, 1), []
    for seed in range(100):
        layer.recur.weight.data = normal(10, 10, seed=seed)
        p.append(lattice(layer, x, shuffles=19).p)
    assert (np.array(p) <= 0.05).sum() <= 12  # of 5, by 3.4 deviations
    assert (np.array(p) <= 0.5).sum() <= 67 and min(p) < 0.2


@pytest.mark.parametrize("acyclic", [Acyclic.CONDENSE, Acyclic.RAISE])
def test_units_have_no_order_of_their_own(acyclic: Acyclic):
    layer, order = network(9, []), torch.randperm(9, generator=torch.Generator().manual_seed(1))
    layer.recur.weight.data = normal(9, 9)
    one = lattice(layer, torch.zeros(1, 1, 1), 0.85, acyclic, shuffles=0)
    layer.recur.weight.data = layer.recur.weight.data[order][:, order]
    two = lattice(layer, torch.zeros(1, 1, 1), 0.85, acyclic, shuffles=0)
    np.testing.assert_array_equal(two.kept, one.kept[order])
    np.testing.assert_array_equal(two.upper, one.upper[order])


def test_strength_is_the_mean_slope():
    """Of h' = tanh(W h + V x): W times 1 - h'^2, in the mean over steps and sequences."""
    layer, x = Elman(5, inputs=2).double(), normal(3, 7, 2)
    h = layer(x)[0]
    wanted = (1 - h**2).mean((0, 1))[:, None] * layer.recur.weight.abs()
    np.testing.assert_allclose(lattice(layer, x, shuffles=0).strength, wanted.detach(), rtol=1e-9)


def test_parts_of_a_state_are_parts_of_a_unit():
    found = lattice(LSTM(6, 2).double(), normal(2, 4, 2), shuffles=9)
    assert found.strength.shape == (6, 6) and found.kept.shape == (6,) and found.null.shape == (9,)


def test_a_completion_may_be_too_large_to_count():
    """Of 20 units each below all others but one of 20 more: all subsets of 20 things."""
    crown = [(low, 20 + high) for low in range(20) for high in range(20) if low != high]
    found = of(40, crown)
    assert found.completion == -1 and np.flatnonzero(found.kept).tolist() == list(range(20, 40))


def test_bad_arguments():
    layer, x = network(3, CHAIN[:2]), torch.zeros(1, 1, 1)
    for quantile in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match="a quantile from 0 to 1"):
            lattice(layer, x, quantile)
    with pytest.raises(BadInput, match="shuffles must be at least 0"):
        lattice(layer, x, shuffles=-1)
    with pytest.raises(BadInput, match="has no state that moves"):
        lattice(SoftmaxAttention(4), torch.zeros(1, 2, 4))


def test_what_a_lens_promises():
    check_lens(lattice)


def test_connections_count_above_the_quantile_of_those_between_units():
    """Sizes 0 to 5 between three units, by default two thirds of them are below: those above 3 count."""
    layer, x = network(3, []), torch.zeros(1, 1, 1)
    layer.recur.weight.data = torch.tensor([[90.0, 1, 4], [-5, 80, 2], [0, 3, 70]]).double()
    found = lattice(layer, x, shuffles=0)
    np.testing.assert_allclose(found.strength, [[90, 1, 4], [5, 80, 2], [0, 3, 70]])
    assert found.threshold == 3 and found.below.sum() == 3  # 2 drives 0, and 0 drives 1
    assert found.cover.tolist() == [[False, True, False], [False] * 3, [True, False, False]]
    assert found.upper.tolist() == [1, 0, 1] and found.kept.tolist() == [True, False, True]
    for quantile, threshold in ((0.0, 0), (0.59, 2), (0.61, 3), (1.0, 5)):
        assert lattice(layer, x, quantile, shuffles=0).threshold == threshold
    none = lattice(layer, x, 1.0, shuffles=0)
    assert not none.below.any() and none.kept.all() and none.completion == 5


def test_p_is_that_of_the_distance_from_the_median():
    """In either direction: of all exchanges, and of the network among them."""
    layer, x = network(7, []), torch.zeros(1, 1, 1)
    for seed in range(4):
        layer.recur.weight.data = normal(7, 7, seed=seed)
        found = lattice(layer, x, shuffles=20, seed=seed)
        middle = np.median([*found.null, found.kept.sum()])
        far = [abs(one - middle) >= abs(found.kept.sum() - middle) for one in found.null]
        assert found.p == pytest.approx((1 + sum(far)) / 21) and len(set(found.null)) > 1
        assert np.array_equal(lattice(layer, x, shuffles=20, seed=seed).null, found.null)
    assert not np.array_equal(lattice(layer, x, shuffles=20, seed=9).null, found.null)


def test_a_completion_of_eight_thousand_is_counted_and_one_of_sixteen_is_not():
    """Crowns of 13 and of 14: the subsets of as many things."""
    for things, completion in ((13, 2**13), (14, -1)):
        crown = [(low, things + high) for low in range(things) for high in range(things) if low != high]
        assert of(2 * things, crown).completion == completion


def test_units_of_two_parts_count_by_the_largest():
    """Of an LSTM, h and c: the largest of four blocks of the Jacobian, by autograd, in the mean over x."""
    layer, x = LSTM(3, 2).double(), normal(1, 1, 2)
    sizes = []
    for part in range(2):
        for other in range(2):

            def after(state, part=part, other=other):
                first = [torch.zeros(1, 3).double(), torch.zeros(1, 3).double()]
                first[other] = state[None]
                return layer.step(x[:, 0], type(layer.begin(1))(first))[1][part][0]

            sizes.append(torch.autograd.functional.jacobian(after, torch.zeros(3).double()).abs())
    found = lattice(layer, x, shuffles=0)
    np.testing.assert_allclose(found.strength, torch.stack(sizes).amax(0), atol=1e-12)
