"""New York taxi passengers, a count for each half hour; forecast the next counts.

The file of the Numenta Anomaly Benchmark (Ahmad et al. 2017, Neurocomputing 262:134): 10,320 half hours from
July 2014 to January 2015, in three parts in time, 70/15/15. The file of a whole year, 17,520 half hours (Cui,
Ahmad and Hawkins 2016, arXiv 1512.05463): there the test part begins with record 10,000, from which on the
study scores, and the 2,000 records before it are to choose by. Counts are standardised by the training
part. The answer of a window lies inside one part; its past may reach into the part before. The study
forecasts 5 steps ahead and reads the time of day and the weekday beside the count: `clock`.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wavetrain.core import VALUES, Recorded
from wavetrain.data import _files
from wavetrain.data.series import _shared

HALF_YEAR = _files.File(
    "nyc_taxi.csv",
    "d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d",
    "numenta/NAB",
    "ea702d75cc2258d9d7dd35ca8e5e2539d71f3140/data/realKnownCause/nyc_taxi.csv",
)
YEAR = _files.File(
    "nyc_taxi_year.csv.gz",
    "092d957f5bb0d2cd62f85098ed2268114a47b4738a5f4b29ea6be4be7349fc4d",
    "numenta/htmresearch",
    "ea7f86eb6c575e5a749ce4411d1cd10b18da19a1/projects/sequence_prediction/continuous_sequence/data/"
    "nyc_taxi.csv",
)


def nyc_taxi(year: bool = False, past: int = 96, ahead: int = 5, clock: bool = False) -> Recorded:
    """x (N, past, 1), or (N, past, 3) with the clock, and y (N, ahead): the counts that follow.

    >>> from wavetrain.data import nyc_taxi
    >>> task = nyc_taxi(past=96, ahead=5)
    >>> task.train.x.shape, task.train.y.shape  # two days of half hours, and the five that follow
    (torch.Size([7124, 96, 1]), torch.Size([7124, 5]))
    """
    rows = counts(year)
    ends = (8_000, 10_000) if year else (round(0.7 * len(rows)), round(0.85 * len(rows)))
    rows = _shared.standardised(rows, rows[: ends[0]])[:, : 3 if clock else 1]
    train, valid, test = _shared.forecasts(rows, 1, past, ahead, ends)
    return Recorded(train, valid, test, rows.shape[1], ahead, False, False, VALUES, chance=0.0)


def counts(year: bool = False) -> Tensor:
    """Passengers, minutes since midnight and weekday from 0 (Monday), as they are: (N, 3), double."""
    lines = _files.unzipped(*(YEAR if year else HALF_YEAR).where()).decode().splitlines()[3 if year else 1 :]
    time, passengers = np.loadtxt(lines, delimiter=",", usecols=(0, 1), dtype=str, unpack=True)
    minute = time.astype("datetime64[m]").astype(np.int64)  # since 1970, which began on a Thursday
    day, minute = np.divmod(minute, 24 * 60)
    return torch.from_numpy(np.stack([passengers.astype(float), minute, (day + 3) % 7], 1))


def fetch() -> Path:
    """Download both files."""
    return _files.fetched(HALF_YEAR, YEAR)
