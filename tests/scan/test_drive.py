"""The two ends of a recurrence are what they say, with their gradients."""

import pytest
import torch

from tests.scan.agree import in_any_number_of_threads
from wavetrain import scan
from wavetrain.scan import drive
from wavetrain.scan.cpu import host


def test_affine_and_final_are_what_they_say() -> None:
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(*shape, dtype=torch.float64) for shape in ((2, 5, 3), (4, 3), (4,)))
    for tensor in (x, weight, bias):
        tensor.requires_grad_()
    torch.testing.assert_close(scan.affine(x, weight, bias), torch.nn.functional.linear(x, weight, bias))
    assert torch.autograd.gradcheck(scan.affine, (x, weight, bias))
    assert torch.autograd.gradcheck(scan.final, (x,))
    assert torch.equal(scan.final(x), x[:, -1])


@pytest.mark.parametrize("inputs", [1, 2, 4])
@pytest.mark.parametrize("width", [1, 15, 64, 147])
def test_few_inputs_of_a_large_result(inputs: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels that touch the result once, in columns and rows that fill no tile."""
    monkeypatch.setattr(drive, "LARGE", 0)
    monkeypatch.setattr(host, "WORTH", 0)
    for time in (1, 7, 33):
        x, weight, bias, grad = (
            torch.randn(*shape, dtype=torch.float64)
            for shape in ((3, time, inputs), (width, inputs), (width,), (3, time, width))
        )
        given = [tensor.requires_grad_() for tensor in (x, weight, bias)]
        y = scan.affine(*given)
        torch.testing.assert_close(y, torch.nn.functional.linear(*given))
        expected = torch.autograd.grad(torch.nn.functional.linear(*given), given, grad)
        torch.testing.assert_close(torch.autograd.grad(y, given, grad), expected)


def test_errors_of_a_large_result_are_small() -> None:
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(*shape).requires_grad_() for shape in ((4, 1000, 2), (1100, 2), (1100,)))
    y, grad = scan.affine(x, weight, bias), torch.randn(4, 1000, 1100)
    assert y.numel() >= drive.LARGE
    with scan.only_plain():
        plain = scan.affine(x, weight, bias)
    torch.testing.assert_close(y, plain, rtol=1e-6, atol=1e-6)
    exact = grad.double().flatten(0, 1).t() @ x.detach().double().flatten(0, 1)
    (found,) = torch.autograd.grad(y, weight, grad)
    assert (found - exact).abs().max() < 1e-6 * exact.abs().max()


def test_threads_do_not_change_the_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "LARGE", 0)
    monkeypatch.setattr(host, "WORTH", 0)
    x, weight, bias = (torch.randn(*shape).requires_grad_() for shape in ((5, 99, 3), (70, 3), (70,)))
    grad = torch.randn(5, 99, 70)

    def run() -> list[torch.Tensor]:
        y = scan.affine(x, weight, bias)
        return [y.detach(), *torch.autograd.grad(y, [x, weight, bias], grad)]

    in_any_number_of_threads(run)
