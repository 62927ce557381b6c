"""Both routes of a recurrence on the same numbers: values and gradients."""

from collections.abc import Callable
from typing import Literal

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from wavetrain import scan

Fast = Literal["numba", "triton", "parallel"]
Run = Callable[..., tuple[Tensor, Tensor]]
few = settings(max_examples=25, deadline=None)
interpreted = settings(max_examples=5, deadline=None)  # Triton's interpreter takes a second for each
sizes = {"batch": st.integers(1, 4), "time": st.sampled_from([1, 2, 3, 7, 13, 31])}


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, dtype=dtype)


def results(run: Run, inputs: list[Tensor]) -> list[Tensor]:
    """h, the last state, and the gradients of a loss that looks at both."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    h, last = run(*inputs)
    generator = torch.Generator().manual_seed(7)
    towards = [torch.randn(y.shape, dtype=y.dtype, generator=generator) for y in (h, last)]
    loss = sum((y * to).sum().real for y, to in zip((h, last), towards, strict=True))
    return [h.detach(), last.detach(), *torch.autograd.grad(loss, inputs)]


def agree(
    name: str,
    run: Run,
    inputs: list[Tensor],
    tolerance: float = 1e-12,
    definition: str = "plain",
    route: Fast = "numba",
) -> None:
    """The fast route is taken, and gives what the plain one gives."""
    with scan.only(route):
        fast = results(run, inputs)
    assert scan.routes()[name] == route
    with scan.only_plain():
        plain = results(run, inputs)
    assert scan.routes()[name] == definition
    for x, y in zip(fast, plain, strict=True):
        assert x.dtype == y.dtype
        size = y.abs().max().item() if y.numel() else 0.0
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance * max(1.0, size))


def in_any_number_of_threads(work: Callable[[], list[Tensor]]) -> None:
    """The same to the last bit."""
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            seen.append(work())
    finally:
        torch.set_num_threads(before)
    for other in seen[1:]:
        assert all(torch.equal(x, y) for x, y in zip(seen[0], other, strict=True))
