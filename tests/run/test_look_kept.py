"""A look kept in a folder: its table, its JSON, its films; and what is told of two targets."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image

from wavetrain.errors import BadInput
from wavetrain.report.moving import Film
from wavetrain.run import look_kept
from wavetrain.run.look import Look, Seen
from wavetrain.run.look_kept import Row, keep, table, told


class Found(NamedTuple):
    """What a lens found."""

    phase: Float[np.ndarray, "time channels"]  # rad, of each
    frequency: float  # Hz
    word: str = "said"  # a word


class Short(NamedTuple):
    """What a lens found that has one figure."""

    p: float  # rank


PHASE = np.linspace(0, 6, 300 * 2).reshape(300, 2)
PHASE[:7] = np.nan
PLACES = np.eye(2)


def found(phase: np.ndarray = PHASE, frequency: Any = 5.0) -> Found:
    return Found(phase, frequency)


def one(lens: str, what: Any = None, why: str = "", **more: Any) -> Seen:
    return Seen(lens, f"What {lens} is for", what, why, **more)


def look(*seen: Seen, target: str = "a wave", beside: Look | None = None, **offered: Any) -> Look:
    return Look(target, (f"{target} it is",), seen, {"recording": PHASE, **offered}, beside)


@pytest.fixture(autouse=True)
def films(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was to be drawn or filmed: neither is tried here."""
    asked = list[dict[str, Any]]()

    def film(path: Path, phase: np.ndarray, places: Any, times: np.ndarray, *, title: str) -> Film:
        asked.append({"path": path, "phase": phase, "places": places, "times": times, "title": title})
        path.write_bytes(b"GIF89a")
        return Film(path, None, "no reason")

    def drawn(picture: Any, path: Path) -> None:
        Image.new("L", (1, 1)).save(path)
        path.with_suffix(".svg").write_text("<svg/>")

    monkeypatch.setattr(look_kept, "moving", film)
    monkeypatch.setattr(look_kept, "draw", drawn)
    return asked


def test_rows_of_two_targets_stand_in_one_table() -> None:
    """Whoever shows nothing has an empty cell, and what compares two says that it is of both."""
    beside = look(one("a", Short(0.5)), one("b", why="not here"), one("c", Short(0.25)), target="b")
    whole = look(
        one("a", Short(0.125)),
        one("b", Short(0.75), both=True),
        one("c", why="not here"),
        one("d", why="none"),
        one("e", Short(1.0)),
        beside=beside,
    )
    assert table(whole) == [
        Row("a", "p", "0.125", "0.5", "rank"),
        Row("b", "p", "0.75", "of both", "rank"),
        Row("c", "p", "", "0.25", "rank"),
        Row("e", "p", "1", "", "rank"),
    ]


def test_a_folder_of_two_targets(tmp_path: Path) -> None:
    beside = look(one("a", Short(0.5), seconds=0.12345), one("c", why="too long"), target="b")
    whole = look(one("a", Short(0.125), seconds=1.5), one("c", why="too short"), beside=beside)
    page = keep(whole, tmp_path / "deep" / "seen").read_text(encoding="utf-8")
    rows = list(csv.reader((tmp_path / "deep/seen/figures.csv").read_text(encoding="utf-8").splitlines()))
    assert rows == [["lens", "figure", "value", "beside", "what it is"], ["a", "p", "0.125", "0.5", "rank"]]
    kept = json.loads((tmp_path / "deep/seen/look.json").read_text(encoding="utf-8"))
    assert kept == {
        "version": 1,
        "target": "a wave",
        "said": ["a wave it is"],
        "lenses": [
            {"lens": "a", "seconds": 1.5, "figures": {"p": 0.125}},
            {"lens": "c", "why": "too short"},
        ],
        "beside": {
            "target": "b",
            "said": ["b it is"],
            "lenses": [
                {"lens": "a", "seconds": 0.123, "figures": {"p": 0.5}},
                {"lens": "c", "why": "too long"},
            ],
        },
    }
    assert "a wave: a wave it is" in page and "b: b it is" in page and "too short" in page
    assert "too long" not in page  # one reason for each lens
    with np.load(tmp_path / "deep/seen/a-beside.npz") as arrays:
        assert arrays["p"] == 0.5
    assert not list((tmp_path / "deep/seen").glob("*.new"))


def test_a_folder_of_one_target(tmp_path: Path) -> None:
    page = keep(look(one("a", found(frequency=2.5)), one("b", why="not")), tmp_path).read_text()
    rows = list(csv.reader((tmp_path / "figures.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["lens", "figure", "value", "what it is"]
    assert rows[2:] == [["a", "frequency", "2.5", "Hz"], ["a", "word", "said", "a word"]]
    assert json.loads((tmp_path / "look.json").read_text()).keys() == {"version", "target", "said", "lenses"}
    with np.load(tmp_path / "a.npz") as arrays:  # numbers alone
        assert set(arrays.files) == {"phase", "frequency"}
    assert "What a is for" in page and "What b is for" not in page
    assert (tmp_path / "a-phase.png").is_file() and "<li>a wave it is" in page.replace("\n", "").replace(
        "  ", ""
    )


def test_lenses_are_told_with_figures_or_a_reason() -> None:
    assert told(look(one("a", Short(0.5), seconds=1.23456), one("b", why="no"))) == [
        {"lens": "a", "seconds": 1.235, "figures": {"p": 0.5}},
        {"lens": "b", "why": "no"},
    ]


@pytest.mark.parametrize(
    ("frequency", "rate", "every"),
    [
        (5.0, 240.0, 4),  # twelve frames of a cycle of 48 samples
        (-5.0, 240.0, 4),  # whichever way it turns
        (np.array([1.0, np.nan, -5.0, 9.0]), 240.0, 4),  # of many the median
        (0.5, 60.0, 10),
        (100.0, 240.0, 1),  # never less than a sample
        (2.0, 60.0, 2),  # 2.5 is rounded to even
    ],
)
def test_a_film_has_twelve_frames_of_a_cycle(
    frequency: Any, rate: float, every: int, films: list[dict[str, Any]], tmp_path: Path
) -> None:
    """From the first moment at which a phase is known, sixty frames at most."""
    keep(look(one("my_lens", found(frequency=frequency)), positions=PLACES, rate=rate), tmp_path)
    (film,) = films
    moments = np.arange(7, 300, every)[:60]
    np.testing.assert_array_equal(film["phase"], PHASE[moments])
    np.testing.assert_allclose(film["times"], moments / rate)
    assert (film["title"], film["path"]) == ("my lens", tmp_path / "my_lens-moving.gif")
    assert film["places"] is PLACES


def test_a_phase_without_a_frequency_is_filmed_sample_by_sample(
    films: list[dict[str, Any]], tmp_path: Path
) -> None:
    class Bare(NamedTuple):
        """Phases."""

        phase: Float[np.ndarray, "time channels"]  # rad

    both = look(one("a", Bare(PHASE)), target="b", positions=PLACES, rate=60)
    keep(look(one("a", Bare(PHASE)), positions=PLACES, rate=60, beside=both), tmp_path)
    for film, (title, name) in zip(films, [("a wave", "a-moving"), ("b", "a-moving-beside")], strict=True):
        np.testing.assert_array_equal(film["phase"], PHASE[7:67])
        assert film["title"] == title and film["path"].name == f"{name}.gif"


@pytest.mark.parametrize(
    ("phase", "offered"),
    [
        (PHASE, {"rate": 60}),
        (PHASE, {"positions": PLACES}),
        (PHASE[:-1], {"rate": 60, "positions": PLACES}),  # not of each sample
        (np.full_like(PHASE, np.nan), {"rate": 60, "positions": PLACES}),
        (0.5, {"rate": 60, "positions": PLACES}),
    ],
)
def test_what_is_not_filmed(phase: Any, offered: Any, films: list[dict[str, Any]], tmp_path: Path) -> None:
    keep(look(one("a", found(phase)), **offered), tmp_path)
    assert not films


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("mine")
    for place in (path, path / "below"):
        with pytest.raises(BadInput, match=f"{place} is no folder"):
            keep(look(one("a", Short(1.0))), place)
    assert path.read_text() == "mine"
