"""A sequence that lies in slices of time on several processes, and what these say to each other.

Each rank of a process group has some steps of the same sequences: rank 0 the first, the last rank the last.
Inside `across_time` what can hand its state on from slice to slice does so, and all else refuses. Before
anything is exchanged, all ranks say what they are about to do (`Slices.agree`), so that an error on one of
them is an error on all, and no rank waits for one that has left.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from wavetrain.errors import BadInput

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

_BYTES = 4096  # of what a rank says: a call of 200 signs and an error of 400, at up to 6 bytes a sign
_now: "Slices | None" = None


def slices() -> "Slices | None":
    """Where we are inside `across_time`: the slices; else None."""
    return _now


def in_one_piece(name: str) -> None:
    """Raise inside `across_time`: what is called so has no form for a slice."""
    if _now is not None:
        raise BadInput(
            f"{name}: expected a whole sequence in one process, got a slice of time inside across_time; "
            "it cannot hand its state on from rank to rank"
        )


@contextlib.contextmanager
def across_time(group: "ProcessGroup | None" = None) -> Iterator["Slices"]:
    """Inside, layers and recurrences take this rank's slice of time of sequences that lie on several ranks.

    The slices follow each other in the order of the ranks of `group` (all processes, where left out), and
    may differ in length. `scan.linear`, `selective`, `chunked`, `short` and `dilated` hand their states on,
    and so do layers built on them (those with `splits`). Outputs and gradients are those of the whole
    sequence in one process. The first state is that of rank 0, whatever other ranks give; the last state is
    that of the whole sequence, on every rank. Each rank has the gradients of its own steps: those of a
    parameter add up over the ranks (`Slices.sum_gradients`), for a loss that is the sum of those of all
    ranks.

    All ranks make the same calls in the same order, and all of them go backward; a rank without a loss of its
    own does so from `0 * y.sum()`. Gradients have no graph of their own. What is exchanged has the size of
    the states, whatever the number of steps.

    Raises BadInput on all ranks for what one of them cannot do.

    >>> from torch import distributed
    >>> from wavetrain.layers import LRU
    >>> from wavetrain.scan import across_time
    >>> distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    >>> layer, x = LRU(4), torch.randn(2, 10, 4)
    >>> with across_time() as slices:  # of one process: the whole sequence is one slice
    ...     y, state = layer(slices.cut(x))
    >>> y.equal(layer(x)[0])
    True
    >>> distributed.destroy_process_group()
    """
    global _now
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        raise BadInput(
            "across_time: expected a process group, got none; start with torchrun and call "
            "torch.distributed.init_process_group"
        )
    if _now is not None:
        raise BadInput("across_time: expected to be entered once, got slices of slices")
    if distributed.get_rank(group) < 0:
        raise BadInput("across_time: expected a process of the group, got one outside it")
    here = _now = Slices(group)
    try:
        yield here
    except Exception as error:
        here.leave(error)
        raise
    else:
        here.leave(None)
    finally:
        _now = None


class Slices:
    """The slices of `across_time`: `many` ranks, of which this is `rank`, in the order of time.

    >>> from torch import distributed
    >>> from wavetrain.scan import Slices, across_time
    >>> distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    >>> with across_time() as slices:
    ...     isinstance(slices, Slices), slices.rank, slices.many, slices.cut(torch.zeros(2, 10, 3)).shape
    (True, 0, 1, torch.Size([2, 10, 3]))
    >>> distributed.destroy_process_group()
    """

    def __init__(self, group: "ProcessGroup | None"):
        from torch import distributed

        self.group = group
        self.rank, self.many = distributed.get_rank(group), distributed.get_world_size(group)
        self.calls = 0
        self._returning = False  # whether a part of the way back is gone by one rank alone
        self._agreed: Exception | None = None  # what all ranks have raised
        self._broken = False  # whether the other ranks may be in the middle of an exchange
        by_hosts = distributed.get_backend(group) in ("gloo", "mpi")
        accelerator = None if by_hosts else torch.accelerator.current_accelerator()
        self.device = torch.device("cpu") if accelerator is None else accelerator

    def cut(self, x: Shaped[Tensor, "batch time *axes"]) -> Shaped[Tensor, "batch _ *axes"]:
        """This rank's slice of x (B, T, ...), which every rank has whole: T / many steps, or one more.

        Raises BadInput where there are fewer steps than ranks.
        """
        if x.shape[1] < self.many:
            raise BadInput(
                f"across_time: expected at least as many steps as ranks, got {x.shape[1]} steps for "
                f"{self.many} ranks"
            )
        return x.tensor_split(self.many, 1)[self.rank]

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make `.grad` of each parameter that of the whole sequence: the sum over all ranks.

        The parameters are the same on all ranks, and in the same order. It may be called after the context.
        """
        from torch import distributed

        own = list(parameters)
        self.agree(f"the gradients of {len(own)} parameters")
        flags = torch.tensor([part.grad is not None for part in own], dtype=torch.float32)
        found = torch.stack(self.gather(flags)[0]).any(0).tolist() if own else []
        for part, there in zip(own, found, strict=True):
            if there:
                grad = torch.zeros_like(part) if part.grad is None else part.grad
                numbers = _real(grad.detach()).to(self.device, copy=True).contiguous()
                distributed.all_reduce(numbers, group=self.group)
                part.grad = _like(numbers.to(part.device), part)

    def agree(self, call: str, *numbers: int, error: Exception | None = None) -> list[list[int]]:
        """What each rank says of the call that all of them are about to make: its numbers, by rank.

        Raises on all ranks where one has an error, or where they are about to make different calls.
        """
        said = self._said(call[:200], numbers, error)
        wrong = {rank: one["error"] for rank, one in enumerate(said) if one["error"]}
        calls = {rank: one["call"] for rank, one in enumerate(said)}
        if wrong:
            rank, line = next(iter(wrong.items()))
            alike = len(wrong) == self.many and len(set(wrong.values())) == 1
            raised: Exception = BadInput(line if alike else f"rank {rank}: {line}")
            if error is not None and not isinstance(error, BadInput):
                raised = error
        elif len(set(calls.values())) > 1:
            other = next(rank for rank, one in calls.items() if one != calls[0])
            raised = BadInput(
                "across_time: expected the same call on all ranks, "
                f"got {calls[0]} on rank 0 and {calls[other]} on rank {other}"
            )
        else:
            return [one["numbers"] for one in said]
        self._agreed = raised
        raise raised from (None if error is raised else error)

    def leave(self, error: Exception | None) -> None:
        """Tell the other ranks that this one leaves, and with which error, where they do not know it yet."""
        if self._broken or (error is not None and error is self._agreed):
            return
        if error is None:
            self.agree("the end of across_time")
            return
        with contextlib.suppress(BadInput, type(error)):
            self.agree("the end of across_time", error=error)

    def begin(self, name: str) -> None:
        """Count a call that exchanges something.

        Raises BadInput inside of what is run again on the way back, as checkpointing does.
        """
        if self._returning:
            raise BadInput(
                f"{name}: expected to run once inside across_time, got checkpointing, which runs it again in "
                "an order of its own on each rank; slices spare memory without it"
            )
        self.calls += 1

    @contextlib.contextmanager
    def returning(self) -> Iterator[None]:
        """Inside, this rank goes back by itself, and exchanges nothing."""
        before, self._returning = self._returning, True
        try:
            yield
        finally:
            self._returning = before

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Inside, this rank computes by itself, as outside `across_time`."""
        global _now
        before, _now = _now, None
        try:
            yield
        finally:
            _now = before

    @contextlib.contextmanager
    def exchange(self) -> Iterator[None]:
        """Inside, all ranks exchange what they have agreed on: after an error here they have no word left."""
        try:
            yield
        except BaseException:
            self._broken = True
            raise

    def gather(self, *parts: Shaped[Tensor, "..."]) -> list[list[Tensor]]:
        """Each part (...,), of one shape and type on all ranks, from every rank: a list of each part."""
        from torch import distributed

        flat = [_real(part.detach()).flatten() for part in parts]
        numbers = torch.cat(flat).to(self.device)
        everyone = [torch.empty_like(numbers) for _ in range(self.many)]
        distributed.all_gather(everyone, numbers, group=self.group)
        pieces = [one.to(parts[0].device).split([len(part) for part in flat]) for one in everyone]
        return [[_like(piece[place], part) for piece in pieces] for place, part in enumerate(parts)]

    def of_last(self, part: Shaped[Tensor, "*axes"]) -> Shaped[Tensor, "*axes"]:
        """What the last rank has (...,), on every rank."""
        from torch import distributed

        numbers = _real(part.detach()).to(self.device, copy=True).contiguous()
        last = self.many - 1
        source = last if self.group is None else distributed.get_global_rank(self.group, last)
        distributed.broadcast(numbers, source, group=self.group)
        return _like(numbers.to(part.device), part)

    def _said(self, call: str, numbers: Iterable[int], error: Exception | None) -> list[dict[str, Any]]:
        """What all ranks say: the call, the numbers, and the error as one line."""
        from torch import distributed

        line = ""
        if error is not None:
            line = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
            line = " ".join(line.split())[:400] or type(error).__name__
        text = json.dumps({"call": call, "numbers": list(numbers), "error": line}).encode()
        said = torch.frombuffer(bytearray(text.ljust(_BYTES)), dtype=torch.uint8).to(self.device)
        everyone = [torch.empty_like(said) for _ in range(self.many)]
        distributed.all_gather(everyone, said, group=self.group)
        return [json.loads(bytes(one.tolist())) for one in everyone]


def _real(part: Tensor) -> Tensor:
    """A complex tensor as pairs of real numbers, any other as it is."""
    return torch.view_as_real(part.resolve_conj()) if part.is_complex() else part


def _like(numbers: Tensor, part: Tensor) -> Tensor:
    """The opposite: real numbers in the shape and type of a part."""
    if part.is_complex():
        return torch.view_as_complex(numbers.view(*part.shape, 2))
    return numbers.view(part.shape).to(part.dtype)
