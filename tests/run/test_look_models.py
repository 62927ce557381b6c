"""Looking at models: kept ones under data, and trainings of a run; and at one beside a recording."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import wavetrain as wt
from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.estimators import BaselineForecaster
from wavetrain.evidence.files import write_json
from wavetrain.formats.recordings import read_recording
from wavetrain.lenses import cka, dimension, dsa, fixed_points
from wavetrain.parts.reader import Reader
from wavetrain.run import look_folders
from wavetrain.run.look import look, through
from wavetrain.run.look_folders import in_folder
from wavetrain.run.look_targets import How, view
from wavetrain.tables.panel import panel
from wavetrain.train.lab import Lab, Plan

DICE = np.random.default_rng(0)
WAVE = np.sin(np.arange(400)[:, None] / (3.0 + np.arange(2))) + 0.1 * DICE.normal(size=(400, 2))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "model"
    wt.fit(panel(WAVE), wt.Forecaster("gru", width=4, depth=2, steps=2, context=20)).save(folder)
    return folder


def test_a_kept_model_shows_what_its_last_layer_says_under_the_rows(kept: Path) -> None:
    model = in_folder(kept, panel(WAVE), "")
    found = view(kept, How(), data=panel(WAVE), name="", part="", beside=None)
    stack = model.network
    with torch.no_grad():
        stream = stack.encode(model.x)
        stream = stream + stack.layers[0](stack.norms[0](stream))[0]
        stream = stream + stack.mlps[0](stream)
        said = stack.layers[1](stack.norms[1](stream))[0]
    np.testing.assert_allclose(found.offered["recording"], said.double().numpy(), rtol=0, atol=1e-6)
    assert type(found.offered["layer"]).__name__ == "Stack" and found.offered["start"].shape == (16, 8)
    assert model.rows is not None and model.rows.shape == found.offered["recording"].shape[:2]
    kept_model = wt.load(kept)
    length = kept_model.context_ + kept_model.origins_ - 1
    assert model.rows[0].tolist() == list(range(length)) and model.rows[1, 0] == length


def test_windows_follow_one_another_and_sixteen_are_looked_at(kept: Path) -> None:
    """As many as fit, of each series; of more than sixteen, some that lie evenly apart."""
    one = wt.load(kept)
    length = one.context_ + one.origins_ - 1
    waves = np.sin(np.arange(18 * length)[:, None] / (3.0 + np.arange(2)))
    for rows, windows in ((length, [0]), (2 * length - 1, [0]), (2 * length, [0, 1])):
        found = in_folder(kept, panel(waves[:rows]), "")
        assert found.rows is not None and found.of == rows
        assert found.rows.tolist() == [[*range(first * length, (first + 1) * length)] for first in windows]
        many = f"under {len(windows)} window{'s' * (len(windows) > 1)} of {length} rows of the data"
        assert found.said == (f"gru, a forecaster of y1, y2, {many}",)
    with pytest.raises(
        BadInput, match=rf"expected {length} rows or more, as it reads at once, got {length - 1}$"
    ):
        in_folder(kept, panel(waves[: length - 1]), "")
    most = in_folder(kept, panel(waves), "").rows
    places = [round(17 * place / 15) for place in range(16)]
    assert most is not None and (most[:, 0] // length).tolist() == places and not (most[:, 0] % length).any()
    two = in_folder(kept, panel([waves[:length], waves[: 2 * length]]), "")
    assert two.rows is None and len(two.x) == 3  # rows of two series are not those of one recording


@pytest.mark.parametrize("count", [2, 9, 10, 12])
def test_nine_trainings_are_named_and_the_others_counted(count: int, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    names = [f"t{place:02d}" for place in range(count)]
    for name in names:
        (tmp_path / "checkpoints" / f"{name}.safetensors").touch()
    more = f" and {count - 9} more" if count > 9 else ""
    with pytest.raises(BadInput, match=rf"\(--name\): {', '.join(names[:9])}{more}$"):
        in_folder(tmp_path, None, "")


def test_one_layer_of_a_model_can_be_named(kept: Path) -> None:
    found = view(kept, How(), data=panel(WAVE), name="", part="layers.0", beside=None)
    assert type(found.offered["layer"]).__name__ == "GRU"
    with torch.no_grad():
        said = found.offered["layer"](found.offered["x"])[0].double().numpy()
    steps = said.shape[1]
    np.testing.assert_allclose(found.offered["recording"][:2, :steps], said, rtol=0, atol=1e-6)


def test_without_data_a_model_reads_the_rows_that_it_keeps(kept: Path) -> None:
    assert any("its own data" in line for line in look(kept, lenses=["dimension"]).said)


def test_a_model_beside_a_recording(kept: Path) -> None:
    """The same lens, null and seed; and what compares two gets the same samples of both."""
    lenses = ["cka", "dsa", "dimension"]
    found = look(kept, data=panel(WAVE), beside=WAVE, rate=50.0, lenses=lenses)
    assert found.beside is not None and [one.lens for one in found.beside.applied] == ["dimension"]
    alone = dimension(WAVE[None])
    np.testing.assert_array_equal(found.beside["dimension"].null, alone.null)
    activity = found.offered["activity"]
    np.testing.assert_array_equal(found["dimension"].null, dimension(activity).null)
    rows = in_folder(kept, panel(WAVE), "").rows
    np.testing.assert_array_equal(found["cka"].null, cka(activity, WAVE[rows]).null)
    np.testing.assert_array_equal(found["dsa"].spectral, dsa([activity, WAVE]).spectral)
    assert found.offered["rate"] == 50.0


def test_a_step_lasts_as_long_as_a_sample_of_the_same_rows(kept: Path) -> None:
    beside = read_recording(WAVE, rate=250.0)
    assert view(kept, How(), data=panel(WAVE), name="", part="", beside=beside).offered["rate"] == 250.0
    shorter = read_recording(WAVE[:300], rate=250.0)
    found = view(kept, How(), data=panel(WAVE), name="", part="", beside=shorter)
    assert found.offered["rate"] == 1.0
    with pytest.raises(BadInput, match=r"cka does not apply: .*as many samples as the data"):
        look(kept, data=panel(WAVE), beside=shorter, lenses=["cka"])


def test_two_recordings_of_the_same_samples_are_compared() -> None:
    turned = WAVE @ np.array([[0.6, -0.8], [0.8, 0.6]])
    found = look(WAVE, beside=turned, rate=100, lenses=["procrustes", "cka"])
    assert found["procrustes"].angle < 1e-6 and found["cka"].score == pytest.approx(1)


def test_a_layer_reads_the_data(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = wt.layers.Elman(5, inputs=2)
    np.savez(tmp_path / "wave.npz", signal=WAVE, rate=100)
    found = look(layer, data=tmp_path / "wave.npz", lenses=["fixed_points"])
    with torch.no_grad():
        said = layer(torch.from_numpy(WAVE)[None].float())[0][0].double().numpy()
    np.testing.assert_allclose(found.offered["recording"], said, rtol=0, atol=1e-6)
    assert found.offered["rate"] == 100
    start = found.offered["start"]
    np.testing.assert_array_equal(found["fixed_points"].point, fixed_points(layer, start).point)
    low, high = said.min(0) - 0.5 * said.std(0), said.max(0) + 0.5 * said.std(0)
    assert ((start >= low) & (start <= high)).all()  # near states that it passes through


def test_a_classifier_reads_sequences(tmp_path: Path) -> None:
    waves = [np.sin(np.arange(20 + at)[:, None] / (2 + at % 2)) for at in range(8)]
    model = wt.SequenceClassifier("gru", width=4, depth=1, steps=1).fit(waves, np.arange(8) % 2)
    model.save(tmp_path / "kept")
    file = tmp_path / "waves.ts"
    rows = [",".join(f"{value:.17g}" for value in one[:, 0]) for one in waves]
    file.write_text("\n".join(["@univariate true", "@classLabel false", "@data", *rows]))
    one = view(tmp_path / "kept", How(), data=file, name="", part="", beside=None)
    two = view(model, How(), data=waves, name="", part="", beside=None)
    assert one.offered["recording"].shape == (8, 20, 4)  # as long as the shortest
    np.testing.assert_allclose(one.offered["recording"], two.offered["recording"], atol=1e-12)
    with pytest.raises(BadInput, match="sequences that drive it"):
        look(model)


def test_what_has_no_state_of_one_size_says_so() -> None:
    offered = view(wt.layers.SoftmaxAttention(4), How(), data=None, name="", part="", beside=None).offered
    lenses = ("fixed_points", "lyapunov", "dsa", "automata", "rsa")
    why = {one: through(find.named(one, ("lenses",)), offered).why for one in lenses}
    assert "states to start from" in why["fixed_points"] and "states to start from" in why["lyapunov"]
    assert "sequences that repeat each other" in why["rsa"]
    assert "--beside" in why["dsa"] and "state grows" in why["automata"]

    def stacked(activity: np.ndarray) -> None:
        torch.stack([torch.ones(2), torch.ones(3)])

    found = SimpleNamespace(name="stacked", load=lambda: stacked)
    said = through(found, {"activity": WAVE}).why  # type: ignore[arg-type]
    assert said.startswith("it cannot read this target (stack expects each tensor to be equal size")


def test_a_network_that_carries_a_state_shows_it() -> None:
    network = wt.networks.PredictiveAutoencoder(hidden=4, inputs=3)
    x = torch.rand(2, 30, 3, generator=torch.Generator().manual_seed(0))
    found = view(network, How(), data=x, name="", part="", beside=None)
    with torch.no_grad():
        state = network.carry(x[:, :10])[1]
    np.testing.assert_allclose(found.offered["recording"][:, 9], state.double().numpy(), atol=1e-6)
    assert found.offered["system"] is network and len(found.offered["start"]) == 16


def run(lab: Lab, first: int) -> None:
    """Two trainings, the second as wide as the first one says."""
    task = wt.tasks.Copying(delay=1)
    plan = Plan(steps=2, batch=2, rate=1e-2, held_out=4)
    one = lab.fit("one", lambda: Reader(wt.layers.GRU(first, inputs=10), 10, True), task, plan)
    width = one.network.layer.width + 1
    lab.fit("two", lambda: Reader(wt.layers.GRU(width, inputs=10), 10, True), task, plan)
    lab.show("nothing", None)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run, of an experiment that is not looked up."""
    module = SimpleNamespace(run=lambda scale, lab: run(lab, scale), small=3)
    found = SimpleNamespace(name="gru_copy", load=lambda: module, path=Path(__file__))
    monkeypatch.setattr(look_folders, "find", SimpleNamespace(named=lambda name, kinds: found))
    place = tmp_path / "gru_copy-small-seed0-0"
    lab = Lab(place, 0)
    monkeypatch.setattr(lab, "show", lambda name, one: None)
    run(lab, 3)
    write_json(place / "config.json", {"experiment": "gru_copy", "scale": "small", "seed": 0, "source": ""})
    return place


def test_a_training_of_a_run_is_built_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavetrain.parts import saved

    monkeypatch.setattr("wavetrain.train.lab.Lab._train", None)  # nothing is trained
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    model = in_folder(folder, None, "two")
    tensors, _ = saved.load(folder / "checkpoints" / "two.safetensors")
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, tensors[f"network.{name}"])
    assert model.network.layer.width == 4 and model.x.shape == (16, 21, 10)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "training two, 2 steps" in model.said[0] and "has changed" in model.said[1]
    checkpoint = folder / "checkpoints" / "one.safetensors"
    found = view(checkpoint, How(), data=None, name="", part="", beside=None)
    assert found.offered["recording"].shape == (16, 21, 3)


def test_what_cannot_be_looked_at_is_one_line(kept: Path, folder: Path, tmp_path: Path) -> None:
    BaselineForecaster("last_value").fit(np.arange(30.0)).save(tmp_path / "last")
    (tmp_path / "empty" / "checkpoints").mkdir(parents=True)
    short = WAVE[:10]
    for target, words, told in [
        (folder, {}, "expected the name of a training (--name): one, two"),
        (folder, {"name": "tow"}, "did you mean two?"),
        (folder, {"name": "one", "data": WAVE}, "expected no data besides"),
        (tmp_path / "last", {}, "a baseline (last value) has no layer to look at"),
        (tmp_path / "empty", {}, "expected checkpoints of a run, got none"),
        (tmp_path, {}, "expected a folder of a kept model"),
        (kept, {"name": "x"}, "a name is for the trainings of a run"),
        (kept, {"data": panel(short)}, "rows or more, as it reads at once, got 10"),
        (kept, {"part": "layers.7"}, "no layer is called 'layers.7'"),
        (kept, {"beside": wt.layers.GRU(2)}, "expected a recording to stand beside"),
        (WAVE, {"rate": 10, "data": WAVE}, "data and a part are for layers and models"),
        (wt.layers.GRU(2), {"data": np.where(WAVE > 1, np.nan, WAVE), "rate": 1}, "without gaps"),
        (torch.nn.Linear(2, 2), {"data": torch.ones(1, 5, 2)}, "no layer that reads a whole sequence"),
        (tmp_path / "none.safetensors", {}, "there is no file"),
    ]:
        with pytest.raises(BadInput) as error:
            look(target, **words)
        assert told in str(error.value) and "\n" not in str(error.value)
    (folder / "checkpoints" / "one.safetensors").unlink()
    with pytest.raises(BadInput, match="cut off in its training one, before two"):
        look(folder, name="two")
    (folder / "config.json").unlink()
    with pytest.raises(BadInput, match="a training of a comparison that is over"):
        look(folder)
