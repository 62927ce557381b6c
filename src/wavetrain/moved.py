"""Imports from before modules were sorted into groups still work, and say where the module is today.

    from wavetrain.layers.mamba import Mamba    # the file is layers/state_space/mamba.py

Where the package has no module of that name, and exactly one file of that name further down, the import gives
that module and warns with its name.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent


def today(name: str) -> str | None:
    """The dotted name that a module of an older version has today; None where there is none, or several.

    >>> today("wavetrain.layers.mamba")
    'wavetrain.layers.state_space.mamba'
    """
    package, *between, last = name.split(".")
    above = ROOT.joinpath(*between)
    if package != "wavetrain" or last.startswith("_") or not above.is_dir():
        return None
    if (above / f"{last}.py").exists() or (above / last).is_dir():
        return None
    files = [*above.rglob(f"{last}.py"), *(path.parent for path in above.rglob(f"{last}/__init__.py"))]
    if len(files) != 1:
        return None
    return ".".join(files[0].relative_to(ROOT.parent).with_suffix("").parts)


class Forward(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that have moved, and gives the one of today under the older name too."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith("wavetrain."):
            return None
        package, _, last = name.rpartition(".")
        inside = sys.modules[package].__name__  # of today, where the package has moved
        new = today(name) if inside == package else f"{inside}.{last}"
        if new is None:
            return None
        warnings.warn(f"{name} is now {new}", DeprecationWarning, stacklevel=2)
        return importlib.machinery.ModuleSpec(name, self, loader_state=new)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(spec.loader_state)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run; give it back its own name, which the import has written over."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let Python ask here first: a package that has moved would import its modules once more."""
    if not any(isinstance(one, Forward) for one in sys.meta_path):
        sys.meta_path.insert(0, Forward())
