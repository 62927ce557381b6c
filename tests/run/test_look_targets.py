"""What can be looked at: how it is called, how fast its steps go, and which folder a checkpoint is of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators import Forecaster
from wavetrain.formats.recordings import read_recording
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.run.look_targets import How, _paced, _place, _rate, called, is_model, view

WAVE = np.random.default_rng(0).normal(size=(40, 2))


def seen(target: Any, data: Any = None, how: How = How(), beside: Any = None) -> Any:  # noqa: B008
    return view(target, how, data=data, name="", part="", beside=beside)


def test_what_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("")
    for target in (tmp_path, str(tmp_path), "a.safetensors", Elman(2), torch.nn.Linear(2, 2), Forecaster()):
        assert is_model(target)
    for target in (tmp_path / "a.npz", "none", WAVE, [1.0]):
        assert not is_model(target)


def test_targets_are_called_by_file_or_kind() -> None:
    assert called(Path("a/b.npz")) == called("a/b.npz") == "b.npz"
    assert called(WAVE) == "ndarray" and called(Elman(2)) == "Elman"


@pytest.mark.parametrize(
    ("given", "of", "rate"),
    [(None, 40, 250.0), (None, 39, 1.0), (8.0, 40, 8.0), (8.0, 0, 8.0)],
)
def test_a_step_lasts_as_given_or_as_a_sample_of_the_same_rows(
    given: float | None, of: int, rate: float
) -> None:
    assert _rate(How(given), of, read_recording(WAVE, rate=250.0)) == rate
    assert _rate(How(given), of, None) == (given or 1.0)


def test_the_pace_in_words() -> None:
    assert (_paced(1.0), _paced(0.5)) == ("one step counts as a second", "0.5 steps a second")


def test_a_checkpoint_names_its_training(tmp_path: Path) -> None:
    for place in ("run/checkpoints/one.safetensors", "model/weights.safetensors"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("")
    run, model = tmp_path / "run", tmp_path / "model"
    assert _place(run, "two") == (run, "two")
    assert _place(run / "checkpoints" / "one.safetensors", "two") == (run, "one")
    assert _place(model / "weights.safetensors", "") == (model, "")
    with pytest.raises(BadInput, match="there is no file"):
        _place(run / "checkpoints" / "two.safetensors", "")


def test_a_recording_is_cut_to_what_is_asked_for() -> None:
    how = How(rate=10.0, positions=np.arange(4.0).reshape(2, 2), channels=("1",), between=(1, 3))
    found = seen(WAVE, how=how)
    np.testing.assert_array_equal(found.offered["recording"], WAVE[10:30, 1:])
    assert found.offered["activity"] is found.offered["recording"]
    np.testing.assert_array_equal(found.offered["positions"], [[2, 3]])
    assert found.rows.tolist() == [list(range(20))] and found.of == 20 and not found.made
    assert "positions" not in seen(WAVE, how=How(10.0)).offered


def test_a_layer_is_driven_by_noise_by_sequences_or_by_a_recording() -> None:
    layer = Elman(3, inputs=2)
    size = 3 * 2 + 3 * 3 + 2 * 3
    first = f"Elman: 2 inputs, {size} parameters, driven by "
    found = seen(layer)
    assert found.said[0] == f"{first}noise" and found.said[-1] == "one step counts as a second"
    assert found.made and found.rows is None and found.of == 0 and found.name == "Elman"
    found = seen(layer, WAVE.reshape(4, 10, 2), How(5.0))
    assert found.said[0] == f"{first}4 sequences of 10 steps" and found.said[-1] == "5 steps a second"
    assert found.offered["x"].dtype == torch.float32 and found.rows is None
    found = seen(layer, WAVE, How(5.0))
    assert found.rows.tolist() == [list(range(40))] and found.of == 40 and found.offered["rate"] == 5.0
    assert found.said[0].startswith(f"{first}signal: 2 channels, 40 samples")
    found = seen(layer.double(), WAVE.reshape(4, 10, 2))
    assert found.offered["x"].dtype == torch.float64


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_layer_is_not_driven_over_a_gap(bad: float) -> None:
    holed = WAVE.copy()
    holed[5, 1] = bad
    with pytest.raises(BadInput, match=r"without gaps|NaN|finite|infinite"):
        seen(Elman(3, inputs=2), holed, How(5.0))


def test_a_network_that_is_no_layer_needs_data() -> None:
    with pytest.raises(BadInput, match="Linear: expected data, an input"):
        seen(torch.nn.Linear(2, 2))
    for words in ({"data": WAVE, "part": ""}, {"data": None, "part": "layers.0"}):
        with pytest.raises(BadInput, match="data and a part are for layers and models"):
            view(WAVE, How(1.0), name="", beside=None, **words)
