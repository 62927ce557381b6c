"""Packages whose names are imported when they are first used, so that `import wavetrain` loads no torch.

A package calls `offer(__name__)` and says under `if TYPE_CHECKING` what it offers. Type checkers and editors
read those lines, and so does this file, so that both see the same. The folder of a kind (`wavetrain.layers`)
says nothing: it offers what `find` finds there, by the name of the class or function, wherever its file lies.
For type checkers `stubs.py` writes the same into its `__init__.pyi`.
"""

import ast
import functools
import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from wavetrain import find, moved


def offer(package: str) -> None:
    """Let the package import its names when they are first used. It is called in its `__init__.py`."""
    sys.modules[package].__class__ = Lazy
    moved.install()


class Lazy(ModuleType):
    """A package that answers for names which it has not imported yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        offered = _offered(self.__name__)
        if name in offered and offered[name][0] != self.__name__:
            value = _attribute(*offered[name])
        elif _is_inside(self, name):
            module = importlib.import_module(f"{self.__name__}.{name}")
            return vars(self).get(name, module)  # see __setattr__; not set yet while it is being imported
        else:
            found = [one for one in _members(self.__name__) if one.attribute == name]
            if not found:
                raise _missing(self.__name__, name, dir(self))
            value = found[0].load()
        vars(self)[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Python hands a package each module that is imported in it. The names that it offers go first."""
        if isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}":
            if _offered(self.__name__).get(name, (self.__name__,))[0] != self.__name__:
                return
            if _is_kind(value.__name__):
                offer(value.__name__)
            value = getattr(value, name, value) if _is_kind(self.__name__) else value  # a lens: see find.py
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*_offered(self.__name__), *(one.attribute for one in _members(self.__name__))})


def _attribute(module: str, name: str) -> Any:
    """What `from module import name` gives."""
    value = getattr(importlib.import_module(module), name, None)
    return importlib.import_module(f"{module}.{name}") if value is None else value


def _is_inside(package: ModuleType, name: str) -> bool:
    """Whether there is a module or a package of that name in the package."""
    places = [Path(place) / name for place in package.__path__]
    return any(place.with_suffix(".py").exists() or (place / "__init__.py").exists() for place in places)


def _missing(package: str, name: str, known: Iterable[str]) -> AttributeError:
    import difflib

    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return AttributeError(f"module {package!r} has no attribute {name!r}{hint}")


def _members(package: str) -> tuple[find.Found, ...]:
    """The members that a package offers, where it is the folder of a kind."""
    return find.members(package.rpartition(".")[2]) if _is_kind(package) else ()


def _is_kind(package: str) -> bool:
    return package.removeprefix("wavetrain.") in find.KINDS


@functools.cache
def _offered(package: str) -> dict[str, tuple[str, str]]:
    """The names that stand under `if TYPE_CHECKING`, each with its module and what it is called there."""
    if _is_kind(package):
        return {}
    spec = sys.modules[package].__spec__
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    blocks = [
        one for one in tree.body if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"
    ]
    lines = [line for block in blocks for line in block.body if isinstance(line, ast.ImportFrom)]
    return {
        one.asname or one.name: (str(line.module), one.name)
        for line in lines
        for one in line.names
        if one.name != "*"
    }
