"""For pytest: `test_tide = contract(Tide)` in a file of tests becomes one test for each promise.

Installing Wavetrain installs this plug-in (entry point `pytest11`). It imports nothing else of Wavetrain, and
does nothing for tests that never ask for a contract.
"""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

CHECKS = (
    "building",
    "cards",
    "company",
    "costs",
    "delivery",
    "lenses",
    "lessons",
    "maps",
    "memories",
    "precision",
    "rules",
    "sheets",
    "spiking",
    "tasks",
    "terms",
    "transforms",
)
pytest.register_assert_rewrite(*(f"wavetrain.testing.{name}" for name in CHECKS))


class Held(pytest.Collector):
    """A contract in a file of tests."""

    contract: Any

    def collect(self) -> Iterator[pytest.Item]:
        for promise in self.contract.promises:
            item = Kept.from_parent(self, name=promise.name)
            item.promise = promise
            yield item


class Kept(pytest.Item):
    """One promise of a contract, as a test."""

    promise: Any

    def runtest(self) -> None:
        self.promise.check()

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, f"{self.parent.name if self.parent else ''}: {self.name}"


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Held | None:
    """Collect a contract whose name begins with `test`; anything else is pytest's."""
    module = sys.modules.get("wavetrain.testing.contract")
    if module is None or not isinstance(obj, module.Contract) or not name.startswith("test"):
        return None
    held = Held.from_parent(collector, name=name)
    held.contract = obj
    return held
