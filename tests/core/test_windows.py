"""Windows are those of `Tensor.unfold`, with gradients under every transform."""

import pytest
import torch

from wavetrain.core.windows import sliding


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_windows_are_those_of_unfold(size: int, dim: int):
    x = torch.randn(5, 6, 7)
    torch.testing.assert_close(sliding(x, size, dim), x.unfold(dim, size, 1), rtol=0, atol=0)


def test_gradients_per_sample_count_the_windows_of_a_place():
    found = torch.func.vmap(torch.func.grad(lambda x: sliding(x, 3, 0).sum()))(torch.randn(2, 6))
    assert found.tolist() == [[1, 2, 3, 3, 2, 1]] * 2
