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
