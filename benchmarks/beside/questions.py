"""What is asked of every library: tables to forecast, and sequences to tell apart.

Tables are split in time as `wavetrain compare` splits them: the last 15 % of the rows are tested. Sequences
have the split of the archive that they come from. ETTh1, the taxis and the sequences are files in
`$WAVETRAIN_DATA`; the five other tables come with statsmodels.
"""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wavetrain.errors import BadInput
from wavetrain.run import own
from wavetrain.tables.panel import Panel
from wavetrain.tables.read import read
from wavetrain.tables.rolling import origins
from wavetrain.tables.split import Split, in_time
from wavetrain.tables.windows import usual_context

WINDOWS = 200  # of a table that are scored at most, evenly spread
SEQUENCES = {  # by name, the file
    "ACSF1": "ucr_acsf1",
    "AtrialFibrillation": "uea_atrial_fibrillation",
    "BasicMotions": "uea_basic_motions",
    "Epilepsy": "uea_epilepsy",
    "ERing": "uea_ering",
    "JapaneseVowels": "uea_japanese_vowels",
    "RacketSports": "uea_racket_sports",
    "StandWalkJump": "uea_stand_walk_jump",
}


@dataclass(frozen=True, eq=False)
class Table:
    """A series to forecast."""

    name: str
    what: str
    horizon: int
    season: int
    split: Split

    @property
    def past(self) -> Panel:
        """What is learned from."""
        return self.split.past

    @property
    def context(self) -> int:
        """Rows that each forecast reads."""
        return usual_context(self.season)

    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """The series and the first rows of the forecasts that are scored."""
        return origins(self.split.test, self.split.firsts, self.horizon, most=WINDOWS)

    def write(self, path: Path) -> None:
        """Hand it over to another process."""
        (whole,) = self.split.test.series
        (first,) = self.split.firsts
        rows = self.windows()[1]
        np.savez(
            path, values=whole.values, first=first, rows=rows, horizon=self.horizon, context=self.context
        )


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences (N, T, C) with a label each; NaN behind the end of a shorter one."""

    name: str
    what: str
    train: np.ndarray
    train_label: np.ndarray
    test: np.ndarray
    test_label: np.ndarray

    def write(self, path: Path) -> None:
        """Hand it over to another process, without the answers."""
        np.savez(path, train=self.train, train_label=self.train_label, test=self.test)


def named(name: str) -> Table | Sequences:
    """A question by name."""
    if name in TABLES:
        return _table(name)
    if name in SEQUENCES:
        return _sequences(name)
    raise BadInput(f"expected one of {', '.join((*TABLES, *SEQUENCES))}, got {name!r}")


def folder() -> Path:
    """Where files of data lie."""
    if not (found := os.environ.get("WAVETRAIN_DATA")):
        raise BadInput("expected $WAVETRAIN_DATA to name the folder of the data")
    return Path(found)


def _table(name: str) -> Table:
    frame, horizon = TABLES[name]
    whole = read(frame(), target="value", time="time")
    split = in_time(whole, horizon)
    rows = len(whole.series[0])
    what = f"{rows:,} rows, {horizon} ahead"
    return Table(name, what, horizon, own.season(split.past, horizon), split)


def _sequences(name: str) -> Sequences:
    with np.load(folder() / f"{SEQUENCES[name]}.npz", allow_pickle=False) as file:
        parts = [file[key] for key in ("train", "train_label", "test", "test_label")]
    train, _, test, _ = parts
    classes = len(np.unique(parts[1]))
    what = (
        f"{len(train)} and {len(test)} sequences of {train.shape[1]} steps, "
        f"{train.shape[2]} channel{'s' * (train.shape[2] > 1)}, {classes} classes"
    )
    return Sequences(name, what, *parts)


def _etth1() -> pd.DataFrame:
    rows = pd.read_csv(folder() / "etth1.csv.gz")
    return pd.DataFrame({"time": rows["date"], "value": rows["OT"]})


def _taxi() -> pd.DataFrame:
    return pd.read_csv(folder() / "nyc_taxi.csv").rename(columns={"timestamp": "time"})


def _bundled(name: str) -> pd.DataFrame:
    found: pd.DataFrame = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data
    return found


def _dated(times: pd.Index | pd.Series, values: pd.Series) -> pd.DataFrame:
    days = pd.DatetimeIndex(times).strftime("%Y-%m-%d")
    return pd.DataFrame({"time": days, "value": np.asarray(values, float)})


def _elec_equip() -> pd.DataFrame:
    rows = _bundled("elec_equip")
    return _dated(rows.index, rows.iloc[:, 0])


def _co2() -> pd.DataFrame:
    months = _bundled("co2")["co2"].resample("MS").mean().ffill()
    return _dated(months.index, months)


def _sunspots() -> pd.DataFrame:
    rows = _bundled("sunspots")
    return _dated(pd.to_datetime(rows["YEAR"].astype(int).astype(str), format="%Y"), rows["SUNACTIVITY"])


def _unemployment() -> pd.DataFrame:
    rows = _bundled("macrodata").astype({"year": int, "quarter": int})
    months = pd.DataFrame({"year": rows["year"], "month": 3 * rows["quarter"] - 2, "day": 1})
    return _dated(pd.to_datetime(months), rows["unemp"])


def _nile() -> pd.DataFrame:
    rows = _bundled("nile")
    return _dated(pd.to_datetime(rows["year"].astype(int).astype(str), format="%Y"), rows["volume"])


TABLES: dict[str, tuple[Callable[[], pd.DataFrame], int]] = {  # by name, the rows, and how many ahead
    "Nile, a year": (_nile, 5),
    "US unemployment, a quarter": (_unemployment, 4),
    "Electrical equipment, a month": (_elec_equip, 12),
    "Sunspots, a year": (_sunspots, 11),
    "CO2, a month": (_co2, 12),
    "NYC taxi, half an hour": (_taxi, 48),
    "ETTh1 oil temperature, an hour": (_etth1, 24),
}
