"""The command on a copy of the package whose files are changed, as a person would change them."""

import inspect
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fresh import warm
from wavetrain import core, find

pytestmark = pytest.mark.slow

WAVE = find.named("wave_rnn").path.relative_to(find.ROOT)
COPYING = find.named("copying").path.relative_to(find.ROOT)
CORE = Path(inspect.getfile(core.accuracy)).relative_to(find.ROOT)
CLI = "wavetrain.cli"
RUN = ("wave_rnn_copy", "--scale", "smoke", "--seeds", "1")


def write(path: Path, content: bytes) -> None:
    """A file with a time of its own: Python knows what it compiled by size and second alone."""
    later = path.stat().st_mtime_ns + 2 * 10**9
    path.write_bytes(content)
    os.utime(path, ns=(later, later))


class Copy:
    """A copy of the package, and the command in a folder of its own."""

    def __init__(self, home: Path):
        self.home, self.root = home, home / "wavetrain"
        self.result = home / "runs" / "results" / "wave_rnn_copy-smoke.json"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return warm("-m", CLI, "run", *words, "--json", cwd=self.home, PYTHONPATH=str(self.home))

    def standing(self) -> tuple[int, str]:
        """The exit code of a replay, and what the only result then is."""
        done = self.command("--confirm")
        (one,) = json.loads(done.stdout)
        return done.returncode, one["standing"]

    def change(self, path: Path, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        write(self.root / path, text.replace(old, new, 1).encode())

    def runs(self) -> int:
        return len(list((self.home / "runs").glob("wave_rnn_copy-smoke-seed0-*")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """One result, and the code that measured it."""
    copy = Copy(tmp_path_factory.mktemp("copy"))
    half = shutil.ignore_patterns("*.tmp*", "*.pyc.*")  # what another process writes at this moment
    shutil.copytree(find.ROOT, copy.root, ignore=half)  # with what is compiled
    done = copy.command(*RUN)
    assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture
def copy(whole: Copy) -> Iterator[Copy]:
    """The same again for each test."""
    paths = (whole.result, *(whole.root / path for path in (WAVE, COPYING, CORE)))
    before = {path: path.read_bytes() for path in paths}
    yield whole
    for path, content in before.items():
        write(path, content)


def test_words_change_nothing(copy: Copy) -> None:
    before, runs = copy.result.read_bytes(), copy.runs()
    copy.change(WAVE, '"""', '"""Other words. ')
    copy.change(COPYING, "symbols = torch", "# a comment\n        symbols = torch")
    assert copy.standing() == (0, "confirmed")
    assert copy.result.read_bytes() == before
    assert copy.command(*RUN).returncode == 0
    assert copy.runs() == runs  # the old run was taken up


def test_other_code_that_does_the_same_is_confirmed(copy: Copy) -> None:
    copy.change(WAVE, "        return h, h\n", "        last = h\n        return h, last\n")
    assert copy.standing() == (0, "confirmed")
    result = json.loads(copy.result.read_text(encoding="utf-8"))
    assert result["confirmation"]["same"] and result["confirmation"]["code"] != result["code"]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (WAVE, "        return h, h\n", "        return 0.999 * h, h\n"),  # in `step`
        (COPYING, "torch.randint(1, 9,", "torch.randint(1, 8,"),
        (CORE, "def accuracy(", "def accuracy(output, y):\n    return 0.5\n\n\ndef _accuracy("),
    ],
    ids=["step", "sampler", "evaluation"],
)
def test_a_changed_constant_makes_the_result_stale(copy: Copy, path: Path, old: str, new: str) -> None:
    copy.change(path, old, new)
    assert copy.standing() == (1, "stale")  # it was confirmed before


def test_what_is_stale_is_run_again(copy: Copy) -> None:
    copy.change(COPYING, "torch.randint(1, 9,", "torch.randint(1, 7,")
    assert copy.standing() == (1, "stale")
    assert copy.standing() == (0, "stale")  # which is no news
    runs = copy.runs()
    done = copy.command("--stale")
    assert done.returncode == 0, done.stderr
    assert copy.runs() == runs + 1  # the old run was not taken up
    assert copy.standing() == (0, "confirmed")
