"""The structure, read from the syntax trees: imports point down, files stay short, nothing is left out."""

import ast
import functools
import inspect
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.core import Layer
from wavetrain.run.order import settings

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
FILES = sorted(find.ROOT.rglob("*.py"))
KINDS = set(find.KINDS)
SYSTEMS = {"layers", "memories", "spiking"}
DOWN = {"core", "scan", "errors", "parts"}
MAY_IMPORT = {
    "__init__": KINDS | {"core", "estimators", "find", "lazy", "run", "scan", "tables", "testing"},
    "errors": set(),
    "find": {"errors", "outside"},
    "outside": {"core", "errors"},
    "evidence": {"errors", "find"},
    "core": {"errors"},
    "scan": {"core", "errors"},
    "parts": DOWN,
    **{kind: DOWN for kind in SYSTEMS},
    "rules": DOWN | {"layers", "networks", "spiking"},  # some teach one of them, or networks of spikes
    "networks": DOWN | SYSTEMS,
    "tasks": {"core", "errors", "parts"},
    "data": {"core", "errors", "evidence", "parts", "tables"},  # tables: to read what is published
    "lenses": DOWN,
    "formats": DOWN | {"find", "layers", "networks", "spiking"},
    "train": DOWN | {"evidence", "rules"},  # rules: backpropagation, by default
    "experiments": DOWN | KINDS | {"evidence", "train"},
    "lazy": {"find", "moved"},
    "moved": set(),
    "stubs": {"find"},
    "report": {"errors", "evidence", "find"},
    "tables": {"core", "errors", "evidence", "find", "outside"},
    "estimators": DOWN | {"evidence", "find", "layers", "lazy", "memories", "tables", "train"},
    "testing": DOWN | KINDS | {"find", "lazy", "outside"},
    "run": DOWN
    | {"estimators", "evidence", "find", "formats", "lenses", "report", "rules", "tables", "train"},
}
ON_TOP = {"cli"}  # may import all
MANY = 25  # members of a folder, before it splits by what their cards say


def home(path: Path) -> str:
    """The kind of a file, or its own name."""
    return path.relative_to(find.ROOT).parts[0].removesuffix(".py")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module or name that a file imports, at its head or inside a function, as dotted names."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: a relative import"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def ours(path: Path) -> set[str]:
    """What of ours a file imports, without the package's own name."""
    dotted = {name.partition(".")[2] for name in imports(path) if name.partition(".")[0] == "wavetrain"}
    return {name for name in dotted if name and not name.startswith("__")}


def name_of(path: Path) -> str:
    return str(path.relative_to(find.ROOT))


MEMBERS = [found for found in find.everything() if found.kind != "experiments"]


def every_file(check: Callable[[Path], None]) -> Callable[[], None]:
    """A test that tries all files, and names all that fail. A case for each would take seconds to collect."""

    def test() -> None:
        wrong = []
        for path in FILES:
            try:
                check(path)
            except AssertionError as error:
                wrong.append(f"{name_of(path)}: {error}")
        assert not wrong, "\n".join(wrong)

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test


@every_file
def test_imports_point_down(path: Path):
    place = home(path)
    if place in ON_TOP:
        return
    assert place in MAY_IMPORT, f"say in MAY_IMPORT what {place} may import"
    wrong = {name for name in ours(path) if name.split(".")[0] not in MAY_IMPORT[place] | {place}}
    assert not wrong, f"{name_of(path)} must not import {sorted(wrong)}"


@every_file
def test_members_never_import_siblings(path: Path):
    """What two members of a kind share lies in a file of theirs that begins with `_`, or further down."""
    kind = home(path)
    if kind not in KINDS:
        return
    siblings = {one.module.partition(".")[2] for one in find.members(kind) if one.path != path}
    wrong = {name for name in ours(path) if any(f"{name}.".startswith(f"{one}.") for one in siblings)}
    assert not wrong, f"{name_of(path)} imports its siblings {sorted(wrong)}"


@every_file
def test_packages_only_re_export(path: Path):
    """What is defined has a file of its own, with a name."""
    for node in tree(path).body[1:] if path.stem == "__init__" else ():
        text = ast.unparse(node)
        plain = isinstance(node, ast.Assign) and text.startswith(("__all__ =", "__version__ ="))
        lazy = text.startswith("if TYPE_CHECKING:")
        lazy |= text == "offer(__name__)"
        assert isinstance(node, ast.ImportFrom) or plain or lazy, (
            f"{name_of(path)}:{node.lineno} is no re-export"
        )


@pytest.mark.parametrize("kind", find.KINDS)
def test_rooms_do_not_burst(kind: str):
    """A folder holds so many members that one sees them at a glance; names are unique within a kind."""
    found = find.members(kind)
    rooms = Counter(one.path.parent for one in found)
    assert all(many <= MANY for many in rooms.values()), f"split {max(rooms, key=rooms.__getitem__)}"
    assert len({one.name for one in found}) == len(found)


@every_file
def test_heavy_packages_stay_in_their_place(path: Path):
    """torch not where names and results are read, pictures only in the report, numba only beneath scan."""
    packages = {name.partition(".")[0] for name in imports(path)}
    place = home(path)
    if place in ("find", "report", "errors", "evidence"):
        assert "torch" not in packages
    if place != "report":
        assert not packages & {"matplotlib", "jinja2", "PIL"}
    if path.parent != find.ROOT / "scan" / "cpu":
        assert "numba" not in packages
    if path.parent != find.ROOT / "scan" / "gpu":
        assert "triton" not in packages


@every_file
def test_nothing_private_of_torch_is_used(path: Path):
    """PyTorch may change it without notice.

    One question has no public answer: how many bytes there are at once on a CPU.
    """
    if path == find.ROOT / "testing" / "peak.py":
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute | ast.ImportFrom | ast.Import):
            said = ast.unparse(node)
            private = isinstance(node, ast.Attribute) and node.attr in ("_parameters", "_buffers", "_modules")
            private |= re.search(r"\btorch(\.\w+)*\._(?!_version|_config__)", said) is not None
            assert not private, f"{name_of(path)}:{node.lineno} uses {said}"


@every_file
def test_names_of_ours_are_not_changed_by_an_import(path: Path):
    """Two things with one name get better names; the front door alone calls `select` `list`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wavetrain"):
            changed = {name.name for name in node.names if name.asname not in (None, name.name)}
            assert not changed or path == find.ROOT / "__init__.py", f"{name_of(path)} renames {changed}"


@every_file
def test_data_classes_are_frozen(path: Path):
    """What describes something is not changed behind the back of those who hold it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            for mark in map(ast.unparse, node.decorator_list):
                assert not mark.startswith(("dataclass", "dataclasses.dataclass")) or "frozen=True" in mark, (
                    f"{name_of(path)}: {node.name} is not frozen"
                )


def data_classes(path: Path) -> list[tuple[ast.ClassDef, str]]:
    """Those of a file, each with its mark; an experiment's are its own."""
    if home(path) in ("experiments", "report"):
        return []
    classes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    marks = [(node, ast.unparse(mark)) for node in classes for mark in node.decorator_list]
    return [(node, mark) for node, mark in marks if "dataclass(" in mark]


def test_data_classes_with_arrays_are_compared_by_identity():
    """Whether two arrays are equal is no yes or no. Pictures are for one look."""
    for path in FILES:
        for node, mark in data_classes(path) if path.stem != "picture" else ():
            held = [ast.unparse(one.annotation) for one in node.body if isinstance(one, ast.AnnAssign)]
            held = [one for one in held if "Callable" not in one and re.search(r"\b(ndarray|Tensor)\b", one)]
            assert not held or "eq=False" in mark, f"{name_of(path)}: {node.name} holds {held[0]}"


def test_data_classes_of_a_file_are_built_alike():
    """By keywords alone, or in their order; where both are meant, those in their order stand here."""
    short = {"evidence/claims.py": {"Judged", "Verdict"}, "run/contestants.py": {"Answers"}}
    for path in FILES:
        in_order = {node.name for node, mark in data_classes(path) if "kw_only=True" not in mark}
        assert in_order in (
            short.get(name_of(path), set()),
            {node.name for node, _ in data_classes(path)},
        ), name_of(path)


@every_file
def test_only_the_command_prints(path: Path):
    if home(path) == "cli":
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            assert call not in ("print", "rich.print", "sys.stdout.write", "sys.stderr.write"), (
                f"{name_of(path)}:{node.lineno} prints"
            )


@every_file
def test_no_open_ended_arguments(path: Path):
    """No `**`, but for whole numbers that are only checked, and what a function or a kernel is handed."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and node.args.kwarg:
            kind = node.args.kwarg.annotation
            assert kind and ast.unparse(kind) in ("int", "P.kwargs", "Constant"), (
                f"{name_of(path)}:{node.lineno} takes any keyword"
            )


@every_file
def test_is_read_whole(path: Path):
    """One idea a file. Every file opens by saying what it is, and above 300 lines by saying why it is one."""
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(tree(path)), "no docstring"
    assert len(text.splitlines()) <= 300 or "\n# Above 300 lines: " in text
    assert len(text.splitlines()) <= 450
    assert path.stem not in ("utils", "common", "misc", "helpers")


@pytest.mark.parametrize(
    "found", [one for one in MEMBERS if one.kind in find.SYSTEMS], ids=lambda one: one.name
)
def test_constructors_are_small(found: find.Found):
    kind = found.load()
    if isinstance(kind, type) and issubclass(kind, Layer):
        parameters = inspect.signature(kind.__init__).parameters
        assert list(parameters)[:3] == ["self", "width", "inputs"]
        assert len(parameters) - 1 <= 7, f"{found.name} takes {len(parameters) - 1} arguments"


@pytest.mark.parametrize("found", MEMBERS, ids=lambda one: f"{one.kind}/{one.name}")
def test_every_member_has_its_test(found: find.Found):
    test = HERE / found.path.relative_to(find.ROOT).with_name(f"test_{found.name}.py")
    assert test.exists(), f"{test.relative_to(REPOSITORY)} is missing"
    assert "def test_" in test.read_text(encoding="utf-8")


@pytest.mark.parametrize("found", find.members("experiments"), ids=lambda one: one.name)
def test_every_claim_has_its_result(found: find.Found):
    """A committed result at the small scale, of this claim as it stands, or the reason why there is none."""
    path = REPOSITORY / "results" / f"{found.name}-small.json"
    if not path.exists():
        assert found.facts.get("unrun"), f"results/{path.name} is missing, and the claim's `unrun` is empty"
        return
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["experiment"] == found.name and result["scale"] == "small"
    if result["settings"] != settings(found, "small"):
        return  # of an earlier protocol: it stands as it was judged then, until it is run again
    for key in ("title", "sentence", "source"):
        assert result["claim"][key] == found.facts[key], f"results/{path.name} is of another claim"


@pytest.mark.parametrize("kind", ["layers", "spiking", "tasks", "data", "lenses", "rules"])
def test_every_test_has_its_file(kind: str):
    """No test of a member that is gone, or of what members share."""
    tests = {path.relative_to(HERE / kind) for path in (HERE / kind).rglob("test_*.py")}
    places = (path.relative_to(find.ROOT / kind) for path in (find.ROOT / kind).rglob("*.py"))
    assert tests <= {place.with_name(f"test_{place.name.removeprefix('_')}") for place in places}


PACKAGES = ["wavetrain", "wavetrain.find", "wavetrain.cli", "wavetrain.report.pages"]


@pytest.mark.parametrize("module", PACKAGES)
def test_importing_loads_no_torch(module: str):
    script = f"import sys, {module}, wavetrain.find as f; f.everything(); print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(find.ROOT.parent)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False", f"importing {module} loads torch"
