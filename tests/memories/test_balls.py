"""Counting bits in words: the same addresses as the matrix product finds."""

import pytest
import torch

from wavetrain import scan
from wavetrain.memories import SparseDistributed
from wavetrain.memories._kernels.balls import within


@pytest.mark.parametrize("size", [1, 7, 63, 64, 65, 200])
def test_the_words_find_what_the_product_finds(size: int):
    generator = torch.Generator().manual_seed(size)
    address, pattern = (
        torch.randint(2, shape, generator=generator) * 2.0 - 1 for shape in ((300, size), (2, 5, size))
    )
    for radius in (0.5, size / 2, size / 2 + 0.5, size - 1.0, float(size)):
        expected = address @ pattern.mT >= size - 2 * radius
        assert torch.equal(within(address, pattern, radius), expected)


def test_a_memory_takes_them_where_it_can():
    memory = SparseDistributed(100, neurons=500, radius=44)
    pattern = torch.randn(1, 3, 100).sign()
    with scan.only_plain():
        expected = memory.active(pattern)
    assert 0 < expected.sum() < expected.numel()
    assert torch.equal(memory.active(pattern), expected)


def test_an_address_differs_from_its_opposite_everywhere():
    address = torch.randn(1, 130).sign()
    assert not within(address, -address[None], 129).any() and within(address, -address[None], 130).all()
