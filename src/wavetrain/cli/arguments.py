"""Arguments that several commands take."""

from typing import Annotated

import tyro

Names = tyro.conf.Positional[tuple[str, ...]]
Name = tyro.conf.Positional[str]
Json = Annotated[bool, tyro.conf.arg(help="print JSON instead of text")]
