"""A table with a column for each year, as statistical offices write it: each row becomes a series.

Beside the years stand columns of text that say what a row is of: a country, a code, what is measured.
"""

from dataclasses import replace

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.digits import YEARS
from wavetrain.tables.read.numbers import is_missing
from wavetrain.tables.read.table import Table, distinct

FEWEST = 3  # columns of years


def by_year(table: Table) -> Table:
    """The same in rows: what a row is of, the year, and the value; a table of another kind as it is."""
    years = [name for name in table.names if name.isdecimal() and len(name) == 4]
    numbers = [int(name) for name in years]
    others = [name for name in table.names if name not in years]
    rising = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else False
    known = rising and len(years) >= FEWEST and YEARS[0] <= numbers[0] <= numbers[-1] <= YEARS[1]
    if not known:
        return table
    texts = [name for name in others if not all(map(is_missing, table.texts(name)))]
    if not texts or any(table.frame[name].dtype.kind in "iufbM" for name in texts):
        return table
    if any(times.is_time(str(table.texts(name)[0])) for name in texts):
        return table
    keys = _telling(table, texts)
    frame = table.frame[[*keys, *years]].astype({name: "str" for name in keys})
    year, value = distinct([*keys, "year", "value"])[-2:]
    long = frame.melt(id_vars=keys, value_vars=years, var_name=year, value_name=value)
    count = len(frame)
    if len(keys) > 1:
        long.insert(0, "id", long[keys].agg(" / ".join, axis=1))
    else:
        long = long.rename(columns={keys[0]: "id"})
    long = long[["id", year, value]]
    return replace(table, frame=long, line=lambda row: table.line(row % count), raw=None, file="", points=())


def _telling(table: Table, names: list[str]) -> list[str]:
    """The first column in which each row says something else, or all that do together."""
    for name in names:
        cells = table.texts(name)
        if len(set(cells)) == len(cells):
            return [name]
    whole = ["\0".join(row) for row in zip(*(table.texts(name) for name in names), strict=True)]
    if len(set(whole)) < len(whole):
        raise BadInput(
            f"expected rows that differ in {', '.join(names)}, for a column for each year; some are alike"
        )
    return names
