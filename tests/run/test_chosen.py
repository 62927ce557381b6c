"""Which layers a comparison is of, of a few that are made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wavetrain.errors import BadInput
from wavetrain.run import chosen
from wavetrain.run.chosen import asked, founders


def layer(name: str, **facts: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, facts=facts)


LAYERS = (
    layer("late", year=2001, family="gate"),
    layer("second", year=1990, family="gate"),
    layer("first", year=1990, family="gate"),
    layer("young", year=2020, family="attention"),
    layer("no_year", family="wave"),
    layer("no_family", year=1900),
)


def test_a_founder_has_the_oldest_paper_of_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name where two are as old; families in their order; without a year or a family there is none."""
    monkeypatch.setattr(chosen.find, "members", lambda kind: {"layers": LAYERS}[kind])
    assert [one.name for one in founders()] == ["young", "first"]


def test_each_layer_is_taken_once_in_the_order_asked_for() -> None:
    assert [one.name for one in asked(["gru", "elman", "gru"])] == ["gru", "elman"]


def test_all_takes_every_layer_whatever_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen.find, "members", lambda kind: {"layers": LAYERS}[kind])
    assert asked(["all"]) == asked(["elman", "all"]) == list(LAYERS)
    with pytest.raises(BadInput, match="did you mean elman"):
        asked(["elmann", "all"])


def test_two_layers_of_one_name_are_refused(tmp_path: Path) -> None:
    """A file has its own layers; a layer of ours may have the name of one of them."""
    paths = [tmp_path / "one.py", tmp_path / "two.py"]
    for path in paths:
        path.write_text("from wavetrain.layers import Elman\n\n\nclass Mine(Elman):\n    pass\n")
    one, two = (f"{path}:Mine" for path in paths)
    (found,) = asked([one, one])
    assert found.place == one
    with pytest.raises(BadInput, match=f"expected layers of different names, got more than one {found.name}"):
        asked(["elman", one, "gru", two])
