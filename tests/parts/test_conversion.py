"""A network of ReLUs as spikes: counts by hand, rates as activations, ways to write a ReLU, refusals."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.errors import BadInput
from wavetrain.parts.conversion import Converted, converted


def single(start: float = 0.5) -> Converted:
    """A ReLU with the threshold 1."""
    return converted(nn.ReLU(), torch.ones(1, 1, dtype=torch.float64), start=start)


@pytest.mark.parametrize(
    ("a", "spikes"), [(0.375, 6), (1.0, 16), (-0.2, 0), (1.7, 16), (0.0, 0), (0.03, 0), (0.04, 1)]
)
def test_counts(a: float, spikes: int):
    """In 16 steps from half way: as often as round(16 a), at most once a step."""
    assert float(16 * single()(torch.full((1, 1), a).double(), steps=16)) == spikes


@pytest.mark.parametrize(("a", "spikes"), [(0.375, 5), (0.376, 6), (1.0, 15), (1.7, 16)])
def test_a_threshold_is_crossed_and_not_met(a: float, spikes: int):
    """From 0: a potential on the threshold waits for more."""
    assert float(16 * single(start=0.0)(torch.full((1, 1), a).double(), steps=16)) == spikes


def test_the_error_of_one_layer_is_half_a_spike():
    a = torch.rand(200, 1, generator=torch.Generator().manual_seed(0)).double()
    for steps in (1, 7, 40):
        assert (single()(a, steps) - a).abs().max() <= 0.5 / steps + 1e-12


def perceptron(seed: int = 0, bias: bool = True) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(6, 12, bias), nn.ReLU(), nn.Linear(12, 10, bias), nn.ReLU(), nn.Linear(10, 4, bias)
        ).double()


def examples(many: int = 64, *axes: int) -> Tensor:
    return torch.rand(many, *(axes or (6,)), generator=torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize("seed", range(5))
def test_rates_times_scales_are_activations(seed: int):
    """Within layers / T of the thresholds, where no unit saturates."""
    network, x = perceptron(seed)[:4], examples()
    spiking = converted(network, x, percentile=100.0)
    scale = spiking.thresholds[-1]
    for steps in (32, 128, 512):
        assert (spiking(x, steps) - network(x)).abs().max() <= scale * 2 / steps


def test_the_output_is_that_of_the_network_in_the_long_run():
    network, x = perceptron(), examples()
    spiking, expected = converted(network, x, percentile=100.0), network(x).detach()
    errors = [float((spiking(x, steps) - expected).abs().max()) for steps in (10, 100, 1000)]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 3e-3


def test_it_is_the_network_with_scaled_weights():
    """Weights times last scale over own, biases over own, thresholds of 1: the same spikes."""
    network, x = perceptron(), examples(8)
    spiking = converted(network, x)
    twin, (first, second) = copy.deepcopy(network), spiking.thresholds
    with torch.no_grad():
        for place, last, own in ((0, 1.0, first), (2, first, second), (4, second, 1.0)):
            twin[place].weight.mul_(last / own)
            twin[place].bias.div_(own)
        torch.testing.assert_close(twin(x), network(x), rtol=1e-12, atol=1e-12)
        v, out = [torch.full((8, 12), 0.5), torch.full((8, 10), 0.5)], torch.zeros(8, 4)
        for _ in range(30):
            passed = x
            for layer in (0, 1):
                v[layer] = v[layer] + twin[2 * layer](passed)
                passed = (v[layer] > 1).double()
                v[layer] = v[layer] - passed
            out = out + twin[4](passed) / 30
    torch.testing.assert_close(spiking(x, 30), out, rtol=1e-10, atol=1e-10)


class Ways(nn.Module):
    """Six uses of ReLUs, one of them a module used twice; a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(6, 6) for _ in range(6))
        self.shared, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.maps[0](x))
        b = torch.relu(self.maps[1](a))
        c = self.maps[2](b).relu()
        d = self.shared(self.maps[3](c + a))
        e = self.shared(self.maps[4](self.drop(d)))
        return self.maps[5](e).relu_()


def test_every_way_to_write_a_relu():
    """Each use is a layer of its own: as many thresholds as uses."""
    torch.manual_seed(0)
    network, x = Ways().double(), examples()
    for one in network.maps:
        nn.init.uniform_(one.weight, -0.2, 0.5)
    spiking = converted(network, x, percentile=100.0)
    assert len(spiking.thresholds) == len(spiking.begin(x)) == 6
    expected = network.eval()(x)
    assert (spiking(x, 4000) - expected).abs().max() < 0.02 * expected.abs().max()


def test_convolutions_means_and_batch_normalisation():
    """By the running statistics, whatever mode the network is in."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    ).double()
    x = examples(32, 1, 8, 8)
    network(2 * x - 1)  # moves the running statistics
    spiking = converted(network, x, percentile=100.0)
    torch.testing.assert_close(spiking(x, 3000), network.eval()(x), rtol=0, atol=2e-3)


class Returned(nn.Module):
    """What was changed in place is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        y = self.map(x)
        return y + F.relu_(y)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (nn.Sequential(nn.Unflatten(1, (1, 6)), nn.MaxPool1d(2)), "MaxPool1d"),
        (nn.Sequential(nn.Linear(6, 3), nn.Sigmoid()), "Sigmoid"),
        (nn.Sequential(nn.Linear(6, 3), nn.Softmax(1)), "Softmax"),
        (nn.BatchNorm1d(6, track_running_stats=False), "BatchNorm1d"),
        (Returned(), "in place"),
        (Branching(), "one graph"),
    ],
)
def test_refused(network: nn.Module, said: str):
    with pytest.raises(BadInput, match=said) as error:
        converted(network.double(), examples())
    assert "\n" not in str(error.value)


def test_a_silent_relu_is_refused():
    network = nn.Sequential(nn.Linear(6, 2), nn.ReLU()).double()
    nn.init.constant_(network[0].bias, -100.0)
    with pytest.raises(BadInput, match="silent on all 64 examples"):
        converted(network, examples())


def test_what_is_given_stays_as_it_is():
    network, x = perceptron().train(), examples()
    before, given = {name: value.clone() for name, value in network.state_dict().items()}, x.clone()
    converted(network, x)(x, 5)
    torch.testing.assert_close((dict(network.state_dict()), x), (before, given), rtol=0, atol=0)
    assert network.training and all(type(one) in (nn.Linear, nn.ReLU) for one in network)


def test_a_batch_is_its_rows_and_steps_are_a_run():
    network, x = perceptron(), (64 * examples(5)).round() / 64
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_((256 * parameter).round() / 256)
    spiking = converted(network, x, percentile=100.0)
    together = spiking(x, 9)
    torch.testing.assert_close(
        together, torch.cat([spiking(row, 9) for row in x.split(1)]), rtol=0, atol=1e-12
    )
    state, total = spiking.begin(x), torch.zeros(5, 4).double()
    for _ in range(9):
        out, state = spiking.step(x, state)
        total = total + out
    assert together.equal(total / 9)


def test_refused_in_use():
    spiking, x = converted(perceptron(), examples()), examples(2)
    with pytest.raises(BadInput, match="a state of 2, as x has, got one of 1"):
        spiking.step(x, spiking.begin(x[:1]))
    with pytest.raises(BadInput, match="a step or more, got 0"):
        spiking(x, 0)
    with pytest.raises(BadInput, match="a percentile"):
        converted(perceptron(), x, percentile=0.0)
