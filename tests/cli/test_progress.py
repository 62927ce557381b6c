"""Progress in a terminal: what a bar says of a training, and that nothing is said elsewhere."""

import io
from typing import Any

import pytest
from rich.console import Console

from wavetrain.cli import progress as module
from wavetrain.cli.progress import _left, _short, progress
from wavetrain.train.lab import News


def news(step: int, steps: int, speed: float) -> News:
    return News("gru_copy-small-seed0-1a2b", "train", step, steps, 0.5, 0.25, speed)


@pytest.mark.parametrize(
    ("step", "steps", "speed", "left"),
    [
        (40, 100, 1.0, "1:00"),
        (41, 100, 1.0, "0:59"),
        (0, 100, 0.1, "16:40"),
        (99, 100, 3.0, "0:00"),  # begun seconds are not counted
        (0, 7, 2.0, "0:03"),
        (100, 100, 0.0, "0:00"),
        (0, 3, 0.0, "50000000:00"),  # nothing is known of the speed yet
    ],
)
def test_the_time_left_follows_from_the_speed(step: int, steps: int, speed: float, left: str) -> None:
    assert _left(news(step, steps, speed)) == left


def test_a_run_is_called_by_what_tells_it_apart() -> None:
    assert _short("gru_copy-small-seed0-1a2b3c4d") == "gru_copy-small-seed0"
    assert _short("compare-mine-1a2b3c4d-elman-seed0") == "elman"


class Bars:
    """In place of the bars on a screen."""

    def __init__(self, *columns: Any, console: Console, transient: bool):
        assert transient and len(columns) == 6
        self.told = list[Any]()
        Bars.last = self  # type: ignore[attr-defined]

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def add_task(self, name: str, **fields: Any) -> int:
        self.told.append((name, fields))
        return len(self.told) + 10

    def update(self, task: int, **fields: Any) -> None:
        self.told.append((task, fields))


def test_each_run_has_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Progress", Bars)
    fields = {"loss": 0.5, "score": 0.25, "speed": 2.0, "left": "0:45"}
    with progress(Console(file=io.StringIO(), force_terminal=True), quiet=False) as tell:
        tell(news(10, 100, 2.0))
        tell(news(10, 100, 2.0)._replace(name="again"))
    moved = {"completed": 10, "total": 100, **fields}
    assert Bars.last.told == [  # type: ignore[attr-defined]
        ("train", {"total": 100, "run": "gru_copy-small-seed0", **fields}),
        (11, {"description": "train", **moved}),
        (11, {"description": "again", **moved}),
    ]


@pytest.mark.parametrize(("terminal", "quiet"), [(True, True), (False, False), (False, True)])
def test_anywhere_else_it_is_quiet(terminal: bool, quiet: bool) -> None:
    file = io.StringIO()
    with progress(Console(file=file, force_terminal=terminal), quiet) as tell:
        tell(news(1, 2, 1.0))
    assert file.getvalue() == ""


def test_what_stands_on_the_screen() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, color_system=None)
    with progress(console, quiet=False) as tell:
        tell(news(10, 100, 2.4))
    text = " ".join(file.getvalue().split())
    assert "gru_copy-small-seed0 train" in text and "10/100 loss 0.5 score 0.250 2/s 0:37 left" in text
