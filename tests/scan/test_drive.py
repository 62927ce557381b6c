"""The two ends of a recurrence are what they say, with their gradients."""

import torch

from wavetrain import scan


def test_affine_and_final_are_what_they_say() -> None:
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(*shape, dtype=torch.float64) for shape in ((2, 5, 3), (4, 3), (4,)))
    for tensor in (x, weight, bias):
        tensor.requires_grad_()
    torch.testing.assert_close(scan.affine(x, weight, bias), torch.nn.functional.linear(x, weight, bias))
    assert torch.autograd.gradcheck(scan.affine, (x, weight, bias))
    assert torch.autograd.gradcheck(scan.final, (x,))
    assert torch.equal(scan.final(x), x[:, -1])
