"""What decoders of velocity share: alignment, R², smoothers, ridge regression, and no leak between parts."""

import numpy as np
import pytest
import torch
from scipy import signal

from tests.promises import normal
from wavetrain.experiments.spikes._decoding import (
    RAW,
    Record,
    Scored,
    SummedLSTM,
    Way,
    best,
    blocks,
    outputs,
    ridge,
    smoothed,
    smoothers,
    task,
)
from wavetrain.networks.streaming_decoder import StreamingDecoder
from wavetrain.networks.windowed_decoder import WindowedDecoder
from wavetrain.parts.bessel import Bessel

SCORED = Scored(16, 8)
FILTERS = tuple(Bessel(4, cutoff) for cutoff in (0.2, 0.3, 0.4, 0.5))
PARTS = slice(0, 200), slice(200, 300), slice(300, 400)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in each run."""
    torch.manual_seed(0)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def record(seed: int = 0) -> Record:
    """Slow velocities, heard by eight channels with noise, a step late."""
    dice = np.random.default_rng(seed)
    y = signal.lfilter([1], [1, -0.9], dice.standard_normal((400, 2)), axis=0)
    x = np.roll(y, 1, 0) @ dice.standard_normal((2, 8)) + dice.standard_normal((400, 8))
    return Record(torch.from_numpy(x).float(), torch.from_numpy(y).float(), PARTS)


def test_r2_is_1_for_the_truth_and_0_for_its_mean():
    y = noise(100, 2)
    scored = y[15:-8]
    assert SCORED.r2(RAW, y, y) == 1
    assert SCORED.r2(RAW, np.broadcast_to(scored.mean(0), y.shape), y) == pytest.approx(0, abs=1e-12)


def test_r2_does_not_change_when_both_are_moved_and_scaled():
    y, told = noise(100, 2), noise(100, 2, seed=1)
    assert SCORED.r2(RAW, 3 * told - 7, 3 * y - 7) == pytest.approx(SCORED.r2(RAW, told, y), rel=1e-12)


def test_r2_is_the_mean_over_components():
    y, told = noise(100, 2), noise(100, 2)
    told[:, 1] += 5 * noise(100, seed=2)
    each = [SCORED.r2(RAW, told[:, [at]], y[:, [at]]) for at in (0, 1)]
    assert SCORED.r2(RAW, told, y) == pytest.approx(np.mean(each)) and each[0] == 1


@pytest.mark.parametrize("late", range(9))
def test_what_is_late_is_held_against_the_step_that_it_is_of(late: int):
    """An output that is the velocity of some steps ago is perfect as such, and only as such."""
    y = noise(100, 2)
    for wrong in range(9):
        way = Way(lambda told: np.roll(told, late, 0), wrong)
        assert (SCORED.r2(way, y, y) == 1) == (wrong == late)


def test_the_steps_are_those_of_full_blocks():
    """Of 100 steps with blocks of 16 whose middle is 8 late: 15 to 91, whatever the way."""
    steps = np.arange(100.0)[:, None]
    assert SCORED.told(RAW, steps).ravel().tolist() == list(range(15, 92))
    late = Way(lambda told: told - 8, 8)
    assert SCORED.told(late, steps).ravel().tolist() == list(range(15, 92))
    (middle,) = blocks([Bessel(4, 0.6)], 16, 7)
    assert middle.late == 8
    np.testing.assert_allclose(SCORED.told(middle, steps).ravel(), np.arange(15, 92), atol=0.2)


def test_a_smoother_is_a_sum_with_exponential_weights():
    told = noise(30, 2)
    state, expected = told[0], []
    for now in told:
        state = 0.7 * state + 0.3 * now
        expected.append(state)
    np.testing.assert_allclose(smoothed(told, 0.7), expected, atol=1e-12)
    assert {way.late for way in smoothers(8)} == set(range(9))


def test_a_slow_velocity_under_white_noise_is_best_told_by_a_low_filter():
    y = signal.lfilter([1], [1, -0.97], noise(4000, 2), axis=0)
    y /= y.std(0)
    ways = blocks(FILTERS, 16, 7)
    assert best(ways, SCORED, y + noise(4000, 2, seed=1), y).value == 0.2
    quick = noise(4000, 2, seed=2)
    assert best(ways, SCORED, quick, quick).value == 0.5


def test_ridge_regression_tells_what_is_linear():
    """In two sums of three steps, and what comes later where it may look ahead."""
    dice = np.random.default_rng(3)
    x = dice.standard_normal((400, 4))
    total = np.array([x[max(0, t - 2) : t + 1].sum(0) for t in range(400)])
    y = total @ dice.standard_normal((4, 2))
    y[3:] += 0.5 * (total @ dice.standard_normal((4, 2)))[:-3]
    one = Record(torch.from_numpy(x), torch.from_numpy(y), PARTS)
    for part in PARTS[1:]:
        assert SCORED.r2(RAW, ridge(one, SCORED, (2, 3), 0)[part], y[part]) > 1 - 1e-6
        assert SCORED.r2(RAW, ridge(one, SCORED, (1, 3), 0)[part], y[part]) < 0.95
    later = one._replace(y=torch.from_numpy(np.roll(y, -6, 0)))  # told by what is six steps ahead
    told = ridge(later, SCORED, (2, 3), 2)
    assert SCORED.r2(RAW, told[300:400], later.y.numpy()[300:400]) > 1 - 1e-6
    assert SCORED.r2(RAW, ridge(later, SCORED, (2, 3), 0)[300:400], later.y.numpy()[300:400]) < 0.5


def test_the_part_to_report_tells_no_other_part_anything():
    """All of it is other: what is learned from, chosen and told before stays, to the last bit."""
    one = record()
    x, y = one.x.clone(), one.y.clone()
    x[300:], y[300:] = 9 * normal(100, 8).float() + 3, 9 * normal(100, 2).float() + 3
    other = one._replace(x=x, y=y)
    for ahead in (0, 8):
        before, after = (ridge(each, SCORED, (5, 1), ahead) for each in (one, other))
        assert np.array_equal(before[215:292], after[215:292])
        assert not np.allclose(before[300:], after[300:])
    for first, second in zip(task(one, 20).train, task(other, 20).train, strict=True):
        assert torch.equal(first, second)
    assert torch.equal(task(one, 20).valid().y, task(other, 20).valid().y)
    torch.manual_seed(0)
    network = StreamingDecoder(8)
    assert np.array_equal(outputs(network, one)[200:300], outputs(network, other)[200:300])


def test_windows_are_of_the_first_part_and_what_is_chosen_by_is_the_second():
    one = record()
    found = task(one, 20)
    assert len(found.train.x) == 181 and found.train.x.shape[1:] == (20, 8)
    assert torch.equal(found.train.x[-1], one.x[180:200]) and torch.equal(found.train.y[0], one.y[:20])
    assert torch.equal(found.valid().x[0], one.x[200:300])
    assert torch.equal(found.test().x, found.valid().x)  # the part to report is not in it


def test_the_rival_hears_sums_of_the_last_steps():
    torch.manual_seed(0)
    rival, x = SummedLSTM(4, 6, 3, 0.3).double().eval(), normal(2, 20, 4)
    sums = torch.stack([x[:, max(0, t - 2) : t + 1].sum(1) for t in range(20)], 1)
    expected = rival.read(rival.layer(rival.norm(sums))[0])
    torch.testing.assert_close(rival(x), expected)


@pytest.mark.parametrize(
    "network", [StreamingDecoder(8), WindowedDecoder(8, each=2), SummedLSTM(8, 6, 3, 0.3)], ids=str
)
def test_outputs_begin_with_the_second_part_and_go_on_in_pieces(network, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    one = record()
    whole = outputs(network, one)
    assert whole.shape == (400, 2) and not whole[:200].any() and whole[200:].any(1).all()
    monkeypatch.setattr("wavetrain.experiments.spikes._decoding.PIECE", 37)
    np.testing.assert_allclose(outputs(network, one), whole, atol=1e-5)
