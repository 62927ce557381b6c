"""The record of scores beside other libraries, the page that is made of it, and what both rest on."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import own_data
from beside import ours, questions
from beside.questions import Sequences, Table
from beside.scores import FILE, VERSION, Asked, Contestant, Limit, Scores, read, write
from extension import peers
from wavetrain.errors import BadInput
from wavetrain.evidence.files import read_json, write_json
from wavetrain.tables.baselines import LastValue
from wavetrain.tables.rolling import evaluate

BESIDE = Path(questions.__file__).parent
TABLES = [name for name in questions.TABLES if not name.startswith(("NYC", "ETTh1"))]  # that need no file


def one(name: str, score: float | None, error: float | None = None) -> Contestant:
    return Contestant(
        name=name, score=score, error=error, seconds=1.0, wall=2.0, training="300 steps", cut=False
    )


def an_asked(mine: float, *, higher: bool = False) -> Asked:
    return Asked(
        name="Nile, a year",
        what="100 rows, 5 ahead",
        measure="accuracy" if higher else "MASE",
        higher=higher,
        tested=11,
        contestants=(
            one("wavetrain gru", 0.1, 0.9),
            one("wavetrain s4d", mine, 0.3),
            one("darts RNN", 0.7),
            one("darts TCN", 0.5),
            one("darts N-BEATS", None),
            one("baseline LastValue", 0.2),
        ),
        seconds=10.0,
        date="2026-01-01 10:00",
        commit="0123456789ab",
        load=7.0,
    )


def a_record(*asked: Asked) -> Scores:
    limit = Limit(what="reading", runs=(1.0, 3.0, 2.0), unit="s", most=3.0, date="2026-01-01 10:00", load=0.1)
    return Scores(
        version=VERSION, hardware="cpu", cores=2, versions={"torch": "2"}, asked=asked, limits=(limit,)
    )


def test_our_layer_is_chosen_by_the_part_to_choose_by_and_never_by_the_test():
    assert an_asked(0.6).ours.name == "wavetrain s4d"  # gru has the better score
    without = tuple(replace(each, error=None) for each in an_asked(0.05).contestants)
    assert replace(an_asked(0.05), contestants=without).ours.name == "wavetrain gru"


@pytest.mark.parametrize(
    ("mine", "less", "more"),
    [
        (0.4, "best", "behind all"),
        (0.5, "best", "between"),  # a tie is behind no one
        (0.6, "between", "between"),
        (0.7, "between", "best"),
        (0.8, "behind all", "best"),
    ],
)
def test_the_place_among_the_peers_leaves_baselines_and_missing_answers_aside(
    mine: float, less: str, more: str
):
    assert an_asked(mine).place == less
    assert an_asked(mine, higher=True).place == more
    assert [each.name for each in an_asked(mine).peers] == ["darts TCN", "darts RNN"]


def test_behind_all_by_more_than_chance_needs_a_whole_interval():
    def with_worst(*ahead: float) -> Asked:
        asked = an_asked(0.8)
        parts = [
            replace(each, ahead=ahead) if each.name == "darts RNN" else each for each in asked.contestants
        ]
        return replace(asked, contestants=tuple(parts))

    assert with_worst(-0.2, -0.1).surely
    assert not with_worst(-0.2, 0.1).surely and not with_worst().surely
    assert not replace(with_worst(-0.2, -0.1), higher=True).surely


def test_all_answers_are_held_to_our_layer(tmp_path: Path):
    y = np.array(["a", "b"] * 10)
    asked = Sequences("some", "", np.zeros((20, 3, 1)), y, np.zeros((20, 3, 1)), y)
    half, most = y.copy(), y.copy()
    half[:10], most[0] = "c", "c"
    took = {"seconds": 1.0, "wall": 2.0, "training": "300 steps", "cut": False}
    for name, answer, error in (
        ("wavetrain gru", most, 0.1),
        ("wavetrain s4d", y, 0.2),
        ("aeon R", half, None),
    ):
        more = {} if error is None else {"error": error}
        np.savez(tmp_path / f"some--{name}.npz", answer=answer, **took, **more)
    found = own_data.scored(asked, tmp_path, 10.0)
    assert [each.name for each in found.contestants] == ["wavetrain gru", "wavetrain s4d", "aeon R"]
    assert (found.ours.score, found.peers[0].score, found.ours.ahead) == (pytest.approx(0.95), 0.5, ())
    low, high = found.peers[0].ahead
    assert low < 0.45 < high and low + high == pytest.approx(0.9)


def test_a_record_is_read_as_it_was_written_and_a_question_replaces_its_old_answers(tmp_path: Path):
    file, order = tmp_path / "scores.json", ["Sunspots, a year", "Nile, a year"]
    scores = a_record(an_asked(0.6)).with_asked(replace(an_asked(0.5), name=order[0]), order)
    scores = scores.with_asked(an_asked(0.4), order)
    write(scores, file)
    assert read(file) == scores
    assert [(each.name, each.ours.score) for each in scores.asked] == [(order[0], 0.5), (order[1], 0.4)]
    good = read_json(file)
    write_json(file, good | {"version": 99})
    with pytest.raises(BadInput, match="version 99"):
        read(file)
    write_json(file, good | {"cores": "two"})
    with pytest.raises(BadInput, match="`cores` must be int"):
        read(file)


def test_the_page_says_where_we_are_behind(tmp_path: Path):
    file = tmp_path / "scores.json"
    assert peers.EMPTY in peers.page(file)
    write(a_record(an_asked(0.8), an_asked(0.8, higher=True)), file)
    page = peers.page(file)
    assert "Of 1 data sets, Wavetrain is **behind all peers** on 1 (on 0 by more than chance)." in page
    assert "| Nile, a year | 11 | 0.8 (s4d) | 0.5 (darts TCN) | 0.7 (darts RNN) | 0.2 (LastValue) |" in page
    assert "| reading | 2 s | 1 to 3 | 3 s |" in page
    assert "**The machine was busy**: 0.1 to 7 programs wanted its 2 cores" in page


def test_the_committed_record_has_the_answers_of_every_contestant():
    scores = read(FILE)
    assert [each.name for each in scores.asked] == list(own_data.ORDER)
    for asked in scores.asked:
        assert len([each for each in asked.contestants if each.name.startswith("wavetrain ")]) == len(
            ours.LAYERS
        )
        assert len(asked.peers) == 3, f"{asked.name}: a peer gave no answer"
        assert all(each.score >= 0 for each in asked.contestants if each.score is not None)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_scored_as_the_library_scores_it(name: str):
    table = questions.named(name)
    assert isinstance(table, Table)
    last = LastValue.fit(table.past, horizon=table.horizon)
    answer = last.rolling(table.split.test, *table.windows())
    split = table.split
    whole = evaluate(
        last.rolling, split.test, split.firsts, table.horizon, season=table.season, most=questions.WINDOWS
    )
    assert own_data.score(table, answer).value == whole.mase().value
    answer[0, 0] = np.nan
    assert not own_data.score(table, answer).whole


def test_nothing_of_the_test_part_reaches_the_peers_before_they_forecast_it(tmp_path: Path):
    table = questions.named("Nile, a year")
    assert isinstance(table, Table)
    table.write(tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz") as file:
        assert len(table.past.series[0]) == file["first"] == file["rows"].min()
        np.testing.assert_array_equal(file["values"][: file["first"]], table.past.series[0].values)
    x, y = np.zeros((4, 3, 1)), np.arange(4) % 2
    Sequences("some", "", x, y, x, y).write(tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as file:
        assert set(file.files) == {"train", "train_label", "test"}


def test_labels_are_scored_by_their_share(tmp_path: Path):
    x, y = np.zeros((4, 3, 1)), np.array(["a", "b", "b", "b"])
    asked = Sequences("some", "", x, y, x, y)
    assert own_data.score(asked, np.array(["b", "b", "b", "a"])).value == 0.5
    with pytest.raises(BadInput, match=r"labels \(4,\), got \(3,\)"):
        own_data.score(asked, y[:3])


def test_our_side_trains_for_the_default_steps_or_for_those_that_fit():
    table = questions.named("Nile, a year")
    assert isinstance(table, Table)
    found = ours.forecast(table, "gru", 0.0)
    assert (found.training, found.cut) == ("1 of 300 steps", True)
    assert found.answer.shape == (11, 5, 1) and np.isfinite(found.error)
    x = np.random.default_rng(0).normal(size=(8, 10, 2))
    x[0, 6:] = np.nan
    few = ours.classify(Sequences("some", "", x, np.arange(8) % 2, x, np.arange(8) % 2), "gru", 0.0)
    assert (few.training, few.cut, few.answer.shape) == ("1 of 300 steps", True, (8,))


def test_a_name_that_is_unknown_and_a_folder_that_is_not_named_are_said(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="expected one of Nile"):
        questions.named("Danube")
    monkeypatch.delenv("WAVETRAIN_DATA", raising=False)
    with pytest.raises(BadInput, match=r"expected \$WAVETRAIN_DATA"):
        questions.named("ERing")


def test_the_peers_side_needs_nothing_of_ours():
    tree = ast.parse((BESIDE / "peers.py").read_text(encoding="utf-8"))
    found = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    found |= {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
    assert not any(name.startswith(("wavetrain", "beside")) for name in found)
