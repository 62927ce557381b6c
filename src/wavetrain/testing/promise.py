"""A promise with its name, and what is said where one is broken."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Promise(NamedTuple):
    """One promise of one member."""

    name: str
    check: Callable[[], None]  # raises where it is broken


def keep(member: Any, promises: Iterable[Promise]) -> None:
    """Check the promises one after another; the first that is broken is named in an AssertionError."""
    for promise in promises:
        try:
            promise.check()
        except Exception as error:
            raise AssertionError(f"{name(member)} breaks the promise {promise.name!r}: {error}") from error


def name(member: Any) -> str:
    """What a member is called: a class, a function, a partial of either, or an instance."""
    one = getattr(member, "func", member)
    return str(getattr(one, "__name__", type(one).__name__))
