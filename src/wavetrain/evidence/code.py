"""A digest of the executable code that a figure rests on.

A figure is taken up again only where the code behind it is the same. The digest covers every module of ours
that a file imports, at its head or inside a function, and what those import in turn. It is made from the
syntax trees, and leaves out what no figure can depend on: comments, layout, docstrings, annotations, cards,
and the words and predicates of a claim, which judge figures after they are measured. Modules that only
name, draw or complain are left out too (`SILENT`). The content of recordings needs no digest of its own:
a loader has the sha256 of its file in its code and refuses any other content.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeGuard

from wavetrain import find

ROOT = Path(__file__).parent.parent
TYPES = {"typing", "collections.abc", "jaxtyping"}  # for annotations, which count for nothing
SILENT = {"errors", "find", "lazy", "outside", "report", "evidence", "cli"}
WORDS = {"card", "claim"}  # what is assigned under these names measures nothing


def digest(files: Iterable[Path], root: Path = ROOT) -> str:
    """Sixteen hexadecimal digits for the files and of all that they import from `root`."""
    parts = {
        str(path.relative_to(root)) if path.is_relative_to(root) else path.name: _tree(
            path, path.stat().st_mtime_ns
        )
        for path in closure(files, root)
    }
    return hashlib.sha256(repr(sorted(parts.items())).encode()).hexdigest()[:16]


def closure(files: Iterable[Path], root: Path = ROOT) -> set[Path]:
    """The files and every module of the package at `root` that they import, directly or not."""
    waiting, found, asked = list(files), set[Path](), set[str]()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        names = _imported(path, path.stat().st_mtime_ns)
        for name in names - asked:  # most names are imported by many files
            waiting += _files(name, root) if name.split(".")[0] == root.name else []
        asked |= names
        if not path.is_relative_to(root):  # somebody's own file
            waiting += [one for name in names for one in _beside(name, path)]
            waiting += [one for name in _used(path, root.name) for one in _files(name, root)]
    return found


def _files(name: str, root: Path) -> Iterator[Path]:
    """The file of a dotted name of ours, where it counts, and those of the packages that it lies in."""
    parts = name.split(".")[1:]
    if not parts or parts[0] in SILENT:
        return
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.exists())
    if root == ROOT and parts[0] in find.KINDS:  # wavetrain.layers.WaveRNN, wherever its file lies
        yield from (one.path for one in find.ours() if [one.kind, one.attribute] == parts[:2])


def _beside(name: str, path: Path) -> Iterator[Path]:
    """The file of a dotted name, or of what it is taken from, beside the file that imports it."""
    place = path.parent.joinpath(*name.split("."))
    yield from (one for one in (place.with_suffix(".py"), place.parent.with_suffix(".py")) if one.exists())


@functools.cache
def _parsed(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _imported(path: Path, changed: int) -> frozenset[str]:
    """The dotted names that a file imports; a name imported from a package may be a module in it."""
    names = set()
    for node in ast.walk(_parsed(path, changed)):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{one.name}" for one in node.names}
    return frozenset(names)


def _used(path: Path, package: str) -> Iterator[str]:
    """The dotted names that a file uses of a package which it imports whole: `wt.layers.WaveRNN`."""
    tree = _parsed(path, path.stat().st_mtime_ns)
    imports = [one for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names]
    short = {one.asname or one.name for one in imports if one.name == package}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in short:
                yield f"{package}.{rest}"


@functools.cache
def _tree(path: Path, changed: int) -> str:
    return hashlib.sha256(_written(_measuring(_parsed(path, changed))).encode()).hexdigest()


def _measuring(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a file without its private functions that only a claim names: its predicates."""
    kept = [node for node in tree.body if not _silent(node)]
    while True:
        called = {
            part.id
            for node in kept
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and part.id != getattr(node, "name", "")
        }
        left = [node for node in kept if not (_private(node) and node.name not in called)]
        if len(left) == len(kept):
            return left
        kept = left


def _private(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("_") and node.name[:2] != "__"


def _written(node: Any) -> str:
    """A syntax tree as text, the same in every version of Python that parses it alike."""
    if isinstance(node, list):
        return "[" + ",".join(_written(one) for one in node if not _silent(one)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        f"{name}={_written(value)}"
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in ("returns", "type_comment", "kind", "ctx")
        if name != "annotation"
    ]
    if isinstance(node, ast.AnnAssign) and "ClassVar" in ast.unparse(node.annotation):
        fields.append("ClassVar")  # which a dataclass tells from a field
    return f"{type(node).__name__}({','.join(fields)})"


def _silent(node: Any) -> bool:
    """Whether a statement does nothing that a figure can depend on."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # a docstring
    if isinstance(node, ast.ImportFrom):
        parts = (node.module or "").split(".")
        if node.module in TYPES:
            return True
        return parts[0] == ROOT.name and len(parts) > 1 and parts[1] in SILENT
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in WORDS for target in targets)
