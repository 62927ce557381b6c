"""Imports of an older version still work, say where the module is, and leave it as it was."""

import importlib

import pytest

from tests.fresh import warm
from wavetrain.moved import today


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("wavetrain.layers.elman", "wavetrain.layers.recurrence.elman", "Elman"),
        ("wavetrain.load", "wavetrain.tables.load", "load"),
        ("wavetrain.harness", "wavetrain.formats.harness", "Evaluated"),
        ("wavetrain.checkpoints.folder", "wavetrain.formats.checkpoints.folder", "load"),
    ],
)
def test_an_older_import_gives_the_module_of_today(old: str, new: str, name: str) -> None:
    code = (
        f"import warnings\nwith warnings.catch_warnings(record=True) as said:\n"
        f"    warnings.simplefilter('always')\n    from {old} import {name}\n"
        f"import importlib\nmodule = importlib.import_module({new!r})\n"
        f"assert {name} is module.{name} and module.__name__ == module.__spec__.name == {new!r}\n"
        "print([str(one.message) for one in said if 'is now' in str(one.message)])"
    )
    done = warm("-c", code)
    assert done.returncode == 0, done.stderr
    assert f"{old} is now {new}" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "wavetrain.layers.nothing_of_that_name",
        "wavetrain.nothing.elman",
        "wavetrain._shared",  # there are several
        "wavetrain.layers",
        "wavetrain.tables.load",
        "elsewhere.elman",
    ],
)
def test_other_names_are_left_to_python(name: str) -> None:
    assert today(name) is None


def test_what_has_never_been_is_refused_as_ever() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        importlib.import_module("wavetrain.layers.nothing_of_that_name")
