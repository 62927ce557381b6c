"""What every pool promises: each piece of work is done once, and its news come in order before its result."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from wavetrain.train.lab import News

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Protocol):
    """Where pieces of work are done."""

    @property
    def jobs(self) -> int:
        """Pieces at a time."""

    def each(
        self,
        work: "Callable[[Item, Callable[[News], None]], Result]",
        items: Sequence[Item],
        tell: "Callable[[News], None]",
    ) -> Iterator[tuple[Item, Result]]:
        """Do a piece of work for each item; yields as each ends, in whatever order.

        `work` is a function of a module, and gets a function that tells the news. What it raises is raised
        here. It may be called again for an item whose worker was killed, so it goes on from what lies in its
        folder. Raises ChildProcessError where the work cannot be brought to its end.
        """

    def environment(self, device: str, threads: int) -> dict[str, Any]:
        """Hardware and versions of a machine that does the work."""


def named_in(folder: Path, tell: "Callable[[News], None]") -> "Callable[[News], None]":
    """News with the name of the comparison in front of that of the run: no other has the same."""

    def hand_on(news: "News") -> None:
        tell(news._replace(run=f"{folder.name}-{news.run}"))

    return hand_on
