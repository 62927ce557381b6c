"""The recurrence of matrices on a device without a kernel: its matrix products are few operations already."""

import pytest

from tests.scan.agree import draw
from tests.scan.portable.launched import launched
from wavetrain import scan
from wavetrain.scan.chunked import SIZE


@pytest.mark.parametrize("rates", [1, 4])
def test_two_operations_a_chunk(rates: int):
    """The walk launches 5 a step, and 11 on the way back: 160 times as many."""
    for chunks in (2, 16, 64):
        time = chunks * SIZE
        inputs = [*(draw(1, time, 2, 4) for _ in range(3)), draw(1, time, 2, rates)]
        forward, back = launched(scan.chunked, inputs)
        assert scan.routes()["chunked"] == "matrix products"
        assert forward <= 2 * chunks + 36 and back <= 4 * chunks + 60
    with scan.only_plain():
        walk = launched(scan.chunked, [x[:, :128] for x in inputs])
    assert walk[0] >= 5 * 128 and walk[1] >= 11 * 128
