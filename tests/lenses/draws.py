"""Nulls of few draws and short trajectories, for tests that do not ask how many there are."""

import inspect
from collections.abc import Callable
from typing import Any

NAMES = ("draws", "shifts", "shuffles", "surrogates")


def few(lens: Callable[..., Any]) -> dict[str, int]:
    """Nine draws, by the name that this lens has for them, or nothing."""
    return {name: 9 for name in NAMES if name in inspect.signature(lens).parameters}


def short(lens: Callable[..., Any]) -> dict[str, int]:
    """Where a lens warms up and then goes on for as many steps as it is told: few of both."""
    return {"steps": 40, "warm": 20} if "warm" in inspect.signature(lens).parameters else {}
