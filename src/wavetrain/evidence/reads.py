"""Which recordings a piece of work has read.

A loader notes the sha256 of what it opens. What a package brings, as scikit-learn does its digits, is known
by the version of the package, which the environment of a result holds.
"""

import contextlib
from collections.abc import Iterator

_opened: dict[str, str] = {}


@contextlib.contextmanager
def recorded() -> Iterator[dict[str, str]]:
    """Inside, what is read is noted for this piece of work alone: sha256 by name."""
    global _opened
    before, _opened = _opened, {}
    try:
        yield _opened
    finally:
        _opened = before


def note(name: str, sha256: str) -> None:
    _opened[name] = sha256
