"""Nulls of few draws, for tests that do not ask how many there are."""

import inspect
from collections.abc import Callable
from typing import Any

NAMES = ("draws", "shifts", "shuffles", "surrogates")


def few(lens: Callable[..., Any]) -> dict[str, int]:
    """Nine draws, by the name that this lens has for them, or nothing."""
    return {name: 9 for name in NAMES if name in inspect.signature(lens).parameters}
