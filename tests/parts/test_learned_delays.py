"""Delays that are learned: bells on steps, the ring buffer at a spread of 0, and gradients."""

import math

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.delays import Delayed
from wavetrain.parts.learned_delays import LAST, SHARP, LearnedDelays

DOUBLE = torch.float64


def late(longest: float = 6.0, *, spread: float = 1.0, recurrent: bool = False) -> LearnedDelays:
    torch.manual_seed(0)
    return LearnedDelays(3, 4, longest=longest, spread=spread, recurrent=recurrent).double()


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


@pytest.mark.parametrize("spread", [0.0, SHARP / 2, 0.02])
def test_at_whole_delays_and_no_spread_it_is_the_ring_buffer_to_the_last_bit(spread: float) -> None:
    """0.02 steps are none: the next step has exp(-1250) of the weight."""
    ours, steps = late(spread=spread), (torch.arange(12).view(4, 3) * 5 % 7).double()
    ours.position.data.copy_(steps)
    ring = Delayed(3, 4, steps, longest=6.0).double()
    x, line, weight = numbers(2, 30, 3), numbers(2, 6, 3, seed=2), ring.weight.detach()
    kernel = ours.kernel(weight)
    assert torch.equal(ours.delays(), ring.delays())
    found, expected = ours.along(x, line, kernel), ring.along(x, line)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    there = here = line
    for now in x.unbind(1):
        assert torch.equal(ours.arriving(here, kernel, now), ring.arriving(there, now))
        here, there = ours.sent(here, now), ring.sent(there, now)
    assert torch.equal(here, there)


def test_between_units_it_is_the_recurrent_ring_buffer() -> None:
    torch.manual_seed(0)
    ours = LearnedDelays(3, 3, longest=5.0, spread=0.0, recurrent=True).double()
    steps = 1.0 + torch.arange(9.0, dtype=DOUBLE).view(3, 3) * 2 % 5
    ours.position.data.copy_(steps)
    ring = Delayed(3, 3, steps, recurrent=True).double()
    line = numbers(2, 5, 3)
    assert torch.equal(ours.arriving(line, ours.kernel(ring.weight)), ring.arriving(line))
    ours.position.data.fill_(0.2)  # out of the range: one step
    assert ours.delays().unique().tolist() == [1]
    bell = ours.kernel(torch.ones(3, 3, dtype=DOUBLE))
    assert bell.shape[0] == 5 and bell[0].min() == 1


def test_a_delay_out_of_the_range_can_come_back() -> None:
    ours = late(4.0, spread=1.0)
    ours.position.data.fill_(-1.0)
    ours.position.data[1] = 5.5
    kernel = ours.kernel(torch.ones(4, 3, dtype=DOUBLE))
    assert kernel[0, 0].min() > 0.7 and kernel[4, 1].min() > 0.7
    kernel[2].sum().backward()  # asks for more in the middle
    assert ours.position.grad is not None
    assert (ours.position.grad[0] > 0).all() and (ours.position.grad[1] < 0).all()
    assert ours.delays()[:2].tolist() == [[0] * 3, [4] * 3]


def test_the_shares_of_a_bell() -> None:
    """exp(-(d - p)^2 / (2 spread^2)) over its sum, and the whole weight together."""
    ours, weight = late(spread=1.5), numbers(4, 3)
    kernel = ours.kernel(weight)
    torch.testing.assert_close(kernel.sum(0), weight, rtol=1e-14, atol=0)
    place = ours.position[2, 1].item()
    each = torch.tensor([math.exp(-((d - place) ** 2) / (2 * 1.5**2)) for d in range(7)], dtype=DOUBLE)
    torch.testing.assert_close(kernel[:, 2, 1], weight[2, 1] * each / each.sum(), rtol=1e-12, atol=0)
    ours.spread.fill_(1e6)  # so wide that all steps have the same
    torch.testing.assert_close(ours.kernel(weight), (weight / 7).expand(7, 4, 3), rtol=1e-9, atol=0)


@pytest.mark.parametrize("spread", [0.3, 1.0, 4.0])
def test_gradients_are_those_of_differences(spread: float) -> None:
    """Of weights, delays, what is sent and what is on its way, in reverse and forward mode."""
    torch.manual_seed(0)
    ours = LearnedDelays(2, 2, longest=3.0, spread=spread).double()
    position = torch.tensor([[0.7, 2.9], [1.5, -0.4]], dtype=DOUBLE)
    given = [one.requires_grad_() for one in (numbers(2, 2), position, numbers(1, 3, 2), numbers(1, 3, 2))]

    def run(weight: Tensor, position: Tensor, x: Tensor, line: Tensor) -> tuple[Tensor, Tensor]:
        with torch.nn.utils.stateless._reparametrize_module(ours, {"position": position}):
            return ours.along(x, line, ours.kernel(weight))

    assert torch.autograd.gradcheck(run, given, check_forward_ad=True)


def test_a_delay_finds_its_place() -> None:
    """An impulse is to arrive after 5 steps, and starts at 1: the gradient leads there."""
    ours = LearnedDelays(1, 1, longest=8.0).double()
    ours.position.data.fill_(1.0)
    steps = torch.optim.Adam(ours.parameters(), 0.1)
    x, weight = torch.zeros(1, 9, 1, dtype=DOUBLE), torch.ones(1, 1, dtype=DOUBLE)
    x[0, 0] = 1.0
    for step in range(240):
        ours.shrink(step / 240)
        steps.zero_grad()
        found, _ = ours.along(x, ours.begin(1), ours.kernel(weight))
        loss = (found[0, :, 0] - torch.eye(9)[5]).square().sum()
        loss.backward()
        steps.step()
    ours.hold()
    assert ours.delays().item() == 5 and loss.item() < 0.01
    y, _ = ours.along(x, ours.begin(1), ours.kernel(weight))
    assert y.flatten().tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    ours.kernel(weight).sum().backward()
    assert ours.position.grad is not None and ours.position.grad.isfinite().all()


@pytest.mark.parametrize("cut", [1, 2, 5, 9, 19])
def test_split_anywhere_it_is_the_whole(cut: int) -> None:
    ours, weight = late(spread=1.2), numbers(4, 3)
    kernel, x, line = ours.kernel(weight), numbers(2, 20, 3), numbers(2, 6, 3, seed=4)
    expected, last = ours.along(x, line, kernel)
    head, between = ours.along(x[:, :cut], line, kernel)
    parts = [head]
    for now in x[:, cut:].unbind(1):
        parts.append(ours.arriving(between, kernel, now)[:, None])
        between = ours.sent(between, now)
    torch.testing.assert_close(torch.cat(parts, 1), expected, rtol=1e-13, atol=1e-13)
    assert torch.equal(between, last)


def test_the_spread_shrinks_by_one_factor_over_a_quarter_of_learning() -> None:
    ours, seen = late(8.0, spread=4.0), []
    for done in (0.0, 0.0625, 0.125, 0.25, 0.5, 1.0):
        ours.shrink(done)
        seen.append(float(ours.spread))
    assert seen == pytest.approx([4.0, 2.0, 1.0, LAST, LAST, LAST])
    assert "spread" in ours.state_dict()
    assert float(LearnedDelays(1, 1, longest=6.0, dt=0.5).spread) == 6.0  # half of 12 steps
    assert float(LearnedDelays(1, 1, longest=6.0, spread=1.0, dt=0.5).spread) == 2.0


def test_a_line_of_another_connection_is_refused() -> None:
    into, between = late(4.0), LearnedDelays(3, 3, longest=4.0, recurrent=True)
    x, weight = numbers(2, 5, 3), numbers(4, 3)
    for shape in ((2, 3, 3), (2, 5, 3), (1, 4, 3), (2, 4, 1)):
        line = torch.zeros(shape, dtype=DOUBLE)
        with pytest.raises(BadInput, match="a line of 2 sequences, 4 steps and 3 sources, got"):
            into.along(x, line, into.kernel(weight))
        with pytest.raises(BadInput, match="a line of 2 sequences, 4 steps and 3 sources, got"):
            into.arriving(line, into.kernel(weight), x[:, 0])
    with pytest.raises(BadInput, match=r"got \(2, 3, 3\)"):
        between.arriving(torch.zeros(2, 3, 3), between.kernel(torch.ones(3, 3)))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"expected longest delay in whole steps of 1 ms, from 0 on, got 2.5 ms"
    ):
        late(2.5)
    with pytest.raises(BadInput, match=r"whole steps of 1 ms, from 0 on, got -1.0 ms"):
        late(-1.0)
    with pytest.raises(BadInput, match="at least one step between the units of a layer, got 0"):
        late(0.0, recurrent=True)
    for spread in (-1.0, math.nan, math.inf):
        with pytest.raises(BadInput, match="expected a spread of 0 ms or more, got"):
            late(spread=spread)
    with pytest.raises(BadInput, match=r"a share of learning from 0 to 1, got 1.5"):
        late().shrink(1.5)
