"""What type checkers see of each kind: its `__init__.pyi`, with one import for each member that `find` finds.

`python -m wavetrain.stubs`, or `make stubs`, writes the files anew where a member has come, gone or moved. A
folder whose `__init__.py` defines anything has no stub, which would hide it.
"""

import ast
from pathlib import Path

from wavetrain import find

HEAD = '"""For type checkers and editors: the members of this kind. Written by `make stubs`."""\n'


def stub(kind: str) -> str:
    """The text of the stub of one kind."""
    lines = []
    for found in (one for one in find.ours() if one.kind == kind):
        package, _, stem = found.module.rpartition(".")
        where, name = (found.module, found.symbol) if found.symbol else (package, stem)
        lines.append(f"from {where} import {name} as {name}")
    return f"{HEAD}\n" + "\n".join(sorted(lines)) + "\n"


def kinds() -> list[str]:
    """The kinds that have a stub."""
    files = {kind: find.ROOT / kind / "__init__.py" for kind in find.KINDS}
    return [kind for kind, path in files.items() if path.exists() and _is_empty(path)]


def _is_empty(path: Path) -> bool:
    """Whether there is nothing but a docstring."""
    return len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1


def place(kind: str) -> Path:
    """Where the stub of a kind lies."""
    return find.ROOT / kind / "__init__.pyi"


def write() -> None:
    """Write the stubs that are not as they should be."""
    for kind in kinds():
        path, text = place(kind), stub(kind)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
