"""A table of speed, as columns for a terminal and for a page."""

from collections.abc import Sequence

from wavetrain.evidence.speed import Row, Speed


def columns(one: Speed) -> dict[str, list[str]]:
    """Names, times, shares of what the machine can do, others beside, errors."""
    rows = one.rows
    return {
        "": [_name(row) for row in rows],
        "does": [row.does for row in rows],
        "ms": [f"{1e3 * row.seconds:.3g}" for row in rows],
        "share": [_share(row) for row in rows],
        "others take": [", ".join(f"{it.name} {it.times:.2g}x" for it in row.beside) for row in rows],
        "error": ["" if row.error is None else f"{row.error:.0e}" for row in rows],
        "route": [row.route for row in rows],
    }


def lines(one: Speed) -> list[str]:
    """What holds for the whole table: what the machine can do, what is doubtful, what was left out."""
    here = one.environment
    threads = f"{here['threads']} thread{'s' * (here['threads'] != 1)}"
    can = f"copy {one.copy / 1e9:.1f} GB/s, large product {one.product / 1e9:.0f} GFLOP/s"
    versions = ", ".join(f"{name} {here[name]}" for name in ("torch", "numba", "wavetrain"))
    return [
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
    if row.share is None:
        return ""
    return f"{100 * row.share:.0f}% of {row.bound}{'*' if row.doubt else ''}"
