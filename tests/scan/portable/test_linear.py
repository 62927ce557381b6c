"""The linear recurrence in few operations of PyTorch: against the definition, and how many operations."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, few, sizes
from wavetrain import scan

dtypes = st.sampled_from([torch.float64, torch.complex128])


@few
@given(
    **sizes,
    width=st.integers(1, 37),
    dtype=dtypes,
    same=st.booleans(),
    resets=st.booleans(),
    seed=st.integers(0, 99),
)
def test_linear(batch, time, width, dtype, same, resets, seed):
    torch.manual_seed(seed)
    a = 0.7 * draw(*((width,) if same else (batch, time, width)), dtype=dtype)
    reset = torch.rand(batch, time) < 0.3 if resets else None
    inputs = [a, draw(batch, time, width, dtype=dtype), draw(batch, width, dtype=dtype)]
    agree("linear", lambda a, b, state: scan.linear(a, b, state, reset), inputs, route="parallel")
    agree("linear", lambda a, b: scan.linear(a, b, None, reset), inputs[:2], route="parallel")


def test_a_reset_drops_what_is_not_finite():
    b = torch.randn(1, 30, 2)
    b[0, 3] = torch.nan
    reset = torch.zeros(1, 30, dtype=torch.bool)
    reset[0, 9] = True
    with scan.only("parallel"):
        h, last = scan.linear(torch.rand(1, 30, 2), b, None, reset)
    assert h[0, 3:9].isnan().all() and h[0, 9:].isfinite().all() and last.isfinite().all()


def test_operations_grow_as_the_root_of_time():
    counts = []
    for time in (100, 10_000):
        with torch.profiler.profile() as seen, scan.only("parallel"):
            scan.linear(torch.rand(1, time, 1), torch.rand(1, time, 1))
        counts.append(sum(event.count for event in seen.key_averages()))
    assert counts[1] < 13 * counts[0]  # and not a hundred times as many
