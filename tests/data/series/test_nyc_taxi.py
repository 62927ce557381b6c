"""New York taxi: counts with their clock, windows in three parts, on files made up and on the real ones."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from wavetrain.data._files import folder
from wavetrain.data.series import nyc_taxi as module
from wavetrain.data.series.nyc_taxi import counts, nyc_taxi
from wavetrain.errors import BadInput


def times(count: int) -> list[str]:
    """Half hours from Tuesday, 1 July 2014."""
    first = np.datetime64("2014-07-01T00:00:00")
    return [str(first + np.timedelta64(30 * half, "m")).replace("T", " ") for half in range(count)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both files, with the number of the half hour as the count."""
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    half = "\n".join(["timestamp,value", *(f"{time},{n}" for n, time in enumerate(times(1000)))]).encode()
    year = "\n".join(
        ["a,b,c,d", "e,f,g,h", "T,,,", *(f"{time},{n},0,0" for n, time in enumerate(times(17520)))]
    )
    (tmp_path / "nyc_taxi.csv").write_bytes(half)
    (tmp_path / "nyc_taxi_year.csv.gz").write_bytes(gzip.compress(year.encode(), 1))
    for name, content in (("HALF_YEAR", half), ("YEAR", year.encode())):
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(module, name, getattr(module, name)._replace(sha256=digest))
    return tmp_path


def test_counts_and_clock(home: Path):
    rows = counts()
    assert rows.shape == (1000, 3) and rows.dtype == torch.float64
    assert torch.equal(rows[:, 0], torch.arange(1000.0, dtype=torch.float64))
    assert torch.equal(rows[:, 1], torch.arange(1000) % 48 * 30.0)
    assert torch.equal(rows[:, 2], (torch.arange(1000) // 48 + 1) % 7 * 1.0), "1 July 2014 was a Tuesday"


def test_parts_of_the_half_year(home: Path):
    task = nyc_taxi(past=10, ahead=3)
    mean, deviation = 699 / 2, np.arange(700).std()
    for part, first, end in (
        (task.train, 10, 700),
        (task.valid(), 700, 850),
        (task.test(), 850, 1000),
    ):
        number = part.y.double() * deviation + mean
        expected = torch.arange(first, end).unfold(0, 3, 1).double()
        torch.testing.assert_close(number, expected, rtol=1e-5, atol=1e-3)
        before = part.x[..., 0].double() * deviation + mean
        expected = torch.arange(first - 10, end - 3).unfold(0, 10, 1).double()
        torch.testing.assert_close(before, expected, rtol=1e-5, atol=1e-3)
    assert (task.inputs, task.outputs, task.every_step, task.chance) == (1, 3, False, 0)


def test_year_is_tested_from_record_10000_on(home: Path):
    task = nyc_taxi(year=True, past=10, ahead=5, clock=True)
    deviation, mean = np.arange(8000).std(), 7999 / 2
    assert task.inputs == 3 and task.test().x.shape == (7516, 10, 3) and task.test().y.shape == (7516, 5)
    first = [float(part.y[0, 0]) * deviation + mean for part in (task.valid(), task.test())]
    assert first == pytest.approx([8000, 10_000], abs=0.01)
    assert len(task.train.x[..., 1].unique()) == 48 and len(task.train.x[..., 2].unique()) == 7


def test_missing_is_refused(home: Path):
    (home / "nyc_taxi.csv").unlink()
    (home / "nyc_taxi_year.csv.gz").unlink()
    with pytest.raises(BadInput, match=r"nyc_taxi.csv is not in .*numenta/NAB"):
        nyc_taxi()
    with pytest.raises(BadInput, match=r"nyc_taxi_year.csv.gz is not in .*numenta/htmresearch"):
        nyc_taxi(year=True)


def test_windows_that_do_not_fit_are_refused(home: Path):
    with pytest.raises(BadInput, match="151 ahead"):
        nyc_taxi(ahead=151)
    assert len(nyc_taxi(ahead=150).test().y) == 1


def test_the_real_thing():
    try:
        half, year = counts(), counts(year=True)
    except BadInput as error:
        pytest.skip(str(error))
    assert half.shape == (10_320, 3) and year.shape == (17_520, 3)
    assert half[:3, 0].tolist() == [10844, 8127, 6210]
    lines = gzip.decompress((folder() / "nyc_taxi_year.csv.gz").read_bytes()).decode().splitlines()[3:]
    clock = np.loadtxt(lines, delimiter=",", usecols=(2, 3))
    assert np.array_equal(year[:, 1:].numpy(), clock), "the file's own columns say otherwise"
    task = nyc_taxi()
    assert [len(part.x) for part in (task.train, task.valid(), task.test())] == [7124, 1544, 1544]
    x, y = nyc_taxi(past=336).train
    ago = {half: float(task.objective.score(x[:, -half:, 0][:, :5], y)) for half in (24, 47, 48, 49, 336)}
    assert ago[24] < 0 < max(ago[47], ago[49]) < ago[48] < 0.9 < ago[336], "no days, or no weeks"
