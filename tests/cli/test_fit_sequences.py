"""From sequences with a class, or numbers, each to a kept model, and from there to answers and scores."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import wavetrain as wt
from wavetrain.cli import main
from wavetrain.errors import BadInput
from wavetrain.estimators._simply import NUMBERS

SMALL = ("--layer", "elman", "--width", "4", "--depth", "1", "--steps", "30", "--rate", "0.02")


def table(path: Path, people: range, classes: bool = True) -> Path:
    """Sequences of unequal length that rise or fall, a row for each step."""
    lines = ["who,t,up,noise" + ",kind" * classes]
    for one in people:
        sign = 1 if one % 2 else -1
        for step in range(8 + one % 5):
            kind = ("," + ("rises" if one % 2 else "falls")) * classes
            lines.append(f"p{one:02d},{step},{sign * step},{(one * 7 + step * 3) % 5}{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


def arrays(path: Path, rows: slice, answers: bool = True) -> Path:
    x = np.random.default_rng(0).normal(size=(60, 6, 2)).cumsum(1)
    y = np.stack([100 + 10 * x[:, -1, 0], x[:, 0, 1]], 1)
    np.savez(path, x=x[rows], **({"y": y[rows]} if answers else {}))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    source = table(folder / "walks.csv", range(48))
    main(["fit", str(source), "--classes", "kind", "--id", "who", "--out", str(folder / "m"), *SMALL])
    return folder / "m"


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> list[dict[str, str]]:
    capsys.readouterr()
    main([str(word) for word in words])
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_later_sequences_are_answered_by_their_ids(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "predict", model, table(tmp_path / "new.csv", range(48, 52), classes=False))
    assert [row["sequence"] for row in found] == ["p48", "p49", "p50", "p51"]
    assert [row["forecast"] for row in found] == ["falls", "rises", "falls", "rises"]
    assert list(found[0]) == ["sequence", "forecast", "probability of falls", "probability of rises"]
    for row in found:
        shares = [float(row[f"probability of {kind}"]) for kind in ("falls", "rises")]
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert (shares[1] > 0.5) == (row["forecast"] == "rises")


def test_one_sequence_alone_is_a_sequence_too(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = told(capsys, "predict", model, table(tmp_path / "new.csv", range(49, 50), classes=False))
    assert found["sequence"] == "p49" and found["forecast"] == "rises"


def test_answers_that_are_known_stand_beside_and_are_scored(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = table(tmp_path / "later.csv", range(48, 56))
    found = told(capsys, "predict", model, later)
    assert [row["measured"] for row in found] == ["falls", "rises"] * 4
    main(["evaluate", str(model), str(later), "--json"])
    scores = json.loads(capsys.readouterr().out)
    right = np.mean([row["measured"] == row["forecast"] for row in found])
    assert scores["accuracy"] == pytest.approx(right) and right == 1
    assert list(scores) == ["accuracy", "balanced accuracy", "F1 (mean over classes)", "AUROC"]


def test_a_class_that_training_never_saw_is_wrong_and_said(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = table(tmp_path / "later.csv", range(48, 56))
    text = later.read_text().splitlines()
    later.write_text("\n".join(line.replace("rises", "hovers") if "p49" in line else line for line in text))
    capsys.readouterr()
    main(["evaluate", str(model), str(later), "--json"])
    out = capsys.readouterr()
    assert "hovers: never seen in training" in out.err
    assert json.loads(out.out)["accuracy"] == pytest.approx(7 / 8)
    assert json.loads(out.out)["AUROC"] == 1


def test_numbers_are_answered_in_their_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, folder = arrays(tmp_path / "first.npz", slice(50)), tmp_path / "m"
    main(["fit", str(first), "--out", str(folder), *SMALL, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["layer"] == "elman" and "R² on the sequences to choose by" in said
    found = told(capsys, "predict", folder, arrays(tmp_path / "new.npz", slice(50, 60), answers=False))
    assert list(found[0]) == ["sequence", "forecast 1", "forecast 2"]
    given = np.array([[float(row["forecast 1"]), float(row["forecast 2"])] for row in found])
    assert abs(given[:, 0].mean() - 100) < 40 and abs(given[:, 1].mean()) < 5  # the units of y
    later = arrays(tmp_path / "later.npz", slice(50, 60))
    with np.load(later) as file:
        truth = file["y"]
    main(["evaluate", str(folder), str(later), "--json"])
    scores = json.loads(capsys.readouterr().out)
    assert scores["MAE"] == pytest.approx(np.abs(truth - given).mean(), rel=1e-4)
    assert scores["RMSE"] == pytest.approx(np.sqrt(((truth - given) ** 2).mean()), rel=1e-4)


def test_files_in_folders_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in range(12):
        folder = tmp_path / "all" / ("up" if place % 2 else "down")
        folder.mkdir(parents=True, exist_ok=True)
        sign = 1 if place % 2 else -1
        rows = [f"{sign * step + 0.01 * place},{step % 2}" for step in range(6 + place % 3)]
        (folder / f"{place}.csv").write_text("\n".join(["height,other", *rows]) + "\n")
    main(["fit", str(tmp_path / "all"), "--out", str(tmp_path / "m"), *SMALL])
    new = tmp_path / "new"
    new.mkdir()
    (new / "a.csv").write_text((tmp_path / "all" / "up" / "3.csv").read_text())
    (found,) = told(capsys, "predict", tmp_path / "m", new)
    assert found["sequence"] == "a.csv" and found["forecast"] == "up"


def test_what_a_comparison_trained_is_kept_and_answers_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = table(tmp_path / "walks.csv", range(60))
    words = ["compare", str(source), "--classes", "kind", "--id", "who", "--layers", "elman", "--steps", "20"]
    main(
        [
            *words,
            "--seeds",
            "1",
            "--rates",
            "0.01",
            "--jobs",
            "1",
            "--parameters",
            "900",
            "--out",
            str(tmp_path),
        ]
    )
    (folder,) = tmp_path.glob("compare-*")
    compared = list(csv.DictReader(io.StringIO((folder / "forecasts" / "elman.csv").read_text())))
    kept = wt.load(folder / "models" / "elman")
    (data,) = (tmp_path / "data").glob("*.npz")
    with np.load(data, allow_pickle=False) as file:
        scaled = file["held_test x"]  # in units of training, behind zeros that are no steps
    begins = [int((one != 0).any(1).argmax()) for one in scaled]
    x = [one[first:] * kept.spread_ + kept.centre_ for one, first in zip(scaled, begins, strict=True)]
    given = kept.predict(x)
    assert given.tolist() == [row["forecast"] for row in compared]
    shares = kept.predict_proba(x[:1])[0]
    scores = np.array([float(compared[0][f"score of {kind}"]) for kind in ("falls", "rises")])
    assert shares == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-4)
    compared = list(csv.DictReader(io.StringIO((folder / "forecasts" / "random_kernels.csv").read_text())))
    simple = wt.load(folder / "models" / "random_kernels")
    assert simple.predict(x).tolist() == [row["forecast"] for row in compared]
    capsys.readouterr()
    found = told(capsys, "predict", folder / "models" / "elman", table(tmp_path / "n.csv", range(60, 64)))
    assert [row["sequence"] for row in found] == ["p60", "p61", "p62", "p63"]


def test_what_does_not_fit_is_one_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = table(tmp_path / "walks.csv", range(12))
    out = tmp_path / "m"
    line = refused(capsys, "fit", source, "--classes", "kind", "--horizon", "3", "--out", out)
    assert "expected no --target" in line
    assert "no column is called 'sort'" in refused(capsys, "fit", source, "--classes", "sort", "--out", out)
    line = refused(capsys, "fit", source, "--classes", "kind", "--layer", "gur", "--out", out)
    assert "gru" in line and not out.exists()
    assert "sequences to answer" in refused(capsys, "predict", model)
    assert "answers whole sequences" in refused(capsys, "stream", model, source)
    assert "no --ahead" in refused(capsys, "predict", model, source, "--ahead", source)
    less = tmp_path / "less.csv"
    less.write_text("who,t,up\np1,0,1\np1,1,2\n")
    assert "expected the columns up, noise, got up" in refused(capsys, "predict", model, less)
    unknown = table(tmp_path / "unknown.csv", range(3), classes=False)
    assert "expected a class for each sequence, got none" in refused(capsys, "evaluate", model, unknown)
    half = tmp_path / "half.npz"
    np.savez(half, x=np.zeros((12, 5)), y=np.zeros((12, 5)))
    assert "expected an answer for each sequence" in refused(capsys, "fit", half, "--out", out)


def test_models_of_other_kinds_are_not_asked_for_answers(tmp_path: Path) -> None:
    source = table(tmp_path / "walks.csv", range(12))
    with pytest.raises(BadInput, match="got Forecaster"):
        wt.fit(source, wt.Forecaster("gru"), classes="kind")
    numbers = arrays(tmp_path / "first.npz", slice(50))
    with pytest.raises(BadInput, match="got numbers: they are for a SequenceRegressor"):
        wt.fit(numbers, wt.SequenceClassifier("gru"))
    with pytest.raises(BadInput, match="got a class: it is for a SequenceClassifier"):
        wt.fit(source, wt.SequenceRegressor("gru"), classes="kind", id="who")
    model = wt.SequenceClassifier("elman", width=4, steps=1).fit(np.zeros((4, 3)), ["a", "b"] * 2)
    from wavetrain.estimators.answering import answers

    with pytest.raises(BadInput, match="this one was given arrays"):
        answers(model, source)


def test_a_simple_answer_is_kept_in_the_units_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = arrays(tmp_path / "first.npz", slice(50))
    words = ["--layers", "elman", "--steps", "5", "--seeds", "1", "--rates", "0.01", "--jobs", "1"]
    main(["compare", str(source), *words, "--parameters", "900", "--out", str(tmp_path), "--json"])
    record = json.loads(capsys.readouterr().out)
    models = {one["name"]: one["model"] for one in record["baselines"]}
    assert set(models) == {"mean", "ridge on summaries", "ridge on random kernels"}
    later = arrays(tmp_path / "later.npz", slice(50, 60))
    main(["evaluate", str(Path(record["folder"]) / models["ridge on summaries"]), str(later), "--json"])
    assert json.loads(capsys.readouterr().out)["R²"] > 0.9  # the last value is one of the summaries
    with pytest.raises(BadInput, match="a network to look into, got ridge on summaries, a baseline"):
        wt.look(Path(record["folder"]) / models["ridge on summaries"], data=str(later))
    with pytest.raises(BadInput, match="ridge on summaries"):
        wt.load(Path(record["folder"]) / models["ridge on summaries"]).fit(np.zeros((12, 5)), np.arange(12.0))


@pytest.mark.parametrize("baseline", ["most_frequent_class", "random_kernels"])
def test_a_simple_answer_of_classes_is_used_like_a_model(
    baseline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = table(tmp_path / "walks.csv", range(1, 50)), tmp_path / "m"
    words = ["fit", source, "--classes", "kind", "--id", "who", "--out", folder, "--baseline", baseline]
    main([*map(str, words), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["baseline"] == baseline and said["classes"] == {"falls": 24, "rises": 25}
    later = table(tmp_path / "later.csv", range(50, 58))
    right = {"most_frequent_class": 0.5, "random_kernels": 1.0}[baseline]
    assert said["accuracy on the sequences to choose by"] == pytest.approx(right)  # four of each class
    main(["evaluate", str(folder), str(later), "--json"])
    assert json.loads(capsys.readouterr().out)["accuracy"] == right
    found = told(capsys, "predict", folder, table(tmp_path / "new.csv", range(50, 54), classes=False))
    assert [row["sequence"] for row in found] == ["p50", "p51", "p52", "p53"]
    wanted = ["rises"] * 4 if right < 1 else ["falls", "rises"] * 2
    assert [row["forecast"] for row in found] == wanted
    card = (folder / "card.md").read_text()
    assert f"answers by: {baseline.replace('_', ' ')}" in card and "sequences: 49" in card
    assert "held out of a first fit; the second was to all" in card


@pytest.mark.parametrize("baseline", ["mean", "ridge_on_summaries", "ridge_on_random_kernels"])
def test_a_simple_answer_of_numbers_is_that_of_the_plain_baseline(
    baseline: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, folder = arrays(tmp_path / "first.npz", slice(50)), tmp_path / "m"
    main(["fit", str(first), "--out", str(folder), "--baseline", baseline])
    assert f"{baseline.replace('_', ' ')} learned 50 sequences" in capsys.readouterr().out
    new = arrays(tmp_path / "new.npz", slice(50, 60))
    found = told(capsys, "predict", folder, new)
    given = np.array([[float(row["forecast 1"]), float(row["forecast 2"])] for row in found])
    with np.load(first) as old, np.load(new) as later:
        x, y, other, truth = old["x"], old["y"], later["x"], later["y"]
    centre, spread = x.mean((0, 1)), x.std((0, 1))
    units = (y - y.mean(0)) / y.std(0)
    simple = NUMBERS[baseline].fit((x - centre) / spread, units)
    plain = simple.predict((other - centre) / spread) * y.std(0) + y.mean(0)
    np.testing.assert_allclose(given, plain, rtol=1e-5)  # printed in six digits
    main(["evaluate", str(folder), str(new), "--json"])
    assert json.loads(capsys.readouterr().out)["MAE"] == pytest.approx(np.abs(plain - truth).mean())


def test_simple_answers_that_do_not_fit_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, numbers = table(tmp_path / "walks.csv", range(12)), arrays(tmp_path / "first.npz", slice(20))
    out = tmp_path / "m"
    walks = ["fit", source, "--classes", "kind", "--id", "who", "--out", out]
    line = refused(capsys, *walks, "--baseline", "ridge")
    assert "no baseline of whole sequences is called 'ridge'" in line and not out.exists()
    line = refused(capsys, *walks, "--baseline", "mean")
    assert "expected a baseline of a class, one of most_frequent_class, random_kernels; got mean" in line
    line = refused(capsys, "fit", numbers, "--out", out, "--baseline", "random_kernels")
    assert "expected a baseline of numbers, one of mean, ridge_on_summaries" in line
    assert "got both" in refused(capsys, *walks, "--baseline", "random_kernels", "--layer", "gru")
    lone = table(tmp_path / "lone.csv", range(0, 12, 2))
    line = refused(capsys, "fit", lone, *walks[2:], "--baseline", "random_kernels")
    assert "expected at least two classes" in line


def test_few_sequences_are_all_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, folder = arrays(tmp_path / "few.npz", slice(39)), tmp_path / "m"
    main(["fit", str(source), "--out", str(folder), "--baseline", "mean", "--json"])
    assert not any("choose by" in name for name in json.loads(capsys.readouterr().out))
    with np.load(source) as file:
        np.testing.assert_allclose(wt.load(folder).predict(file["x"][:1])[0], file["y"].mean(0))
