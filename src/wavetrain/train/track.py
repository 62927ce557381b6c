"""What trainings tell on their way, for TensorBoard, for Weights & Biases, or for a tracker of one's own.

A `Tracker` takes single numbers. `tracked` opens one for each run and hands on what the news of its trainings
say: `NAME/loss`, `NAME/score` and `NAME/speed` at each look. It takes news and passes them on, so it goes
wherever news are told: `Lab(folder, seed, tell=...)`, `run_all`, `compare_layers`. With several processes the
trackers live in the first, which all news reach.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from wavetrain.errors import BadInput
from wavetrain.train.lab import News

PROJECT = "wavetrain"
SCALARS = ("loss", "score", "speed")  # of the news


class Tracker(Protocol):
    """Where the numbers of one run go."""

    def scalar(self, name: str, value: float, step: int) -> None:
        """A number of a training, NAME/WHAT, after a step of it."""

    def close(self) -> None:
        """The run is over: what was said is written."""


@contextmanager
def tracked(
    begin: Callable[[str], Tracker], tell: Callable[[News], None]
) -> Iterator[Callable[[News], None]]:
    """Inside, a function that tells news to the tracker of their run, and then to `tell`.

    `begin` opens the tracker of a run by its name; all are closed at the end.

    >>> from wavetrain.train.lab import News
    >>> from wavetrain.train.track import tracked
    >>> class Printed:
    ...     def scalar(self, name, value, step):
    ...         print(step, name, value)
    ...     def close(self):
    ...         print("over")
    >>> with tracked(lambda run: Printed(), lambda news: None) as tell:
    ...     tell(News("copying-0", "gru", step=100, steps=300, loss=1.5, score=0.25, speed=80.0))
    100 gru/loss 1.5
    100 gru/score 0.25
    100 gru/speed 80.0
    over
    """
    with ExitStack() as stack:
        open_ones: dict[str, Tracker] = {}

        def hand_on(news: News) -> None:
            if news.run not in open_ones:
                open_ones[news.run] = stack.enter_context(closing(begin(news.run)))
            for what in SCALARS:
                open_ones[news.run].scalar(f"{news.name}/{what}", getattr(news, what), news.step)
            tell(news)

        yield hand_on


class TensorBoard:
    """Event files of TensorBoard, a folder for each run; `tensorboard --logdir FOLDER` shows them.

    Raises BadInput where the package is missing.
    """

    def __init__(self, folder: Path, run: str):
        self.check()
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / run))

    @staticmethod
    def check() -> None:
        """Raise BadInput where the package is missing."""
        _needed("tensorboard", "TensorBoard")

    def scalar(self, name: str, value: float, step: int) -> None:
        self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases. Its own settings hold: WANDB_MODE=offline writes to the folder alone.

    Each training of the run has steps of its own. No code and no output of the process is sent. Raises
    BadInput where the package is missing, or where nobody has logged in.
    """

    def __init__(self, folder: Path, run: str):
        self.check()
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.run = wandb.init(
                project=PROJECT,
                dir=str(folder),
                id=run,
                name=run,
                resume="allow",  # a run that was cut off goes on under its name
                reinit="create_new",  # beside those of other seeds
                settings=wandb.Settings(
                    silent=True, console="off", disable_code=True, disable_git=True, x_disable_stats=True
                ),
            )
        except wandb.errors.Error as error:
            first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise BadInput(
                f"Weights & Biases: {first}; WANDB_MODE=offline writes to {folder} alone"
            ) from error
        self.known: set[str] = set()

    @staticmethod
    def check() -> None:
        """Raise BadInput where the package is missing."""
        _needed("wandb", "Weights & Biases")

    def scalar(self, name: str, value: float, step: int) -> None:
        training = name.rpartition("/")[0]
        if training not in self.known:
            self.known.add(training)
            self.run.define_metric(f"{training}/*", step_metric=f"{training}/step")
        self.run.log({name: value, f"{training}/step": step})

    def close(self) -> None:
        self.run.finish()


def _needed(package: str, what: str) -> None:
    if find_spec(package) is None:
        raise BadInput(f"{what} needs the package {package}: pip install 'wavetrain[track]'")
