"""The one error that bad input raises.

A message is one line that says what was expected and what came. The command prints it and leaves with
exit code 2; in Python it is a `ValueError` like any other.
"""

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """What the user gave cannot be used: the message says what was expected and what came."""


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a name that is not there, with the nearest names that are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names) or 'none'}"
    return BadInput(f"no {kind} is called {name!r}; {hint}")
