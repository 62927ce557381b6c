"""What is asked for by name, checked against the columns that are there."""

from collections.abc import Sequence
from typing import NamedTuple

from wavetrain.errors import BadInput, unknown
from wavetrain.tables.clock import Clock
from wavetrain.tables.form import Form

Names = str | Sequence[str]


class Earlier(NamedTuple):
    """How an earlier table of the same kind was read."""

    form: Form
    clock: Clock | None
    ahead: bool  # whether nothing but what is known ahead is asked for


class Asked(NamedTuple):
    """Names of columns; a role that is left open is empty, and `inputs` is None."""

    target: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    known: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # what else says that nothing was measured
    earlier: Earlier | None = None
    resample: str = ""  # the step that rows are brought to; empty where they stay as they are

    @property
    def measured(self) -> tuple[str, ...]:
        """All that are asked for as columns of a panel."""
        return (*self.target, *(self.inputs or ()), *self.known)

    def check(self, names: Sequence[str]) -> None:
        """Raise for a name that is no column, and for a column of two roles."""
        for name in (*self.time, *self.id, *self.measured):
            if name not in names:
                raise unknown("column", name, names)
        roles = {"times": self.time, "ids": self.id, "targets": self.target, "inputs": self.inputs or ()}
        roles["columns known ahead"] = self.known
        seen: dict[str, str] = {}
        for role, columns in roles.items():
            for name in columns:
                both = {seen.get(name, ""), role} == {"inputs", "columns known ahead"}
                if name in seen and not both:
                    raise BadInput(f"expected one role for {name}, got {seen[name]} and {role}")
                seen[name] = role
        if len(self.time) > 2:
            raise BadInput(
                f"expected a column of times, or of days and of clocks, got {', '.join(self.time)}"
            )


def named(names: Names | None) -> tuple[str, ...]:
    """One name or several as several.

    >>> from wavetrain.tables.read.asked import named
    >>> named("a"), named(["a", "b"]), named(None)
    (('a',), ('a', 'b'), ())
    """
    return () if names is None else (names,) if isinstance(names, str) else tuple(str(name) for name in names)
