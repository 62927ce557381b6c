"""Arrays as a panel: (steps,), (steps, columns) or (series, steps, columns)."""

from dataclasses import replace

import numpy as np

from wavetrain.errors import BadInput, unknown
from wavetrain.tables.panel import Panel, Series
from wavetrain.tables.read.asked import Asked

VALUES = ("values", "x", "X", "series", "data", "y")  # names under which the values are looked for
MOST = 1000  # columns, where there are fewer steps than that
AEON = "X"  # series, columns, steps: the order that aeon and sktime write


def panel_of(arrays: dict[str, np.ndarray], asked: Asked) -> Panel:
    """Of arrays by name: the values, and with them `lengths` of series and names of `columns`."""
    called = next((name for name in VALUES if name in arrays), next(iter(arrays)))
    values = arrays[called]
    if values.dtype.kind not in "iufb":
        raise BadInput(f"{called}: expected numbers, got {values.dtype}")
    if not 1 <= values.ndim <= 3 or not values.size:
        raise BadInput(
            f"{called}: expected (steps,), (steps, columns) or (series, steps, columns), got {values.shape}"
        )
    turned = called == AEON and values.ndim == 3
    if turned:
        values = values.swapaxes(1, 2)
    one = values.ndim < 3
    values = np.atleast_2d(values.T).T[None] if one else values
    values = values.astype(np.float64)
    if values.shape[2] > max(MOST, values.shape[1]):
        raise BadInput(
            f"{called}: expected steps before columns, got {arrays[called].shape}: turn it round, or cut it"
        )
    columns = _columns(arrays, values.shape[2])
    lengths = _lengths(arrays, len(values), values.shape[1])
    series = tuple(
        Series(name="" if one else str(place), values=rows[:length])
        for place, (rows, length) in enumerate(zip(values, lengths, strict=True))
    )
    for name in (*asked.time, *asked.id):
        raise BadInput(f"expected a table for a column {name!r} of times or ids, got arrays")
    for name in asked.measured:
        if name not in columns:
            raise unknown("column", name, columns)
    targets = asked.target or tuple(
        name for name in columns if name not in (*asked.known, *(asked.inputs or ()))
    )
    whole = Panel(columns=columns, series=series, targets=targets, known=asked.known)
    return replace(whole, said=_said(arrays, called, whole, turned))


def _columns(arrays: dict[str, np.ndarray], width: int) -> tuple[str, ...]:
    if "columns" in arrays:
        names = tuple(str(name) for name in arrays["columns"].ravel())
        if len(names) != width:
            raise BadInput(f"columns: expected {width} names, got {len(names)}")
        return names
    return ("y",) if width == 1 else tuple(f"y{place + 1}" for place in range(width))


def _lengths(arrays: dict[str, np.ndarray], count: int, longest: int) -> list[int]:
    if "lengths" not in arrays:
        return [longest] * count
    lengths = arrays["lengths"]
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise BadInput(f"lengths: expected {count} whole numbers, got {lengths.shape} of {lengths.dtype}")
    if (lengths < 1).any() or (lengths > longest).any():
        raise BadInput(f"lengths: expected 1 to {longest} steps, got {lengths.min()} to {lengths.max()}")
    return [int(length) for length in lengths]


def _said(arrays: dict[str, np.ndarray], called: str, whole: Panel, turned: bool) -> tuple[str, ...]:
    lengths = [len(one) for one in whole.series]
    steps = f"{min(lengths):,}" if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
    order = f"; {called} is read as (series, columns, steps)" if turned else ""
    missing = sum(int(np.isnan(one.values).sum()) for one in whole.series)
    rest = [name for name in arrays if name not in (called, "columns", "lengths")]
    return (
        f"forecast {', '.join(whole.targets[:6])}{', ...' * (len(whole.targets) > 6)}",
        f"{len(lengths):,} series of {steps} steps and {len(whole.columns):,} columns{order}",
        "no times: rows are numbered",
        f"missing cells: {missing:,}" if missing else "no cell is missing",
        *([f"left out: {', '.join(rest)}"] if rest else []),
    )
