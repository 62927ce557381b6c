"""Live progress of trainings in a terminal: loss, score, speed, time left. Quiet anywhere else."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

if TYPE_CHECKING:
    from wavetrain.train.lab import News


@contextlib.contextmanager
def progress(console: Console, quiet: bool) -> "Iterator[Callable[[News], None]]":
    """Inside, each piece of news moves the bar of its run."""
    if quiet or not console.is_terminal:
        yield lambda news: None
        return
    columns = (
        TextColumn("{task.fields[run]}", style="bold", markup=False),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("loss {task.fields[loss]:.4g}  score {task.fields[score]:.3f}"),
        TextColumn("{task.fields[speed]:.0f}/s  {task.fields[left]} left"),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        known: dict[str, TaskID] = {}

        def tell(news: "News") -> None:
            fields: dict[str, Any] = {"loss": news.loss, "score": news.score}
            fields |= {"speed": news.speed, "left": _left(news)}
            if news.run not in known:
                known[news.run] = bars.add_task(news.name, total=news.steps, run=_short(news.run), **fields)
            bars.update(
                known[news.run], description=news.name, completed=news.step, total=news.steps, **fields
            )

        yield tell


def _short(run: str) -> str:
    """A run's folder name without its digest; of a comparison, the layer alone."""
    short = run.rpartition("-")[0]
    return short.rpartition("-")[2] if run.startswith("compare-") else short


def _left(news: "News") -> str:
    """Time to the end of this training at its present speed; it may stop sooner."""
    seconds = int((news.steps - news.step) / max(news.speed, 1e-9))
    return f"{seconds // 60}:{seconds % 60:02d}"
