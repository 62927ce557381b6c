"""What stays as it is on a device without a kernel, and how many operations it launches there."""

import torch

from tests.scan.agree import draw
from tests.scan.portable.launched import Launched, launched
from wavetrain import scan
from wavetrain.spiking import LIF


def test_convolutions_are_a_few_operations_at_any_length():
    for time in (128, 4096):
        short = launched(scan.short, [draw(1, time, 3), draw(1, 3, 3), draw(3, 4)])
        dilated = launched(scan.dilated, [draw(1, time, 3), draw(1, 3, 3), draw(3, 1, 4)])
        assert short == (6, 7) and dilated == (4, 6)


def test_a_wave_is_walked():
    forward, back = launched(scan.wave, [draw(1, 128, 3, 8), draw(3, 3, 3)])
    assert scan.routes()["wave"] == "plain"
    assert 4 * 128 <= forward < 4.1 * 128 and 7.9 * 128 <= back < 8.1 * 128


def test_spikes_are_walked():
    layer, x = LIF(8, inputs=3).to("meta"), torch.empty(1, 128, 3, device="meta")
    with torch.no_grad(), Launched() as seen:
        layer(x)
    assert scan.routes()["lif"] == "plain"
    assert 7 * 128 <= seen.many < 7.2 * 128
