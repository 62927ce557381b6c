"""The convolution with few taps: its fused route for channels by themselves against PyTorch's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import draw, results
from wavetrain import scan

few = settings(max_examples=25, deadline=None)


def both(x: Tensor, past: Tensor, kernel: Tensor, gap: int) -> None:
    """Both routes are taken and agree, values and gradients."""
    found = []
    for route in ("numba", "torch"):
        with scan.only_plain() if route == "torch" else torch.enable_grad():
            found.append(results(lambda *given: scan.dilated(*given, gap), [x, past, kernel]))
        assert scan.routes()["dilated"] == route
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@few
@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 5, 16, 31]),
    width=st.sampled_from([1, 3, 8, 17]),
    taps=st.integers(1, 4),
    gap=st.sampled_from([1, 2, 7, 40]),
    seed=st.integers(0, 99),
)
def test_fused_is_torch(batch, time, width, taps, gap, seed):
    torch.manual_seed(seed)
    both(draw(batch, time, width), draw(batch, (taps - 1) * gap, width), draw(width, 1, taps), gap)


def test_rows_of_a_wider_array():
    torch.manual_seed(0)
    wide, past, kernel = draw(2, 9, 11), draw(2, 6, 4), draw(4, 1, 3)

    def run(wide: Tensor, past: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
        return scan.dilated(wide[..., 5:9], past, kernel, 3)

    fused = results(run, [wide, past, kernel])
    with scan.only_plain():
        plain = results(run, [wide, past, kernel])
    for one, other in zip(fused, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_channels_that_are_mixed_are_torch():
    torch.manual_seed(0)
    for channels, inputs in ((4, 6), (6, 3)):  # all with all, then in two groups
        scan.dilated(draw(2, 5, 6), draw(2, 2, 6), draw(channels, inputs, 3))
        assert scan.routes()["dilated"] == "torch"


@pytest.mark.parametrize("gap", [1, 3])
def test_gradients_by_differences(gap: int):
    torch.manual_seed(0)
    shapes = [(2, 7, 3), (2, 2 * gap, 3), (3, 1, 3)]
    inputs = [draw(*shape).requires_grad_() for shape in shapes]
    assert torch.autograd.gradcheck(lambda *given: scan.dilated(*given, gap), inputs)
