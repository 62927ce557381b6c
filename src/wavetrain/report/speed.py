"""A table of speed, as columns for a terminal and for a page."""

from collections.abc import Iterable, Sequence

from wavetrain.evidence.speed import PLAIN, Row, Speed


def columns(one: Speed) -> dict[str, list[str]]:
    """A line for each recurrence and layer: times, shares of what the machine can do, others beside, errors.

    Forward stands before forward and backward.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in one.rows:
        groups.setdefault((row.name, row.built_on), []).append(row)
    lines = list(groups.values())
    found = {
        "": [_name(few[0]) for few in lines],
        "ms": [_both(f"{1e3 * row.seconds:.3g}" for row in few) for few in lines],
        "share": [_both(_share(row) for row in few) for few in lines],
        "of": [" ".join(dict.fromkeys(row.bound for row in few)) for few in lines],
        "plain\ntakes": [_both(_times(row, PLAIN) for row in few) for few in lines],
    }
    for other in dict.fromkeys(it.name for row in one.rows for it in row.beside if it.name != PLAIN):
        found[f"{other}\ntakes"] = [_both(_times(row, other) for row in few) for few in lines]
    errors = [[row.error for row in few if row.error is not None] for few in lines]
    found["error"] = [f"{max(each):.0e}" if each else "" for each in errors]
    found["route"] = [few[0].route for few in lines]
    return found


def lines(one: Speed) -> list[str]:
    """What holds for the whole table: what the machine can do, what is doubtful, what was left out."""
    here = one.environment
    threads = f"{here['threads']} thread{'s' * (here['threads'] != 1)}"
    can = f"copy {one.copy / 1e9:.1f} GB/s, large product {one.product / 1e9:.0f} GFLOP/s"
    versions = ", ".join(f"{name} {here[name]}" for name in ("torch", "numba", "wavetrain"))
    return [
        "forward stands before forward and backward; others: how many times as long they take",
        f"{here['hardware']}, {threads}, device {one.device}; {can}; {one.date} UTC",
        f"{versions}; programs that wanted a core before it began: {one.load:g}",
        *(f"* {row.name}, {row.does}: {row.doubt}" for row in rows_in_doubt(one)),
        *(f"left out: {why}" for why in one.skipped),
    ]


def shown(tables: Sequence[Speed]) -> list[tuple[Speed, dict[str, list[str]], list[str]]]:
    """Tables as a page shows them."""
    return [(one, columns(one), lines(one)) for one in tables]


def rows_in_doubt(one: Speed) -> list[Row]:
    """Those whose time is below what the machine can do."""
    return [row for row in one.rows if row.doubt]


def _name(row: Row) -> str:
    return f"{row.name} (on {row.built_on})" if row.built_on else row.name


def _share(row: Row) -> str:
    return "" if row.share is None else f"{100 * row.share:.0f}%{'*' if row.doubt else ''}"


def _times(row: Row, name: str) -> str:
    """How many times as long another takes."""
    found = next((one.times for one in row.beside if one.name == name), None)
    return "" if found is None else f"{found:.0f}x" if found >= 9.95 else f"{found:.1f}x"


def _both(words: Iterable[str]) -> str:
    """Of forward, and of forward and backward."""
    return ", ".join(word for word in words if word)
