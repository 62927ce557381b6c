"""The linear recurrence: its fast route against the plain one, and what it drops, promotes and refuses."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, few, in_any_number_of_threads, results, sizes
from tests.scan.linears import held, kinds
from wavetrain import scan
from wavetrain.errors import BadInput


@few
@given(**sizes, **kinds, width=st.integers(1, 37))
def test_linear(**drawn):
    held("numba", **drawn)


def test_float32():
    torch.manual_seed(0)
    single = torch.float32
    agree("linear", scan.linear, [0.5 * draw(3, 50, 33, dtype=single), draw(3, 50, 33, dtype=single)], 2e-5)
    single_complex = [0.5 * draw(33, dtype=torch.complex64), draw(3, 50, 33, dtype=torch.complex64)]
    agree("linear", scan.linear, single_complex, 2e-5)


def test_gradients_by_differences():
    torch.manual_seed(0)
    a, b, state = draw(2, 4, 3, dtype=torch.complex128), draw(2, 4, 3, dtype=torch.complex128), draw(2, 3)
    reset = torch.tensor([[False, True, False, False], [False, False, False, True]])
    wanted = [x.requires_grad_() for x in (a, b, state.to(torch.complex128))]
    assert torch.autograd.gradcheck(lambda a, b, s: scan.linear(a, b, s, reset), wanted)
    same = a.detach()[0, 0].requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: scan.linear(a, b), [same, b])


def test_mixed_kinds_are_promoted():
    a, b = torch.rand(5).requires_grad_(), draw(2, 4, 5, dtype=torch.complex64)
    h, _ = scan.linear(a, b)
    assert h.dtype == torch.complex64
    h.abs().sum().backward()
    assert a.grad is not None and a.grad.dtype == torch.float32


def test_threads_do_not_change_the_bits():
    torch.manual_seed(0)
    a, b = 0.9 * torch.rand(5, 300, 1001), draw(5, 300, 1001, dtype=torch.float32)
    same = 0.9 * torch.rand(1001)
    in_any_number_of_threads(lambda: results(scan.linear, [a, b]) + results(scan.linear, [same, b]))


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    a, b = draw(5, 6, 3), draw(3, 6, 5)
    agree("linear", lambda a, b: scan.linear(a.transpose(0, 2), b), [a, b])
    turned = [draw(2, 3, 4, 5, dtype=torch.complex128), draw(2, 3, 4, dtype=torch.complex128)]
    agree("linear", lambda a, b: scan.linear(a[..., 0].conj(), b), turned)


def test_only_what_is_wanted_gets_a_gradient():
    a, b = torch.rand(2, 4, 3), draw(2, 4, 3, dtype=torch.float32).requires_grad_()
    assert not scan.linear(a, b.detach())[0].requires_grad
    scan.linear(a, b)[1].sum().backward()  # through the last state alone
    assert torch.equal(b.grad[:, -1], torch.ones(2, 3))


def test_reset_drops_the_past():
    torch.manual_seed(0)
    a, b = torch.rand(1, 6, 3), torch.rand(1, 6, 3)
    b[0, 1] = torch.nan
    reset = torch.tensor([[False, False, False, True, False, False]])
    h, _ = scan.linear(a, b, None, reset)
    alone, _ = scan.linear(a[:, 3:], b[:, 3:])
    torch.testing.assert_close(h[:, 3:], alone)


def test_nan_and_infinity_go_through():
    b = torch.zeros(2, 5, 3)
    b[0, 1, 2], b[1, 1, 0] = torch.nan, torch.inf
    h, _ = scan.linear(torch.full((3,), 0.5), b)
    assert h[0, 1:, 2].isnan().all() and h[1, 1:, 0].isinf().all()
    assert h.isfinite().sum() == h.numel() - 8


def test_what_cannot_be_used_is_said():
    b = torch.rand(2, 4, 3)
    with pytest.raises(BadInput, match=r"expected b \(batch, time, channels\).*got \(4, 3\)"):
        scan.linear(b, b[0])
    with pytest.raises(BadInput, match=r"expected a \(2, 4, 3\) or \(3,\).*got \(2, 4\)"):
        scan.linear(b[..., 0], b)
    with pytest.raises(BadInput, match=r"expected state \(2, 3\), got \(3, 2\)"):
        scan.linear(b, b, torch.rand(3, 2))
    with pytest.raises(BadInput, match=r"expected reset \(2, 4\) of bool, got \(2, 4\) of torch.float32"):
        scan.linear(b, b, None, b[..., 0])
