"""The generators that a whole process shares: PyTorch's, of the CPU and of a GPU, numpy's and Python's.

Dropout draws from them, and so does whatever in a network, a rule or a task names no generator of its own.
Left to themselves they make a figure depend on what the process drew before. Here a piece of work has states
of them that are its own: it goes on with these, whoever else draws in between, and leaves the process's as
they were.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")


def seed_of(*words: object) -> int:
    """A seed that goes with these words and no others, so that works of other names draw other numbers."""
    return int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:4], "big")


class States(NamedTuple):
    """Where the generators stand."""

    torch: Tensor
    device: Tensor | None  # of a GPU
    numpy: dict[str, Any]
    python: tuple[Any, ...]


class Shared:
    """States of the shared generators that belong to one piece of work, begun by a seed."""

    def __init__(self, seed: int, device: torch.device = CPU):
        self.device, self.states = device, _states(device)
        with self.drawn():
            torch.default_generator.manual_seed(seed)  # alone: torch.manual_seed is for every device
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            np.random.seed(seed % 2**32)  # it takes no larger one
            random.seed(seed)

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Whatever draws from the shared generators inside draws from these states."""
        outer = _states(self.device)
        _set(self.states, self.device)
        try:
            yield
        finally:
            self.states = _states(self.device)
            _set(outer, self.device)

    def kept(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The states as tensors and as JSON."""
        states = self.states
        tensors = {"torch": states.torch} | ({} if states.device is None else {"device": states.device})
        key = states.numpy["state"]
        words = {
            "numpy": states.numpy | {"state": {"key": key["key"].tolist(), "pos": key["pos"]}},
            "python": states.python,
        }
        return tensors, words

    def restore(self, tensors: dict[str, Tensor], words: dict[str, Any]) -> None:
        """Go on from what `kept` returned; raises KeyError, TypeError or ValueError for anything else."""
        version, inner, gauss = words["python"]
        self.states = States(
            tensors["torch"],
            tensors["device"] if self.device.type == "cuda" else None,
            words["numpy"],
            (version, tuple(inner), gauss),
        )
        with self.drawn():
            pass  # what does not fit is refused now, not at the first step


def _states(device: torch.device) -> States:
    return States(
        torch.get_rng_state(),
        torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        dict(np.random.get_state(legacy=False)),
        random.getstate(),
    )


def _set(states: States, device: torch.device) -> None:
    torch.set_rng_state(states.torch)
    if states.device is not None:
        torch.cuda.set_rng_state(states.device, device)
    np.random.set_state(states.numpy)
    random.setstate(states.python)
