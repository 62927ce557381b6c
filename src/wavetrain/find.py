"""Walks the folders and yields what it finds, without importing it.

A folder is a kind and a file is a member. It defines the function of the file's name (`space_time_spectrum`)
or the class of that name without underscores, in any capitals (`WaveRNN`); an experiment is its module.
Cards and claims are plain literals, so they are read from the syntax tree.
"""

import ast
import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput, unknown

KINDS = ("layers", "memories", "spiking", "rules", "networks", "tasks", "data", "lenses", "experiments")
SYSTEMS = ("layers", "memories", "spiking", "rules", "networks")
ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Found:
    """A member of a kind, as its file tells it."""

    kind: str
    name: str
    path: Path
    summary: str  # first line of the module docstring
    about: str  # the whole module docstring
    symbol: str  # the class or function it defines; empty for an experiment
    facts: dict[str, Any]  # the literals of its card or claim

    def load(self) -> Any:
        """Import it: the class or function, or the module of an experiment."""
        module = importlib.import_module(f"wavetrain.{self.kind}.{self.name}")
        return getattr(module, self.symbol) if self.symbol else module


@functools.cache
def everything() -> tuple[Found, ...]:
    """All members of all kinds, in the order of KINDS and then by name."""
    files = [path for kind in KINDS for path in sorted((ROOT / kind).glob("*.py")) if path.stem[0] != "_"]
    return tuple(_read(path) for path in files)


def members(kind: str) -> tuple[Found, ...]:
    """The members of one kind."""
    return tuple(found for found in everything() if found.kind == kind)


def named(name: str, kinds: tuple[str, ...] = KINDS) -> Found:
    """The member of that name; raises BadInput with the nearest names where there is none."""
    candidates = [found for found in everything() if found.kind in kinds]
    for found in candidates:
        if found.name == name:
            return found
    what = kinds[0].removesuffix("s") if len(kinds) == 1 else "member"
    raise unknown(what, name, [found.name for found in candidates])


def _read(path: Path) -> Found:
    kind, name = path.parent.name, path.stem
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise BadInput(f"{kind}/{path.name}, line {error.lineno}: {error.msg}") from error
    about = ast.get_docstring(tree) or ""
    symbol, facts = "", {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            symbol = node.name  # a lens is its function, not the class of what that returns
        elif isinstance(node, ast.ClassDef) and not symbol and node.name.lower() == name.replace("_", ""):
            symbol, facts = node.name, _literals(node, "card")
    if kind == "experiments":
        facts = _literals(tree, "claim")
    elif not symbol:
        raise BadInput(f"{kind}/{path.name} must define a class or function named like the file: {name}")
    return Found(kind, name, path, about.partition("\n")[0], about, symbol, facts)


def _literals(tree: ast.AST, target: str) -> dict[str, Any]:
    """The literal keyword arguments of the call that is assigned to `target` in the body of a node."""
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [place.id for place in node.targets if isinstance(place, ast.Name)]
            if target in names:
                return {
                    word.arg: value
                    for word in node.value.keywords
                    if word.arg
                    for value in _literal(word.value)
                }
    return {}


def _literal(node: ast.expr) -> list[Any]:
    try:
        return [ast.literal_eval(node)]
    except ValueError:  # a predicate, for example: not a literal, and not wanted here
        return []
