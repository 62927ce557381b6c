"""The recurrence of matrices on a GPU, or in Triton's interpreter: against the definition."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import agree, draw, interpreted
from tests.scan.gpu.moved import moved
from wavetrain import scan
from wavetrain.core import State
from wavetrain.parts import ragged
from wavetrain.scan.gpu import chunked as kernels

CHUNK = kernels.WIDE[0]  # of float32 and float64
KINDS = [pytest.param(False, id="one decay"), pytest.param(True, id="a decay for each row")]


def parts(
    time: int, *, vector: bool, keys: int = 3, values: int = 5, batch: int = 2, heads: int = 2
) -> list[Tensor]:
    """q, k, v, the logarithms of decays, and a first state."""
    q, k, v = (draw(batch, time, heads, size) for size in (keys, keys, values))
    rates = -draw(batch, time, heads, keys if vector else 1).exp()
    return [q, k, v, rates, draw(batch, heads, keys, values)]


def pulled(inputs: list[Tensor]) -> list[Tensor]:
    """Both results and the gradients of a loss that looks at both, by the same weights in every type."""
    given = [part.detach().view_as(part).requires_grad_() for part in inputs]
    y, last = scan.chunked(*given)
    generator = torch.Generator().manual_seed(7)
    towards = [torch.randn(part.shape, dtype=torch.float64, generator=generator) for part in (y, last)]
    loss = (y.double() * towards[0]).sum() + (last.double() * towards[1]).sum()
    return [y.detach(), last.detach(), *torch.autograd.grad(loss, given)]


@interpreted
@given(
    time=st.sampled_from([1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3]),
    keys=st.sampled_from([1, 3, 33]),
    values=st.sampled_from([1, 3, 33]),
    vector=st.booleans(),
    seed=st.integers(0, 99),
)
def test_chunked(time, keys, values, vector, seed):
    torch.manual_seed(seed)
    inputs = parts(time, keys=keys, values=values, vector=vector)
    agree("chunked", scan.chunked, inputs, route="triton", tolerance=1e-11)


@pytest.mark.parametrize("sizes", [kernels.HALVES, kernels.VECTORS, (16, 16)])
def test_gradients_do_not_depend_on_the_chunk(sizes, monkeypatch):
    """In each size that any type has, on the numbers of float64."""
    torch.manual_seed(0)
    monkeypatch.setattr(kernels, "WIDE", sizes)
    inputs = parts(67, keys=17, values=18, vector=sizes == kernels.VECTORS, batch=1, heads=1)
    agree("chunked", scan.chunked, inputs, route="triton", tolerance=1e-11)


@pytest.mark.parametrize("vector", KINDS)
def test_one_result_and_gradients_that_do_not_lie_in_order(vector):
    torch.manual_seed(0)
    inputs = parts(9, vector=vector)[:4]

    def found(loss):
        slopes = []
        for route in ("triton", "numba"):
            given = [x.clone().requires_grad_() for x in inputs]
            with scan.only(route):
                y, last = scan.chunked(*given)
            loss(y, last).backward()
            slopes.append([torch.zeros_like(x) if x.grad is None else x.grad for x in given])
        return slopes

    for loss in (
        lambda y, last: y.sum(),  # stride 0
        lambda y, last: last.sum(),
        lambda y, last: (y.transpose(1, 3) @ torch.arange(9.0).double()).sum() + last[..., ::2].sum(),
    ):
        for x, y in zip(*found(loss), strict=True):
            torch.testing.assert_close(x, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("vector", KINDS)
def test_slices_of_one_tensor_are_read_where_they_lie(vector):
    torch.manual_seed(0)
    fused, rates = draw(2, 7, 2, 12), -draw(2, 7, 2, 4 if vector else 1).exp()
    agree(
        "chunked",
        lambda fused, rates, state: scan.chunked(*fused.split(4, -1), rates, state.transpose(0, 3)),
        [fused, rates, draw(4, 2, 4, 2)],
        route="triton",
    )


@pytest.mark.parametrize("vector", KINDS)
def test_however_much_is_forgotten(vector):
    """Nothing, little, much and all, in turn and at once: finite, and right in float32 as well."""
    torch.manual_seed(0)
    q, k, v, rates, state = parts(CHUNK + 9, vector=vector, batch=1)
    some = torch.tensor([-1e-3, -1.0, -20.0, -100.0, -1e4, -torch.inf, 0.0]).double()
    mixed = some[torch.randint(len(some), rates.shape)]
    for log_decay in (torch.full_like(rates, -100), torch.full_like(rates, -torch.inf), mixed):
        inputs = [q, k, v, log_decay, state]
        agree("chunked", scan.chunked, inputs, route="triton", tolerance=1e-11)
    with scan.only("triton"):
        single = pulled([part.float() for part in inputs])
    with scan.only_plain():
        exact = pulled(inputs)
    for x, y in zip(single, exact, strict=True):
        torch.testing.assert_close(x.double(), y, rtol=1e-5, atol=1e-5 * max(1.0, y.abs().max().item()))


@pytest.mark.parametrize("vector", KINDS)
def test_what_was_forgotten_has_no_effect_and_no_gradient(vector):
    """Not to a bit: two sequences in one row, the second from where all decays are minus infinity."""
    torch.manual_seed(0)
    q, k, v, rates, state = parts(CHUNK + 20, vector=vector)
    cut = CHUNK + 7
    rates[:, cut] = -torch.inf
    with scan.only("triton"):
        inputs = [part.requires_grad_() for part in (q, k, v, rates, state)]
        y, last = scan.chunked(*inputs)
        (y[:, cut:].sum() + last.sum()).backward()
        other = k.detach().clone()
        other[:, :cut] += 1
        again, last_again = scan.chunked(q, other, v, rates, state)
    assert torch.equal(y[:, cut:], again[:, cut:]) and torch.equal(last, last_again)
    for part in (q, k, v):
        assert not part.grad[:, :cut].any() and part.grad[:, cut:].any()
    assert not state.grad.any() and not rates.grad[:, : cut + 1].any()


class Together:
    """The recurrence over one tensor of all its inputs, as a layer is called."""

    def begin(self, batch: int) -> State:
        return torch.zeros(batch, 1, 3, 5, dtype=torch.float64)

    def __call__(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        q, k, v, rates = x.unsqueeze(2).split([3, 3, 5, 1], -1)
        y, last = scan.chunked(q, k, v, rates, state)
        return y.squeeze(2), last


def test_sequences_packed_end_to_end_are_those_by_themselves(monkeypatch):
    monkeypatch.setattr(kernels, "WIDE", kernels.HALVES)  # chunks of 64
    torch.manual_seed(0)
    lengths = [5, 59, 1, 70]
    x, state = draw(sum(lengths), 12), draw(4, 1, 3, 5)
    x[:, -1] = -x[:, -1].exp()
    towards = draw(sum(lengths), 5), draw(4, 1, 3, 5)
    with scan.only("triton"):
        y, last = ragged.packed(Together(), x.requires_grad_(), lengths, state.requires_grad_())
    slopes = torch.autograd.grad((y * towards[0]).sum() + (last * towards[1]).sum(), [x, state])
    ends = torch.tensor(lengths).cumsum(0).tolist()
    for row, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        own = slice(end - length, end)
        with scan.only_plain():
            alone, alone_last = Together()(x[None, own], state[row : row + 1])
        torch.testing.assert_close(y[own], alone[0], rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(last[row], alone_last[0], rtol=1e-11, atol=1e-11)
        loss = (alone[0] * towards[0][own]).sum() + (alone_last[0] * towards[1][row]).sum()
        for slope, whole in zip(torch.autograd.grad(loss, [x, state]), slopes, strict=True):
            part = slice(end - length, end) if len(slope) == len(x) else slice(row, row + 1)
            torch.testing.assert_close(whole[part], slope[part], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_stored_and_not_carried(kind):
    """A decay of 0.998 in float32 would be 0.9961 in bfloat16; q, k and v alone are in half precision."""
    one = torch.ones(1, 100, 1, 1, dtype=kind)
    first = torch.zeros_like(one)
    first[:, 0] = 1
    rates = torch.full((1, 100, 1, 1), 0.998).log()
    with scan.only("triton"):
        y, last = scan.chunked(one, first, one, rates)
    assert y.dtype == kind and last.dtype == torch.float32
    torch.testing.assert_close(last.item(), 0.998**99, rtol=2**-8, atol=0)  # each product is rounded once
    torch.testing.assert_close(y[0, -1].float().item(), last.item(), rtol=2**-7, atol=0)


@pytest.mark.parametrize("vector", KINDS)
def test_half_precision_within_its_digits(vector):
    torch.manual_seed(0)
    inputs = parts(40, vector=vector, keys=20, values=20, batch=1, heads=1)
    halves = [*(part.bfloat16() for part in inputs[:3]), inputs[3].float(), inputs[4].float()]
    with scan.only("triton"):
        found = pulled(halves)
    with scan.only_plain():
        exact = pulled([part.double() for part in halves])
    kinds = [torch.bfloat16, torch.float32, *[torch.bfloat16] * 3, torch.float32, torch.float32]
    for x, y, dtype in zip(found, exact, kinds, strict=True):
        assert x.dtype == dtype
        assert (x.double() - y).abs().max() < 2e-2 * y.abs().max()


@pytest.mark.parametrize("vector", KINDS)
def test_memory_beyond_the_tensors_does_not_matter(vector):
    """Each lies in the front of a larger piece that is not a number."""
    torch.manual_seed(0)

    def hostile(part: Tensor) -> Tensor:
        size = part.numel()
        return torch.full((size + 4096,), torch.nan, dtype=part.dtype)[:size].view(part.shape).copy_(part)

    inputs = [hostile(part) for part in parts(7, vector=vector, keys=20, values=18, batch=1, heads=3)]
    with scan.only("triton"):
        found = pulled(inputs)
    assert all(part.isfinite().all() for part in found)


def test_bytes_moved():
    """Forward: each input once for a walk and once to read, and a state a chunk written and read."""
    torch.manual_seed(0)
    q, k, v = (torch.rand(1, 4 * CHUNK, 2, 32) for _ in range(3))
    rates = -torch.rand(1, 4 * CHUNK, 2, 1)
    own, states = v.numel() * 4, 4 * 2 * 32 * 32 * 4  # all chunks' states
    with scan.only("triton"), moved() as forward:
        scan.chunked(q, k, v, rates)
    edges = 2 * 2 * 32 * 32 * 4
    assert (
        4 * own + 2 * own + 2 * states
        <= forward.bytes
        <= 6 * own + 2 * states + 4 * 4 * rates.numel() + edges
    )
