"""Delays: an impulse comes out once, after its delay, with its weight, however the sequence is cut."""

import math
from collections.abc import Iterator

import pytest
import torch

from tests.promises import normal
from wavetrain.errors import BadInput
from wavetrain.parts.delays import Delayed, delay_steps


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    """Those are held to differences by the contract of layers with delays."""
    with torch.no_grad():
        yield


def impulse(steps: int = 40, at: int = 5, sources: int = 1) -> torch.Tensor:
    x = torch.zeros(1, steps, sources)
    x[:, at] = 1
    return x


def walked(connection: Delayed, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Step by step, of what is sent now, or of what was sent before."""
    line, out = connection.begin(len(x)), []
    for now in x.unbind(1):
        out.append(connection.arriving(line, None if connection.recurrent else now))
        line = connection.sent(line, now)
    return torch.stack(out, 1), line


@pytest.mark.parametrize("delay", [0, 1, 2, 7, 20, 33])
@pytest.mark.parametrize("longest", [None, 33.0])
def test_an_impulse_arrives_once_after_its_delay_with_its_weight(delay: int, longest: float | None) -> None:
    connection = Delayed(1, 1, float(delay), longest=longest)
    connection.weight.data.fill_(0.75)
    for y, _ in (connection.along(impulse(), connection.begin(1)), walked(connection, impulse())):
        assert y.flatten().nonzero().flatten().tolist() == [5 + delay] and float(y.sum()) == 0.75


@pytest.mark.parametrize("delay", [1, 2, 7, 20, 33])
def test_between_units_it_takes_as_long(delay: int) -> None:
    """Asked before the units fire, and told of their spikes afterwards."""
    connection = Delayed(1, 1, float(delay), recurrent=True)
    connection.weight.data.fill_(0.75)
    y, _ = walked(connection, impulse())
    assert y.flatten().nonzero().flatten().tolist() == [5 + delay] and float(y.sum()) == 0.75


def test_each_connection_has_its_own() -> None:
    """Three connections side by side; and each source, with one delay for all that it reaches."""
    connection = Delayed(1, 3, torch.tensor([[0.0], [3.0], [6.0]]))
    connection.weight.data.fill_(1)
    y, _ = connection.along(impulse(), connection.begin(1))
    assert [y[0, :, unit].nonzero().flatten().tolist() for unit in range(3)] == [[5], [8], [11]]
    of_sources = Delayed(2, 3, torch.tensor([1.0, 4.0]))
    of_sources.weight.data.copy_(torch.tensor([[1.0, 10.0]]).expand(3, 2))
    y, _ = of_sources.along(impulse(sources=2), of_sources.begin(1))
    assert y[0, :, 0].tolist() == y[0, :, 2].tolist()
    assert {at: float(y[0, at, 0]) for at in y[0, :, 0].nonzero().flatten().tolist()} == {6: 1.0, 9: 10.0}


@pytest.mark.parametrize("recurrent", [False, True])
def test_it_is_the_sum_over_all_connections(recurrent: bool) -> None:
    """Against the sum as it is written, on a grid on which sums are exact; however it is cut."""
    draw = torch.Generator().manual_seed(0)
    delay = torch.randint(1, 6, (4, 3), generator=draw)
    connection = Delayed(3, 4, delay.double(), recurrent=recurrent).double()
    connection.weight.data.copy_((64 * normal(4, 3)).round() / 64)
    x = (normal(2, 13, 3) > 0).double()
    expected = torch.zeros(2, 13, 4, dtype=torch.float64)
    for t in range(13):
        for i in range(4):
            for j in range(3):
                if t >= delay[i, j]:
                    expected[:, t, i] += connection.weight[i, j].detach() * x[:, t - delay[i, j], j]
    y, line = walked(connection, x)
    assert y.equal(expected) and line.equal(x.flip(1)[:, :5])
    for cut in range(14):
        first, between = connection.along(x[:, :cut], connection.begin(2))
        second, last = connection.along(x[:, cut:], between)
        assert torch.cat([first, second], 1).equal(expected) and last.equal(line)


def test_a_spike_on_its_way_arrives_in_the_next_run() -> None:
    """A delay of 20, a spike 3 steps before the end: it is there in step 17 of the second run."""
    connection = Delayed(1, 1, 20.0)
    connection.weight.data.fill_(1)
    first, line = connection.along(impulse(50, 47), connection.begin(1))
    second, _ = connection.along(torch.zeros(1, 50, 1), line)
    assert not first.any() and second.flatten().nonzero().flatten().tolist() == [17]


def test_none_is_lost_in_a_long_run() -> None:
    """A spike in each of 100,000 steps: one is delivered in each, and those on the way in the next run."""
    connection = Delayed(1, 1, 20.0)
    connection.weight.data.fill_(1)
    x, line, many = torch.ones(1, 1000, 1), connection.begin(1), 0.0
    for _ in range(100):
        y, line = connection.along(x, line)
        many += float(y.sum())
    rest, line = connection.along(torch.zeros(1, 1000, 1), line)
    assert many == 100_000 - 20 and float(rest.sum()) == 20 and not line.any()


def test_a_longer_line_changes_nothing() -> None:
    short, long = (Delayed(2, 2, 10.0, longest=longest) for longest in (None, 62.0))
    long.load_state_dict(short.state_dict())
    x = normal(2, 80, 2).float()
    assert short.along(x, short.begin(2))[0].equal(long.along(x, long.begin(2))[0])
    assert (short.longest, long.longest) == (10, 62)


@pytest.mark.parametrize(("then", "step"), [(10, 7), (20, 17), (30, 27)])
def test_delays_may_change_between_two_runs(then: int, step: int) -> None:
    """What is on its way stays so, for as long as the connection takes now: sent 3 steps before the end."""
    connection, other = (Delayed(1, 1, torch.tensor([[float(steps)]]), longest=40.0) for steps in (20, then))
    for one in (connection, other):
        one.weight.data.fill_(1)
    _, line = connection.along(impulse(50, 47), connection.begin(1))
    connection.load_state_dict(other.state_dict())
    second, _ = connection.along(torch.zeros(1, 50, 1), line)
    assert second.flatten().nonzero().flatten().tolist() == [step]


def test_a_line_of_another_connection_is_refused() -> None:
    """Of more steps spikes would be lost, of fewer there is none to read; of one row all would get it."""
    into, between = Delayed(2, 2, 3.0), Delayed(2, 2, 3.0, recurrent=True)
    for line in (torch.zeros(4, 2, 2), torch.zeros(4, 7, 2), torch.zeros(1, 3, 2), torch.zeros(4, 3, 1)):
        words = rf"expected spikes on their way \(4, 3, 2\), got \({', '.join(map(str, line.shape))}\)"
        with pytest.raises(BadInput, match=words):
            into.arriving(line, torch.ones(4, 2))
        with pytest.raises(BadInput, match=words):
            into.along(torch.ones(4, 5, 2), line)
        if len(line) == 4:
            with pytest.raises(BadInput, match=words):
                between.arriving(line)


def test_delays_in_ms() -> None:
    """0.3 ms at 0.1 ms are 3 steps, though 0.3 / 0.1 is below 3; in single precision too."""
    assert Delayed(1, 1, 0.3, dt=0.1).longest == 3
    for dtype in (torch.float32, torch.float64):
        ms = torch.tensor([0.0, 0.3, 0.7, 1.2, 21.2, 1000.1], dtype=dtype)
        assert delay_steps(ms, 0.1).tolist() == [0, 3, 7, 12, 212, 10001]
    assert delay_steps(torch.tensor([3, 5]), 0.5).tolist() == [6, 10]


@pytest.mark.parametrize("bad", [-1.0, 0.5, 1 + 2e-6, math.nan, math.inf])
def test_delays_that_are_refused(bad: float) -> None:
    for delay in (bad, torch.tensor([1.0, bad], dtype=torch.float64)):
        with pytest.raises(
            BadInput, match=rf"expected delays? in whole steps of 1 ms, from 0 on, got {bad:.4g}"
        ):
            Delayed(2, 2, delay)


def test_delays_without_values_are_refused() -> None:
    """A layer may be built on meta; its delays say how long its state is."""
    with pytest.raises(BadInput, match="delays with values, got a tensor on the device meta"):
        Delayed(2, 2, torch.ones(2, device="meta"))
    with torch.device("meta"):
        assert Delayed(2, 2, torch.ones(2, device="cpu")).longest == 1


def test_the_last_that_is_taken() -> None:
    assert Delayed(1, 1, 1 + 1e-7).longest == 1


def test_delays_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="delays of at least one step between the units of a layer, got 0"):
        Delayed(2, 2, torch.tensor([1.0, 0.0]), recurrent=True)
    with pytest.raises(BadInput, match="delays of at most 7 steps, got 8"):
        Delayed(2, 2, torch.tensor([1.0, 8.0]), longest=7.0)
    with pytest.raises(BadInput, match=r"delays \(3, 2\) or \(2,\), got \(2, 3\)"):
        Delayed(2, 3, torch.zeros(2, 3))


def test_delays_are_saved_with_the_weights() -> None:
    """Loaded into one that was built with others, it is the same; longer ones than its line are refused."""
    one, two = Delayed(3, 2, torch.tensor([1.0, 4.0, 2.0])), Delayed(3, 2, torch.tensor([4.0, 0.0, 3.0]))
    two.load_state_dict(one.state_dict())
    x = normal(2, 9, 3).float()
    assert two.along(x, two.begin(2))[0].equal(one.along(x, one.begin(2))[0])
    with pytest.raises(BadInput, match="at most 3 steps, got 4"):
        Delayed(3, 2, torch.tensor([3.0, 3.0, 3.0])).load_state_dict(one.state_dict())
