"""Walks the folders and yields what it finds, without importing it.

A folder is a kind and a file is a member. It defines the function of the file's name (`space_time_spectrum`)
or the class of that name without underscores, in any capitals (`WaveRNN`); an experiment is its module.
Cards and claims are plain literals, so they are read from the syntax tree: of the docstring and of the call
alone, because to parse two hundred files whole would take longer than anyone waits for a list.
"""

import ast
import functools
import importlib
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetrain.errors import BadInput, unknown

KINDS = ("layers", "memories", "spiking", "rules", "networks", "tasks", "data", "lenses", "experiments")
SYSTEMS = ("layers", "memories", "spiking", "rules", "networks")
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

    @property
    def module(self) -> str:
        """The dotted name of its file, for an import."""
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
        try:
            module = importlib.import_module(self.module)
        except SyntaxError as error:
            raise BadInput(f"{self.kind}/{self.path.name}, line {error.lineno}: {error.msg}") from error
        return getattr(module, self.symbol) if self.symbol else module


@functools.cache
def everything() -> tuple[Found, ...]:
    """All members of all kinds, in the order of KINDS and then by name."""
    files = [path for kind in KINDS for path in sorted((ROOT / kind).glob("*.py")) if path.stem[0] != "_"]
    return tuple(_read(path) for path in files)


def members(kind: str) -> tuple[Found, ...]:
    """The members of one kind."""
    return tuple(found for found in everything() if found.kind == kind)


def select(*words: str) -> tuple[Found, ...]:
    """What there is: all members, or those of the kinds and with all of the tags that are named.

    >>> [one.name for one in select("layers", "wave")]
    ['wave_rnn', 'wave_working_memory']
    """
    tags = {tag for found in everything() for tag in found.tags}
    for word in words:
        if word not in (*KINDS, *tags):
            raise unknown("kind or tag", word, [*KINDS, *tags])
    kinds = [word for word in words if word in KINDS] or KINDS
    wanted = {word for word in words if word not in KINDS}
    return tuple(found for found in everything() if found.kind in kinds and wanted <= found.tags)


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
    except SyntaxError as error:
        raise BadInput(f"{kind}/{path.name}: its docstring or card cannot be read, {error.msg}") from error
    if kind != "experiments" and not symbol:
        raise BadInput(f"{kind}/{path.name} must define a class or function named like the file: {name}")
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
    return {word.arg: value for word in call.value.keywords if word.arg for value in _literal(word.value)}


def _literal(node: ast.expr) -> list[Any]:
    try:
        return [ast.literal_eval(node)]
    except ValueError:  # a predicate, for example: not a literal, and not wanted here
        return []
