"""The digest of the code behind a figure: what changes it, and what does not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence import code


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that a test may change."""
    root = tmp_path_factory.mktemp("copy") / "wavetrain"
    shutil.copytree(find.ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def changed(tree: Path) -> Callable[[str, str, str], bool]:
    """Whether the digest of copying by waves is another after a replacement in one file of the copy."""
    experiment = tree / "experiments" / "waves" / "wave_rnn_copy.py"

    def differs(name: str, old: str, new: str) -> bool:
        path, before = tree / name, code.digest([experiment], tree)
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        after = code.digest([experiment], tree)
        path.write_text(text, encoding="utf-8")
        assert code.digest([experiment], tree) == before
        return after != before

    return differs


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("layers/wave/wave_rnn.py", "def step(", "def other_step("),
        ("tasks/recall/copying.py", "torch.randint(", "2 + torch.randint("),
        ("train/fit.py", "index + 1", "index + 2"),
        ("experiments/waves/wave_rnn_copy.py", "= end.score", "= 2 * end.score"),
        ("experiments/waves/wave_rnn_copy.py", "steps=60_000", "steps=60_001"),
        ("experiments/waves/wave_rnn_copy.py", "def _learn(", "def _learn(more=1, *"),
        ("scan/cpu/wave.py", "range(", "range(0 + "),
        ("rules/backpropagation.py", "return ", "return 1 and "),
        ("core/task.py", "held_out: ClassVar[int] = 1000", "held_out: ClassVar[int] = 999"),
        ("core/task.py", "held_out: ClassVar[int] = 1000", "held_out: int = 1000"),
    ],
)
def test_what_is_executed_counts(
    changed: Callable[[str, str, str], bool], name: str, old: str, new: str
) -> None:
    assert changed(name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("layers/wave/wave_rnn.py", '"""', '"""Other words. '),
        ("layers/wave/wave_rnn.py", "x: Tensor", "x: object"),
        ("layers/wave/wave_rnn.py", "year=", "year=1 + "),
        ("core/layer.py", "\nclass Layer", "\n# a comment\n\n\nclass Layer"),
        ("experiments/waves/wave_rnn_copy.py", "claims import ", "claims import REPRODUCED, "),
        ("experiments/waves/wave_rnn_copy.py", "collections.abc import ", "collections.abc import Mapping, "),
        ("experiments/waves/wave_rnn_copy.py", "def _sooner(", "def _sooner(more=1, *"),
        ("experiments/waves/wave_rnn_copy.py", 'sentence="', 'sentence="Other words. '),
        ("report/pages.py", "def ", "def not_"),
        ("layers/gate/lstm.py", "def step(", "def other_step("),
        ("experiments/waves/wave_rnn_digits.py", "def run(", "def not_run("),
    ],
)
def test_words_and_other_systems_do_not(
    changed: Callable[[str, str, str], bool], name: str, old: str, new: str
) -> None:
    assert not changed(name, old, new)


def test_every_module_behind_a_figure_is_in_the_closure() -> None:
    """What an import inside a function brings in counts as well, and the packages that a module lies in."""
    names = {str(path.relative_to(code.ROOT)) for path in code.closure([find.named("wave_rnn_copy").path])}
    assert {
        "layers/wave/wave_rnn.py",
        "layers/__init__.py",
        "scan/cpu/wave.py",
        "tasks/recall/copying.py",
    } <= names
    assert {
        "train/lab.py",
        "train/fit.py",
        "parts/reader.py",
        "rules/backpropagation.py",
        "scan/wave.py",
    } <= names
    assert not any(name.startswith("report/") or "lstm" in name for name in names)


def test_a_new_file_that_is_imported_counts(tree: Path) -> None:
    one, two = tree / "experiments" / "one.py", tree / "experiments" / "two.py"
    one.write_text(
        "def run():\n    from wavetrain.experiments import two\n    return two.x\n", encoding="utf-8"
    )
    two.write_text("x = 1\n", encoding="utf-8")
    before = code.digest([one], tree)
    two.write_text("x = 2\n", encoding="utf-8")
    after = code.digest([one], tree)
    two.write_text("x = 1  # a comment\n", encoding="utf-8")
    assert before != after and code.digest([one], tree) == before


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package, with a module at each depth."""
    root = tmp_path / "mine"
    for name in ("", "a/", "a/b/", "layers/"):
        (root / name).mkdir(exist_ok=True, parents=True)
        (root / name / "__init__.py").write_text("")
    for name in ("top", "a/one", "a/b/two", "a/b/three", "layers/four", "errors"):
        (root / f"{name}.py").write_text("x = 1\n")
    return root


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("import mine", set()),
        ("import mine.top", {"top"}),
        ("from mine import top", {"top"}),
        ("from mine.top import x", {"top"}),
        ("import mine.a.b.two", {"a/__init__", "a/b/__init__", "a/b/two"}),
        ("from mine.a.b import two", {"a/__init__", "a/b/__init__", "a/b/two"}),
        ("from mine.a import b", {"a/__init__", "a/b/__init__"}),
        ("from mine.layers import WaveRNN", {"layers/__init__"}),  # no file of ours, wherever that lies
        ("from mine.errors import x", set()),
        ("import other, yours.top", set()),
    ],
)
def test_an_import_brings_its_file_and_the_packages_above(said: str, found: set[str], package: Path) -> None:
    path = package / "start.py"
    path.write_text(f"def run():\n    {said}\n")
    names = {str(one.relative_to(package)) for one in code.closure([path], package)}
    assert names == {f"{name}.py" for name in found} | {"start.py"}


def test_what_is_imported_from_a_kind_is_the_file_of_that_member(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from wavetrain.layers import WaveRNN\n")
    found = code.closure([path])
    assert find.named("wave_rnn").path in found and find.named("elman").path not in found
    path.write_text("import wavetrain as wt\n\nlayer = wt.layers.Elman(3)\n")
    code._imported.cache_clear()
    code._parsed.cache_clear()
    found = code.closure([path])
    assert find.named("elman").path in found and find.named("wave_rnn").path not in found


def test_a_file_of_ones_own_brings_those_beside_it(tmp_path: Path, package: Path) -> None:
    """Modules, what is taken from them, and those in folders; in the package there is no beside."""
    (tmp_path / "deep").mkdir()
    files = {"own": "import near\nfrom side import x\nfrom deep.er import x\n", "far": ""}
    for name, text in (files | dict.fromkeys(["near", "side", "deep/er", "deep/x", "deep"], "")).items():
        (tmp_path / f"{name}.py").write_text(text)
    found = code.closure([tmp_path / "own.py"], package)
    names = {str(one.relative_to(tmp_path)) for one in found}
    assert names == {"own.py", "near.py", "side.py", "deep/er.py"}
    (package / "start.py").write_text("import top\n")
    assert code.closure([package / "start.py"], package) == {package / "start.py"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1", "x = 2", False),
        ("x = 1", "x = True", False),
        ("x = 1", "x = 1.0", False),
        ("x = 'a'", "x = b'a'", False),
        ("x = u'a'", "x = 'a'", True),
        ("card = 1", "card = 2", True),
        ("claim = 1", "claim = 2", True),
        ("cards = 1", "cards = 2", False),
        ("x = card = 1", "x = card = 2", True),
        ("x: int = 1", "x: float = 1", True),
        ("class A:\n    x: int = 1", "class A:\n    x: ClassVar[int] = 1", False),
        ("def f() -> int: return 1", "def f(): return 1", True),
        ("def f(a: int): return a", "def f(a): return a", True),
        ("def f(a): return a", "def f(a, /): return a", False),
        ("import typing", "", False),  # what it does is not known
        ("from typing import Any", "", True),
        ("from typing_extensions import Any", "", False),
        ("from wavetrain.errors import BadInput", "", True),
        ("from wavetrain.report.draw import draw", "", True),
        ("from wavetrain import core", "", False),
        ("from wavetrain import core, scan", "from wavetrain import core\nfrom wavetrain import scan", False),
        ("from wavetrains.errors import x", "", False),
        ("from wavetrain.core import Layer", "", False),
        ("def f():\n    'a'\n    return 1", "def f():\n    return 1", True),
        ("def f():\n    g()\n    return 1", "def f():\n    return 1", False),
        ("def _f(): return 1", "", True),  # which only a claim may name
        ("def _f(): return 1\nclaim = _f", "claim = 1", True),
        ("def _f(): return _f()", "", True),
        ("def _f(): return 1\ndef _g(): return _f()", "", True),
        ("def _f(): return 1\nx = _f", "x = _f", False),
        ("def f(): return 1", "", False),
        ("def __f(): return 1", "", False),
        ("class _F: pass", "", False),
    ],
)
def test_what_a_digest_tells_apart(one: str, other: str, same: bool, tmp_path: Path) -> None:
    """Two files of one name in two folders."""
    digests = []
    for place, text in enumerate((one, other)):
        path = tmp_path / str(place) / "a.py"
        path.parent.mkdir()
        path.write_text(text + "\n")
        digests.append(code.digest([path]))
    assert (digests[0] == digests[1]) is same and len(digests[0]) == 16


def test_a_name_is_part_of_the_digest(package: Path) -> None:
    """The same text under another name is another module."""
    one = code.digest([package / "top.py"], package)
    assert one != code.digest([package / "a" / "one.py"], package)
    assert code.digest([package / "top.py", package / "a" / "one.py"], package) == code.digest(
        [package / "a" / "one.py", package / "top.py"], package
    )
