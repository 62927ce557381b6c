"""The windowed decoder: it sees 49 steps and no others, not the order in a part, and begins at rest."""

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.networks import WindowedDecoder


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in each run."""
    torch.manual_seed(0)


def spikes(*shape: int, seed: int = 0) -> torch.Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < 0.3).double()


def test_each_answer_is_of_its_own_window():
    """By hand: sums of seven parts, normalised, through two populations that begin at rest."""
    network, x = WindowedDecoder(4).double().eval(), spikes(1, 60, 4)
    y = network(x)
    for t in (48, 55, 59):
        window = x[:, t - 48 : t + 1].unflatten(1, (7, 7)).sum(2)
        fired, _ = network.layer(network.norm(window))
        torch.testing.assert_close(y[:, t], network.read(fired)[0][:, -1], rtol=1e-9, atol=1e-12)


def test_it_sees_49_steps_and_no_others():
    network, x = WindowedDecoder(4).double().eval(), normal(2, 120, 4)
    for step in (0, 30, 70):
        other = x.clone()
        other[:, step] += 5
        changed = (network(other) != network(x)).any(-1).any(0).nonzero().flatten()
        assert set(changed.tolist()) <= set(range(step, step + 49)) and len(changed) > 40


def test_the_order_within_a_part_does_not_matter():
    """It does between parts."""
    network, x = WindowedDecoder(4).double().eval(), spikes(1, 49, 4)
    inside = x.clone()
    inside[:, 7:14] = x[:, torch.randperm(7, generator=torch.Generator().manual_seed(1)) + 7]
    assert not torch.equal(inside, x) and torch.equal(network(inside)[:, -1], network(x)[:, -1])
    turned = x.unflatten(1, (7, 7)).flip(1).flatten(1, 2)
    assert not torch.allclose(network(turned)[:, -1], network(x)[:, -1])


def test_before_the_first_input_there_was_nothing():
    network, x = WindowedDecoder(4).double().eval(), spikes(2, 20, 4)
    silent = torch.cat([torch.zeros(2, 48, 4).double(), x], 1)
    torch.testing.assert_close(network(x), network(silent)[:, 48:])


@pytest.mark.parametrize(("parts", "each"), [(7, 1), (1, 5), (3, 2), (1, 1)])
def test_other_windows_go_on_in_steps(parts: int, each: int):
    network, x = WindowedDecoder(4, parts=parts, each=each).double().eval(), normal(2, 15, 4)
    whole, state, steps = network(x), network.begin(2), []
    assert state.shape == (2, parts * each - 1, 4)
    for now in x.unbind(1):
        y, state = network.carry(now[:, None], state)
        steps.append(y)
    torch.testing.assert_close(torch.cat(steps, 1), whole)


def test_bad_input():
    with pytest.raises(BadInput, match=r"WindowedDecoder: expected x \(batch, time, 5\), got \(2, 9, 4\)"):
        WindowedDecoder(5)(torch.zeros(2, 9, 4))
    for given, came in ((1, 64), (64, 37), (64, 1)):
        with pytest.raises(BadInput, match=f"a state of {came} sequences, as x has, got one of {given};"):
            WindowedDecoder(5).carry(torch.zeros(came, 9, 5), WindowedDecoder(5).begin(given))
    with pytest.raises(BadInput, match="parts must be a whole number of at least 1, not 0"):
        WindowedDecoder(5, parts=0)
