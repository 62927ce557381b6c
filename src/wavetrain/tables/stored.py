"""A panel as one file of arrays, for other processes to read; nothing is pickled."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from wavetrain.tables.clock import Clock
from wavetrain.tables.form import form_of
from wavetrain.tables.panel import Panel, Series


def write(panel: Panel, path: Path) -> None:
    """Write a panel, whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    for place, one in enumerate(panel.series):
        arrays[f"values {place}"] = one.values
        if one.times is not None:
            arrays[f"times {place}"] = one.times
    words = {
        "names": [one.name for one in panel.series],
        "columns": panel.columns,
        "targets": panel.targets,
        "known": panel.known,
        "clock": None if panel.clock is None else dataclasses.asdict(panel.clock),
        "said": panel.said,
        "doubts": panel.doubts,
        "form": None if panel.form is None else dataclasses.asdict(panel.form),
    }
    arrays["words"] = np.array(json.dumps(words))
    part = path.with_name(f"{path.stem}.part.npz")
    np.savez(part, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def read(path: Path) -> Panel:
    """What `write` wrote.

    >>> import tempfile
    >>> from wavetrain.tables import stored
    >>> from wavetrain.tables.panel import panel
    >>> path = Path(tempfile.mkdtemp()) / "mine.npz"
    >>> stored.write(panel([1.0, 2.0]), path)
    >>> stored.read(path).series[0].values.ravel().tolist()
    [1.0, 2.0]
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    words = json.loads(str(arrays["words"]))
    series = tuple(
        Series(name=name, values=arrays[f"values {place}"], times=arrays.get(f"times {place}"))
        for place, name in enumerate(words["names"])
    )
    return Panel(
        columns=tuple(words["columns"]),
        series=series,
        targets=tuple(words["targets"]),
        known=tuple(words["known"]),
        clock=None if words["clock"] is None else Clock(**words["clock"]),
        said=tuple(words["said"]),
        doubts=tuple(words["doubts"]),
        form=None if words["form"] is None else form_of(words["form"]),
    )
