"""The selective recurrence in few operations of PyTorch: right, few, and in little memory."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.agree import agree, draw, results
from tests.scan.portable.errors import errors
from tests.scan.portable.launched import launched
from tests.scan.test_selective import parts
from wavetrain import scan
from wavetrain.scan.cpu.selective import CHUNK
from wavetrain.scan.routes import MANY
from wavetrain.testing.peak import Peak


@settings(max_examples=15, deadline=None)
@given(
    batch=st.integers(1, 2),
    time=st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3, 7 * CHUNK]),
    width=st.sampled_from([1, 3, 7]),
    size=st.sampled_from([1, 2, 5]),
    seed=st.integers(0, 99),
    form=st.sampled_from(["bare", "skip", "gate", "both"]),
)
def test_selective(batch, time, width, size, seed, form):
    torch.manual_seed(seed)
    inputs, skip, gate = parts(batch, time, width, size), draw(width), draw(batch, time, width)
    run, more = {
        "bare": (scan.selective, []),
        "skip": (scan.selective, [skip]),
        "gate": (lambda *given: scan.selective(*given[:6], None, given[6]), [gate]),
        "both": (scan.selective, [skip, gate]),
    }[form]
    agree("selective", run, [*inputs, *more], route="parallel")
    agree("selective", scan.selective, inputs[:5], route="parallel")


@pytest.mark.parametrize("time", [20 * CHUNK, 36 * CHUNK + 1])
def test_chunks_of_several_marks(time: int):
    """Of 2 CHUNK steps each: the last is half there, or a single step."""
    torch.manual_seed(0)
    agree("selective", scan.selective, [*parts(1, time, 2, 2), draw(2), draw(1, time, 2)], route="parallel")


def test_a_loss_of_one_result():
    torch.manual_seed(0)
    inputs = [*parts(2, 3 * CHUNK + 1, 3, 2)[:5], draw(3), draw(2, 3 * CHUNK + 1, 3)]
    steps = torch.arange(3 * CHUNK + 1.0).double()
    for loss in (
        lambda y, last: y.sum(),  # the gradient that comes has stride 0
        lambda y, last: last.sum(),
        lambda y, last: (y.transpose(1, 2) @ steps).sum() + last.mT[..., 1].sum(),
    ):
        found = []
        for form in (scan.only("parallel"), scan.only_plain()):
            given = [x.clone().requires_grad_() for x in inputs]
            with form:
                loss(*scan.selective(*given[:5], None, *given[5:])).backward()
            found.append([torch.zeros_like(x) if x.grad is None else x.grad for x in given])
        for x, y in zip(*found, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-11, atol=1e-11)


def test_inputs_need_not_lie_in_order():
    torch.manual_seed(0)
    turned = [part.transpose(0, 1).contiguous() for part in parts(3, 5, 4, 2)]
    agree(
        "selective",
        lambda *given: scan.selective(*(part.transpose(0, 1) for part in given)),
        turned,
        route="parallel",
    )


def test_strong_decays_forget():
    """exp(-100), exp(-10,000), and no decay at all, in turn: finite, and right."""
    torch.manual_seed(0)
    x, _, a, b, c, state = parts(2, 5 * CHUNK, 3, 2)
    dt = torch.tensor([0.0, 1e-3, 100.0, 1e4]).double()[torch.randint(4, x.shape)]
    inputs = [x, dt, a.clamp(max=-1), b, c, state]
    agree("selective", scan.selective, inputs, route="parallel")
    with scan.only("parallel"):
        assert all(part.isfinite().all() for part in results(scan.selective, inputs))


def test_what_is_no_number_stays_in_its_channel_and_its_future():
    torch.manual_seed(0)
    x, *rest = parts(2, 5 * CHUNK, 3, 2)
    x[1, CHUNK + 3, 2] = torch.nan
    with scan.only("parallel"):
        y, last = scan.selective(x, *rest)
    assert y[1, CHUNK + 3 :, 2].isnan().all() and last[1, 2].isnan().all()
    assert y.isnan().sum() == 4 * CHUNK - 3 and last.isnan().sum() == 2


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.bfloat16, 2.0**-8)])
def test_errors_against_float64(dtype: torch.dtype, error: float):
    """Of the largest; bfloat16 is rounded once, at the end, and a state not at all."""
    torch.manual_seed(0)
    inputs = [part.to(dtype) for part in parts(2, 600, 5, 16, torch.float32)]
    with scan.only("parallel"):
        (y, last), slopes = errors(scan.selective, inputs)
    assert y < error and last < 1e-6 and max(slopes) < error


def test_second_derivatives():
    torch.manual_seed(0)
    inputs = [part.requires_grad_() for part in parts(1, 3, 2, 1)]
    with scan.only("parallel"):
        assert torch.autograd.gradgradcheck(scan.selective, inputs)


def test_operations_grow_as_the_root_of_time():
    """The walk launches 7 a step, and 18 on the way back."""
    for time in (256, 1024, 4096, 65_536):
        forward, back = launched(scan.selective, parts(1, time, 2, 2))
        assert forward < 12 * math.sqrt(time) + 20 and back < 24 * math.sqrt(time) + 40
    with scan.only_plain():
        walk = launched(scan.selective, parts(1, 128, 2, 2))
    assert walk[0] >= 7 * 128 and walk[1] >= 18 * 128


def test_it_is_taken_by_itself_where_the_walk_would_be_long():
    for time, route in ((MANY, "plain"), (MANY + 1, "parallel")):
        scan.selective(*(part.to("meta") for part in parts(1, time, 2, 2)))
        assert scan.routes()["selective"] == route


def test_states_are_there_for_a_few_steps_of_each_chunk():
    """Beyond what is as large as the inputs, where the states of all steps would be 32 times x."""
    time, width, size = 16_384, 8, 32
    inputs = [part.requires_grad_() for part in parts(1, time, width, size)]
    everything, given = time * width * size * 8, sum(part.numel() * 8 for part in inputs)
    with scan.only("parallel"):
        with torch.no_grad(), Peak() as seen:
            scan.selective(*inputs)
        assert seen.most < given + everything / 20
        with Peak() as seen:
            y, last = scan.selective(*inputs)
        assert seen.most < given + everything / 20 + everything / CHUNK  # and the marks
        with Peak() as seen:
            torch.autograd.grad(y.sum() + last.sum(), inputs)
        assert seen.most < 2 * given + 0.3 * everything  # a plain gradient keeps several times everything
