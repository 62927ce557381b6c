"""Taxi passengers: what decides, the change of the stream, and forecasts whose answer is known."""

import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.errors import BadInput
from wavetrain.evidence.claims import Measured, every
from wavetrain.experiments.memories._arima import refitted
from wavetrain.experiments.memories.htm_taxi import (
    AHEAD,
    BUCKETS,
    LATEST,
    _buckets,
    _changed,
    _deviation,
    _least,
    _made_up,
    _normal,
    _pooled,
    claim,
    small,
    smoke,
)
from wavetrain.memories.temporal_memory import SpatialPooler


def figures(**changed: float) -> dict[str, float]:
    plain = {"htm": 0.08, "lstm_1000": 0.1, "lstm_6000": 0.08, "esn": 0.09, "week": 0.088}
    plain |= {"persistence": 0.32, "arima": 0.29}
    told = {f"mape_{name}": value for name, value in plain.items()}
    after = {"changed_mape_htm": 0.08, "changed_mape_lstm_1000": 0.1, "changed_mape_lstm_6000": 0.09}
    return told | after | changed


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True]),
        ({"mape_htm": 0.0879}, [True, True, True]),  # a tenth more than the best
        ({"mape_htm": 0.0881}, [False, False, True]),
        ({"mape_lstm_6000": 0.07}, [False, True, True]),
        ({"mape_esn": 0.07}, [False, True, True]),
        ({"mape_arima": 0.079}, [True, False, True]),
        ({"mape_persistence": 0.079}, [True, False, True]),
        ({"mape_week": 0.079}, [None, False, None]),  # no LSTM is better than last week
        ({"mape_week": 0.079, "mape_htm": 0.07}, [None, True, None]),
        ({"changed_mape_lstm_1000": 0.08}, [True, True, False]),
        ({"changed_mape_lstm_6000": 0.08}, [True, True, False]),
        ({"mape_htm": 0.0, "changed_mape_htm": 0.0}, [True, True, True]),  # the future itself
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool | None]):
    assert answers(claim, figures(**changed), small) == parts
    assert claim.holds(Measured(figures(**changed), small)) is every(parts)


def test_who_says_the_last_count_again_fulfils_no_part():
    same = dict.fromkeys(figures(), 0.32) | {"mape_week": 0.088}
    assert answers(claim, same, small) == [None, False, None]


def test_the_change_comes_on_the_first_of_april():
    begun = datetime(2014, 7, 1)
    assert begun + timedelta(minutes=30 * small.change) == datetime(2015, 4, 1)


def test_the_change_is_that_of_mornings_and_evenings_of_weekdays():
    minute = torch.arange(0, 1440, 30).double().repeat(14)
    day = (torch.arange(14).repeat_interleave(48) % 7).double()
    rows = torch.stack([torch.full_like(day, 100), minute, day], 1)
    changed = _changed(rows, 7 * 48)
    assert torch.equal(changed[: 7 * 48], rows[: 7 * 48]) and torch.equal(changed[:, 1:], rows[:, 1:])
    week = changed[7 * 48 :, 0].view(7, 48)
    assert (week[5:] == 100).all()
    assert (week[:5, 14:22] == 80).all() and (week[:5, 42:] == 120).all()
    assert (week[:5, :14] == 100).all() and (week[:5, 22:42] == 100).all()


def test_the_deviation_is_that_of_the_errors_that_are_known():
    value = torch.zeros(3000).double()
    forecast = torch.full_like(value, 2.0)
    forecast[1500:] = 6.0
    deviation = _deviation(forecast, value)
    assert (deviation[AHEAD : 1500 + AHEAD] == 2).all(), "what is said at 1500 is known 5 records later"
    one = deviation[1500 + AHEAD].item()
    assert one == pytest.approx(((4 * (LATEST - 1) + 36) / LATEST) ** 0.5)
    assert (deviation[1500 + AHEAD + LATEST :] == 6).all()


def test_chances_of_buckets_are_those_of_the_normal_distribution():
    count = torch.tensor([20_000.0, -1e5, 1e6]).double()
    said = _normal(count, torch.tensor([40_000 / 22, 1.0, 1.0]).double())
    assert torch.allclose(said.chance.sum(1), torch.ones(3).double())
    assert said.chance[0, 11].item() == pytest.approx(0.341344746, abs=1e-8)  # from the mean to one deviation
    assert torch.allclose(said.chance[0], said.chance[0].flip(0))
    assert said.chance[1, 0] == 1 and said.chance[2, -1] == 1
    assert _buckets(torch.tensor([-5.0, 0, 1818, 1819, 4e4, 5e4]), BUCKETS).tolist() == [0, 0, 0, 1, 21, 21]


def test_arima_of_a_known_process_tells_its_power_and_the_spread_of_that():
    """AR(1) with coefficient .9: five steps ahead .9^5 z, and variance (1 - .9^10) / (1 - .9^2)."""
    noise, z = np.random.default_rng(0).standard_normal(3000), np.zeros(3000)
    for t in range(1, 3000):
        z[t] = 0.9 * z[t - 1] + noise[t]
    told = refitted(z, 2600, orders=((1, 0, 0),), fitted=2500, every=7 * 48, ahead=AHEAD)
    said, spread = (part.numpy() for part in told)
    assert said.shape == spread.shape == (400,)
    assert np.abs(said - 0.9**5 * z[2600:]).max() < 0.35, "coefficient and mean are estimated"
    assert np.corrcoef(said[:300], z[2600:2900])[0, 1] > 0.9999, "of one week"
    assert spread == pytest.approx(((1 - 0.9**10) / (1 - 0.9**2)) ** 0.5, rel=0.05)


def test_without_statsmodels_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.arima.model", None)
    with pytest.raises(BadInput, match="expected the package statsmodels"):
        refitted(np.zeros(460), smoke.first, orders=smoke.arima, fitted=60, every=336, ahead=AHEAD)


def test_the_pooler_learns_from_the_first_records_alone():
    """What is scored moves no code: another future leaves all codes before it, another past does not."""
    bits = torch.rand(400, 30, generator=torch.Generator().manual_seed(0)) < 0.3
    scale = type(smoke)(**{**vars(smoke), "columns": 64, "winners": 6, "passes": 20})
    codes, other = _pooled(scale, bits, 0), bits.clone()
    other[scale.pooled :] = bits[scale.pooled :].flip(0)
    assert torch.equal(_pooled(scale, other, 0)[: scale.pooled], codes[: scale.pooled])
    assert torch.equal(_pooled(scale, other, 0)[scale.pooled :], codes[scale.pooled :].flip(0)), (
        "it is frozen"
    )
    other[: scale.pooled] = ~bits[: scale.pooled]
    assert not torch.equal(_pooled(scale, other, 0)[scale.pooled :].flip(0), codes[scale.pooled :])
    pooler, state = SpatialPooler(30, 64, 6), None
    for _ in range(20):
        _, state = pooler.forward(bits[: scale.pooled], state)
    assert torch.equal(codes, pooler.forward(bits, state, learn=False)[0])


def test_the_made_up_stream_has_its_clock():
    rows = _made_up(800, torch.Generator().manual_seed(0))
    assert rows.shape == (800, 3) and (rows[:, 0] >= 0).all()
    assert rows[49].tolist()[1:] == [30.0, 1.0] and rows[7 * 48, 2] == 0


def test_what_is_searched_is_chosen_before_the_scoring():
    value = torch.arange(460.0).double()
    early, late = value + AHEAD, value + AHEAD
    early[smoke.first :] += 100  # right before the scoring, wrong after
    late[: smoke.first] += 1
    assert torch.equal(_least(smoke, [late, early], value), early)
