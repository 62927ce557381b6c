"""The streaming decoder: its parts in order, no look ahead, and how many parameters it has."""

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.networks import StreamingDecoder


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in each run."""
    torch.manual_seed(0)


def test_it_is_its_layer_and_the_read_out():
    network, x = StreamingDecoder(5).double().eval(), normal(2, 30, 5)
    spikes, _ = network.layer(x)
    assert torch.equal(network(x), network.read(spikes)[0]) and spikes.any()


def test_it_goes_on_and_never_looks_ahead():
    """In steps to rounding; what comes later changes nothing before, to the last bit."""
    network, x = StreamingDecoder(5).double().eval(), normal(2, 30, 5)
    whole, state, steps = network(x), network.begin(2), []
    for now in x.unbind(1):
        y, state = network.carry(now[:, None], state)
        steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole)
    later = x.clone()
    later[:, 20:] += 1
    assert torch.equal(network(later)[:, :20], whole[:, :20]) and not torch.equal(network(later), whole)


def test_so_many_parameters():
    """Three connections with biases; a tau for each unit, a threshold where it fires, a gain where not."""
    many = sum(one.numel() for one in StreamingDecoder(96).parameters())
    assert many == (96 * 32 + 32) + (32 * 48 + 48) + (48 * 2 + 2) + 2 * 32 + 2 * 48 + 2 * 2


def test_a_share_is_dropped_in_training_alone():
    network, x = StreamingDecoder(5), torch.randn(2, 30, 5)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_bad_input():
    with pytest.raises(BadInput, match=r"StreamingDecoder: expected x \(batch, time, 5\), got \(2, 9, 4\)"):
        StreamingDecoder(5)(torch.zeros(2, 9, 4))
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 5\), got \(2, 0, 5\)"):
        StreamingDecoder(5)(torch.zeros(2, 0, 5))
    for given, came in ((1, 64), (64, 37), (64, 1)):
        with pytest.raises(BadInput, match=f"a state of {came} sequences, as x has, got one of {given};"):
            StreamingDecoder(5).carry(torch.zeros(came, 9, 5), StreamingDecoder(5).begin(given))
    with pytest.raises(BadInput, match="outputs must be a whole number of at least 1, not 0"):
        StreamingDecoder(5, outputs=0)
