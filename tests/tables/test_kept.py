"""A baseline from a file forecasts bit for bit what the one that was kept does."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, Drift, LastValue, SeasonalNaive
from wavetrain.tables.forest import Forest
from wavetrain.tables.kept import load, save
from wavetrain.tables.panel import panel
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.trees import Trees

WAVE = panel(np.sin(np.arange(60) * 2 * np.pi / 12) + 0.1 * np.random.default_rng(0).normal(size=60))


@pytest.mark.parametrize("kind", [LastValue, SeasonalNaive, Drift, Ridge, Trees])
def test_what_is_loaded_is_what_was_kept(kind: type[Baseline], tmp_path: Path):
    model = kind.fit(WAVE, horizon=3, season=12)
    before = model.forecast(WAVE)
    save(model, tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    other = load(tmp_path / "b")
    assert type(other) is kind and other.name == model.name
    assert (other.forecast(WAVE) == before).all() and (model.forecast(WAVE) == before).all()
    assert sorted(one.name for one in (tmp_path / "b").iterdir()) == ["baseline.json", "baseline.safetensors"]


def test_a_folder_is_made_with_those_above_it(tmp_path: Path):
    save(LastValue(horizon=1), tmp_path / "a" / "b")
    save(LastValue(horizon=2), tmp_path / "a" / "b")
    assert load(tmp_path / "a" / "b").horizon == 2


def test_trees_from_a_file_answer_like_those_that_were_grown(tmp_path: Path):
    """Bit for bit, whatever is missing, and without scikit-learn."""
    holes = WAVE.series[0].values.copy()
    holes[7:11] = np.nan
    model = Trees.fit(panel(holes), horizon=2, season=12)
    save(model, tmp_path)
    other = load(tmp_path)
    assert isinstance(other, Trees) and isinstance(other.model, Forest)
    x = np.random.default_rng(1).normal(size=(400, model.lags + 3))
    x[x > 1.5] = np.nan
    assert (other.model.predict(x) == model.model.predict(x)).all()
    assert np.isnan(x).any() and len(set(other.model.predict(x))) > 20
    save(other, tmp_path / "again")
    assert (load(tmp_path / "again").forecast(WAVE) == model.forecast(WAVE)).all()


class Evil:
    """What a pickle would do when it is read."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_nothing_is_unpickled(tmp_path: Path):
    save(LastValue(horizon=1), tmp_path)
    (tmp_path / "baseline.safetensors").write_bytes(pickle.dumps(Evil(tmp_path / "written")))
    with pytest.raises(BadInput, match=r"expected baseline\.json and"):
        load(tmp_path)
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    "facts", [{"kind": "Path"}, [], {"kind": "LastValue"}, {"kind": "LastValue", "x": 1}]
)
def test_a_folder_of_something_else_is_refused(facts: object, tmp_path: Path):
    save(LastValue(horizon=1), tmp_path)
    (tmp_path / "baseline.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(BadInput, match="expected"):
        load(tmp_path)
    with pytest.raises(BadInput, match=r"expected baseline\.json"):
        load(tmp_path / "nowhere")
