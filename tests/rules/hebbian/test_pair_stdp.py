"""Pair STDP: single pairs by hand, sums over pairs, bounds, batches, and that steps are a run."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.promises import close
from tests.rules.hebbian.spikes import DOUBLE, fires, noise, window
from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.delays import Delayed
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian.pair_stdp import PairSTDP
from wavetrain.spiking.lif import LIF

FREE = Bounds(-math.inf, math.inf)
HALF = torch.full((1, 1), 0.5, dtype=DOUBLE)


def moved(rule: PairSTDP, pre: Tensor, post: Tensor, weight: Tensor = HALF) -> float:
    return float(rule.run(weight, pre, post)[0])


@pytest.mark.parametrize(
    ("before", "behind", "weight"),
    [
        ([0], [2], 0.50904837),  # 0.5 + 0.01 exp(-2 / 20)
        ([2], [0], 0.49095163),
        ([0, 2], [], 0.5),
        ([], [0, 2], 0.5),
        ([1], [1], 0.5),  # one step: A_plus - A_minus
        ([], [], 0.5),
    ],
)
def test_one_pair(before: list[int], behind: list[int], weight: float):
    rule = PairSTDP(0.01, 0.01, tau_plus=20.0, tau_minus=20.0)
    pre, post = fires(before, 5), fires(behind, 5)
    assert moved(rule, pre, post) == pytest.approx(weight, abs=5e-9)
    assert float(HALF + rule.total(HALF, pre, post)[0]) == pytest.approx(weight, abs=5e-9)


def test_a_pair_in_one_step_counts_both():
    assert moved(PairSTDP(0.03, 0.01), fires([1], 3), fires([1], 3)) == pytest.approx(0.52, abs=1e-12)


def test_the_window():
    """Lags from -80 to 80 ms, with amplitudes and time constants that differ."""
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, bounds=FREE)
    for lag in range(-80, 81, 8):
        got = moved(rule, fires([max(-lag, 0)], 90), fires([max(lag, 0)], 90)) - 0.5
        assert got == pytest.approx(window(lag, 0.02, 0.03, 17.0, 34.0), abs=1e-12), lag


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
def test_lags_are_in_ms(dt: float):
    rule = PairSTDP(0.01, 0.01, dt=dt)
    got = moved(rule, fires([0], 100), fires([round(4 / dt)], 100))
    assert got == pytest.approx(0.5 + 0.01 * math.exp(-4 / 20), abs=1e-12)


def test_an_infinite_time_constant_does_not_decay():
    assert moved(PairSTDP(0.01, tau_plus=math.inf), fires([0], 500), fires([499], 500)) == pytest.approx(0.51)


@pytest.mark.parametrize("delay", [0, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_all_pairs_are_a_double_loop(delay: int, seed: int):
    """Bursts included, and spikes before that arrive after a delay: no history is cut off."""
    sent, post = noise(1, 40, 1, seed), noise(1, 40, 1, seed + 50)
    post[:, 20:25] = 1.0  # a burst
    sent[:, 18:20] = 1.0
    pre = torch.cat([torch.zeros(1, delay, 1, dtype=DOUBLE), sent[:, : 40 - delay]], 1)
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, bounds=FREE)
    expected = sum(
        window(t - (s + delay), 0.02, 0.03, 17.0, 34.0)
        for s in sent[0, : 40 - delay, 0].nonzero().flatten().tolist()
        for t in post[0, :, 0].nonzero().flatten().tolist()
    )
    assert moved(rule, pre, post) - 0.5 == pytest.approx(expected, abs=1e-9)


def test_a_burst_within_a_delay_by_hand():
    """Five spikes behind in a row, two before that are both on their way: ten pairs, none forgotten."""
    delay, post = 8, fires(range(10, 15), 40)
    pre, _ = arriving(fires([4, 9], 40), delay)
    assert pre.flatten().nonzero().flatten().tolist() == [12, 17]
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, bounds=FREE)
    expected = sum(window(t - s, 0.02, 0.03, 17.0, 34.0) for s in (12, 17) for t in range(10, 15))
    assert moved(rule, pre, post) - 0.5 == pytest.approx(expected, abs=1e-12)


def arriving(sent: Tensor, delay: int) -> tuple[Tensor, Tensor]:
    """Spikes (1, T, 1) after a delay in steps, by the connection that layers have, and its line."""
    connection = Delayed(1, 1, float(delay)).double()
    connection.weight.data.fill_(1)
    with torch.no_grad():
        return connection.along(sent, connection.begin(1))


@pytest.mark.parametrize("nearest", [False, True])
def test_fifty_random_trains_behind_delays_of_0_to_10(nearest: bool):
    """As a loop over lists of spikes, with all partners or with the last one, in two runs of a half each."""
    for seed in range(50):
        sent, post = noise(1, 30, 1, seed), noise(1, 30, 1, seed + 50)
        pre, _ = arriving(sent, seed % 11)
        rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, nearest=nearest, bounds=FREE)
        weight, state = rule.run(HALF, pre[:, :15], post[:, :15])
        found = float(rule.run(weight, pre[:, 15:], post[:, 15:], state)[0]) - 0.5
        before, behind = (one.flatten().nonzero().flatten().tolist() for one in (pre, post))
        expected = 0.0
        for t in behind:
            partners = [s for s in before if s <= t]
            expected += sum(0.02 * math.exp(-(t - s) / 17) for s in (partners[-1:] if nearest else partners))
        for s in before:
            partners = [t for t in behind if t <= s]
            expected -= sum(0.03 * math.exp(-(s - t) / 34) for t in (partners[-1:] if nearest else partners))
        assert found == pytest.approx(expected, abs=1e-9), f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
def test_nearest_pairs_are_a_loop_over_partners(seed: int):
    """Each spike with the last one of the other side."""
    pre, post = noise(1, 40, 1, seed), noise(1, 40, 1, seed + 50)
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, nearest=True, bounds=FREE)
    before, behind = (one[0, :, 0].nonzero().flatten().tolist() for one in (pre, post))
    expected = 0.0
    for t in behind:
        earlier = [s for s in before if s <= t]
        expected += 0.02 * math.exp(-(t - earlier[-1]) / 17) if earlier else 0.0
    for s in before:
        earlier = [t for t in behind if t <= s]
        expected -= 0.03 * math.exp(-(s - earlier[-1]) / 34) if earlier else 0.0
    assert moved(rule, pre, post) - 0.5 == pytest.approx(expected, abs=1e-9)


def test_nearest_and_all_differ_only_where_spikes_are_many():
    few, many = fires([3], 60), fires([3, 5, 7], 60)
    post = fires([9], 60)
    one, all_ = (PairSTDP(0.02, 0.03, nearest=nearest) for nearest in (True, False))
    assert moved(one, few, post) == moved(all_, few, post)
    assert moved(one, many, post) < moved(all_, many, post) - 0.02


def test_the_kernel_is_the_rule():
    """S_post' K S_pre, for every sequence of a batch and every connection."""
    pre, post, weight = noise(3, 30, 4, 1), noise(3, 30, 2, 2), torch.zeros(2, 4, dtype=DOUBLE)
    rule = PairSTDP(0.02, 0.03, tau_plus=17.0, tau_minus=34.0, dt=0.5, bounds=FREE)
    changes, _ = rule.total(weight, pre, post)
    close(post.mT @ rule.kernel(30) @ pre, changes, "bilinear form")
    close(rule.run(weight, pre, post)[0], changes.sum(0), "weights after a run, from 0")
    assert rule.kernel(30)[0, 0] == pytest.approx(-0.01) and rule.kernel(30).shape == (30, 30)


def test_random_trains_change_by_the_area_of_the_window():
    """Independent: r_pre r_post (A_plus tau_plus - A_minus tau_minus) a ms, with sums for integrals."""
    pre, post = noise(4, 3000, 6, 1, rate=0.1), noise(4, 3000, 6, 2, rate=0.2)
    rule = PairSTDP(0.02, 0.01, tau_plus=5.0, tau_minus=8.0)
    changes, _ = rule.total(torch.zeros(6, 6, dtype=DOUBLE), pre, post)
    area = 0.02 / (1 - math.exp(-1 / 5)) - 0.01 / (1 - math.exp(-1 / 8))
    assert float(changes.mean()) / (3000 * 0.1 * 0.2 * area) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("nearest", [False, True])
def test_a_run_may_be_cut_anywhere(nearest: bool):
    """To the last bit; and so may what is asked in total, to rounding."""
    pre, post = noise(2, 20, 3, 1), noise(2, 20, 2, 2)
    weight = torch.full((2, 3), 0.5, dtype=DOUBLE)
    rule = PairSTDP(0.02, 0.03, nearest=nearest, bounds=Bounds(power=1.0))
    whole, end = rule.run(weight, pre, post)
    for cut in (1, 7, 19):
        part, state = rule.run(weight, pre[:, :cut], post[:, :cut])
        rest, last = rule.run(part, pre[:, cut:], post[:, cut:], state)
        torch.testing.assert_close((rest, last), (whole, end), rtol=0, atol=0)
        one, state = rule.total(weight, pre[:, :cut], post[:, :cut])
        two, _ = rule.total(weight, pre[:, cut:], post[:, cut:], state)
        close(one + two, rule.total(weight, pre, post)[0], "what is asked in two pieces")
    single, state = weight, rule.begin(weight, 2)
    for t in range(20):
        single, state = rule.run(single, pre[:, t : t + 1], post[:, t : t + 1], state)
    torch.testing.assert_close((single, state), (whole, end), rtol=0, atol=0)


# --- bounds ---------------------------------------------------------------------------------------------


def test_a_hard_bound_is_met_exactly():
    near = torch.full((1, 1), 0.99, dtype=DOUBLE)
    assert moved(PairSTDP(0.5, 0.5), fires([0], 3), fires([1], 3), near) == 1.0
    assert moved(PairSTDP(0.5, 0.5), fires([1], 3), fires([0], 3), 1 - near) == 0.0


def test_soft_bounds_scale_with_what_is_left():
    rule, pair = PairSTDP(0.1, 0.1, bounds=Bounds(-1.0, 1.0, power=1.0)), (fires([0], 3), fires([1], 3))
    shrunk = math.exp(-1 / 20)
    for weight, grows, decays in ((0.75, 0.25, 1.75), (1.0, 0.0, 2.0), (-1.0, 2.0, 0.0)):
        start = torch.full((1, 1), weight, dtype=DOUBLE)
        assert moved(rule, *pair, start) == pytest.approx(weight + 0.1 * grows * shrunk, abs=1e-12)
        assert moved(rule, *reversed(pair), start) == pytest.approx(weight - 0.1 * decays * shrunk, abs=1e-12)


@pytest.mark.parametrize("bounds", [Bounds(-0.3, 0.6), Bounds(-0.3, 0.6, power=1.0)])
def test_weights_stay_in_bounds_at_every_step(bounds: Bounds):
    rule = PairSTDP(0.4, 0.4, bounds=bounds, over_batch=OverBatch.SUM)
    pre, post = noise(8, 1000, 3, 1), noise(8, 1000, 2, 2)
    weight = torch.zeros(2, 3, dtype=DOUBLE)
    state, ends = rule.begin(weight, 8), set()
    for before, behind in zip(pre.unbind(1), post.unbind(1), strict=True):
        weight, state = rule.step(weight, before, behind, state)
        assert (weight >= -0.3).all() and (weight <= 0.6).all()
        ends |= set(weight.flatten().tolist()) & {-0.3, 0.6}
    assert ends == {-0.3, 0.6}, "both bounds were met"


# --- batches --------------------------------------------------------------------------------------------


def test_equal_sequences():
    """The sum is four times one, mean and largest are as one."""
    pre, post = noise(1, 20, 3, 1), noise(1, 20, 2, 2)
    weight = torch.zeros(2, 3, dtype=DOUBLE)

    def after(over_batch: OverBatch, many: int) -> Tensor:
        rule = PairSTDP(0.02, 0.03, bounds=FREE, over_batch=over_batch)
        return rule.run(weight, pre.expand(many, -1, -1), post.expand(many, -1, -1))[0]

    alone = after(OverBatch.SUM, 1)
    assert alone.abs().min() > 1e-3
    for over_batch, times in ((OverBatch.SUM, 4), (OverBatch.MEAN, 1), (OverBatch.LARGEST, 1)):
        close(after(over_batch, 4), times * alone, f"{over_batch.value} of four")
        close(after(over_batch, 1), alone, f"{over_batch.value} of one")


def test_sequences_never_mix():
    """One fires before, the other behind."""
    pre, post = noise(2, 20, 3, 1), noise(2, 20, 2, 2)
    pre[1], post[0] = 0.0, 0.0
    for over_batch in OverBatch:
        weight = torch.full((2, 3), 0.5, dtype=DOUBLE)
        after, _ = PairSTDP(0.02, 0.03, over_batch=over_batch).run(weight, pre, post)
        assert torch.equal(after, weight)


def test_silent_sequences_count_only_in_the_mean():
    pre, post = (torch.cat([fires([at], 5), torch.zeros(3, 5, 1, dtype=DOUBLE)]) for at in (0, 2))
    change = 0.01 * math.exp(-2 / 20)
    for over_batch, share in ((OverBatch.SUM, 1.0), (OverBatch.MEAN, 0.25), (OverBatch.LARGEST, 1.0)):
        got = moved(PairSTDP(0.01, 0.01, over_batch=over_batch), pre, post) - 0.5
        assert got == pytest.approx(share * change, abs=1e-12)


def test_the_order_of_a_batch_says_nothing():
    pre, post, weight = noise(5, 20, 3, 1), noise(5, 20, 2, 2), torch.full((2, 3), 0.5, dtype=DOUBLE)
    order = torch.tensor([3, 0, 4, 2, 1])
    for over_batch in OverBatch:
        rule = PairSTDP(0.002, 0.003, over_batch=over_batch)
        close(rule.run(weight, pre[order], post[order])[0], rule.run(weight, pre, post)[0], "another order")


# --- networks -------------------------------------------------------------------------------------------


def test_a_network_ends_where_the_rule_does():
    """A step of size 1; weights that do not count their way, so that in total is step by step."""
    network, batch, loss = PairSTDP.lesson()
    layer, batch = network.double().layer, Batch(batch.x.double(), batch.y.double())
    rule, weight = PairSTDP(0.01, 0.02), layer.encode.weight.detach().clone()
    with torch.no_grad():
        spikes, _ = layer(batch.x)
    assert 0 < spikes.mean() < 1
    rule.learn(network, batch, loss)
    torch.optim.SGD(network.parameters(), 1.0).step()
    expected, _ = PairSTDP(0.01, 0.02, bounds=FREE).run(weight, batch.x, spikes)
    close(layer.encode.weight.detach(), expected.clamp(0, 1), "weights")
    assert not torch.equal(expected, weight)
    others = [one.grad for name, one in network.named_parameters() if name != "layer.encode.weight"]
    assert len(others) == 3 and not any(one.any() for one in others)


def test_bounds_hold_in_a_network():
    network, batch, loss = PairSTDP.lesson()
    PairSTDP(5.0, 0.0).learn(network, batch, loss)
    torch.optim.SGD(network.parameters(), 1.0).step()
    assert network.layer.encode.weight.max() == 1.0


def test_each_layer_learns_from_its_own_spikes():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = LIF(4, inputs=3, tau=5.0), LIF(2, inputs=4, tau=5.0)
            for layer in (self.one, self.two):
                nn.init.constant_(layer.encode.weight, 0.6)

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.one(x)[0])[0]

    _, batch, _ = PairSTDP.lesson()
    network, y = Two(), torch.zeros(2, 30, 2)
    with torch.no_grad():
        hidden = network.one(batch.x)[0]
        out = network.two(hidden)[0]
    rule = PairSTDP(1e-4, 1e-4)
    rule.learn(network, Batch(batch.x, y), nn.functional.mse_loss)
    for layer, pre, post in ((network.one, batch.x, hidden), (network.two, hidden, out)):
        asked = rule.total(layer.encode.weight.detach(), pre, post)[0].sum(0)
        assert asked.any()
        torch.testing.assert_close(layer.encode.weight.grad, -asked, rtol=1e-3, atol=1e-7)


# --- what is refused ------------------------------------------------------------------------------------


def test_bad_input_is_refused():
    rule, weight = PairSTDP(), torch.zeros(2, 3)
    pre, post = noise(4, 5, 3, 1), noise(4, 5, 2, 2)
    with pytest.raises(BadInput, match=r"spikes \(batch, time, pre\).*for weights \(2, 3\), got \(4, 5, 2\)"):
        rule.run(weight, post, pre)
    with pytest.raises(BadInput, match=r"got \(1, 5, 3\) and \(4, 5, 2\)"):
        rule.run(weight, pre[:1], post)
    with pytest.raises(BadInput, match=r"spikes before of 0 or 1, got 0\.5"):
        rule.run(weight, 0.5 * pre, post)
    with pytest.raises(BadInput, match="spikes behind of 0 or 1, got 2"):
        rule.total(weight, pre, 2 * post)
    with pytest.raises(BadInput, match="expected a state of 1 sequences, as the spikes have, got one of 4"):
        rule.run(weight, pre[:1], post[:1], rule.begin(weight, 4))
    with pytest.raises(BadInput, match=r"PairSTDP: expected amplitudes of at least 0, got -1, 0\.1"):
        PairSTDP(-1, 0.1)
    with pytest.raises(BadInput, match="PairSTDP: expected dt above 0 ms, got 0"):
        PairSTDP(dt=0)
    with pytest.raises(BadInput, match="expected tau above 0 ms, got 0"):
        PairSTDP(tau_plus=0)
    with pytest.raises(BadInput, match="low no higher than high, got 1 and 0"):
        Bounds(1, 0)
