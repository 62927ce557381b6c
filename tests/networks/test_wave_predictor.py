"""The wave predictor: its equations one unit at a time, its limits, its read-out and its closed loop."""

import cmath
import math

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.networks.wave_predictor import WavePredictor, features, least_squares, scaled


def film(side: int = 3, steps: int = 9, batch: int = 2) -> torch.Tensor:
    dice = torch.Generator().manual_seed(5)
    return torch.rand(batch, steps, side * side, generator=dice, dtype=torch.float64)


def by_hand(network: WavePredictor, frames: torch.Tensor, reach: float, speed: float, strength: float):
    """The states of one film (T, units) after each frame, with Python's complex numbers."""
    side, units = network.side, network.units
    place = [(unit // side, unit % side) for unit in range(units)]
    past = [[0j] * units]  # a, the newest last
    for frame in frames.tolist():
        middle = sum(frame) / units
        deviation = math.sqrt(sum((pixel - middle) ** 2 for pixel in frame) / units)
        now, after = past[-1], []
        for i in range(units):
            push = 0j
            for j in range(units):
                apart = math.dist(place[i], place[j])
                late = round(apart / speed)
                then = past[-1 - late][j] if late < len(past) else 0j
                push += strength * math.exp(-(apart**2) / (2 * reach**2)) * cmath.exp(1j * (then - now[i]))
            drive = network.drive * ((frame[i] - middle) / deviation + network.bias)
            after.append(now[i] + drive - 1j * push)
        turned = any(one.imag for one in after)
        past.append([one / abs(one) for one in after] if turned else after)
    return torch.tensor(past[1:], dtype=torch.complex128)


@pytest.mark.parametrize("speed", [0.8, 1.3, 50.0])  # delays of up to four steps, of two, and none
def test_it_follows_its_equations(speed: float):
    settings = dict(strength=0.7, reach=1.1, speed=speed)
    network = WavePredictor(3, **settings, drive=0.4, bias=0.2).double()
    assert network.coupling.longest == round(math.dist((0, 0), (2, 2)) / speed)
    x = film()
    seen, _ = network.sheet(x)
    for row in range(2):
        torch.testing.assert_close(seen[row], by_hand(network, x[row], 1.1, speed, 0.7), rtol=1e-6, atol=1e-6)


def test_without_recurrence_the_state_is_real_and_sums_up_the_frames():
    network = WavePredictor(3, strength=0.0, drive=0.5, bias=0.1).double()
    x = film()
    seen, _ = network.sheet(x)
    assert not seen.imag.any()
    torch.testing.assert_close(seen.real, 0.5 * (scaled(x) + 0.1).cumsum(1))


def test_a_unit_alone_is_pushed_by_itself_alone():
    network = WavePredictor(3, strength=0.7, reach=1e-3, drive=0.4).double()
    x = film(steps=1)
    first = 0.4 * scaled(x[:, 0]) - 0.7j  # exp(i (a - a)) is 1
    torch.testing.assert_close(network.sheet(x)[0][:, 0], first / first.abs(), rtol=1e-6, atol=1e-6)


def test_one_film_turns_complex_and_another_stays_as_it_is():
    network = WavePredictor(2, strength=0.0, drive=1.0).double()
    x = film(side=2, steps=1)
    now, sent = network.begin(2)
    now = now + torch.tensor([[0.0], [3j]])
    after, _ = network.sheet(x, (now, sent))[0], None
    torch.testing.assert_close(after[0, 0].real, scaled(x[0, 0]))
    torch.testing.assert_close(after[1, 0].abs(), torch.ones(4).double())


def test_states_stay_on_the_unit_circle():
    seen, _ = WavePredictor(4).double().sheet(film(4, 30))
    torch.testing.assert_close(seen.abs(), torch.ones(2, 30, 16).double())


def test_a_flat_frame_says_nothing():
    network = WavePredictor(3).double()
    flat, flatter = torch.zeros(1, 4, 9).double(), torch.full((1, 4, 9), 0.3).double()
    torch.testing.assert_close(network.sheet(flat)[0], network.sheet(flatter)[0], rtol=0, atol=1e-12)
    assert network(flat).isfinite().all()


def test_shuffling_keeps_each_weight_with_its_delay():
    network = WavePredictor(4, speed=1.0).double()
    other = network.shuffled(torch.Generator().manual_seed(1))

    def pairs(one: WavePredictor) -> list[tuple[float, float]]:
        weight, delay = one.coupling.weight.flatten(), one.coupling.delay.flatten()
        return sorted(zip(weight.tolist(), delay.tolist(), strict=True))

    assert pairs(network) == pairs(other)
    assert not torch.equal(network.coupling.weight, other.coupling.weight)
    assert torch.equal(network.coupling.weight, network.coupling.weight.T)  # the first is as it was
    again = network.shuffled(torch.Generator().manual_seed(1))
    assert torch.equal(other.coupling.weight, again.coupling.weight)
    assert network(film(4)).shape == other(film(4)).shape


@pytest.mark.parametrize("wash", [0, 3])
def test_the_read_out_says_what_it_was_fitted_to(wash: int):
    x = film(3, 9)
    network = WavePredictor(3, drive=0.5).double().fit(x, wash)  # fewer steps than parts of the state
    torch.testing.assert_close(network(x)[:, wash:-1], x[:, wash + 1 :], rtol=0, atol=1e-8)


def test_a_ridge_shrinks_the_read_out_as_the_normal_equations_say():
    x = film(3, 40)
    network = WavePredictor(3, drive=0.5).double()
    seen = features(network.sheet(x[:, :-1])[0])[:, 5:].flatten(0, 1).detach()
    network.fit(x, wash=5, ridge=0.01)
    left = seen.T @ seen
    left = left + 0.01 * left.trace() * torch.eye(18).double()
    weight = torch.linalg.solve(left, seen.T @ x[:, 6:].flatten(0, 1))
    torch.testing.assert_close(network.read.weight.detach(), weight.T)


def test_least_squares_is_that_of_least_norm_where_many_fit():
    x = torch.tensor([[1.0, 1.0, 0.0]]).double()
    weight = least_squares(x, torch.tensor([[4.0]]).double(), 0.0)
    torch.testing.assert_close(weight, torch.tensor([[2.0], [2.0], [0.0]]).double())
    assert not least_squares(torch.zeros(2, 3), torch.ones(2, 1), 0.1).any()


def test_a_forecast_feeds_back_what_it_says():
    network = WavePredictor(3, drive=0.5).double().fit(film(3, 9))
    x = film(3, 6)
    ahead = network.forecast(x, 4)
    for step in range(4):
        longer = torch.cat([x, ahead[:, :step]], 1)
        torch.testing.assert_close(ahead[:, step], network(longer)[:, -1].detach())
    assert network.forecast(x, 1).shape == (2, 1, 9)


def test_what_does_not_fit_is_refused():
    for wrong in (dict(strength=-1.0), dict(drive=-1.0), dict(bias=math.nan), dict(strength=math.inf)):
        with pytest.raises(BadInput, match="of 0 or more"):
            WavePredictor(3, **wrong)
    for wrong in (dict(reach=0.0), dict(reach=math.inf), dict(speed=0.0), dict(speed=math.nan)):
        with pytest.raises(BadInput, match="above 0"):
            WavePredictor(3, **wrong)
    assert WavePredictor(3, speed=math.inf).coupling.longest == 0
    network = WavePredictor(3).double()
    for wash, steps in ((-1, 9), (8, 9), (0, 1)):
        with pytest.raises(BadInput, match="two frames or more"):
            network.fit(film(3, steps), wash)
    with pytest.raises(BadInput, match="expected a ridge"):
        network.fit(film(), ridge=-1e-9)
    with pytest.raises(BadInput, match="finite frames"):
        network.fit(film() / 0)
    with pytest.raises(BadInput, match="steps"):
        network.forecast(film(), 0)
    with pytest.raises(BadInput, match=r"\(2, 9, 4\)"):
        network(film(2))
