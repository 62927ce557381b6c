"""Triplet STDP: triplets by hand, pairs as a special case, and what rates do."""

import math

import pytest
import torch
from torch import Tensor

from tests.promises import close
from tests.rules.hebbian.spikes import DOUBLE, fires, noise
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.rules.hebbian.pair_stdp import PairSTDP
from wavetrain.rules.hebbian.triplet_stdp import TripletSTDP

FREE = Bounds(-math.inf, math.inf)
HALF = torch.full((1, 1), 0.5, dtype=DOUBLE)
TAUS = (15.0, 30.0, 90.0, 110.0)


def change(rule: TripletSTDP, pre: Tensor, post: Tensor) -> float:
    return float(rule.run(HALF, pre, post)[0]) - 0.5


def test_a_triplet_behind_by_hand():
    """post at 1, pre at 4, post at 9: the second pair counts more by what the first spike left."""
    rule = TripletSTDP((0.01, 0.02), (0.03, 0.0), TAUS, bounds=FREE)
    grows = math.exp(-5 / 15) * (0.01 + 0.03 * math.exp(-8 / 110))
    decays = 0.02 * math.exp(-3 / 30)
    assert change(rule, fires([4], 12), fires([1, 9], 12)) == pytest.approx(grows - decays, abs=1e-12)


def test_a_triplet_before_by_hand():
    """pre at 1, post at 4, pre at 9."""
    rule = TripletSTDP((0.01, 0.02), (0.0, 0.03), TAUS, bounds=FREE)
    grows = 0.01 * math.exp(-3 / 15)
    decays = math.exp(-5 / 30) * (0.02 + 0.03 * math.exp(-8 / 90))
    assert change(rule, fires([1, 9], 12), fires([4], 12)) == pytest.approx(grows - decays, abs=1e-12)


def test_slow_traces_do_not_hold_the_spike_itself():
    """A single pair is no triplet, whatever triplets count."""
    rule = TripletSTDP((0.01, 0.02), (9.0, 9.0), TAUS, bounds=FREE)
    assert change(rule, fires([1], 12), fires([4], 12)) == pytest.approx(0.01 * math.exp(-3 / 15), abs=1e-12)
    assert change(rule, fires([4], 12), fires([1], 12)) == pytest.approx(-0.02 * math.exp(-3 / 30), abs=1e-12)


def test_random_trains_are_loops_over_pairs_and_triplets():
    """Of 50 seeds; what was long before counts too, and no spike makes a triplet with itself."""
    plus, minus, plus3, minus3 = 0.02, 0.03, 0.05, 0.04
    rule = TripletSTDP((plus, minus), (plus3, minus3), TAUS, bounds=FREE)
    for seed in range(50):
        pre, post = noise(1, 30, 1, seed), noise(1, 30, 1, seed + 50)
        before, behind = (one.flatten().nonzero().flatten().tolist() for one in (pre, post))
        expected = 0.0
        for t in behind:
            more = sum(math.exp(-(t - u) / TAUS[3]) for u in behind if u < t)
            pairs = sum(math.exp(-(t - s) / TAUS[0]) for s in before if s <= t)
            expected += pairs * (plus + plus3 * more)
        for s in before:
            more = sum(math.exp(-(s - u) / TAUS[2]) for u in before if u < s)
            pairs = sum(math.exp(-(s - t) / TAUS[1]) for t in behind if t <= s)
            expected -= pairs * (minus + minus3 * more)
        assert change(rule, pre, post) == pytest.approx(expected, abs=1e-9), f"seed {seed}"


@pytest.mark.parametrize("bounds", [FREE, Bounds(power=1.0)])
def test_without_triplets_it_is_the_pair_rule(bounds: Bounds):
    pre, post, weight = noise(3, 40, 4, 1), noise(3, 40, 2, 2), torch.full((2, 4), 0.5, dtype=DOUBLE)
    rule = TripletSTDP((0.002, 0.003), (0.0, 0.0), TAUS, dt=0.5, bounds=bounds)
    pairs = PairSTDP(0.002, 0.003, tau_plus=15.0, tau_minus=30.0, dt=0.5, bounds=bounds)
    close(rule.run(weight, pre, post)[0], pairs.run(weight, pre, post)[0], "weights")


def test_high_rates_strengthen_what_low_rates_weaken():
    """The minimal model, on independent trains: decay goes with the rate's square, growth with its cube."""
    rule, weight, means = TripletSTDP(bounds=FREE), torch.zeros(5, 5, dtype=DOUBLE), []
    for rate in (0.005, 0.05):
        pre, post = noise(4, 2000, 5, 1, rate=rate), noise(4, 2000, 5, 2, rate=rate)
        means.append(float(rule.total(weight, pre, post)[0].mean()))
    assert means[0] < 0 < means[1]


def test_a_run_may_be_cut_anywhere():
    pre, post, weight = noise(2, 20, 3, 1), noise(2, 20, 2, 2), torch.full((2, 3), 0.5, dtype=DOUBLE)
    rule = TripletSTDP(bounds=Bounds(power=1.0))
    whole = rule.run(weight, pre, post)
    for cut in (1, 13):
        part, state = rule.run(weight, pre[:, :cut], post[:, :cut])
        again = rule.run(part, pre[:, cut:], post[:, cut:], state)
        torch.testing.assert_close(again, whole, rtol=0, atol=0)


def test_sequences_never_mix():
    pre, post = noise(2, 20, 3, 1), noise(2, 20, 2, 2)
    pre[1], post[0] = 0.0, 0.0
    weight = torch.full((2, 3), 0.5, dtype=DOUBLE)
    assert torch.equal(TripletSTDP((1.0, 1.0), (1.0, 1.0)).run(weight, pre, post)[0], weight)


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match=r"amplitudes of at least 0, got 0.0, 0.1, -2.0, 0.0"):
        TripletSTDP((0.0, 0.1), (-2.0, 0.0))
    with pytest.raises(BadInput, match="expected tau above 0 ms, got -1"):
        TripletSTDP(taus=(1.0, 1.0, 1.0, -1.0))
