"""The linear recurrence in few operations of PyTorch: against the definition, and how many operations."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, few, sizes
from tests.scan.linears import held, kinds
from tests.scan.portable.errors import errors
from tests.scan.portable.launched import launched
from wavetrain import scan
from wavetrain.scan.routes import MANY


@few
@given(**sizes, **kinds, width=st.integers(1, 37))
def test_linear(**drawn):
    held("parallel", **drawn)


def test_a_reset_drops_what_is_not_finite():
    b = torch.randn(1, 30, 2)
    b[0, 3] = torch.nan
    reset = torch.zeros(1, 30, dtype=torch.bool)
    reset[0, 9] = True
    with scan.only("parallel"):
        h, last = scan.linear(torch.rand(1, 30, 2), b, None, reset)
    assert h[0, 3:9].isnan().all() and h[0, 9:].isfinite().all() and last.isfinite().all()


@pytest.mark.parametrize("strong", [0.0, 1e-30])
def test_strong_decays_forget(strong: float):
    torch.manual_seed(0)
    a = torch.where(torch.rand(2, 300, 3) < 0.5, strong, 0.99).double()
    agree("linear", scan.linear, [a, draw(2, 300, 3), draw(2, 3)], route="parallel")


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_errors_against_float64(dtype: torch.dtype):
    """Of the largest, over 5,000 steps that hardly forget."""
    torch.manual_seed(0)
    turns = torch.randn(1, 5000, 3, dtype=dtype)
    inputs = [0.999 * turns / turns.abs(), draw(1, 5000, 3, dtype=dtype), draw(1, 3, dtype=dtype)]
    with scan.only("parallel"):
        values, slopes = errors(scan.linear, inputs)
    assert max(values) < 2e-6 and max(slopes) < 2e-6


def test_half_precision_is_rounded_once():
    """Decays of 0.998 would be 1 in bfloat16, if they were carried in it."""
    torch.manual_seed(0)
    a, b = torch.full((1, 600, 3), 0.998).bfloat16(), draw(1, 600, 3).bfloat16()
    with scan.only("parallel"):
        h, last = scan.linear(a, b)
        wide, same = scan.linear(a.float(), b.float())
    assert torch.equal(h, wide.bfloat16()) and torch.equal(last, same)


def test_operations_grow_as_the_root_of_time():
    """The walk launches 2 a step, and 3 on the way back."""
    for time in (256, 1024, 4096, 65_536):
        forward, back = launched(scan.linear, [draw(1, time, 1), draw(1, time, 1)])
        assert forward < 5 * math.sqrt(time) + 20 and back < 5 * math.sqrt(time) + 30


def test_it_is_taken_by_itself_where_the_walk_would_be_long():
    for time, route in ((MANY, "plain"), (MANY + 1, "parallel")):
        b = torch.empty(1, time, 1, device="meta")
        scan.linear(b, b)
        assert scan.routes()["linear"] == route
