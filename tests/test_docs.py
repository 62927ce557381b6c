"""Every Python snippet of the README and the tour runs, and the generated table is the results' table."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch

from wavetrain import find

ROOT = Path(__file__).resolve().parent.parent
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/tour.md", "docs/language_models.md"])
def test_snippets_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # a snippet may read the README
    snippets = SNIPPET.findall((ROOT / page).read_text(encoding="utf-8"))
    assert snippets
    names: dict[str, object] = {}
    for snippet in snippets:  # a page's snippets build on each other
        exec(compile(snippet, page, "exec"), names)


def test_first_lines_say_what_they_do() -> None:
    (snippet,) = SNIPPET.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    names: dict[str, torch.Tensor] = {}
    exec(snippet, names)
    torch.testing.assert_close(names["rest"], names["y"][:, 25:])
    assert names["past"].shape == (1, 50, 50)
    assert len(snippet.strip().splitlines()) <= 12


def test_commands_of_the_readme_exist() -> None:
    from wavetrain.cli import COMMANDS

    used = set(
        re.findall(r"^wavetrain (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert used <= set(COMMANDS)


def test_claims_table_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "docs" / "readme.py")
    assert spec and spec.loader
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.renewed(text) == text, "run `make readme`"


def test_the_tree_names_what_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "wavetrain"
    for path in source.iterdir():
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists():
            name = path.name if path.suffix else f"{path.name}/"
            assert name in text, f"the README's tree does not name {name}"


def test_the_table_of_precision_has_every_layer_within_its_bound() -> None:
    lines = (ROOT / "docs/precision.md").read_text(encoding="utf-8").splitlines()
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    figures = {name: [float(part) for part in rest] for name, *rest in rows[1:]}
    layers = {found.name: found.load() for found in find.members("layers")}
    assert set(figures) == set(layers), "run benchmarks/precision.py"
    for name, (bound, rounded, low, *_) in figures.items():
        assert bound == layers[name].roundings, f"{name}: run benchmarks/precision.py"
        assert low <= bound * rounded, f"{name} is further from float64 than it states"
