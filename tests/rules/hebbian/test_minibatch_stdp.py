"""STDP in batches: sums, means and the largest of what sequences ask for, no leak, bounds, and thresholds."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from wavetrain.core import Batch
from wavetrain.errors import BadInput
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.competition import Competition
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.rate_code import poisson_spikes
from wavetrain.parts.reader import Reader
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP, scaled
from wavetrain.rules.hebbian.pair_stdp import PairSTDP
from wavetrain.spiking import DiehlCook

FREE = Bounds(-math.inf, math.inf)
EASY = Competition(threshold=2.0, reset=0.0, inhibition=3.0, refractory=1.0, raised=0.0)


def layer(width: int = 5, inputs: int = 8, cell: Competition = EASY, seed: int = 0) -> DiehlCook:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = DiehlCook(width, inputs, cell=cell).double()
        nn.init.uniform_(made.encode.weight, 0.3, 0.7)
    return made


def trains(batch: int, time: int = 30, inputs: int = 8, seed: int = 1) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(batch, time, inputs, generator=draw, dtype=torch.float64) < 0.4).double()


def change(made: DiehlCook, x: Tensor, over: OverBatch = OverBatch.SUM, rate: float = 1e-3) -> Tensor:
    return MinibatchSTDP(rate, rate / 5, bounds=FREE, over_batch=over).taught(made, x)[1] - made.encode.weight


def test_the_update_of_a_batch_is_the_sum_mean_or_largest_of_its_sequences():
    """In the last step, the only one in which anybody fires, so that all start from the same weights."""
    made, x = (
        layer(cell=Competition(threshold=2.0, reset=0.0, inhibition=0.0, raised=0.0, tau=math.inf)),
        trains(4, 3),
    )
    made.encode.weight.data.mul_(2.2 / made.encode.weight.sum(1, keepdim=True))
    x[:, :2], x[:, 2] = 0.0, 1.0
    x[1, 0, 3], x[2, 1, :2], x[3, 2, 5] = 1.0, 1.0, 0.0
    alone = torch.stack([change(made, row) for row in x.split(1)])
    assert alone.any(2).any(1).all() and not alone[0].equal(alone[1])
    for over in OverBatch:
        torch.testing.assert_close(change(made, x, over), over(alone), rtol=1e-10, atol=1e-15)


def test_equal_sequences():
    """To first order in the learning rate the sum over a batch of 4 is 4 times the change of one."""
    made, one = layer(), trains(1)
    four, alone = one.expand(4, -1, -1), change(layer(), one, rate=1e-9)
    assert alone.any()
    torch.testing.assert_close(change(made, four, rate=1e-9), 4 * alone, rtol=1e-4, atol=1e-14)
    for over in (OverBatch.MEAN, OverBatch.LARGEST):
        torch.testing.assert_close(change(made, four, over), change(made, one), rtol=1e-10, atol=1e-15)


def test_a_batch_of_one_is_the_same_whatever_the_reduction():
    for one, other in itertools.pairwise(OverBatch):
        torch.testing.assert_close(change(layer(), trains(1), one), change(layer(), trains(1), other))


def test_samples_never_mix():
    """Who fires hears another input than the one that has a trace, in another sequence."""
    made = layer(1, 2, Competition(threshold=2.0, reset=0.0, raised=0.0))
    made.encode.weight.data.copy_(torch.tensor([[0.1, 3.0]]))
    x = torch.zeros(2, 5, 2).double()
    x[0, 1, 0] = 1.0  # a trace in sequence 0
    x[1, 2, 1] = 1.0  # a spike in sequence 1
    moved = change(made, x)
    assert moved[0, 0] == 0 and moved[0, 1] > 0
    x[1, 1, 0] = 1.0  # the same in one sequence
    assert change(made, x)[0, 0] > 0


def test_silent_sequences_count_in_the_mean_alone():
    made, x = layer(), trains(4)
    x[1:] = 0.0
    alone = change(made, x[:1], rate=1e-9)
    torch.testing.assert_close(change(made, x, rate=1e-9), alone, rtol=1e-6, atol=1e-15)
    torch.testing.assert_close(change(made, x, OverBatch.MEAN, 1e-9), alone / 4, rtol=1e-4, atol=1e-15)


def test_the_order_of_the_batch_does_not_matter():
    made, x = layer(), trains(5)
    for over in OverBatch:
        torch.testing.assert_close(
            change(made, x.flip(0), over), change(made, x, over), rtol=1e-9, atol=1e-15
        )


def test_a_batch_of_one_is_the_pair_rule_on_the_spikes_of_the_layer():
    """Where learning is so slow that spikes are those of weights that stay."""
    made, x = layer(), trains(1)
    rule = PairSTDP(1e-9, 2e-10, nearest=True, bounds=FREE)
    with torch.no_grad():
        expected = rule.total(made.encode.weight, x, made(x)[0])[0][0]
    assert expected.any()
    torch.testing.assert_close(change(made, x, rate=1e-9), expected, rtol=1e-4, atol=1e-15)


def test_one_pair():
    """An input 2 steps before a spike grows by exp(-2 / 20), one 3 steps behind decays by exp(-3 / 20)."""
    made = layer(1, 3, Competition(threshold=2.0, reset=0.0, raised=0.0))
    made.encode.weight.data.copy_(torch.tensor([[0.5, 3.0, 0.5]]))
    x = torch.zeros(1, 8, 3).double()
    x[0, 1, 0] = x[0, 3, 1] = x[0, 6, 2] = 1.0
    rule = MinibatchSTDP(0.01, 0.02, bounds=Bounds(0.0, 4.0))
    weight = rule.taught(made, x)[1].flatten().tolist()
    grown, both, fallen = 0.5 + 0.01 * math.exp(-0.1), 3.0 + 0.01 - 0.02, 0.5 - 0.02 * math.exp(-0.15)
    assert weight == pytest.approx([grown, both, fallen], abs=1e-12)


def test_learning_rate_0_changes_nothing():
    made = layer()
    assert not change(made, trains(3), rate=0.0).any()


def test_weights_end_in_their_bounds_and_add_up_to_the_total():
    made = layer(cell=EASY)
    rule = MinibatchSTDP(0.3, 0.2, total=3.0)
    for seed in range(20):
        rule.teach(made, trains(3, seed=seed))
        weight = made.encode.weight
        assert weight.min() >= 0 and weight.max() <= 1
    gentle, fresh = MinibatchSTDP(0.05, 0.01, total=3.0), layer()
    gentle.teach(fresh, trains(3))
    torch.testing.assert_close(fresh.encode.weight.sum(1), torch.full((5,), 3.0).double())


def test_scaled_twice_is_scaled_once():
    weight = torch.rand(3, 4).double()
    weight[1] = 0.0
    once = scaled(weight, 2.0)
    torch.testing.assert_close(scaled(once, 2.0), once)
    assert once.sum(1).tolist() == pytest.approx([2.0, 0.0, 2.0])


def test_each_crossing_in_the_batch_raises_the_threshold():
    """By as much, of whatever sequence it is; those that are not let through count too."""
    cell = Competition(threshold=2.0, reset=0.0, inhibition=0.0, raised=0.25, tau_raised=math.inf)
    made = layer(2, 2, cell)
    made.encode.weight.data.copy_(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
    x = torch.zeros(3, 2, 2).double()
    x[:2, 0, 0] = 1.0
    spikes, _, raised = MinibatchSTDP(0.0, 0.0, bounds=FREE).taught(made, x)
    assert raised.tolist() == [0.5, 0.5] and spikes.sum((0, 1)).tolist() == [0, 2]
    later = MinibatchSTDP(0.0, 0.0, bounds=FREE).taught(made, torch.zeros(3, 7, 2).double())[2]
    assert later.tolist() == [0, 0]


def test_thresholds_decay_while_learning():
    made = layer(2, 2, Competition(tau_raised=50.0))
    made.raised.data.fill_(2.0)
    raised = MinibatchSTDP().taught(made, torch.zeros(1, 20, 2).double())[2]
    assert raised.tolist() == pytest.approx([2 * math.exp(-20 / 50)] * 2, rel=1e-12)


def test_a_step_of_size_1_ends_where_teach_does():
    one, other, x = layer(), layer(), trains(3)
    rule = MinibatchSTDP(0.05, 0.01, total=4.0)
    rule.learn(
        Reader(one, outputs=2, every_step=True).double(), Batch(x, torch.zeros(3, 30, 2).double()), _square
    )
    torch.optim.SGD(one.parameters(), 1.0).step()
    rule.teach(other, x)
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=0, atol=1e-14)


def _square(output: Tensor, answer: Tensor) -> Tensor:
    return (output - answer).square().mean()


def test_two_patterns_get_two_units():
    """From random weights, without labels: each pattern is answered by units of its own."""
    torch.manual_seed(2)
    made, draw = DiehlCook(6, inputs=40), torch.Generator().manual_seed(0)
    rates = torch.zeros(2, 40)
    rates[0, :20] = rates[1, 20:] = 250.0
    rule = MinibatchSTDP(total=8.0)
    for _ in range(30):
        rule.teach(made, poisson_spikes(rates.repeat(2, 1), 100, draw))
    with torch.no_grad():
        counts = made(poisson_spikes(rates, 200, draw))[0].sum(1)
    assert counts.sum(1).min() > 3
    assert (counts.min(0).values.sum() / counts.sum()) < 0.05


@pytest.mark.parametrize("over", list(OverBatch))
def test_soft_bounds_take_the_plain_route_and_hold(over: OverBatch):
    made = layer()
    weight = MinibatchSTDP(0.9, 0.5, bounds=Bounds(0.0, 1.0, power=1.0), over_batch=over).taught(
        made, trains(1)
    )[1]
    assert weight.min() >= 0 and weight.max() <= 1 and not weight.equal(made.encode.weight)


def test_refused():
    rule = MinibatchSTDP()
    with pytest.raises(BadInput, match=r"steps of 1 ms, got 0\.5 ms"):
        rule.teach(DiehlCook(2, 3, dt=0.5), torch.zeros(1, 4, 3))
    with pytest.raises(BadInput, match=r"spikes before of 0 or 1, got 0\.5"):
        rule.teach(DiehlCook(2, 3), torch.full((1, 4, 3), 0.5))
    with pytest.raises(BadInput, match="total of weights above 0"):
        MinibatchSTDP(total=0.0)
