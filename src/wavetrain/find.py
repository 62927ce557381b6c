"""Walks the folders and yields what it finds, without importing it.

A folder is a kind, its folders are groups, and a file is a member. It defines the function of the file's
name (`space_time_spectrum`) or the class of that name without underscores, in any capitals (`WaveRNN`); an
experiment is its module.
Cards and claims are plain literals, so they are read from the syntax tree: of the docstring and of the call
alone, because to parse two hundred files whole would take longer than anyone waits for a list.
"""

import ast
import contextlib
import functools
import importlib
import re
import sys
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain import outside
from wavetrain.errors import BadInput, unknown

KINDS = ("layers", "memories", "spiking", "rules", "networks", "tasks", "data", "lenses", "experiments")
SYSTEMS = ("layers", "memories", "spiking", "rules", "networks")
CITED = (*SYSTEMS, "lenses")  # those that have a card
ONE = {"memories": "memory", "lenses": "lens", "data": "recording", "spiking": "spiking network"}  # of a kind
ROOT = Path(__file__).parent
DEFINED = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)


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
    place: str = ""  # of a member from outside: mine.py:MyLayer

    @property
    def module(self) -> str:
        """The dotted name of its file, for an import."""
        if self.place:
            where, _ = outside.split(self.place)
            return self.path.stem if where.endswith(".py") else where
        return ".".join(self.path.relative_to(ROOT.parent).with_suffix("").parts)

    @property
    def attribute(self) -> str:
        """What it is called in Python: `wavetrain.layers.WaveRNN`, `wavetrain.experiments.wave_rnn_copy`."""
        return self.symbol or self.name

    @property
    def tags(self) -> frozenset[str]:
        """Words from its card to choose it by: its family, and its tags where it has any."""
        return frozenset({self.facts.get("family", ""), *self.facts.get("tags", ())} - {""})

    def load(self) -> Any:
        """Import it: the class or function, or the module of an experiment."""
        if self.place:
            return outside.load(self.place)
        try:
            module = importlib.import_module(self.module)
        except SyntaxError as error:
            raise BadInput(
                f"{self.path.relative_to(ROOT).as_posix()}, line {error.lineno}: {error.msg}"
            ) from error
        return getattr(module, self.symbol) if self.symbol else module


def ours() -> tuple[Found, ...]:
    """All members of the package, in the order of KINDS and then by name."""
    return tuple(found for kind in KINDS for found in _ours(kind))


@functools.cache
def _ours(kind: str) -> tuple[Found, ...]:
    """The members of the package of one kind: no file of another kind is opened."""
    files = [path for path in (ROOT / kind).rglob("*.py") if not _shared(path)]
    return tuple(sorted(map(_read, files), key=lambda one: one.name))


def _shared(path: Path) -> bool:
    """Whether a file, or a folder that it lies in, is no member: what members share begins with `_`."""
    return any(part.startswith("_") for part in path.relative_to(ROOT).parts)


@functools.cache
def everything() -> tuple[Found, ...]:
    """All members of all kinds: those of the package, then those that other packages bring."""
    return ours() + tuple(one for name in outside.entry_points() if (one := _brought(name)) is not None)


def members(kind: str) -> tuple[Found, ...]:
    """The members of one kind."""
    return tuple(found for found in everything() if found.kind == kind)


def select(*words: str) -> tuple[Found, ...]:
    """What there is: all members, or those of the kinds and with all of the tags that are named.

    The path of a file, `mine.py`, stands for the members that it defines.

    >>> import wavetrain as wt
    >>> [one.name for one in wt.list("layers", "wave")]
    ['wave_rnn', 'wave_working_memory']
    >>> [one.name for one in wt.list("memories")][:3]
    ['correlation_matrix', 'dense_hopfield', 'general_sequential']
    """
    tags = {tag for found in everything() for tag in found.tags}
    places = [word for word in words if outside.is_place(word)]
    words = tuple(word for word in words if word not in places)
    known = tuple(one for place in places for one in _defined(place)) if places else everything()
    for word in words:
        if word not in (*KINDS, *tags):
            raise unknown("kind or tag", word, [*KINDS, *tags])
    kinds = [word for word in words if word in KINDS] or KINDS
    wanted = {word for word in words if word not in KINDS}
    return tuple(found for found in known if found.kind in kinds and wanted <= found.tags)


def named(name: str, kinds: tuple[str, ...] = KINDS) -> Found:
    """The member of that name or place; raises BadInput with the nearest names where there is none."""
    what = ONE.get(kinds[0], kinds[0].removesuffix("s")) if len(kinds) == 1 else "member"
    if outside.is_place(name):
        found = _outside(name)
        if found.kind not in kinds:
            raise BadInput(f"{name} is not a {what}: it is one of the {found.kind}")
        return found
    for kind in kinds:
        for found in _ours(kind):
            if found.name == name:
                return found
    candidates = [found for found in everything() if found.kind in kinds]
    for found in candidates:
        if found.name == name:
            return found
    raise unknown(what, name, [found.name for found in candidates])


def _outside(place: str, name: str = "") -> Found:
    """The member at a place outside the package; without a name, its class or function gives the name."""
    file, symbol = outside.split(place)
    one = outside.load(place)
    kind, path = outside.kind(place, one), outside.path(one)
    if file.endswith(".py"):
        path = Path(file).resolve()
        place = f"{path}:{symbol}" if symbol else str(path)
    text = path.read_text(encoding="utf-8")
    about = ast.get_docstring(ast.parse(text)) or (one.__doc__ or "").strip()
    facts = _literals(text, "claim") if kind == "experiments" else {}
    holder = sys.modules[one.__module__] if kind == "lenses" else one  # a lens has its card beside it
    card = vars(holder).get("card")
    if card is not None and hasattr(card, "_asdict"):
        facts = card._asdict()
    return Found(
        kind, name or symbol or path.stem, path, about.partition("\n")[0], about, symbol, facts, place
    )


@functools.cache
def _brought(name: str) -> Found | None:
    """The member that another package brings under a name; None, and a warning, where it is broken."""
    place, package = outside.entry_points()[name]
    try:
        found = _outside(place, name)
        if any((one.kind, one.name) == (found.kind, name) for one in ours()):
            raise BadInput(f"one of the {found.kind} has that name already")
    except BadInput as error:
        warnings.warn(f"left out: {name} of the package {package}: {error}", stacklevel=2)
        return None
    return found


def _defined(place: str) -> list[Found]:
    """The members that a file defines, or the one at a place in it."""
    if not place.endswith(".py"):
        return [_outside(place)]
    found = []
    module = outside.load(place)
    for symbol, one in vars(module).items():
        if getattr(one, "__module__", "") == module.__name__ and symbol[0] != "_":
            with contextlib.suppress(BadInput):
                found.append(_outside(f"{place}:{symbol}"))
    return found


def _read(path: Path, root: Path = ROOT) -> Found:
    where = path.relative_to(root)
    kind, name = where.parts[0], path.stem
    text = path.read_text(encoding="utf-8")
    end = text.find('"""', 3) + 3 if text.startswith('"""') else 0
    try:
        about = ast.get_docstring(ast.parse(text[:end])) or ""
        symbol, facts = "", {}
        definitions = list(DEFINED.finditer(text, end))
        for place, one in enumerate(definitions):
            if one[0] == f"def {name}":
                symbol = name  # a lens is its function, not the class of what that returns
            elif one[0].startswith("class") and not symbol and one[1].lower() == name.replace("_", ""):
                after = definitions[place + 1].start() if place + 1 < len(definitions) else len(text)
                symbol, facts = one[1], _literals(text[one.start() : after], "    card")
        if kind == "experiments":
            facts = _literals(text, "claim")
        if kind == "lenses":
            facts = _literals(text, "card")
    except SyntaxError as error:
        raise BadInput(f"{where.as_posix()}: its docstring or card cannot be read, {error.msg}") from error
    if kind != "experiments" and not symbol:
        raise BadInput(f"{where.as_posix()} must define a class or function named like the file: {name}")
    return Found(kind, name, path, about.partition("\n")[0], about, symbol, facts)


def _literals(text: str, target: str) -> dict[str, Any]:
    """The literal keyword arguments of the call that is assigned to `target`, given as it is indented."""
    begin = re.search(rf"^{target} = \w+\(.*", text, re.MULTILINE)
    if begin is None:
        return {}
    end = begin.end()
    if begin[0].endswith("("):  # it goes on, to a bracket as far left as it began
        closing = "\n" + target[: len(target) - len(target.lstrip())] + ")"
        end = text.index(closing, end) + len(closing)
    call = ast.parse(textwrap.dedent(text[begin.start() : end])).body[0]
    assert isinstance(call, ast.Assign) and isinstance(call.value, ast.Call)
    return _words(call.value)


def _words(call: ast.Call) -> dict[str, Any]:
    return {word.arg: value for word in call.keywords if word.arg for value in _literal(word.value)}


def _literal(node: ast.expr) -> list[Any]:
    """The value as a list of one; none where it is no literal, as a predicate, which is not wanted here."""
    if isinstance(node, ast.Call):  # a part of a claim
        return [_words(node)] if node.keywords and not node.args else []
    if isinstance(node, ast.Tuple) and any(isinstance(one, ast.Call) for one in node.elts):
        return [tuple(value for one in node.elts for value in _literal(one))]
    try:
        return [ast.literal_eval(node)]
    except ValueError:
        return []
