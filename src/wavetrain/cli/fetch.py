"""The command `fetch`: download a recording."""

import importlib

from wavetrain import find
from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.errors import BadInput

console = terminal.Terminal()


def fetch(name: Name, json: Json = False) -> None:
    """Download a recording into the data folder (WAVETRAIN_DATA, or the user's cache)."""
    found = find.named(name, ("data",))
    module = importlib.import_module(found.module)
    if not hasattr(module, "fetch"):
        found.load()()  # where it is missing, this says where it comes from
        raise BadInput(f"{name} needs no fetching: it is there")
    place = module.fetch()
    if json:
        terminal.print_json({"name": name, "folder": str(place)})
    else:
        console.print(f"{name}: {place}", soft_wrap=True)
