"""What numbers of fewer digits cost: values and gradients against float64, from the same inputs."""

from collections.abc import Callable

import torch
from torch import Tensor

Run = Callable[..., tuple[Tensor, Tensor]]


def errors(run: Run, inputs: list[Tensor]) -> tuple[list[float], list[float]]:
    """The largest errors of both results, and of the gradients, each over the largest number there is."""
    values, towards = _values(run, inputs)
    exact, own = _values(run, [_exact(x) for x in inputs])
    pulled = [torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(7)) for y in values]
    slopes = torch.autograd.grad(values, towards, pulled)
    known = torch.autograd.grad(exact, own, [_exact(pull) for pull in pulled])
    return [_apart(*pair) for pair in zip(values, exact, strict=True)], [
        _apart(*pair) for pair in zip(slopes, known, strict=True)
    ]


def _values(run: Run, inputs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    return list(run(*inputs)), inputs


def _exact(x: Tensor) -> Tensor:
    return x.detach().to(torch.complex128 if x.is_complex() else torch.float64)


def _apart(x: Tensor, y: Tensor) -> float:
    return float((x.detach().to(y.dtype) - y.detach()).abs().max() / y.detach().abs().max())
