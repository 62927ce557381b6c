"""What is read: files, by their first bytes and their ending; standard input; frames and arrays."""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.cells import decoded
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import folders, frames, text
from wavetrain.tables.read.arrays import panel_of
from wavetrain.tables.read.asked import Asked
from wavetrain.tables.read.content import content_of, plain_name, unpacked
from wavetrain.tables.read.labelled import labelled, panel_of_labelled
from wavetrain.tables.read.records import table_of_json
from wavetrain.tables.read.spreadsheet import table_of_sheet
from wavetrain.tables.read.table import Table

TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat")
TABLES = (".parquet", ".pq", ".xlsx", ".xlsm", ".npz", ".npy")
RECORDS = (".json", ".jsonl", ".ndjson")
ENDINGS = (*TEXTS, *TABLES, *RECORDS, ".ts")  # of files that are read, besides .gz of each
MARKS = {b"PAR1": "parquet", b"\x93NUMPY": "npy", b"\xd0\xcf\x11\xe0": "xls"}  # that a file begins with


def found(source: Any, asked: Asked) -> Table | Panel:
    """The table of a source, or the panel of one that holds arrays."""
    if isinstance(source, str | Path):
        if str(source) == "-":
            return _read(unpacked(sys.stdin.buffer.read()), "", asked)
        if not str(source):
            raise BadInput("expected a file or a folder, got no name")
        path = Path(source)
        return _folder(path, asked) if path.is_dir() else _file(path, asked)
    if isinstance(source, np.ndarray):
        return panel_of({"values": source}, asked)
    if isinstance(source, dict):
        return _of_arrays({str(name): np.asarray(one) for name, one in source.items()}, asked)
    if isinstance(source, list | tuple) and source and isinstance(source[0], dict):
        return frames.table_of_records(source)
    if isinstance(source, list | tuple) or hasattr(source, "detach"):  # a tensor
        return panel_of({"values": _numbers(source)}, asked)
    return frames.table_of(source)


def _numbers(source: Any) -> np.ndarray:
    """A list of numbers, or a tensor, as an array."""
    try:
        return np.asarray(source.detach().cpu() if hasattr(source, "detach") else source)
    except ValueError as error:
        raise BadInput("expected numbers in a list, or rows of one length; got others") from error


def _folder(folder: Path, asked: Asked) -> Table | Panel:
    """What the files of a folder hold together."""
    if folders.is_saved(folder):
        return folders.saved(folder)
    parts: dict[str, Table | Panel] = {}
    for path in folders.files(folder, ENDINGS):
        try:
            parts[folders.named(path, folder)] = _read(content_of(path), plain_name(path), asked)
        except BadInput as error:
            raise BadInput(f"{path.relative_to(folder)}: {error}") from error
    return folders.joined(parts)


def _file(path: Path, asked: Asked) -> Table | Panel:
    """What one file holds; a series that is called by its file where earlier ones are."""
    read = _read(content_of(path), plain_name(path), asked)
    if (
        isinstance(read, Table)
        and asked.earlier
        and folders.FILE in asked.id
        and folders.FILE not in read.names
    ):
        return folders.joined({folders.named(path, path.parent): read})
    return read


def _read(content: bytes, name: str, asked: Asked) -> Table | Panel:
    if not content.strip():
        raise BadInput("the file is empty")
    kind = _kind(content, Path(name).suffix)
    if kind == "parquet":
        return frames.table_of_parquet(content)
    if kind == "xlsx":
        return table_of_sheet(content)
    if kind in ("npy", "npz"):
        return _of_arrays(_arrays(content), asked)
    if kind == "json":
        return table_of_json(content)
    if kind:
        raise BadInput(f"expected CSV, Parquet, Excel (.xlsx), JSON, NPZ or NPY, got a file of {kind}")
    if Path(name).suffix == ".ts":
        return panel_of_labelled(labelled(decoded(content)), asked)
    kept = (*asked.time, *asked.id)
    return text.table(content, kept, "\t" if Path(name).suffix in (".tsv", ".tab") else "")


def _kind(content: bytes, ending: str) -> str:
    """What a file holds; empty for text with delimiters."""
    for mark, kind in MARKS.items():
        if content.startswith(mark):
            return kind
    if content.startswith(b"PK"):
        try:
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        except zipfile.BadZipFile as error:
            raise BadInput(f"expected a whole file of Excel or NPZ, got a damaged one ({error})") from error
        excel = any(one.startswith("xl/") for one in names)
        return "xlsx" if excel else "npz" if any(one.endswith(".npy") for one in names) else "zip"
    if ending in TABLES:
        raise BadInput(f"expected a file of {ending[1:]}, got other bytes")
    if ending in (".xls", ".feather", ".h5", ".pkl"):
        raise BadInput(_strange(ending))
    if ending in RECORDS:
        return "json"
    return "json" if ending not in TEXTS and content.lstrip()[:1] in (b"{", b"[") else ""


def _strange(ending: str) -> str:
    return f"expected CSV, Parquet, Excel (.xlsx), JSON, NPZ or NPY, got a file of {ending[1:]}"


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    try:
        held = np.load(io.BytesIO(content), allow_pickle=False)
        return {"values": held} if isinstance(held, np.ndarray) else {name: held[name] for name in held.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"expected arrays of numbers, got {str(error).splitlines()[0]}") from error


def _of_arrays(arrays: dict[str, np.ndarray], asked: Asked) -> Table | Panel:
    """Columns by name where there are several of one length; else series."""
    if not arrays:
        raise BadInput("expected arrays, got none")
    lengths = {one.shape for one in arrays.values()}
    if len(arrays) > 1 and len(lengths) == 1 and len(next(iter(lengths))) == 1:
        return frames.table_of_columns(arrays)
    return panel_of(arrays, asked)
