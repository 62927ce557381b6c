"""A pool of processes that were started together, as by torchrun: all of them do each piece of work.

The first runs the command and hands each piece to the others, who only `help`: in it they train as one
(`train/ranks.py`). Whatever lies between the pieces, and is not a training, the first does alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wavetrain.run.pools.pool import Item, Result

if TYPE_CHECKING:
    from wavetrain.train.lab import News
    from wavetrain.train.ranks import Ranks


T = TypeVar("T")


@dataclass(frozen=True)
class Together:
    """In the first of them: one piece of work at a time."""

    ranks: "Ranks"
    jobs: int = 1

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Do a piece of work for each item; raises ChildProcessError where one of them has ended."""
        from wavetrain.train.joining import acting

        for item in items:
            self.ranks.agreed((work, item))
            with acting(self.ranks):
                found = work(item, tell)
            yield item, found

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Hardware and versions of the first machine, and how many processes."""
        from wavetrain.run.machine import environment

        return environment(device, threads) | {"processes": self.ranks.world}


def led(ranks: "Ranks", command: Callable[[], T]) -> T:
    """What the first makes, and the others help with; all of them have it in the end."""
    from wavetrain.train.joining import acting
    from wavetrain.train.ranks import ALONE

    if ranks.alone:
        return command()
    found: Any = None
    if ranks.first:
        with acting(ALONE):
            found = command()
        ranks.agreed(None)
    else:
        _help(ranks)
    return ranks.agreed(found)


def _help(ranks: "Ranks") -> None:
    """Take part in each piece of work, until there is none."""
    while (told := ranks.agreed(None)) is not None:
        work, item = told
        work(item, _silent)


def _silent(news: "News") -> None:
    """The first tells."""
