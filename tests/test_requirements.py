"""What pyproject.toml asks for is what is pinned, tried and promised elsewhere."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHECK = (ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8")


def pins(file: str) -> dict[str, str]:
    """The versions that a file of requirements pins, by the names of packages."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    return {_name(name): version for name, version in (one.split("==") for one in wanted if one)}


def _name(package: str) -> str:
    """As package indices compare names."""
    return re.sub(r"[-_.]+", "-", package).lower()


def bounds(requirements: list[str]) -> dict[str, str]:
    bare = [one.partition(";")[0] for one in requirements]
    return {_name(name): bound for name, bound in (one.split(">=") for one in bare)}


def test_the_lowest_versions_are_the_declared_lower_bounds():
    asked = bounds([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
    lowest = pins("lowest.txt")
    assert lowest.pop("torch") == pins("constraints.txt")["torch"], "torch's lower bound is not tried"
    del asked["torch"]
    assert lowest == asked


def test_every_direct_dependency_is_pinned():
    extras = PROJECT["optional-dependencies"]
    asked = bounds([*PROJECT["dependencies"], *(one for name in ("test", "docs") for one in extras[name])])
    assert asked.keys() <= pins("constraints.txt").keys()


def test_the_workflow_tries_every_python_that_is_promised():
    (matrix,) = re.findall(r"python: \[(.*)\]", CHECK)
    tried = re.findall(r'"([\d.]+)"', matrix)
    lowest = PROJECT["requires-python"].removeprefix(">=")
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert lowest in promised and set(promised) <= set(tried)
    assert tried == ["3.11", "3.12", "3.13"]
