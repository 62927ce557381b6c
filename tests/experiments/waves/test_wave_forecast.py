"""The rivals of the wave forecast, how frames are scored, and each part on either side."""

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.waves import wave_forecast
from wavetrain.experiments.waves.wave_forecast import COUPLINGS, Scale, alike, claim, linear
from wavetrain.networks.wave_predictor import scaled
from wavetrain.tasks.dynamics.moving_bump import MovingBump
from wavetrain.train.lab import Lab

WHOLE = {"wave_strong": 0.89, "none_strong": 0.5, "best_strong": 0.6, "shuffled_strong": 0.5}
WHOLE |= {"wave_weak": 1.0, "none_weak": 0.45, "best_weak": 1.0, "shuffled_weak": 0.99}
WHOLE |= {"linear_strong": 0.6, "linear_weak": 0.8, "mean": 0.43, "last": 0.62}


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        ({}, None),
        ({"wave_strong": 0.79, "none_strong": 0.1, "best_strong": 0.1, "linear_weak": 0.7}, 0),
        ({"none_strong": 0.52}, 1),
        ({"none_weak": 0.63}, 1),
        ({"best_strong": 0.7}, 2),
        ({"linear_weak": 0.9}, 3),
        ({"linear_strong": 0.9}, 3),
        ({"best_weak": 0.94}, 4),
        ({"best_weak": 0.96, "wave_weak": 0.9}, None),
    ],
)
def test_each_part_on_either_side(change: dict[str, float], fails: int | None):
    expected = [part != fails for part in range(5)]
    assert answers(claim, WHOLE | change) == expected


def test_the_film_itself_is_a_whole_forecast():
    assert exact_answers("wave_forecast", "smoke")[0] is True


def test_a_linear_map_turns_what_only_turns():
    """Two frames that change places are a linear map of each other."""
    dice = torch.Generator().manual_seed(0)
    pair = scaled(torch.rand(2, 9, generator=dice, dtype=torch.float64))
    film = pair.repeat(8, 1)[None]  # even frames are the first
    found = linear(film[:, :11], 2, 0.0, 4)
    torch.testing.assert_close(found, film[:, 11:15])


def test_frames_are_scored_one_by_one():
    film = MovingBump(side=9).film(torch.zeros(1).double(), 3)
    assert alike(film, film, 9) == pytest.approx([1, 1, 1])
    other = film.clone()
    other[:, 1] = 0.0  # one frame is dark
    score = alike(other, film, 9)
    assert score[[0, 2]] == pytest.approx(1) and score[1] < 0.9


def test_all_arms_see_the_same_frames_and_forecast_what_follows(tmp_path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    fit, forecast = wave_forecast.WavePredictor.fit, wave_forecast.WavePredictor.forecast

    def noted(self, frames, wash, ridge):  # type: ignore[no-untyped-def]
        seen.append((frames, wash, ridge, self.drive))
        return fit(self, frames, wash, ridge)

    def known(self, cue, steps):  # type: ignore[no-untyped-def]
        assert cue is seen[-1][0]
        return forecast(self, cue, steps)

    monkeypatch.setattr(wave_forecast.WavePredictor, "fit", noted)
    monkeypatch.setattr(wave_forecast.WavePredictor, "forecast", known)
    scale = Scale(side=7, period=10, learned=2, ahead=1, draws=2)
    figures = wave_forecast.run(scale, Lab(tmp_path, seed=1))
    assert len(seen) == 2 * (2 + 3) and len({(wash, ridge) for _, wash, ridge, _ in seen}) == 2
    assert all(frames is seen[0][0] and frames.shape == (1, 31, 49) for frames, *_ in seen)
    assert {ridge: drive for _, _, ridge, drive in seen} == {
        one.ridge: one.drive for one in COUPLINGS.values()
    }
    assert set(figures) >= set(WHOLE) and figures["best_strong"] >= figures["shuffled_strong"]
