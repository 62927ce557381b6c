"""What a comparison is of: which columns, which sequences, which rows are tested, and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavetrain.errors import BadInput
from wavetrain.run import own
from wavetrain.run.contestants import Question
from wavetrain.run.own import Roles, answered, is_series, sequences, series
from wavetrain.tables.load import load
from wavetrain.tables.panel import panel
from wavetrain.tables.rolling import Metric

PLAIN = Roles()


def row(shop: str, day: int) -> str:
    """Every ninth day nothing is measured, and -1 stands in its place."""
    sold = -1 if day % 9 == 0 else day + 100 * (shop == "b")
    return f"2024-0{1 + day // 28}-{1 + day % 28:02d},{shop},{sold},{day % 5},{day % 7},{day % 3}\n"


TABLE = "day,shop,sold,price,sale,note\n" + "".join(row(shop, day) for shop in "ab" for day in range(60))


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "my.shops.csv"
    path.write_text(TABLE)
    return str(path)


def test_each_role_goes_to_the_table(table: str) -> None:
    found = Roles(
        target="sold", time="day", id="shop", inputs=["price"], known=["sale"], missing=(-1,), resample="2D"
    ).panel(table)
    assert found.targets == ("sold",) and found.known == ("sale",)
    assert set(found.columns) == {"sold", "price", "sale"}
    assert [one.name for one in found.series] == ["a", "b"] and len(found.series[0]) == 32  # of 64 days
    values = found.series[0].values[:, found.places(("sold",))[0]]
    assert values[:2].tolist() == [
        1.0,
        2.5,
    ]  # of row 0, in which nothing was measured, and 1; of rows 2 and 3


def test_a_panel_has_its_roles() -> None:
    one = panel(np.arange(30.0))
    assert PLAIN.panel(one) is one
    for roles in (Roles(target="y"), Roles(missing=(-1,)), Roles(resample="1h")):
        with pytest.raises(BadInput, match="a panel has its roles"):
            roles.panel(one)


@pytest.mark.parametrize(
    ("source", "roles", "found"),
    [
        ("a.csv", PLAIN, True),
        ("A.CSV", PLAIN, True),
        ("a.csv.gz", PLAIN, True),
        ("a.ts", PLAIN, False),
        ("a.ts.gz", PLAIN, False),
        ("a.ts", Roles(target="y"), False),
        ("a.txt", PLAIN, False),
        ("a.txt", Roles(target="y"), True),
        ("a.txt.gz", Roles(target="y"), True),
        ("copying", Roles(target="y"), False),
        ("", PLAIN, False),
        ("-", PLAIN, True),
        (Path("a.csv"), PLAIN, True),
        ([1.0, 2.0], PLAIN, True),
    ],
)
def test_what_is_series_by_its_name(source: Any, roles: Roles, found: bool) -> None:
    assert is_series(source, roles) is found


def test_what_is_series_by_what_is_there(tmp_path: Path) -> None:
    """A folder of folders holds classes, unless columns are named; a folder of tables holds series."""
    for place in ("classes/a/1.csv", "classes/a/2.csv", "classes/b/1.csv", "classes/b/2.csv", "tables/1.csv"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x\n1\n2\n")
    assert not is_series(tmp_path / "classes", PLAIN) and is_series(tmp_path / "classes", Roles(target="x"))
    assert is_series(tmp_path / "tables", PLAIN)
    np.savez(tmp_path / "both.npz", x=np.ones((4, 3, 1)), y=np.arange(4))
    np.savez(tmp_path / "one.npz", values=np.ones(9))
    assert not is_series(tmp_path / "both.npz", PLAIN) and is_series(tmp_path / "one.npz", PLAIN)
    assert not is_series(tmp_path / "none.npz", PLAIN)  # whatever reads it says that it is not there


def test_the_last_rows_are_tested(table: str) -> None:
    roles = Roles(target="sold", id="shop", time="day")
    found = series(table, roles, horizon=2, window=5, metric=Metric.RMSE)
    assert (found.source, found.name) == (table, "my")
    assert found.question == Question(horizon=2, metric=Metric.RMSE, context=5, season=found.question.season)
    assert found.split.firsts == (54, 54) and [len(one) for one in found.split.past.series] == [54, 54]
    array = series(np.arange(100.0), PLAIN)
    assert (array.source, array.name, array.question.horizon) == ("a ndarray", "frame", 1)


def test_whole_series_or_another_table_are_tested_behind_a_context(tmp_path: Path) -> None:
    """Given, or the usual one of two seasons and at least 32 rows; of half a shorter series."""
    wave = np.sin(np.arange(200) * 2 * np.pi / 20)
    many = [wave + place for place in range(7)]
    for window, first in ((11, 11), (None, 40)):
        found = series(panel(many), PLAIN, horizon=2, window=window, split="group")
        assert found.split.firsts == (first,) and len(found.split.past.series) == 6
    np.save(tmp_path / "later.npy", wave[:150])
    for window, first in ((11, 11), (None, 40)):
        found = series(wave, PLAIN, horizon=2, window=window, split=str(tmp_path / "later.npy"))
        assert found.split.firsts == (first,) and len(found.split.test.series[0]) == 150


def test_rows_at_the_end_that_tell_only_what_is_known_ahead_teach_nothing(tmp_path: Path) -> None:
    rows = [f"{day},{day % 5}" for day in range(80)] + [f",{day % 5}" for day in range(4)]
    path = tmp_path / "a.csv"
    path.write_text("y,sale\n" + "\n".join(rows))
    found = series(str(path), Roles(target="y", known="sale"))
    whole = Roles(target="y", known="sale").panel(str(path))
    assert len(whole.series[0]) == 84
    assert np.isfinite(found.split.past.series[0].values[-1]).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"horizon": 0}, "of at least 1 row, got 0 and None"),
        ({"window": 0}, "of at least 1 row, got 1 and 0"),
        ({"horizon": -1, "window": 3}, "of at least 1 row, got -1 and 3"),
        ({"split": "random"}, "not dealt out at random"),
        ({"split": "none.csv"}, "expected --split time, group or a file to test on, got 'none.csv'"),
    ],
)
def test_questions_without_sense(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        own.check_asked(**({"horizon": 1, "window": None, "split": "time"} | asked))


def test_questions_with_sense(tmp_path: Path) -> None:
    for split in ("time", "group", str(tmp_path)):
        own.check_asked(horizon=1, window=1, split=split)
    own.check_device("cpu")
    with pytest.raises(BadInput, match="expected --device cpu, got cuda:1"):
        own.check_device("cuda:1")


@pytest.mark.parametrize(
    ("roles", "horizon", "window", "split"),
    [
        (Roles(known="sale"), 1, None, "time"),
        (PLAIN, 2, None, "time"),
        (PLAIN, 1, 3, "time"),
        (PLAIN, 1, None, "group"),
    ],
)
def test_what_is_asked_of_tables_is_not_of_others(
    roles: Roles, horizon: int, window: int | None, split: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="are of tables that are forecast; this data is none"):
        answered("copying", roles, "", tmp_path, horizon=horizon, window=window, split=split)


def of_classes(tmp_path: Path, name: str = "steps.v2.csv") -> Path:
    """Two classes of walks, by the column `kind`; each walk is an id."""
    dice, rows = np.random.default_rng(0), ["walk,second,x,kind"]
    for walk in range(40):
        for second in range(6):
            rows.append(f"{walk},{second},{dice.normal() + walk % 2:.3f},{'slow' if walk % 2 else 'fast'}")
    path = tmp_path / name
    text = "\n".join(rows).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


@pytest.mark.parametrize("name", ["steps.v2.csv", "steps.csv.gz"])
def test_classes_in_a_column_are_sequences_that_other_processes_read(name: str, tmp_path: Path) -> None:
    path = of_classes(tmp_path, name)
    found, said = answered(
        path, Roles(id="walk", time="second"), "kind", tmp_path, horizon=1, window=None, split="time"
    )
    assert Path(found.source).parent == tmp_path / "data" and Path(found.source).name.startswith("steps")
    assert found.name == load(found.source).name and found.digest == load(found.source).digest
    assert found.reading is not None and found.reading.classes == "kind" and len(said) >= 1
    task = found.task
    assert (task.inputs, task.outputs) == (1, 2)
    assert sum(len(part.y) for part in (task.train, task.valid(), task.test())) == 40  # type: ignore[attr-defined]


@pytest.mark.parametrize("roles", [Roles(target="x"), Roles(known="x"), Roles(resample="1s")])
def test_a_class_is_of_a_whole_sequence(roles: Roles, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected no --target, --known-ahead, --resample"):
        sequences(of_classes(tmp_path), roles, "kind", tmp_path)


def test_what_was_loaded_is_taken_as_it_is(tmp_path: Path) -> None:
    loaded = load("parity")
    asked: dict[str, Any] = {"horizon": 1, "window": None, "split": "time"}
    assert answered(loaded, PLAIN, "", tmp_path, **asked) == (loaded, ())
    found, said = answered("parity", PLAIN, "", tmp_path, **asked)
    assert found.digest == loaded.digest and said == ()
