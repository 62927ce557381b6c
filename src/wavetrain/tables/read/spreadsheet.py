"""The first sheet of an Excel file that holds anything, as a table."""

import io
import zipfile

from wavetrain.errors import BadInput
from wavetrain.tables.read.layout import layout
from wavetrain.tables.read.table import Table, texts

HEAD = 200  # rows in which the layout is looked for


def table_of_sheet(content: bytes) -> Table:
    """The table of a sheet; numbers, dates and text keep the kind that they have there."""
    import pandas as pd

    try:
        sheets = pd.read_excel(
            io.BytesIO(content),
            sheet_name=None,
            header=None,
            dtype=object,
            engine="openpyxl",
            keep_default_na=False,
            na_values=[""],
        )
    except ImportError as error:
        raise BadInput("Excel needs openpyxl: pip install 'wavetrain[tables]'") from error
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise BadInput(f"expected a whole file of Excel, got {str(error).splitlines()[0]}") from error
    grid = next((sheet for sheet in sheets.values() if sheet.notna().any(axis=None)), None)
    if grid is None:
        raise BadInput("expected a sheet with cells, got empty ones")
    grid = grid.dropna(axis=1, how="all").dropna(axis=0, how="all")
    head = grid.iloc[:HEAD]
    cells = list(zip(*(texts(head[name]).tolist() for name in head.columns), strict=True))
    found = layout(cells)
    rows = grid.iloc[found.first :].set_axis(found.names, axis=1)
    lines = rows.index.to_numpy() + 1
    whole = rows.reset_index(drop=True)
    return Table(
        whole.infer_objects(),
        lambda row: int(lines[row]),
        spreadsheet=True,
        raw=lambda name: whole[name],
        units=found.units,
    )
