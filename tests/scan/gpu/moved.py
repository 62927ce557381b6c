"""How many bytes a kernel moves between memory and chip, counted in Triton's interpreter."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch


@dataclass
class Moved:
    bytes: int = 0


@contextlib.contextmanager
def moved() -> Iterator[Moved]:
    """Inside, `bytes` grows by what loads and stores of kernels move; a masked lane moves nothing."""
    if torch.cuda.is_available():
        pytest.skip("bytes are counted in the interpreter, which is not used where there is a GPU")
    from triton.runtime.interpreter import InterpreterBuilder

    seen = Moved()
    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def size(pointers: Any, mask: Any) -> int:
        width = pointers.get_element_ty().primitive_bitwidth
        return int(np.count_nonzero(np.broadcast_to(mask.data, pointers.data.shape))) * max(8, width) // 8

    def counted_load(self: Any, pointers: Any, mask: Any, *others: Any, **named: Any) -> Any:
        seen.bytes += size(pointers, mask)
        return load(self, pointers, mask, *others, **named)

    def counted_store(self: Any, pointers: Any, value: Any, mask: Any, *others: Any, **named: Any) -> Any:
        seen.bytes += size(pointers, mask)
        return store(self, pointers, value, mask, *others, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InterpreterBuilder, "create_masked_load", counted_load)
        patch.setattr(InterpreterBuilder, "create_masked_store", counted_store)
        yield seen
