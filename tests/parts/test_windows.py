"""Windows of an image: how many, which pixels, who hears them, and what cannot be."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.parts.windows import Windows, connected, scattered


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "places"),
    [(20, 12, 4, 9), (20, 16, 2, 9), (8, 5, 3, 4), (20, 20, 7, 1), (5, 1, 1, 25), (6, 2, 2, 9)],
)
def test_places_and_taps(side: int, kernel: int, stride: int, places: int):
    windows = Windows(side=side, kernel=kernel, stride=stride)
    assert windows.places == places == ((side - kernel) // stride + 1) ** 2
    assert windows.pixels().shape == (places, kernel**2)
    assert windows.pixels().unique().tolist() == sorted(set(windows.pixels().flatten().tolist()))
    assert int(windows.pixels().max()) == side**2 - 1 and int(windows.pixels().min()) == 0  # edge to edge


def test_each_window_is_a_square_of_the_image():
    windows = Windows(side=20, kernel=12, stride=4)
    image = torch.arange(400).reshape(20, 20)
    for place, pixels in enumerate(windows.pixels()):
        row, column = (4 * at for at in divmod(place, 3))
        assert torch.equal(pixels, image[row : row + 12, column : column + 12].flatten())


def test_windows_as_wide_as_their_stride_tile_the_image():
    assert Windows(side=6, kernel=2, stride=2).pixels().flatten().sort().values.tolist() == list(range(36))


def test_scattered_pixels_are_as_many_and_different_and_from_everywhere():
    drawn = scattered(2000, 25, 64, generator=torch.Generator().manual_seed(0))
    assert drawn.shape == (2000, 25) and (drawn.diff(dim=1) > 0).all()
    each = drawn.flatten().bincount(minlength=64) / 2000
    assert (each - 25 / 64).abs().max() < 0.05  # 4.6 standard deviations
    again = scattered(2000, 25, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)


def test_units_hear_their_window_alone():
    pixels = Windows(side=20, kernel=12, stride=4).pixels()
    mask = connected(pixels, width=225, inputs=400)
    assert int(mask.sum()) == 12 * 12 * 25 * 9 == 32_400
    for unit in (0, 24, 25, 224):
        assert torch.equal(mask[unit].nonzero()[:, 0], pixels[unit // 25])
    assert connected(torch.arange(6)[None], width=3, inputs=6).all()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Windows(side=8, kernel=4, stride=3), r"a stride that divides 8 - 4 pixels, got 3"),
        (lambda: Windows(side=8, kernel=5, stride=0), "a stride of a pixel or more, got 0"),
        (lambda: Windows(side=8, kernel=5, stride=-3), "a stride of a pixel or more, got -3"),
        (lambda: Windows(side=8, kernel=9, stride=1), "a kernel of 1 to 8 pixels, as the side has, got 9"),
        (lambda: Windows(side=8, kernel=0, stride=1), "got 0"),
        (lambda: scattered(4, 65, 64, generator=torch.Generator()), "1 to 64 inputs for each place, got 65"),
        (
            lambda: connected(torch.tensor([[0, 1], [1, 2]]), 3, 3),
            "as many units for each of 2 windows, got 3",
        ),
        (lambda: connected(torch.tensor([[0, 3]]), 2, 3), "windows of inputs 0 to 2, got 0 to 3"),
        (lambda: connected(torch.tensor([[-1, 2]]), 2, 3), "windows of inputs 0 to 2, got -1 to 2"),
        (lambda: connected(torch.tensor([[1, 1]]), 2, 3), "each input once in a window, got one twice"),
        (lambda: connected(torch.tensor([0, 1]), 2, 3), r"\(places, taps\) of whole numbers, got \(2,\)"),
        (lambda: connected(torch.zeros(0, 2).long(), 2, 3), r"got \(0, 2\)"),
        (lambda: connected(torch.tensor([[0.0, 1.0]]), 2, 3), "whole numbers, got .* torch.float32"),
    ],
)
def test_what_does_not_fit_is_refused(ask, words):
    with pytest.raises(BadInput, match=words) as refused:
        ask()
    assert "\n" not in str(refused.value)
