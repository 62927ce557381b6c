"""The recurrence of waves: its fast route against the plain one, its step by hand, and what it refuses."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import agree, draw, few, in_any_number_of_threads, results, sizes
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan import Activation


@few
@given(
    **sizes,
    channels=st.sampled_from([1, 2, 3, 6, 7, 8, 15]),
    taps=st.sampled_from([1, 3, 5]),
    more=st.integers(0, 19),
    activation=st.sampled_from(list(Activation)),
    seed=st.integers(0, 99),
)
def test_wave(batch, time, channels, taps, more, activation, seed):
    torch.manual_seed(seed)
    size = taps + more  # from rings as short as the kernel
    kernel = draw(channels, channels, taps) / (channels * taps) ** 0.5
    inputs = [draw(batch, time, channels, size), kernel, draw(batch, channels, size)]
    agree("wave", lambda drive, kernel, state: scan.wave(drive, kernel, state, activation), inputs)
    agree("wave", lambda drive, kernel: scan.wave(drive, kernel, activation=activation), inputs[:2])


@pytest.mark.parametrize("batch, time, size", [(2, 9, 150), (70, 3, 20), (2, 3, 1200)])
def test_wave_over_several_blocks(batch, time, size):
    inputs = [draw(batch, time, 3, size), draw(3, 3, 7) / 5, draw(batch, 3, size)]
    agree("wave", scan.wave, inputs)


def test_float32():
    torch.manual_seed(0)
    single = torch.float32
    for activation in Activation:
        inputs = [draw(3, 20, 6, 20, dtype=single), draw(6, 6, 3, dtype=single) / 5]
        agree(
            "wave", lambda drive, kernel, a=activation: scan.wave(drive, kernel, activation=a), inputs, 2e-5
        )


def test_gradients_by_differences():
    torch.manual_seed(0)
    waves = [x.requires_grad_() for x in (draw(2, 3, 2, 5), draw(2, 2, 3), draw(2, 2, 5))]
    for activation in Activation:
        assert torch.autograd.gradcheck(lambda d, k, s, a=activation: scan.wave(d, k, s, a), waves)


def test_threads_do_not_change_the_bits():
    torch.manual_seed(0)
    waves = [draw(40, 30, 9, 30, dtype=torch.float32), draw(9, 9, 3, dtype=torch.float32) / 5]
    in_any_number_of_threads(lambda: results(scan.wave, waves))


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    drive, kernel = draw(9, 3, 4, 2), draw(3, 4, 4).transpose(0, 2)
    agree("wave", lambda d, k: scan.wave(d.permute(3, 2, 1, 0)[:, :, :3], k[:3, :3]), [drive, kernel])


def test_only_what_is_wanted_gets_a_gradient():
    drive, kernel = torch.rand(2, 4, 3, 5).requires_grad_(), torch.rand(3, 3, 3)
    scan.wave(drive, kernel)[1].sum().backward()
    assert drive.grad.abs().min() > 0
    assert kernel.grad is None


def test_the_step_is_the_definition():
    """By hand, and under the transforms that make an operator."""
    torch.manual_seed(0)
    drive, kernel, state = draw(2, 3, 5), draw(3, 3, 3), draw(2, 3, 5)
    h = scan.wave_step(drive, kernel, state, Activation.IDENTITY)
    expected = drive.clone()
    for i in range(5):
        for k in range(3):
            expected[:, :, i] += state[:, :, (i + k - 1) % 5] @ kernel[:, :, k].T
    torch.testing.assert_close(h, expected)
    tangents = draw(4, 2, 3, 5)

    def push(tangent: Tensor) -> Tensor:
        return torch.func.jvp(
            lambda s: scan.wave_step(drive, kernel, s, Activation.TANH), (state,), (tangent,)
        )[1]

    for tangent, pushed in zip(tangents, torch.func.vmap(push)(tangents), strict=True):
        torch.testing.assert_close(push(tangent), pushed)


def test_nan_goes_as_far_as_the_kernel():
    for activation in Activation:
        drive = torch.zeros(2, 3, 2, 9)
        drive[0, 0, 1, 4] = torch.nan
        h, _ = scan.wave(drive, torch.ones(2, 2, 3), activation=activation)
        assert [row.isnan().sum().item() for row in h[0, :, 0]] == [0, 3, 5]
        assert h[1].isfinite().all()


def test_what_cannot_be_used_is_said():
    drive = torch.rand(2, 4, 3, 5)
    for kernel in (torch.rand(3, 3, 2), torch.rand(3, 3, 7)):
        with pytest.raises(BadInput, match="expected an odd number of taps, at most 5, got kernel"):
            scan.wave(drive, kernel)
    with pytest.raises(BadInput, match=r"expected kernel \(3, 3, taps\), got \(3, 2, 3\)"):
        scan.wave(drive, torch.rand(3, 2, 3))
    with pytest.raises(BadInput, match=r"expected state \(2, 3, 5\), got \(2, 15\)"):
        scan.wave(drive, torch.rand(3, 3, 3), torch.rand(2, 15))
    with pytest.raises(BadInput, match=r"one dtype, got \['torch.float32', 'torch.float64'\]"):
        scan.wave(drive, torch.rand(3, 3, 3).double())
    with pytest.raises(BadInput, match=r"expected drive .* got \(2, 0, 3, 5\)"):
        scan.wave(drive[:, :0], torch.rand(3, 3, 3))
