"""What a public name says of itself: shapes of tensors, when it refuses its input, and where it comes from.

Public are the members of all kinds but experiments and the names of `wavetrain.core`, `wavetrain.scan` and
`wavetrain.testing`, with their public methods. A method that a promise describes need not repeat it. A shape
stands in the docstring, as (B, T, D), or in the annotation.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wavetrain import core, find, scan, testing
from wavetrain.errors import BadInput

MEMBERS = [one for one in find.ours() if one.kind != "experiments"]
PLACES = {"core": core, "scan": scan, "testing": testing}
SIZE = r"(?:[\w|'+/* -]|\.\.\.)+"
SHAPE = re.compile(rf"\({SIZE}(?:, ?{SIZE})+,?\)|\({SIZE},\)")  # (B, T, D), (T,), (..., n)
ANNOTATED = re.compile(r"\b(?:Float|Real|Int|Integer|Bool|Complex|Inexact|Num|Shaped|Key|UInt)\d*\[")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def public() -> list[Any]:
    """A loader for each public class and function, so that nothing is imported before its test runs."""
    found = [pytest.param(one.load, id=f"{one.kind}-{one.name}") for one in MEMBERS]
    for place, package in PLACES.items():
        for name in package.__all__:
            one = getattr(package, name)
            if inspect.isclass(one) or inspect.isfunction(one):
                found.append(pytest.param(lambda one=one: one, id=f"{place}-{name}"))
    return found


def functions(one: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A function, or the public methods that a class itself defines."""
    if inspect.isfunction(one):
        yield one.__name__, one
    for name, part in vars(one).items() if inspect.isclass(one) else ():
        plain = part.__func__ if isinstance(part, staticmethod | classmethod) else part
        if name[0] != "_" and inspect.isfunction(plain):
            yield f"{one.__name__}.{name}", getattr(one, name)


def said(function: Callable[..., Any]) -> str:
    """Its docstring, or that of the promise that it keeps; of a constructor, that of its class."""
    return inspect.getdoc(function) or ""


def tensors(function: Callable[..., Any]) -> list[str]:
    """The annotations that speak of tensors."""
    annotations = [str(one) for one in function.__annotations__.values()]
    return [one for one in annotations if re.search(r"\bTensor\b|\bndarray\b", one)]


def refuses(function: Callable[..., Any]) -> bool:
    """Whether its own body raises BadInput."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    return any("BadInput" in ast.unparse(one) for one in raised)


@pytest.mark.parametrize("load", public())
def test_says_what_it_is(load: Callable[[], Any]) -> None:
    one = load()
    assert inspect.getdoc(one), f"{one.__name__} has no docstring"
    for name, function in functions(one):
        assert said(function), f"{name} has no docstring, and keeps no promise that has one"


@pytest.mark.parametrize("load", public())
def test_names_the_shapes_of_its_tensors(load: Callable[[], Any]) -> None:
    for name, function in functions(load()):
        if name.endswith("state_dict"):  # tensors by name, of whatever shapes there are
            continue
        bare = [one for one in tensors(function) if not ANNOTATED.search(one)]
        assert not bare or SHAPE.search(said(function)), f"{name}: which shape has {bare[0]}? Say (B, T, D)"


@pytest.mark.parametrize("load", public())
def test_says_when_it_refuses_its_input(load: Callable[[], Any]) -> None:
    for name, function in functions(load()):
        assert not refuses(function) or "BadInput" in said(function), f"{name}: when does it raise BadInput?"


@pytest.mark.parametrize("found", MEMBERS, ids=lambda found: found.name)
def test_says_where_it_comes_from(found: find.Found) -> None:
    """By its card, or in its docstring: who, and when; or that it is ours."""
    assert found.facts.get("year") or YEAR.search(found.about), f"{found.name}: name its source, with a year"


def test_a_function_that_says_nothing_is_found() -> None:
    import torch

    def bare(x: torch.Tensor) -> torch.Tensor:
        """Twice x, and no more."""
        raise BadInput("never")

    assert refuses(bare) and tensors(bare) and not SHAPE.search(said(bare)) and "BadInput" not in said(bare)
    assert SHAPE.search("values (B, T, D)") and SHAPE.search("(..., n)") and SHAPE.search("of time (T,)")
    assert not SHAPE.search("as said (see below)") and not SHAPE.search("f(x)")
    assert ANNOTATED.search('Float[Tensor, "B T D"]')
