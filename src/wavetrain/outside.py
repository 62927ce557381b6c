"""Members from outside the package: `mine.py:MyLayer`, and entry points of other packages.

    mine.py:MyLayer    a class or a function of a file, by its path; `mine.py` alone is an experiment
    tides:Tide         an entry point of the group `wavetrain`, which gives the member a name:
                       [project.entry-points.wavetrain]
                       tide = "tides:Tide"

The kind of such a member follows from what it is made from. To know it, it is imported, unlike members of the
package, and whatever goes wrong on the way is said in one line. A file may import what lies beside it.
"""

import functools
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from wavetrain.errors import BadInput, unknown

GROUP = "wavetrain"


def is_place(name: str) -> bool:
    """Whether a name is the place of a member outside: `mine.py:MyLayer`, or `mine.py`."""
    return name.endswith(".py") or ".py:" in name


def split(place: str) -> tuple[str, str]:
    """The file or module of a place, and the name in it, which may be empty."""
    file, colon, symbol = place.rpartition(":")
    return (file, symbol) if colon and not symbol.endswith(".py") else (place, "")


def load(place: str) -> Any:
    """The class, function or module at a place; raises BadInput with one line where there is none."""
    where, symbol = split(place)
    module = _file(Path(where)) if where.endswith(".py") else _module(where)
    if not symbol:
        return module
    if not hasattr(module, symbol):
        named = [
            name for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__
        ]
        raise unknown(f"class or function of {where}", symbol, named)
    return getattr(module, symbol)


def path(one: Any) -> Path:
    """The file in which something from outside is defined."""
    module = one if isinstance(one, ModuleType) else sys.modules[one.__module__]
    return Path(str(module.__file__))


def kind(place: str, one: Any) -> str:
    """Which kind something from outside is of; raises BadInput where it is of none."""
    from torch import nn

    from wavetrain.core import Layer, Memory, Rule, Stream, Task
    from wavetrain.core.spiking import Spiking

    if isinstance(one, ModuleType):
        if hasattr(one, "claim") and hasattr(one, "run"):
            return "experiments"
        raise BadInput(
            f"{place} has no `claim` and no `run`, as an experiment has; for a member write {place}:NAME"
        )
    made: tuple[tuple[str, type], ...] = (
        ("spiking", Spiking),  # before the layers, which they are too
        ("layers", Layer),
        ("memories", Memory),
        ("memories", Stream),
        ("rules", Rule),
        ("tasks", Task),
        ("networks", nn.Module),
    )
    if isinstance(one, type):
        for name, base in made:
            if issubclass(one, base):
                return name
        bases = ", ".join(base.__name__ for base in one.__mro__[1:-1]) or "nothing"
        raise BadInput(
            f"{place}: expected a Layer, Memory, Stream, Rule, Task or Module, got a class made from {bases}"
        )
    if callable(one):
        return "lenses" if _needs(one) else "data"
    raise BadInput(f"{place}: expected a class or a function, got {type(one).__name__}")


def _needs(one: Callable[..., Any]) -> bool:
    """Whether a function has to be given something, as a lens has."""
    import inspect

    return any(part.default is part.empty for part in inspect.signature(one).parameters.values())


@functools.cache
def entry_points() -> dict[str, tuple[str, str]]:
    """The names that other packages give to members, each with its place and with the package in words."""
    from importlib.metadata import entry_points

    return {
        one.name: (one.value, f"{one.dist.name} {one.dist.version}" if one.dist else "")
        for one in entry_points(group=GROUP)
    }


def _file(path: Path) -> ModuleType:
    """The module of a file, executed once for each content that it has."""
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    path = path.resolve()
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:12]
    name = f"{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as for any import: dataclasses look it up
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # for what it imports from beside it
    try:
        _told(str(path), lambda: spec.loader.exec_module(module) if spec.loader else None)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _module(name: str) -> ModuleType:
    found: ModuleType = _told(name, lambda: importlib.import_module(name))
    return found


def _told(what: str, run: Callable[[], Any]) -> Any:
    """Run an import; whatever it raises becomes one line with the place in the file."""
    try:
        return run()
    except SyntaxError as error:
        raise BadInput(f"{error.filename or what}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == what]
        line = f", line {lines[-1]}" if lines else ""
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise BadInput(f"{what}{line}: importing it raised {said}") from error
