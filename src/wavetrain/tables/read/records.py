"""JSON and JSON lines as a table: a list of records, columns by name, or a record a line."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables import times
from wavetrain.tables.cells import decoded
from wavetrain.tables.digits import ID, TIMELIKE
from wavetrain.tables.read.frames import table_of_frame
from wavetrain.tables.read.table import Table

if TYPE_CHECKING:
    import pandas as pd


def table_of_json(content: bytes) -> Table:
    """The table of a text; numbers stay as they are written, so ids of any length are exact."""
    import pandas as pd

    frame = _frame(_held(decoded(content)))
    for name in frame.columns:
        kind = pd.api.types.infer_dtype(frame[name], skipna=True)
        if kind.startswith("mixed"):  # what lists and objects are among, too
            _check_plain(str(name), frame[name])
        elif kind == "floating" and not (TIMELIKE.fullmatch(str(name)) or ID.fullmatch(str(name))):
            frame[name] = frame[name].astype(np.float64)  # exact: whole numbers in it make it mixed
    return table_of_frame(frame)


def _check_plain(name: str, column: "pd.Series") -> None:
    for row, cell in enumerate(column):
        if isinstance(cell, list | dict):
            raise BadInput(f"record {row + 1}, {name}: expected a number or text, got {type(cell).__name__}")


def _held(text: str) -> Any:
    """What a text of JSON says, or the list of what its lines say."""
    try:
        held = json.loads(text)
    except json.JSONDecodeError as error:
        rows = [(place, line) for place, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(rows) < 2 or not all(line.lstrip()[:1] in ("{", "[") for _, line in rows[:2]):
            raise BadInput(f"line {error.lineno}: expected JSON, got {error.msg.lower()}") from error
        return [_parsed(place, line) for place, line in rows]
    if isinstance(held, dict) and not any(isinstance(one, list | dict) for one in held.values()):
        return [held]
    return held


def _parsed(place: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise BadInput(f"line {place}: expected JSON, got {error.msg.lower()}") from error


def _frame(held: Any) -> "pd.DataFrame":
    import pandas as pd

    if isinstance(held, dict) and {"columns", "data"} <= set(held):
        return pd.DataFrame(held["data"], columns=held["columns"], dtype=object)
    if isinstance(held, dict):
        lists = [one for one in held.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
        held = lists[0] if len(lists) == 1 else held
    if isinstance(held, list) and held and not isinstance(held[0], list | dict):
        held = {"y": held}
    try:
        frame = pd.DataFrame(held, dtype=object)
    except (ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"expected a list of records, or columns by name; {reason}") from error
    if (
        isinstance(held, dict)
        and len(frame.columns)
        and all(times.is_time(str(name)) for name in frame.columns)
    ):
        frame = frame.T  # a record for each time
    counted = [str(place) for place in range(len(frame))]
    return frame.reset_index(drop=True) if [str(name) for name in frame.index] == counted else frame
