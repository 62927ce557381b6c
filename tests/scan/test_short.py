"""The short convolution: its fast route against the plain one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from tests.scan.agree import agree, draw
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan.cpu import short

few = settings(max_examples=25, deadline=None)
TILE = short.TILE // 8  # channels of float64


def parts(batch: int, time: int, width: int, taps: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """x, past, weight and bias."""
    shapes = [(batch, time, width), (batch, taps - 1, width), (width, taps), (width,)]
    return [draw(*shape, dtype=dtype) for shape in shapes]


@few
@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 3, 4, 7, 31]),
    width=st.sampled_from([1, 3, 8, TILE - 1, TILE, TILE + 1]),
    taps=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_fast_is_plain(batch, time, width, taps, seed):
    torch.manual_seed(seed)
    inputs = parts(batch, time, width, taps)
    agree("short", scan.short, inputs)
    agree("short", scan.short, inputs[:3])


def test_float32():
    torch.manual_seed(0)
    agree("short", scan.short, parts(3, 50, 70, 4, torch.float32), 2e-5)


def test_half_of_a_wider_array_is_read_where_it_lies():
    torch.manual_seed(0)
    x, past, weight, bias = parts(3, 6, 4, 3)
    wide = draw(3, 6, 9)
    for start in (0, 2, 5):

        def run(wide: Tensor, weight: Tensor, start: int = start) -> tuple[Tensor, Tensor]:
            return scan.short(wide[..., start : start + 4], past, weight, bias)

        agree("short", run, [wide, weight])
    agree("short", lambda x, weight: scan.short(x[:, ::2], past, weight, bias), [x, weight])
    agree("short", lambda x, weight: scan.short(x[:1], past[:1], weight, bias), [x, weight])
    agree("short", lambda x, weight: scan.short(x[:, 2:], past, weight, bias), [x, weight])
    turned = x.transpose(1, 2).contiguous()
    agree("short", lambda x, weight: scan.short(x.transpose(1, 2), past, weight, bias), [turned, weight])


def test_is_torch_convolution():
    torch.manual_seed(0)
    x, _, weight, bias = parts(2, 9, 5, 4)
    y, past = scan.short(x, x.new_zeros(2, 3, 5), weight, bias)
    padded = F.pad(x.mT, (3, 0))
    expected = F.silu(F.conv1d(padded, weight.flip(-1).unsqueeze(1), bias, groups=5)).mT
    torch.testing.assert_close(y, expected)
    assert torch.equal(past, x[:, -3:])


def test_gradients_by_differences():
    torch.manual_seed(0)
    for time in (2, 6):
        inputs = [part.requires_grad_() for part in parts(2, time, 3, 4)]
        assert torch.autograd.gradcheck(scan.short, inputs)


def test_what_cannot_be_used_is_said():
    x, past, weight, bias = parts(2, 4, 3, 4)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, channels\).*got \(2, 0, 3\)"):
        scan.short(x[:, :0], past, weight, bias)
    with pytest.raises(BadInput, match=r"expected weight \(3, taps\), got \(3, 0\)"):
        scan.short(x, past, weight[:, :0], bias)
    with pytest.raises(BadInput, match=r"expected weight \(3, taps\), got \(4, 3\)"):
        scan.short(x, past, weight.t(), bias)
    with pytest.raises(BadInput, match=r"expected past \(2, 3, 3\), got \(2, 2, 3\)"):
        scan.short(x, past[:, 1:], weight, bias)
    with pytest.raises(BadInput, match=r"expected bias \(3,\), got \(2,\)"):
        scan.short(x, past, weight, bias[:2])
    with pytest.raises(BadInput, match="one dtype"):
        scan.short(x.float(), past, weight, bias)
