"""The unitary recurrence in few operations of PyTorch: right, few, and in little memory."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.agree import agree
from tests.scan.portable.errors import errors
from tests.scan.portable.launched import launched
from tests.scan.test_unitary import parts
from wavetrain import scan
from wavetrain.scan.cpu.unitary import CHUNK
from wavetrain.scan.routes import MANY
from wavetrain.testing.peak import Peak


@settings(max_examples=15, deadline=None)
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3]),
    size=st.sampled_from([1, 2, 5]),
    width=st.sampled_from([1, 3, 7]),
    seed=st.integers(0, 99),
)
def test_unitary(batch, time, size, width, seed):
    torch.manual_seed(seed)
    inputs = parts(batch, time, size, width)
    agree("unitary", scan.unitary, inputs, 1e-11, route="parallel")
    agree("unitary", scan.unitary, inputs[:4], 1e-11, route="parallel")


def test_a_last_piece_of_one_step():
    torch.manual_seed(0)
    agree("unitary", scan.unitary, parts(1, 4 * CHUNK + 1, 2, 2), 1e-11, route="parallel")


def test_a_loss_of_one_result():
    torch.manual_seed(0)
    inputs = parts(2, CHUNK + 3, 2, 3)[:4]
    steps = torch.arange(CHUNK + 3.0).double()
    for loss in (
        lambda y, last: y.sum(),  # the gradient that comes has stride 0
        lambda y, last: last.imag.sum(),
        lambda y, last: (y.transpose(1, 2) @ steps).sum() + last.mT[..., 1].real.sum(),
    ):
        found = []
        for form in (scan.only("parallel"), scan.only_plain()):
            given = [x.clone().requires_grad_() for x in inputs]
            with form:
                loss(*scan.unitary(*given)).backward()
            found.append([torch.zeros_like(x) if x.grad is None else x.grad for x in given])
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    theta, w, b, c, state = parts(3, 5, 2, 4)
    turned = [theta.transpose(0, 1).contiguous(), w.transpose(0, 1).contiguous(), b, c, state.mT.contiguous()]
    agree(
        "unitary",
        lambda theta, w, b, c, state: scan.unitary(
            theta.transpose(0, 1), w.transpose(0, 1), b.conj(), c, state.mT
        ),
        turned,
        route="parallel",
    )


def test_nothing_is_lost():
    """Without input each state keeps its size over thousands of steps, and so does what comes back."""
    torch.manual_seed(0)
    theta, w, b, c, state = parts(1, 5000, 2, 3, torch.float32)
    state.requires_grad_()
    with scan.only("parallel"):
        last = scan.unitary(theta, 0 * w, b, c, state)[1]
    torch.testing.assert_close(last.abs(), state.abs(), rtol=1e-5, atol=0)
    towards = torch.randn_like(last)
    with scan.only("parallel"):
        (back,) = torch.autograd.grad(last, state, towards)
    torch.testing.assert_close(back.abs(), towards.abs(), rtol=1e-5, atol=0)


def test_errors_against_float64():
    """Of the largest, over 5,000 steps in float32."""
    torch.manual_seed(0)
    with scan.only("parallel"):
        values, slopes = errors(scan.unitary, parts(1, 5000, 2, 3, torch.float32))
    assert max(values) < 5e-6 and max(slopes) < 1e-5


def test_half_precision_is_computed_in_float32():
    """So is the result, since b and c are complex numbers of float32."""
    torch.manual_seed(0)
    theta, w, *ends = parts(1, 600, 2, 3, torch.float32)
    theta, w = theta.bfloat16(), w.bfloat16()
    with scan.only("parallel"):
        y, last = scan.unitary(theta, w, *ends)
        wide, same = scan.unitary(theta.float(), w.float(), *ends)
    assert torch.equal(y, wide) and torch.equal(last, same)


def test_second_derivatives():
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(1, 3, 2, 2)]
    with scan.only("parallel"):
        assert torch.autograd.gradgradcheck(scan.unitary, inputs)


def test_operations_grow_as_the_root_of_time():
    """The walk launches 8 a step, and 24 on the way back."""
    for time in (256, 1024, 4096, 65_536):
        forward, back = launched(scan.unitary, parts(1, time, 2, 2))
        assert forward < 5 * math.sqrt(time) + 40 and back < 8 * math.sqrt(time) + 40
    with scan.only_plain():
        walk = launched(scan.unitary, parts(1, 128, 2, 2))
    assert walk[0] >= 8 * 128 and walk[1] >= 24 * 128


def test_it_is_taken_by_itself_where_the_walk_would_be_long():
    for time, route in ((MANY, "prefix sums"), (MANY + 1, "parallel")):
        scan.unitary(*(part.to("meta") for part in parts(1, time, 2, 2)))
        assert scan.routes()["unitary"] == route


def test_states_are_there_for_one_piece():
    """The bytes of states, where those of all steps would be `everything`."""
    time = 16_384
    inputs = [part.requires_grad_() for part in parts(1, time, 16, 1)]
    everything = time * 16 * 16
    with scan.only("parallel"):
        with Peak() as seen:
            y, last = scan.unitary(*inputs)
        assert seen.most < everything / 2
        with Peak() as seen:
            torch.autograd.grad(y.sum() + last.real.sum(), inputs)
        assert seen.most < 1.2 * everything  # half of it the gradient of theta
