"""The command `new`: the file of a new member and its test, which pass at once and are yours to change."""

import datetime
from pathlib import Path
from string import Template
from typing import Literal

import tyro

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput, unknown

FOLDERS = {
    "layer": "layers",
    "memory": "memories",
    "spiking": "spiking",
    "rule": "rules",
    "task": "tasks",
    "lens": "lenses",
    "claim": "experiments",
}
TEMPLATES = Path(__file__).parent / "templates"
console = terminal.Terminal()

What = Literal["layer", "memory", "spiking", "rule", "task", "lens", "claim"]


def new(
    what: tyro.conf.Positional[What],
    name: Name,
    group: str = "",
    folder: Path = Path(),
    json: Json = False,
) -> None:
    """Write a new member and its test. Both pass as they are, and nothing is ever overwritten.

    Args:
        what: layer, memory, spiking, rule, task, lens or claim
        name: of the file, in small letters: tide_pool for a class TidePool
        group: of the kind's folder (`wave` for layers), in a checkout of Wavetrain
        folder: where to write; in a checkout of Wavetrain the files go to src and tests
    """
    files = written(what, name, group, folder)
    if json:
        terminal.print_json({"files": [str(path) for path in files]})
        return
    for path in files:
        console.print(f"wrote {path}", soft_wrap=True)
    console.print(f"test it:    pytest {files[1]}", soft_wrap=True)
    if len(files[0].parts) <= len(folder.parts) + 1 and what != "claim":
        console.print(f"look at it: wavetrain show {files[0]}:{_symbol(what, name)}", soft_wrap=True)


def written(what: str, name: str, group: str, folder: Path) -> tuple[Path, Path]:
    """Write the member and its test; returns their paths."""
    if not (name.isascii() and name.isidentifier() and name == name.lower() and name[0] != "_"):
        raise BadInput(f"expected a name in small letters, digits and underscores, got {name!r}")
    kind = FOLDERS[what]
    if any(one.name == name for one in find.ours() if one.kind == kind):
        raise BadInput(
            f"there is a {find.ONE.get(kind, what)} called {name} already: `wavetrain show {name}`"
        )
    if (folder / "src" / "wavetrain").is_dir():
        inside = _inside(kind, group)
        member = folder.joinpath("src", "wavetrain", *inside, f"{name}.py")
        test = folder.joinpath("tests", *inside, f"test_{name}.py")
        module = ".".join(["wavetrain", *(inside if what == "claim" else inside[:1])])
        module = f"{module}.{name}" if what == "claim" else module
    else:
        if group:
            raise BadInput(
                f"expected a checkout of Wavetrain for the group {group!r}; {folder} has no src/wavetrain"
            )
        member, test, module = folder / f"{name}.py", folder / f"test_{name}.py", name
    there = [path for path in (member, test) if path.exists()]
    if there:
        raise BadInput(f"{there[0]} is there already; nothing was written")
    for path, template in ((member, f"{what}.py.txt"), (test, f"{what}_test.py.txt")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(template, name, module), encoding="utf-8")
    return member, test


def _inside(kind: str, group: str) -> list[str]:
    """The folders of a kind and its group; a kind all of whose members are in groups needs one of them."""
    folders = {one.path.parent.name for one in find.ours() if one.kind == kind}
    groups = sorted(folders - {kind})
    if group and not groups:
        raise BadInput(f"the folder {kind} has no groups")
    if group and group not in groups:
        raise unknown("group", group, groups)
    if not group and groups and kind not in folders:
        raise BadInput(f"expected --group with one of {', '.join(groups)}")
    return [kind, group] if group else [kind]


def _symbol(what: str, name: str) -> str:
    return name if what == "lens" else name.title().replace("_", "")


def _filled(template: str, name: str, module: str) -> str:
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(
        name=name,
        Name=name.title().replace("_", ""),
        Title=name.replace("_", " ").capitalize(),
        year=datetime.date.today().year,
        module=module,
    )
