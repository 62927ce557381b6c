"""Every public name has an example in its docstring, and the example gives what it says.

While it runs, calls are held to the shapes in annotations (`testing/shapes.py`): those of the function that
it shows, and of all functions of ours behind it.

Public are the members of all kinds but experiments, the names of `wavetrain.core`, `wavetrain.scan` and
`wavetrain.testing`, and the functions at the front door. An example stands by itself, but for torch, which is
there and seeded. One of a recording runs where its file is. Examples of what is not public run as well.
"""

import ast
import doctest
import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import wavetrain
from wavetrain import core, find, scan, testing
from wavetrain.cli import new
from wavetrain.errors import BadInput
from wavetrain.testing.shapes import held, name_of, tells

MEMBERS = [one for one in find.ours() if one.kind != "experiments"]
PLACES = {"core": core, "scan": scan, "testing": testing, "front door": wavetrain}
ALIASES = {"State"}  # of the core: another name of `Any`, which has no docstring of its own


def public() -> list[Any]:
    """A loader for each public name, so that nothing is imported before its test runs."""
    found = [pytest.param(one.attribute, one.load, id=f"{one.kind}-{one.name}") for one in MEMBERS]
    for place, package in PLACES.items():
        for name in package.__all__:
            one = getattr(package, name)
            if not isinstance(one, ModuleType) and name not in ALIASES:
                found.append(pytest.param(name, lambda one=one: one, id=f"{place}-{name}"))
    return found


def documented(one: Any) -> Any:
    """What has the docstring: a value, as `CLASSES`, is explained by its type."""
    return one if inspect.isroutine(one) or inspect.isclass(one) else type(one)


def example(one: Any, name: str) -> doctest.DocTest:
    text = inspect.cleandoc(documented(one).__doc__ or "")
    return doctest.DocTestParser().get_doctest(text, {"torch": torch}, name, None, 0)


def used(test: doctest.DocTest) -> set[str]:
    """The names in an example, whether called by themselves or as a part of a module."""
    parts = [part for one in test.examples for part in ast.walk(ast.parse(one.source))]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return names | {part.attr for part in parts if isinstance(part, ast.Attribute)}


class Runner(doctest.DocTestRunner):
    """Runs an example; raises what was said of a file that is not there."""

    def report_unexpected_exception(self, out: Any, test: Any, one: Any, error: Any) -> None:
        if isinstance(error[1], BadInput) and " is not in " in str(error[1]):
            pytest.skip(str(error[1]))
        super().report_unexpected_exception(out, test, one, error)


def failures(test: doctest.DocTest, *members: Any) -> str:
    """What went wrong in an example; nothing where it gave what it says.

    A function whose annotations tell of shapes must have been called under the eyes of `held`.
    """
    said: list[str] = []
    torch.manual_seed(0)
    with held(*members) as seen:
        Runner(verbose=False).run(test, out=said.append)
    missing = [name for one in members if tells(one) and (name := name_of(inspect.unwrap(one))) not in seen]
    assert not missing or said, f"the example does not call {missing[0]}"
    return "".join(said)


@pytest.mark.parametrize(("name", "load"), public())
def test_example(name: str, load: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a comparison writes its folder
    member = load()
    test = example(member, name)
    assert test.examples, f"{name} has no example in its docstring: write three lines that use it, after >>>"
    assert name in used(test), f"the example of {name} does not use it"
    assert name.startswith("check_") or any(one.want for one in test.examples), f"{name}: it shows nothing"
    assert not any(one.options for one in test.examples), (
        f"{name}: an example runs as it stands, without +SKIP"
    )
    said = failures(test, member)
    assert not said, said


@functools.cache
def shown() -> set[str | None]:
    """The docstrings that `test_example` tries."""
    return {documented(one.values[1]()).__doc__ for one in public()}


TELLING = [
    ".".join(path.relative_to(find.ROOT.parent).with_suffix("").parts)
    for path in sorted(find.ROOT.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8") and "templates" not in path.parts
]


@pytest.mark.parametrize("name", TELLING)
def test_all_other_examples_of_a_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not public has examples too, and nobody would see them go wrong."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, module=module):
        if test.examples and test.docstring not in shown():
            said: list[str] = []
            torch.manual_seed(0)
            test.globs["torch"] = torch
            Runner(verbose=False).run(test, out=said.append)
            assert not said, "".join(said)


@pytest.mark.parametrize("what", [what for what in new.FOLDERS if what != "claim"])
def test_what_new_writes_has_an_example(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path, _ = new.written(what, f"pond_{what}", "", tmp_path)
    name = f"pond_{what}" if what == "lens" else f"Pond{what.title()}"
    member = getattr(importlib.import_module(path.stem), name)
    test = example(member, name)
    assert name in used(test) and any(one.want for one in test.examples)
    assert not failures(test, member)


def test_a_wrong_example_is_found() -> None:
    def twice(x: int) -> int:
        """Twice a number.

        >>> 1 + 1
        3
        """
        return 2 * x

    assert "Expected:\n    3\nGot:\n    2" in failures(example(twice, "twice"))
