"""The linear recurrence on numbers that are drawn, held to the definition on any route."""

from typing import Any

import torch
from hypothesis import strategies as st

from tests.scan.agree import Fast, agree, draw
from wavetrain import scan

kinds: dict[str, st.SearchStrategy[Any]] = {
    "dtype": st.sampled_from([torch.float64, torch.complex128]),
    "same": st.booleans(),  # one decay for all steps
    "resets": st.booleans(),
    "seed": st.integers(0, 99),
}


def held(
    route: Fast,
    *,
    batch: int,
    time: int,
    width: int,
    dtype: torch.dtype,
    same: bool,
    resets: bool,
    seed: int,
) -> None:
    """Values and gradients by the route are those of the definition, with a first state and without."""
    torch.manual_seed(seed)
    a = 0.7 * draw(*((width,) if same else (batch, time, width)), dtype=dtype)
    reset = torch.rand(batch, time) < 0.3 if resets else None
    inputs = [a, draw(batch, time, width, dtype=dtype), draw(batch, width, dtype=dtype)]
    agree("linear", lambda a, b, state: scan.linear(a, b, state, reset), inputs, route=route)
    agree("linear", lambda a, b: scan.linear(a, b, None, reset), inputs[:2], route=route)
