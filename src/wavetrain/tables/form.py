"""How a table writes a panel, so that a later table of the same kind is read in the same way."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Form:
    """The columns of a table that a panel is read from. Which are targets or known ahead, the panel says.

    >>> from wavetrain.tables.form import Form
    >>> Form(columns=("sold", "day"), levels={"day": ("Mon", "Tue")}).parts("day")
    ('day=Mon', 'day=Tue')
    """

    columns: tuple[str, ...]  # that are measured
    time: tuple[str, ...] = ()  # that say when a row is
    id: tuple[str, ...] = ()  # that tell series apart
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of each column of text
    commas: tuple[str, ...] = ()  # columns whose decimals are written with a comma
    missing: tuple[str, ...] = ()  # what else says that nothing was measured
    step: float = 0.0  # of a column that numbers the rows; 0 where there is none, or it is uneven
    resample: str = ""  # the step that rows are brought to
    left_out: dict[str, str] = field(default_factory=dict)  # other columns, and why

    def parts(self, name: str) -> tuple[str, ...]:
        """The columns of the panel that come from one of the table."""
        return tuple(f"{name}={level}" for level in self.levels[name]) if name in self.levels else (name,)


def form_of(words: dict[str, Any]) -> Form:
    """A form from the JSON of its fields.

    >>> import dataclasses, json
    >>> from wavetrain.tables.form import Form, form_of
    >>> form = Form(columns=("sold",), levels={"day": ("Mon", "Tue")})
    >>> form_of(json.loads(json.dumps(dataclasses.asdict(form)))) == form
    True
    """
    lists = {name: tuple(words[name]) for name in ("columns", "time", "id", "commas", "missing")}
    levels = {name: tuple(levels) for name, levels in words["levels"].items()}
    return Form(**{**words, **lists, "levels": levels})
