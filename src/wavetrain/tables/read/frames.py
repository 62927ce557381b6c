"""Frames of pandas, polars and xarray, and files of Parquet, as a table."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.read.table import Table, distinct

if TYPE_CHECKING:
    import pandas as pd


def table_of(source: Any) -> Table:
    """Of a frame, known by what it can do: nothing but pandas is imported."""
    import pandas as pd

    if isinstance(source, pd.Series):
        return table_of_frame(source.to_frame("y" if source.name is None else source.name))
    if isinstance(source, pd.DataFrame):
        return table_of_frame(source)
    if hasattr(source, "to_dataframe"):  # of xarray; an array needs a name
        unnamed = hasattr(source, "name") and source.name is None
        frame = source.to_dataframe(name="y") if unnamed else source.to_dataframe()
        return table_of_frame(frame)
    if hasattr(source, "collect") and not hasattr(source, "rows"):  # polars, lazy
        source = source.collect()
    if hasattr(source, "to_dict") and hasattr(source, "rows"):
        return table_of_columns(source.to_dict(as_series=False))
    if hasattr(source, "to_pandas") and hasattr(source, "column_names"):  # of Arrow, or of Hugging Face
        return table_of_frame(source.to_pandas())
    if hasattr(source, "to_list") and hasattr(source, "name"):  # one column of polars
        return table_of_columns({source.name or "y": source.to_list()})
    raise BadInput(f"expected a file, a frame or arrays, got {type(source).__name__}")


def table_of_frame(frame: "pd.DataFrame") -> Table:
    """Of a pandas frame, with its index where that is more than a count."""
    import pandas as pd

    if not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None):
        plain = frame.index.nlevels == 1 and frame.index.name is None
        stamps = isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)
        name = "time" if stamps else "index"
        while name in frame.columns:
            name += "_"
        frame = frame.reset_index(names=name) if plain else frame.reset_index()
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis([" ".join(map(str, name)) for name in frame.columns], axis=1)
    frame = frame.set_axis(distinct(list(frame.columns)), axis=1)
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
    return Table(frame, lambda row: row + 1)


def table_of_records(records: Sequence[dict[str, Any]]) -> Table:
    """Of records: what each row holds, by the names of columns."""
    import pandas as pd

    return table_of_frame(pd.DataFrame(list(records)))


def table_of_columns(columns: Mapping[str, Any]) -> Table:
    """Of columns by name: arrays, or lists of what Python has."""
    import pandas as pd

    series = {
        name: pd.Series(one) if isinstance(one, np.ndarray) else pd.Series(one, dtype=object).infer_objects()
        for name, one in columns.items()
    }
    return table_of_frame(pd.DataFrame(series))


def table_of_parquet(content: bytes) -> Table:
    """Of a file of Parquet."""
    import pandas as pd

    try:
        return table_of_frame(pd.read_parquet(io.BytesIO(content)))
    except ImportError as error:
        raise BadInput("Parquet needs pyarrow: pip install 'wavetrain[tables]'") from error
    except (ValueError, OSError) as error:
        raise BadInput(f"expected a whole file of Parquet, got {str(error).splitlines()[0]}") from error
