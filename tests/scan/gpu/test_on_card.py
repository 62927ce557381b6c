"""What can be tried on a GPU alone: compiled kernels, the same bits each time, more than 2^31 numbers."""

import pytest
import torch

from gpu_cases import (
    HALF,
    SINGLE,
    Case,
    blocks,
    chunked,
    lif,
    linear,
    selective,
    short,
    softmax,
    unitary,
    wave,
)
from wavetrain import scan

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CASES = [
    linear(2, 1000, 300, SINGLE),
    linear(2, 1000, 300, HALF),
    linear(2, 1000, 300, torch.complex64),
    linear(2, 1000, 300, SINGLE, same=True),
    wave(8, 100, 27, 100),
    chunked(2, 500, 4, 64, SINGLE),
    chunked(2, 500, 4, 64, SINGLE, vector=True),
    lif(4, 50, 1000),
    lif(4, 50, 700, adapts=True),
    short(2, 500, 300, 4),
    selective(2, 500, 300, 16),
    blocks(2, 500, 2, 300),
    softmax(2, 500, 4, 60),
    unitary(2, 500, 8, 60),
    unitary(2, 50, 1, 1),
]


def lesson(case: Case) -> list[torch.Tensor]:
    """What the case gives on the card, and its gradients."""
    torch.manual_seed(0)
    inputs = case.inputs(torch.device("cuda"))
    y = case.run(*inputs)
    wanted = [x for x in inputs if x.requires_grad]
    return [y.detach(), *(torch.autograd.grad(y, wanted, torch.ones_like(y)) if wanted else ())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fifty_times_the_same_bits(case: Case):
    first = lesson(case)
    for _ in range(49):
        assert all(one.equal(other) for one, other in zip(lesson(case), first, strict=True))


@pytest.mark.parametrize("case", [case for case in CASES if case.defined], ids=lambda case: case.name)
def test_kernels_give_what_the_definition_gives(case: Case):
    found = lesson(case)
    with scan.only_plain():
        expected = lesson(case)
    loose = 3e-2 if found[0].dtype == HALF else 1e-2  # TF32 products, and gates that rounding opens
    for one, other in zip(found, expected, strict=True):
        assert float((one - other).norm() / other.norm()) < loose


def test_more_numbers_than_32_bits_can_count():
    """Of over 2^31 of them the last ones are at the end of a walk with a decay of 1/2 and an input of 1."""
    width = 2**11 + 4
    a = torch.full((width,), 0.5, device="cuda")
    h, last = scan.linear(a, torch.ones(1, 2**20, width, dtype=HALF, device="cuda"))
    assert h.numel() > 2**31
    assert float(h[0, -1].min()) == float(h[0, -1].max()) == float(last.min()) == 2.0
    assert float(h[0, :3, -1].sub(torch.tensor([1, 1.5, 1.75], device="cuda")).abs().max()) == 0
