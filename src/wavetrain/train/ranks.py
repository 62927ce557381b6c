"""Several processes that learn as one: each takes some rows of every batch, and their gradients are summed.

They begin with the same weights, draw the same batches and take the same steps. So nothing passes between
them but gradients, the outputs that a loss or a score is made of, and what the first of them decides. The
first alone writes files and prints.

    ALONE    one process, which has all rows and sums nothing: the default everywhere
    here()   those that this one was started with, as torchrun tells in the environment (`joining.py`)
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.train.generators import Shared, seed_of

T = TypeVar("T")


class Ranks:
    """Which of how many processes this one is, and what passes between them."""

    def __init__(self, rank: int = 0, world: int = 1):
        self.rank, self.world = rank, world
        self.sharded = False  # whether optimisers are split, where it is for them to say (`sharded.py`)
        self._told = self._heard = False

    @property
    def alone(self) -> bool:
        return self.world == 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes, prints and decides."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """The rows of this process, of so many: in order, as evenly as can be.

        >>> from wavetrain.train.ranks import Ranks
        >>> [Ranks(rank, 3).share(5) for rank in range(3)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
        """
        return self._shares(count)[self.rank]

    def _shares(self, count: int) -> list[slice]:
        each, more = divmod(count, self.world)
        starts = [rank * each + min(rank, more) for rank in range(self.world + 1)]
        return [slice(*pair) for pair in itertools.pairwise(starts)]

    def whole(self, mine: Tensor, count: int) -> Tensor:
        """All `count` rows of something of which each process has its share; gradients reach one's own."""
        if self.alone:
            return mine
        sizes = [part.stop - part.start for part in self._shares(count)]
        real = torch.view_as_real(mine.resolve_conj()) if mine.is_complex() else mine
        sent = real.new_zeros(max(sizes), *real.shape[1:])  # as long for all
        sent[: len(mine)] = real.detach()
        parts = [torch.empty_like(sent) for _ in sizes]
        with self._together():
            torch.distributed.all_gather(parts, sent)
        parts = [part[:size] for part, size in zip(parts, sizes, strict=True)]
        if mine.is_complex():
            parts = [torch.view_as_complex(part) for part in parts]
        parts[self.rank] = mine
        return torch.cat(parts)

    def outputs(self, make: Callable[[slice], Tensor], count: int) -> Tensor:
        """What `make` makes of all `count` rows, each process of its share, or of one row for its shape."""
        if self.alone:
            return make(slice(None))
        rows = self.share(count)
        own = rows.stop - rows.start
        return self.whole(make(rows if own else slice(0, 1))[:own], count)

    def sum_gradients(self, parameters: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Put into each `.grad` its sum over the processes, and return that of a number.

        A parameter has no gradient afterwards where it had none in any of them: so an optimiser leaves alone
        what one process would leave alone. All sums of one type are one message, in float32 at least.
        """
        if self.alone:
            return loss
        learns = [one for one in parameters if one.requires_grad]
        kinds: dict[tuple[torch.device, torch.dtype], list[int]] = {}
        for place, one in enumerate(learns):
            real = torch.float64 if one.dtype in (torch.float64, torch.complex128) else torch.float32
            kinds.setdefault((one.device, real), []).append(place)
        there = [one.grad is not None for one in learns]
        head = torch.tensor([float(self._told), *map(float, there)])
        for (device, real), places in kinds.items():
            parts = [_flat(learns[place]).to(real) for place in places]
            first = [head.to(device, real), loss.detach().reshape(1).to(device, real)] if head.numel() else []
            summed = torch.cat([*first, *parts])
            with self._together():
                torch.distributed.all_reduce(summed)
            sizes = [len(part) for part in (*first, *parts)]
            pieces = list(summed.split(sizes))
            if first:
                told, *counts = pieces[0].tolist()
                there, loss, pieces = [count > 0 for count in counts], pieces[1][0], pieces[2:]
                self._told, self._heard, head = False, told > 0, head[:0]
            for place, piece in zip(places, pieces, strict=True):
                if there[place]:
                    _put(learns[place], piece)
        return loss

    def heard(self, mine: bool) -> bool:
        """Whether any process said so before the last gradients were summed: all hear the same.

        What one says now goes with the next gradients and costs no message. Alone it is heard at once.
        """
        if self.alone:
            return mine
        self._told, self._heard, heard = mine, False, self._heard
        return heard

    def agreed(self, mine: T) -> T:
        """What the first process has."""
        if self.alone:
            return mine
        box: list[Any] = [mine if self.first else None]
        with self._together():
            torch.distributed.broadcast_object_list(box, src=0)
        found: T = box[0]
        return found

    def once(self, work: Callable[[], T]) -> T:
        """What the first process makes by itself, for all of them: the others wait for it."""
        from wavetrain.train.joining import acting

        found: Any = None
        if self.first:
            with acting(ALONE):
                found = work()
        return self.agreed(found)

    def each(self, mine: T) -> list[T]:
        """What each has, for all of them."""
        if self.alone:
            return [mine]
        found: list[Any] = [None] * self.world
        with self._together():
            torch.distributed.all_gather_object(found, mine)
        return found

    def check_same(self, network: nn.Module) -> None:
        """Raise BadInput where something of a network is not the same in all processes, bit for bit."""
        if self.alone:
            return
        mine = {name: _digest(value) for name, value in network.state_dict().items()}
        for other in self.each(mine):
            for name, digest in mine.items():
                if other.get(name) != digest:
                    raise BadInput(
                        f"{name} of the network is not the same in all {self.world} processes: expected what "
                        "only gradients change; train what keeps statistics of its batches in one process"
                    )

    @contextmanager
    def noise(self) -> Iterator[None]:
        """Inside, dropout and its like draw other numbers in each process; in the first those they drew."""
        if self.first:
            yield
            return
        with Shared(seed_of(torch.initial_seed(), self.rank)).drawn():
            yield

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise ChildProcessError(
                f"one of the {self.world} processes has ended; the same command goes on from here"
            ) from error


ALONE = Ranks()


def here() -> Ranks:
    """The processes that this one was started with; ALONE where it was started by itself."""
    from wavetrain.train.joining import current

    return current()


def _flat(parameter: nn.Parameter) -> Tensor:
    """Its gradient as a row of real numbers, zeros where it has none."""
    found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    return (torch.view_as_real(found.resolve_conj()) if found.is_complex() else found).detach().reshape(-1)


def _put(parameter: nn.Parameter, flat: Tensor) -> None:
    """The gradient that a row stands for."""
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter)
    real = torch.view_as_real(parameter.grad) if parameter.is_complex() else parameter.grad
    real.copy_(flat.reshape(real.shape))


def _digest(value: Tensor) -> bytes:
    numbers = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(numbers.tobytes()).digest()
