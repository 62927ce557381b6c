"""ETTh1: load and oil temperature of an electricity transformer, hourly; forecast the next days.

Zhou et al. 2021 (Informer), arXiv 2012.07436; 17,420 hours from July 2016, of which the customary split takes
12, 4 and 4 months of 30 days. Columns HUFL HULL MUFL MULL LUFL LULL (loads) and OT (oil temperature), each
standardised by the 12 months. The answer of a window lies inside one part, its past may reach into the part
before: 8,449, 2,785 and 2,785 windows at the customary 96 hours of past and 96 ahead. The score is the
customary mean squared error of standardised values; chance is that of the mean of the test part.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from wavetrain.core import Objective, Recorded
from wavetrain.data import _files
from wavetrain.data.series import _shared

FILE = _files.File(
    "etth1.csv.gz",
    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
    "zhouhaoyi/ETDataset",
    "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/ETTh1.csv",
)
MONTH = 30 * 24
ENDS = (12 * MONTH, 16 * MONTH, 20 * MONTH)

SQUARES = Objective("mean squared error", False, F.mse_loss, F.mse_loss)


def etth1(past: int = 96, ahead: int = 96) -> Recorded:
    """x (N, past, 7) and y (N, 7 ahead): the rows that follow, one after another.

    >>> from wavetrain.data import etth1
    >>> task = etth1(past=96, ahead=24)
    >>> task.train.x.shape, task.train.y.shape  # four days of seven columns, and the day that follows
    (torch.Size([8521, 96, 7]), torch.Size([8521, 168]))
    """
    table = np.loadtxt(
        _files.unzipped(*FILE.where()).decode().splitlines()[1:], delimiter=",", usecols=range(1, 8)
    )
    rows = torch.from_numpy(table)[: ENDS[2]]
    rows = _shared.standardised(rows, rows[: ENDS[0]])
    train, valid, test = _shared.forecasts(rows, 7, past, ahead, ENDS[:2])
    chance = float(test.y.double().var(0, unbiased=False).mean())
    return Recorded(train, valid, test, 7, 7 * ahead, False, False, SQUARES, chance)


def fetch() -> Path:
    """Download the table."""
    return _files.fetched(FILE)
