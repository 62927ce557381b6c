"""Every fast route against its plain one, which is the definition: values and gradients."""

import os
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.fresh import python
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan import Activation

Run = Callable[..., tuple[Tensor, Tensor]]
few = settings(max_examples=25, deadline=None)


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, dtype=dtype)


def results(run: Run, inputs: list[Tensor]) -> list[Tensor]:
    """h, the last state, and the gradients of a loss that looks at both."""
    inputs = [x.detach().clone().requires_grad_() for x in inputs]
    h, last = run(*inputs)
    generator = torch.Generator().manual_seed(7)
    towards = [torch.randn(y.shape, dtype=y.dtype, generator=generator) for y in (h, last)]
    loss = sum((y * to).sum().real for y, to in zip((h, last), towards, strict=True))
    return [h.detach(), last.detach(), *torch.autograd.grad(loss, inputs)]


def agree(
    name: str, run: Run, inputs: list[Tensor], tolerance: float = 1e-12, definition: str = "plain"
) -> None:
    """The fast route is taken, and gives what the plain one gives."""
    fast = results(run, inputs)
    assert scan.routes()[name] == "numba"
    with scan.only_plain():
        plain = results(run, inputs)
    assert scan.routes()[name] == definition
    for x, y in zip(fast, plain, strict=True):
        assert x.dtype == y.dtype
        size = y.abs().max().item() if y.numel() else 0.0
        torch.testing.assert_close(x, y, rtol=tolerance, atol=tolerance * max(1.0, size))


sizes = {"batch": st.integers(1, 4), "time": st.sampled_from([1, 2, 3, 7, 13, 31])}
dtypes = st.sampled_from([torch.float64, torch.complex128])


@few
@given(
    **sizes,
    width=st.integers(1, 37),
    dtype=dtypes,
    same=st.booleans(),
    resets=st.booleans(),
    seed=st.integers(0, 99),
)
def test_linear(batch, time, width, dtype, same, resets, seed):
    torch.manual_seed(seed)
    a = 0.7 * draw(*((width,) if same else (batch, time, width)), dtype=dtype)
    reset = torch.rand(batch, time) < 0.3 if resets else None
    inputs = [a, draw(batch, time, width, dtype=dtype), draw(batch, width, dtype=dtype)]
    agree("linear", lambda a, b, state: scan.linear(a, b, state, reset), inputs)
    agree("linear", lambda a, b: scan.linear(a, b, None, reset), inputs[:2])


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
    agree("linear", scan.linear, [0.5 * draw(3, 50, 33, dtype=single), draw(3, 50, 33, dtype=single)], 2e-5)
    single_complex = [0.5 * draw(33, dtype=torch.complex64), draw(3, 50, 33, dtype=torch.complex64)]
    agree("linear", scan.linear, single_complex, 2e-5)
    for activation in Activation:
        inputs = [draw(3, 20, 6, 20, dtype=single), draw(6, 6, 3, dtype=single) / 5]
        agree(
            "wave", lambda drive, kernel, a=activation: scan.wave(drive, kernel, activation=a), inputs, 2e-5
        )


def test_gradients_by_differences():
    torch.manual_seed(0)
    a, b, state = draw(2, 4, 3, dtype=torch.complex128), draw(2, 4, 3, dtype=torch.complex128), draw(2, 3)
    reset = torch.tensor([[False, True, False, False], [False, False, False, True]])
    wanted = [x.requires_grad_() for x in (a, b, state.to(torch.complex128))]
    assert torch.autograd.gradcheck(lambda a, b, s: scan.linear(a, b, s, reset), wanted)
    same = a.detach()[0, 0].requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: scan.linear(a, b), [same, b])
    waves = [x.requires_grad_() for x in (draw(2, 3, 2, 5), draw(2, 2, 3), draw(2, 2, 5))]
    for activation in Activation:
        assert torch.autograd.gradcheck(lambda d, k, s, a=activation: scan.wave(d, k, s, a), waves)


def test_mixed_kinds_are_promoted():
    a, b = torch.rand(5).requires_grad_(), draw(2, 4, 5, dtype=torch.complex64)
    h, _ = scan.linear(a, b)
    assert h.dtype == torch.complex64
    h.abs().sum().backward()
    assert a.grad is not None and a.grad.dtype == torch.float32


@pytest.mark.parametrize("activation", list(Activation))
def test_dense(activation):
    torch.manual_seed(0)
    encode, recur = nn.Linear(3, 5).double(), nn.Linear(5, 5).double()
    inputs = [draw(2, 7, 3), draw(2, 5)]
    weights = [*encode.parameters(), *recur.parameters()]

    def whole() -> list[Tensor]:
        x, state = (x.clone().requires_grad_() for x in inputs)
        h, last = scan.dense(x, state, encode, recur, activation)
        return [h, last, *torch.autograd.grad((h**2).sum() + last.sum(), [x, state, *weights])]

    fast = whole()
    assert scan.routes()["dense"] == ("plain" if activation is Activation.IDENTITY else "torch rnn")
    with scan.only_plain():
        plain = whole()
    assert scan.routes()["dense"] == "plain"
    torch.testing.assert_close(fast, plain)


def test_threads_do_not_change_the_bits():
    torch.manual_seed(0)
    a, b = 0.9 * torch.rand(5, 300, 1001), draw(5, 300, 1001, dtype=torch.float32)
    same = 0.9 * torch.rand(1001)
    waves = [draw(40, 30, 9, 30, dtype=torch.float32), draw(9, 9, 3, dtype=torch.float32) / 5]
    before = torch.get_num_threads()
    seen = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            linear = results(scan.linear, [a, b]) + results(scan.linear, [same, b])
            seen.append(linear + results(scan.wave, waves))
    finally:
        torch.set_num_threads(before)
    for other in seen[1:]:
        assert all(torch.equal(x, y) for x, y in zip(seen[0], other, strict=True))


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    a, b = draw(5, 6, 3), draw(3, 6, 5)
    agree("linear", lambda a, b: scan.linear(a.transpose(0, 2), b), [a, b])
    turned = [draw(2, 3, 4, 5, dtype=torch.complex128), draw(2, 3, 4, dtype=torch.complex128)]
    agree("linear", lambda a, b: scan.linear(a[..., 0].conj(), b), turned)
    drive, kernel = draw(9, 3, 4, 2), draw(3, 4, 4).transpose(0, 2)
    agree("wave", lambda d, k: scan.wave(d.permute(3, 2, 1, 0)[:, :, :3], k[:3, :3]), [drive, kernel])


def test_only_what_is_wanted_gets_a_gradient():
    a, b = torch.rand(2, 4, 3), draw(2, 4, 3, dtype=torch.float32).requires_grad_()
    assert not scan.linear(a, b.detach())[0].requires_grad
    scan.linear(a, b)[1].sum().backward()  # through the last state alone
    assert torch.equal(b.grad[:, -1], torch.ones(2, 3))
    drive, kernel = torch.rand(2, 4, 3, 5).requires_grad_(), torch.rand(3, 3, 3)
    scan.wave(drive, kernel)[1].sum().backward()
    assert drive.grad.abs().min() > 0
    assert kernel.grad is None


def test_routes():
    half = torch.rand(2, 4, 3).bfloat16()
    scan.linear(half, half)
    assert scan.routes()["linear"] == "numba"  # in float32
    with scan.only_plain():
        scan.linear(half, half)
        assert scan.routes()["linear"] == "plain"
        scan.wave(half[:, :, None], torch.rand(1, 1, 3).bfloat16())
        assert scan.routes()["wave"] == "plain"
    a = torch.rand(2, 4, 3)
    scan.linear(a, a)
    assert scan.routes()["linear"] == "numba"
    torch.func.vmap(lambda b: scan.linear(a, b)[0])(torch.rand(5, 2, 4, 3))
    assert scan.routes()["linear"] == "plain"
    with pytest.raises(ZeroDivisionError), scan.only_plain():
        raise ZeroDivisionError
    scan.linear(a, a)
    assert scan.routes()["linear"] == "numba"


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
    for activation in Activation:
        drive = torch.zeros(2, 3, 2, 9)
        drive[0, 0, 1, 4] = torch.nan
        h, _ = scan.wave(drive, torch.ones(2, 2, 3), activation=activation)
        assert [row.isnan().sum().item() for row in h[0, :, 0]] == [0, 3, 5]
        assert h[1].isfinite().all()


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
    encode, recur = nn.Linear(3, 5), nn.Linear(5, 5)
    with pytest.raises(BadInput, match=r"expected x \(batch, time, 3\).*got \(2, 4, 4\)"):
        scan.dense(torch.rand(2, 4, 4), torch.rand(2, 5), encode, recur, Activation.TANH)
    with pytest.raises(BadInput, match=r"expected state \(2, 5\), got \(2, 3\)"):
        scan.dense(b, torch.rand(2, 3), encode, recur, Activation.TANH)
    with pytest.raises(BadInput, match="expected recur from 5 to 5, got 3 to 5"):
        scan.dense(b, torch.rand(2, 5), encode, encode, Activation.TANH)


def test_the_compiler_is_loaded_only_when_used():
    assert python("import sys, wavetrain.scan; print('numba' in sys.modules)") == "False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_threads_after_a_fork():
    code = """
import os, torch
from wavetrain import scan
torch.set_num_threads(2)
b = torch.rand(4, 600, 512)
h, _ = scan.linear(b, b)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(scan.linear(b, b)[0], h) else 1)
print(os.waitpid(child, 0)[1])
"""
    assert python(code) == "0"


def parts_of_chunked(time: int, rates: int, keys: int = 3) -> list[Tensor]:
    torch.manual_seed(time)
    qkv = [draw(2, time, 2, keys), draw(2, time, 2, keys), draw(2, time, 2, 5)]
    return [*qkv, -draw(2, time, 2, rates).exp(), draw(2, 2, keys, 5)]


@pytest.mark.parametrize("rates", [1, 3])
@pytest.mark.parametrize("time", [1, 2, 3, 4, 5, 7, 8, 9, 13])
def test_chunked(time, rates):
    inputs = parts_of_chunked(time, rates)
    for size in (1, 4, 64):
        for parts in (inputs, inputs[:4]):
            in_chunks = results(lambda *parts, n=size: scan.chunked(*parts, size=n), parts)
            with scan.only_plain():
                by_steps = results(scan.chunked, parts)
            for x, y in zip(in_chunks, by_steps, strict=True):
                torch.testing.assert_close(x, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("time", [63, 64, 65, 127, 128, 129])
def test_chunked_round_its_size(time):
    inputs = parts_of_chunked(time, 1)
    in_chunks = results(scan.chunked, inputs)
    with scan.only_plain():
        by_steps = results(scan.chunked, inputs)
    for x, y in zip(in_chunks, by_steps, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)


def test_chunked_by_differences():
    for rates in (1, 3):
        wanted = [x.requires_grad_() for x in parts_of_chunked(5, rates)]
        assert torch.autograd.gradcheck(lambda *parts: scan.chunked(*parts, size=2), wanted, fast_mode=True)


def test_chunked_keeps_its_digits_however_much_is_forgotten():
    """Rates from minus infinity to nothing at all, values and gradients, in float32 as well."""
    q, k, v, rates, state = parts_of_chunked(11, 1)
    for strong in (-1e4, -torch.inf):
        rates = torch.where(torch.rand(2, 11, 2, 1) < 0.4, strong, rates * 1e-3).double()
        inputs = [q, k, v, rates, state]
        in_chunks = results(lambda *parts: scan.chunked(*parts, size=8), inputs)
        single = results(lambda *parts: scan.chunked(*parts, size=8), [part.float() for part in inputs])
        with scan.only_plain():
            by_steps = results(scan.chunked, inputs)
        for x, y in zip(in_chunks, by_steps, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)
        for coarse, y in zip(single[:2], by_steps, strict=False):
            torch.testing.assert_close(coarse.double(), y, rtol=1e-4, atol=1e-4)
        assert all(slope.isfinite().all() for slope in single[2:])


def test_chunked_refuses_what_does_not_fit():
    q, k, v, rates, state = parts_of_chunked(4, 1)
    for parts, message in (
        ((q[:, :2], k, v, rates), "expected q and k"),
        ((q[:, :0], k[:, :0], v[:, :0], rates[:, :0]), "at least one step"),
        ((q, k, v[:, :2], rates), "expected v"),
        ((q, k, v, rates[..., 0]), "expected log_decay"),
        ((q, k, v, rates, state[:1]), "expected state"),
    ):
        with pytest.raises(BadInput, match=message):
            scan.chunked(*parts)
