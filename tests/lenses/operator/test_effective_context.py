"""Effective context of maps whose reach is known: delays, means, leaks, and none at all."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.lenses.operators import Given, empty
from tests.promises import generic, normal
from wavetrain.core import Layer, Operator, State
from wavetrain.layers.wave.wave_rnn import Start, WaveRNN
from wavetrain.lenses.operator.effective_context import effective_context
from wavetrain.scan import Activation


class Known(Layer):
    """A layer that is nothing but the weights that it is given: one head, values as they come."""

    def __init__(self, weight: Tensor):
        super().__init__(2)
        self.weight = weight.double()  # (T, T)

    def begin(self, batch: int) -> State:
        raise AssertionError("only the operator is to be looked at")

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        raise AssertionError("only the operator is to be looked at")

    def operator(self, x: Tensor) -> Operator:
        return Operator(self.weight.expand(len(x), 1, -1, -1), x[:, :, None])

    def read(self, mixed: Tensor) -> Tensor:
        return mixed.flatten(-2)


X = normal(3, 40, 2)
TIME = 40


@pytest.mark.parametrize("delay", [0, 1, 7, 19, 39])
def test_pure_delay_reaches_exactly_so_far(delay: int):
    found = effective_context(Known(torch.diag(torch.ones(TIME - delay), -delay)), X)
    assert found.reach == delay and found.mean == pytest.approx(delay)
    np.testing.assert_allclose(found.profile, np.eye(TIME)[delay], atol=1e-12)


def test_sign_and_size_do_not_count():
    weight = torch.diag(torch.ones(TIME), 0) - 1000 * torch.diag(torch.ones(TIME - 3), -3)
    one, two = (effective_context(Known(scale * weight), X) for scale in (1, -1e-6))
    np.testing.assert_allclose(one.profile, two.profile)
    assert one.profile[3] == pytest.approx(1000 / 1001) and one.reach == 3


def test_leak_reaches_as_far_as_its_geometric_sum():
    """Weights 0.8^d: 90% lies within the first d with 1 - 0.8^(d + 1) >= 0.9; the mean is 0.8 / 0.2."""
    long = 400
    distance = torch.arange(long)[:, None] - torch.arange(long)
    weight = torch.where(distance >= 0, 0.8 ** distance.clamp(min=0).double(), 0)
    found = effective_context(Known(weight), normal(1, long, 2))
    assert found.reach == 10 and found.mean == pytest.approx(4, abs=1e-6)


def test_mean_of_the_past_reaches_over_it_all():
    """The later half of the rows, each spread evenly over its past."""
    weight = torch.ones(TIME, TIME).tril() / torch.arange(1, TIME + 1)[:, None]
    rows = np.arange(TIME // 2, TIME)
    found = effective_context(Known(weight), X)
    assert found.mean == pytest.approx((rows / 2).mean())
    assert found.profile.sum() == pytest.approx(1) and found.profile[0] == found.profile[TIME // 2]
    assert 20 < found.reach < 39


def test_each_row_counts_alike_however_strong_it_is():
    """Half of the later rows look at themselves, a thousand times as strongly as the others look 10 back."""
    weight = torch.zeros(TIME, TIME)
    for row in range(TIME // 2, TIME, 2):
        weight[row, row], weight[row + 1, row - 9] = 1000.0, 1.0
    found = effective_context(Known(weight), X)
    expected = np.zeros(TIME)
    expected[[0, 10]] = 0.5
    np.testing.assert_allclose(found.profile, expected, atol=1e-12)
    assert found.mean == pytest.approx(5) and found.reach == 10


def test_each_row_is_spread_over_its_own_influence():
    """Row 2 has 3/4 at itself and 1/4 one back, row 3 has 1/5 and 4/5; both count alike."""
    weight = torch.zeros(4, 4)
    weight[2, 1:3], weight[3, 2:4] = torch.tensor([1.0, 3.0]), torch.tensor([80.0, 20.0])
    found = effective_context(Known(weight), X[:, :4])
    np.testing.assert_allclose(found.profile, [(0.75 + 0.2) / 2, (0.25 + 0.8) / 2, 0, 0])
    assert found.mean == pytest.approx(0.525) and found.reach == 1


def test_heads_count_by_the_root_of_their_squares():
    """Two heads, 3 at the step itself and 4 there, 12 one back: 5 to 12."""
    weight = torch.zeros(1, 2, 2, 2)
    weight[0, 0, 1], weight[0, 1, 1] = torch.tensor([12.0, 3.0]), torch.tensor([0.0, 4.0])
    np.testing.assert_allclose(effective_context(Given(weight), empty(weight)).profile, [5 / 17, 12 / 17])


def test_no_influence_has_no_reach():
    found = effective_context(Known(torch.zeros(TIME, TIME)), X)
    assert (found.reach, found.mean, found.profile.sum()) == (0, 0, 0)


def test_early_rows_do_not_count():
    weight = torch.eye(TIME)
    weight[: TIME // 2] = 0
    weight[: TIME // 2, 0] = 1
    assert effective_context(Known(weight), X).reach == 0


def test_wave_on_a_ring_reaches_once_round_and_back():
    """A linear wave of unit gain never forgets: all distances weigh alike. One that is halved does."""
    layer = WaveRNN(8, inputs=1, activation=Activation.IDENTITY, start=Start(zero_bias=True)).double()
    found = effective_context(layer, X[:1, :, :1])
    assert found.profile[0] == pytest.approx(found.profile[TIME // 2])
    with torch.no_grad():
        layer.kernel.mul_(0.5)
    assert effective_context(layer, X[:1, :, :1]).reach == 3


def test_nothing_needs_a_gradient():
    found = effective_context(generic(WaveRNN, 4, 2), X)
    assert [type(part) for part in found] == [np.ndarray, float, int]


def test_the_reach_is_the_distance_at_which_nine_tenths_are_come():
    """Exactly nine tenths are enough; of five rows the third to the fifth count, of two sequences both."""
    for near, reach in ((9.0, 0), (8.999, 2), (9.001, 0)):
        weight = torch.zeros(5, 5)
        for row in (2, 3, 4):
            weight[row, row], weight[row, row - 2] = near, 10 - near
        weight[1, 0] = 100.0
        found = effective_context(Known(weight), X[:, :5])
        assert found.reach == reach and found.mean == pytest.approx((10 - near) / 5)
    both = torch.zeros(2, 1, 5, 5)
    both[0, 0, 2:, 0] = both[1, 0, 2:, 2] = both[1, 0, 3:, 3] = both[1, 0, 4, 4] = 1.0
    found = effective_context(Given(both), empty(both))
    one, two = np.array([0, 0, 1, 1, 1]) / 3, np.array([1 + 1 / 2 + 1 / 3, 1 / 2 + 1 / 3, 1 / 3, 0, 0]) / 3
    np.testing.assert_allclose(found.profile, (one + two) / 2)
