"""The recurrence of waves on a GPU, or in Triton's interpreter: against the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, interpreted, results
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.scan import Activation
from wavetrain.scan.gpu import wave as kernels


@interpreted
@given(
    batch=st.integers(1, 3),
    time=st.sampled_from([1, 2, 7]),
    channels=st.sampled_from([1, 3, 16, 17]),
    taps=st.sampled_from([1, 3, 5]),
    more=st.sampled_from([0, 1, 11, 12, 60]),
    activation=st.sampled_from(list(Activation)),
    seed=st.integers(0, 99),
)
def test_wave(batch, time, channels, taps, more, activation, seed):
    torch.manual_seed(seed)
    size = taps + more  # from rings as short as the kernel
    kernel = draw(channels, channels, taps) / (channels * taps) ** 0.5
    inputs = [draw(batch, time, channels, size), kernel, draw(batch, channels, size)]
    agree("wave", lambda d, k, s: scan.wave(d, k, s, activation), inputs, route="triton")
    agree("wave", lambda d, k: scan.wave(d, k, activation=activation), inputs[:2], route="triton")


def test_programs_walk_several_sequences(monkeypatch):
    monkeypatch.setattr(kernels, "SLICES", 2)
    inputs = [draw(5, 3, 3, 20), draw(3, 3, 3) / 3, draw(5, 3, 20)]
    agree("wave", scan.wave, inputs, route="triton")


@pytest.mark.parametrize("activation", Activation)
def test_float32(activation):
    torch.manual_seed(0)
    single = torch.float32
    inputs = [draw(2, 9, 6, 20, dtype=single), draw(6, 6, 3, dtype=single) / 5]
    agree("wave", lambda d, k: scan.wave(d, k, activation=activation), inputs, 2e-5, route="triton")


def test_half_precision_is_carried_in_float32():
    """A kernel that keeps 0.998 of a state; in bfloat16 that is 0.99609375, a number of both types."""
    drive = torch.zeros(1, 100, 1, 4, dtype=torch.bfloat16)
    drive[0, 0] = 1
    with scan.only("triton"):
        h, last = scan.wave(drive, torch.full((1, 1, 1), 0.99609375, dtype=torch.bfloat16))
    assert scan.routes()["wave"] == "triton" and h.dtype == torch.bfloat16
    torch.testing.assert_close(last[0, 0, 0].item(), 0.99609375**99, rtol=1e-5, atol=0)


@pytest.mark.parametrize("which", [0, 1])
def test_the_loss_may_look_at_one_result_and_its_gradient_lie_anyhow(which):
    torch.manual_seed(0)
    given = [draw(2, 5, 3, 20), draw(3, 3, 3) / 3, draw(2, 3, 20)]
    towards = torch.rand(20, 3, dtype=torch.float64).T
    for turn in (lambda y: y.sum(), lambda y: (y * towards).sum(), lambda y: torch.cat([y, y], -1).sum()):
        found = []
        for route in (scan.only("triton"), scan.only_plain()):
            inputs = [x.clone().requires_grad_() for x in given]
            with route:
                found.append(torch.autograd.grad(turn(scan.wave(*inputs)[which]), inputs))
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-12)


def test_only_what_is_wanted_gets_a_gradient():
    drive, kernel = torch.rand(2, 4, 3, 5).requires_grad_(), torch.rand(3, 3, 3)
    with scan.only("triton"):
        scan.wave(drive, kernel)[1].sum().backward()
    assert drive.grad.abs().min() > 0


@pytest.mark.parametrize("activation", Activation)
def test_nan_goes_as_far_as_the_kernel(activation):
    drive = torch.zeros(2, 3, 2, 9)
    drive[0, 0, 1, 4] = torch.nan
    with scan.only("triton"):
        h, _ = scan.wave(drive, torch.ones(2, 2, 3), activation=activation)
    assert [row.isnan().sum().item() for row in h[0, :, 0]] == [0, 3, 5]
    assert h[1].isfinite().all()


@pytest.mark.parametrize("activation", Activation)
def test_what_is_far_and_small_is_right(activation):
    """tanh of tiny numbers is as exact as of others, and large ones do not overflow."""
    drive = torch.tensor([1e-30, 1e-7, 0.3124, 0.3126, 1.0, 30.0, 1e30, torch.inf])
    drive = torch.cat([drive, -drive])[None, None, None].double()
    with scan.only("triton"):
        h, _ = scan.wave(drive, torch.zeros(1, 1, 1).double(), activation=activation)
    torch.testing.assert_close(h, activation(drive), rtol=1e-14, atol=0)


def test_memory_beyond_the_tensors_does_not_matter():
    """Each lies in the front of a larger piece that is not a number."""

    def hostile(*shape):
        size = torch.Size(shape).numel()
        return torch.full((size + 4096,), torch.nan)[:size].view(shape).copy_(torch.rand(shape))

    with scan.only("triton"):
        found = results(scan.wave, [hostile(2, 5, 3, 19), hostile(3, 3, 3) / 9, hostile(2, 3, 19)])
    assert all(part.isfinite().all() for part in found)


def test_what_has_no_room_on_chip_takes_the_steps():
    for shape, taps in (((1, 2, 33, 9), 3), ((1, 2, 2, 1025), 3), ((1, 2, 20, 9), 7)):
        with scan.only("triton"):
            scan.wave(torch.zeros(shape), torch.zeros(shape[2], shape[2], taps))
        assert scan.routes()["wave"] == "plain"


def test_bytes_moved_are_the_least():
    """Forward reads the drive and writes h; backward reads h and what comes, and writes one gradient."""
    drive, kernel = torch.rand(1, 24, 16, 16).requires_grad_(), torch.rand(16, 16, 3) / 48
    edges = 4 * (2 * kernel.numel() + 2 * 16 * 16)  # the weights for each, states before and after
    with scan.only("triton"), moved() as forward:
        h, _ = scan.wave(drive, kernel)
    with scan.only("triton"), moved() as backward:
        h.backward(torch.rand_like(h))
    assert 2 * 4 * drive.numel() <= forward.bytes <= 2 * 4 * drive.numel() + edges
    assert 3 * 4 * drive.numel() <= backward.bytes <= 3 * 4 * drive.numel() + edges
