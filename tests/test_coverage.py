"""The committed counts of what the tests reach, and their page."""

import tomllib
from pathlib import Path

import pytest

from extension import covered
from wavetrain.errors import BadInput
from wavetrain.evidence.files import write_json
from wavetrain.evidence.shape import written

ROOT = Path(__file__).resolve().parent.parent


def summary(lines: int, run: int, branches: int = 0, branches_run: int = 0) -> dict[str, dict[str, int]]:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches", "excluded_lines")
    return {"summary": dict(zip(names, (lines, run, branches, branches_run, 3), strict=True))}


REPORT = {
    "files": {
        "src/wavetrain/core/layer.py": summary(10, 9, 4, 2),
        "src/wavetrain/core/state.py": summary(10, 10),
        "/checkout/src/wavetrain/scan/cpu/wave.py": summary(6, 6),
        "src/wavetrain/find.py": summary(4, 1),
        "/elsewhere/copy/wavetrain/core/layer.py": summary(100, 0),
    }
}


def a_measurement() -> covered.Coverage:
    return covered.Coverage(
        version=covered.VERSION,
        date="2026-01-02",
        commit="0123456789ab",
        changed=False,
        tests="all tests",
        packages=covered.counted(REPORT),
    )


def test_files_are_counted_by_package_and_copies_are_not():
    packages = covered.counted(REPORT)
    assert list(packages) == ["(the package itself)", "core", "scan"]
    core = covered.Counts(lines=20, lines_run=19, branches=4, branches_run=2, kernels=6)
    assert packages["core"] == core and core.share == 21 / 24
    with pytest.raises(BadInput, match="no file under src/wavetrain"):
        covered.counted({"files": {"/elsewhere/copy/wavetrain/find.py": summary(1, 1)}})


def test_counts_are_read_as_they_are_written(tmp_path: Path):
    path = tmp_path / "coverage.json"
    assert covered.read(path) is None
    write_json(path, written(a_measurement()))
    assert covered.read(path) == a_measurement()
    write_json(path, written(a_measurement()) | {"version": 7})
    with pytest.raises(BadInput, match="version 7"):
        covered.read(path)


def test_the_page_says_how_much_and_when_or_that_it_is_not_known():
    page = covered.page(a_measurement())
    assert "On 2026-01-02, all tests reached **82.4%**" in page and "`0123456789ab`" in page
    assert "| `core` | 20 | 95.0% | 4 | 50.0% | 87.5% | 6 |" in page
    assert "| `scan` | 6 | 100.0% | 0 | none | 100.0% | 3 |" in page
    assert covered.ABSENT in covered.page(None)


def test_the_committed_counts_are_of_packages_that_there_are():
    found = covered.read()
    if found is not None:
        packages = {place.name for place in (ROOT / "src" / "wavetrain").iterdir() if place.is_dir()}
        assert {name for name in found.packages if name[0] != "("} <= packages


def test_what_is_left_out_is_compiled():
    """What is left out by its decorator is what Triton or numba compiles, by the names of `compiled.py`."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]
    assert settings["run"]["branch"] and settings["run"]["source"] == ["src/wavetrain"]
    (decorators,) = (one for one in settings["report"]["exclude_also"] if "@" in one)
    source = (ROOT / "src/wavetrain/scan/cpu/compiled.py").read_text(encoding="utf-8")
    *ours, triton = decorators.partition("(")[2].partition(")")[0].split("|")
    assert triton == r"triton\.jit"
    for name in ours:
        assert f"def {name}(function" in source
