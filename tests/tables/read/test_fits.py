"""A text that does not fit into memory is refused in one line, before it is taken apart."""

import os
from pathlib import Path

import pytest

from wavetrain.errors import BadInput
from wavetrain.tables.read import fits, read

TOLD = "MemTotal: 400000 kB\nMemAvailable: {} kB\nHugePages_Total: 0\n"


def machine(kilobytes: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has so much left."""
    (folder / "meminfo").write_text(TOLD.format(kilobytes), encoding="ascii")
    monkeypatch.setattr(fits, "MEMORY", folder / "meminfo")


@pytest.mark.parametrize("kilobytes, fits_in", [(9 * 2**17, True), (9 * 2**17 - 1, False)])
def test_nine_bytes_are_needed_for_each(
    kilobytes: int, fits_in: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    machine(kilobytes, tmp_path, monkeypatch)
    assert fits.free() == 1024 * kilobytes
    if fits_in:
        fits.check_fits(2**27)
    else:
        with pytest.raises(
            BadInput, match=r"^0\.1 GiB of text take about 1\.1 GiB of memory to read, and 1\.1 "
        ):
            fits.check_fits(2**27)


def test_small_texts_are_read_whatever_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    machine(1, tmp_path, monkeypatch)
    fits.check_fits(fits.SMALL)
    with pytest.raises(BadInput, match="GiB are free; leave out rows or columns, or write it as Parquet"):
        fits.check_fits(fits.SMALL + 1)


def test_a_file_is_refused_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    machine(1, tmp_path, monkeypatch)
    monkeypatch.setattr(fits, "SMALL", 10)
    (tmp_path / "large.csv").write_text("a,b\n" + 40 * "1,2\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"large\.csv: 0\.0 GiB of text take"):
        read(tmp_path / "large.csv")


def test_a_machine_that_tells_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Old kernels have no MemAvailable, other systems no such file; Windows tells nothing here."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    (tmp_path / "meminfo").write_text("MemTotal: 400 kB\n", encoding="ascii")
    for place in (tmp_path / "meminfo", tmp_path / "none"):
        monkeypatch.setattr(fits, "MEMORY", place)
        assert fits.free() == whole
    monkeypatch.delattr(os, "sysconf")
    assert fits.free() is None
    fits.check_fits(10**18)
