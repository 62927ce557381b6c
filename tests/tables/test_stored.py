"""A panel in a file is the same panel."""

from pathlib import Path

import numpy as np
import pandas as pd

from wavetrain.tables import stored
from wavetrain.tables.panel import panel
from wavetrain.tables.read import read


def test_all_comes_back(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "day": [*pd.date_range("2024-01-01", periods=4).astype(str)] * 2,
            "shop": ["007"] * 4 + ["7"] * 4,
            "sold": [1.0, 2, np.nan, 4, 5, 6, 7, 8.5],
            "holiday": [0, 1] * 4,
        }
    )
    whole = read(frame, target="sold", known="holiday", id="shop")
    stored.write(whole, tmp_path / "mine.npz")
    again = stored.read(tmp_path / "mine.npz")
    assert {**vars(again), "series": 0} == {**vars(whole), "series": 0}
    for one, two in zip(again.series, whole.series, strict=True):
        assert one.name == two.name and one.times.tolist() == two.times.tolist()
        np.testing.assert_array_equal(one.values, two.values)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]


def test_series_without_times(tmp_path: Path):
    stored.write(panel([np.arange(3.0), np.arange(5.0)]), tmp_path / "mine.npz")
    again = stored.read(tmp_path / "mine.npz")
    assert [len(one) for one in again.series] == [3, 5]
    assert again.clock is None and again.series[0].times is None
