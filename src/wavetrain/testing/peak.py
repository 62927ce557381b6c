"""The most bytes of new tensors that there are at once, which PyTorch has no public answer to on a CPU."""

import weakref
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Peak(TorchDispatchMode):
    """The most bytes of new tensors that there were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self.seen: dict[int, Any] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = {id(one.untyped_storage()) for one in tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for one in tensors(made):
            self._note(one.untyped_storage(), before)
        return made

    def _note(self, storage: Any, before: set[int]) -> None:
        if id(storage) in before or id(storage) in self.seen:
            return
        key, size = id(storage), storage.nbytes()

        def gone(_: object) -> None:
            self.now -= size
            self.seen.pop(key, None)

        self.seen[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


def tensors(given: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(given, Tensor):
        yield given
    for one in (
        given.values() if isinstance(given, dict) else given if isinstance(given, list | tuple) else ()
    ):
        yield from tensors(one)
