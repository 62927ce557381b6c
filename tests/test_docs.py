"""What the documentation shows runs, and what it says of claims and members is there.

Every Python snippet runs; the pages of the tour run as they are pasted into a prompt, line by line.
"""

import code
import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.fresh import Warm, warm
from wavetrain import __version__, find
from wavetrain.evidence.result import read_all

ROOT = Path(__file__).resolve().parent.parent
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/anomalies.md",
        "docs/forecast.md",
        "docs/index.md",
        "docs/language_models.md",
        "docs/looking.md",
        "docs/sequences.md",
        "docs/spikes.md",
    ],
)
def test_snippets_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # a snippet may read the README
    snippets = SNIPPET.findall((ROOT / page).read_text(encoding="utf-8"))
    assert snippets
    names: dict[str, object] = {}
    for snippet in snippets:  # a page's snippets build on each other
        exec(compile(snippet, page, "exec"), names)


TOUR = sorted((ROOT / "docs" / "tour").glob("[0-9]*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("page", TOUR, ids=lambda page: page.stem)
def test_tour_can_be_pasted_into_python(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, as a prompt reads it: a block that lacks its blank line is an error there."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    monkeypatch.setattr(pyplot, "show", lambda: None)  # there is no screen here
    errors, console = io.StringIO(), code.InteractiveConsole()
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(errors):
        for line in page.read_text(encoding="utf-8").splitlines():
            console.push(line)
        console.push("")
    pyplot.close("all")
    assert not errors.getvalue()
    assert len(out.getvalue().splitlines()) > 1, "a page shows what it prints"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard
def test_the_snippet_on_trackers_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    (snippet,) = SNIPPET.findall((ROOT / "docs/loops.md").read_text(encoding="utf-8"))
    exec(compile(snippet, "docs/loops.md", "exec"), {})
    assert len(list((tmp_path / "runs/tensorboard/adding").iterdir())) == 1


def test_the_snippet_on_processes_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (snippet,) = SNIPPET.findall((ROOT / "docs/processes.md").read_text(encoding="utf-8"))
    exec(compile(snippet, "docs/processes.md", "exec"), {})
    assert (tmp_path / "runs/adding/checkpoints/gru.safetensors").exists()


LOOPS = sorted((ROOT / "docs" / "loops").glob("[0-9]*.py"))


@pytest.fixture(scope="module")
def loaded() -> Iterator[Warm]:
    """What the pages on loops import, once for all of them."""
    process = Warm(["torch", "lightning", "transformers.trainer", "accelerate"])
    yield process
    process.end()


@pytest.mark.slow
@pytest.mark.parametrize("page", LOOPS, ids=lambda page: page.stem)
def test_pages_on_loops_run_and_are_quiet(page: Path, loaded: Warm, tmp_path: Path) -> None:
    """In a process of their own: each changes what a process has, as its precision or its log."""
    code = "import runpy, sys, warnings; warnings.simplefilter('ignore', FutureWarning); "
    done = warm(
        "-c", code + "runpy.run_path(sys.argv[1], run_name='__main__')", str(page), cwd=tmp_path, by=loaded
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "True" in done.stdout and "False" not in done.stdout
    assert not any(tmp_path.iterdir()), "a page leaves files behind"


@pytest.mark.parametrize(("name", "pages"), [("tour", TOUR), ("loops", LOOPS)])
def test_a_gallery_lists_its_pages(name: str, pages: list[Path]) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(rf"\({name}/(\w+\.py)\)", text) == [page.name for page in pages]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_what_pages_name_is_there(page: Path) -> None:
    """Claims, members and figures that a page names by a role; a figure that is gone would stop the build."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\{(?:claim|verdict)\}`(\w+)`", text):
        find.named(name, ("experiments",))
    for name in re.findall(r"\{member\}`(\w+)`", text):
        find.named(name)
    for name, figure in re.findall(r"\{measured\}`(\w+) ([^`]+)`", text):
        result = (ROOT / "results" / f"{name}-small.json").read_text(encoding="utf-8")
        assert f'"{figure}":' in result, f"{name} has no figure {figure}"


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("links", ROOT / "docs" / "links.py")
    assert spec and spec.loader
    links = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(links)
    (tmp_path / "there.html").write_text('<p id="part">x</p>')
    good = '<a href="there.html#part">a</a> <a href="https://example.org/x">b</a> <a href="#">c</a>'
    bad = '<a href="gone.html">d</a> <img src="gone.png"> <a href="there.html#gone">e</a>'
    (tmp_path / "page.html").write_text(good + bad)
    found = links.broken(tmp_path)
    assert len(found) == 3 and all("gone" in line for line in found)


def test_first_lines_say_what_they_do() -> None:
    (snippet,) = SNIPPET.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    names: dict[str, torch.Tensor] = {}
    exec(snippet, names)
    torch.testing.assert_close(names["rest"], names["y"][:, 25:])
    assert names["past"].shape == (1, 50, 50)
    assert len(snippet.strip().splitlines()) <= 12


def test_commands_of_the_readme_exist() -> None:
    from wavetrain.cli.command import COMMANDS

    used = set(
        re.findall(r"^wavetrain (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert used <= set(COMMANDS)


def test_claims_table_is_up_to_date() -> None:
    readme = script("readme")
    results = read_all(ROOT / "results")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.renewed(text, results) == text, "run `make readme`"
    assert (ROOT / "results/README.md").read_text(encoding="utf-8") == readme.everything(results)


def test_the_readme_is_short_and_its_pictures_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    pictures = re.findall(r'(?:src="|!\[[^]]*\]\()([^")]+)', text)
    assert len(pictures) >= 11 and all((ROOT / path).is_file() for path in pictures)


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


def script(name: str) -> ModuleType:
    """A file of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_release_has_the_section_of_its_version() -> None:
    notes = script("release").notes
    text = "# Changelog\n\n## 0.2.0 (today)\n\n- new\n\n## 0.1.0\n\n### Old\n\n- first\n"
    assert notes(text, "0.2.0", "0.2.0") == "- new\n"
    assert notes(text, "0.1.0", "0.1.0") == "### Old\n\n- first\n"
    for version, packaged in (("0.2.0", "0.1.0"), ("0.3.0", "0.3.0")):
        with pytest.raises(SystemExit, match=r"0\.1\.0|no section"):
            notes(text, version, packaged)
    assert notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), __version__, __version__)


def test_workflows_call_what_the_makefile_has() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    workflows = list((ROOT / ".github/workflows").glob("*.yml"))
    called = {
        target
        for path in [*workflows, ROOT / ".ci/run"]
        for target in re.findall(r"\bmake ([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert {"test", "confirm", "check-memory", "docs", "release"} <= called <= targets


def test_the_readme_counts_the_systems_that_there_are() -> None:
    said = re.search(r"puts (\d+)\s+published systems", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert said and int(said[1]) == sum(one.kind in find.SYSTEMS for one in find.ours())


def test_a_sequence_on_two_processes_is_learned_as_on_one(tmp_path: Path) -> None:
    """The page on slices of time, with torchrun as it says."""
    page = (ROOT / "docs" / "slices_of_time.md").read_text(encoding="utf-8")
    (snippet,) = SNIPPET.findall(page)
    (tmp_path / "train.py").write_text(snippet)
    assert "torchrun --nproc-per-node 2 train.py" in page
    said = []
    for many in (1, 2):
        words = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(many), "train.py"]
        done = warm("-m", *words, cwd=tmp_path, OMP_NUM_THREADS="1")
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines())
    assert said[0] == said[1] and len(said[0]) == 10
    first, last = (float(said[0][place].rpartition(" ")[2]) for place in (0, -1))
    assert last < first / 2
