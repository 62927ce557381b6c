"""Leaky integrate-and-fire units: the fused walk has the bits of the steps, forward and backward."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.scan.agree import draw, few, in_any_number_of_threads
from wavetrain import scan
from wavetrain.core import State, leaves
from wavetrain.core.surrogate import Smooth, Surrogate
from wavetrain.errors import BadInput
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.surrogate import Arctan, Boxcar, FastSigmoid, MultiGaussian, Sigmoid, Triangle, Zero
from wavetrain.scan import Form, LIFUnits, Slope
from wavetrain.scan.cpu import lif as walks
from wavetrain.spiking import ALIF, LIF
from wavetrain.spiking.alif import Times

SURROGATES: tuple[Surrogate, ...] = (
    Arctan(),
    FastSigmoid(),
    Sigmoid(),
    Boxcar(),
    Triangle(),
    MultiGaussian(),
    Zero(),
)
EXPONENTIAL = (Sigmoid, MultiGaussian)
ROUNDED = {torch.float64: 1e-12, torch.float32: 1e-4}  # of the largest: sums over steps, and exponentials


def built(width: int, firing: Firing, adapts: bool, dtype: torch.dtype = torch.float64) -> LIF | ALIF:
    torch.manual_seed(width)
    times = Times(tau=5.0, spread=1.0, adapting=9.0, adapting_spread=2.0, learned=True)
    layer = (
        ALIF(width, 3, times, strength=0.7, firing=firing)
        if adapts
        else LIF(width, 3, tau=5.0, firing=firing, learned=True)
    )
    return layer.to(dtype)


def somewhere(layer: LIF | ALIF, batch: int) -> tuple[Tensor, ...]:
    """A state in general position; some units are silent, if the layer knows that."""
    found = []
    for part in leaves(layer.begin(batch)):
        silent = torch.randint(0, layer.silence + 1, part.shape, dtype=torch.int32)
        found.append(torch.rand_like(part) if part.is_floating_point() else silent)
    return tuple(found)


def lesson(
    layer: LIF | ALIF, x: Tensor, state: tuple[Tensor, ...]
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Spikes and last state; gradients of x and the first state; those of parameters."""
    x = x.clone().requires_grad_()
    real = [part.clone().requires_grad_() for part in state if part.is_floating_point()]
    y, last = layer(x, (real[0], state[1], *real[1:]))
    generator = torch.Generator().manual_seed(7)
    ends = [y, *(part for part in leaves(last) if part.is_floating_point())]
    loss = sum((end * torch.randn(end.shape, dtype=end.dtype, generator=generator)).sum() for end in ends)
    learned = list(layer.parameters())
    grads = torch.autograd.grad(loss, [x, *real, *learned])
    many = 1 + len(real)
    return [part.detach() for part in (y, *leaves(last))], list(grads[:many]), list(grads[many:])


def pairs(found: Sequence[list[Tensor]], expected: Sequence[list[Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(itertools.chain(*found), itertools.chain(*expected), strict=True)


def both(layer: LIF | ALIF, x: Tensor, state: tuple[Tensor, ...]) -> Tensor:
    """Hold the walk to the steps; returns the spikes."""
    walked = lesson(layer, x, state)
    assert scan.routes()["lif"] == "numba"
    with scan.only_plain():
        steps = lesson(layer, x, state)
    assert scan.routes()["lif"] == "plain"
    exact = 1 if isinstance(layer.surrogate, EXPONENTIAL) else 2
    for found, expected in pairs(walked[:exact], steps[:exact]):
        assert found.dtype == expected.dtype and found.equal(expected)
    for found, expected in pairs(walked[exact:], steps[exact:]):
        size = expected.abs().max().item()
        torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDED[x.dtype] * max(size, 1e-6))
    return walked[0][0]


@few
@given(
    batch=st.integers(1, 4),
    time=st.sampled_from([1, 2, 3, 7, 15, 16, 17, 31, 33]),
    width=st.integers(1, 37),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    surrogate=st.sampled_from(SURROGATES),
    reset=st.sampled_from(Reset),
    silence=st.sampled_from([0.0, 1.0, 3.0]),
    detached=st.booleans(),
    adapts=st.booleans(),
    seed=st.integers(0, 99),
)
def test_lif(batch, time, width, dtype, surrogate, reset, silence, detached, adapts, seed):
    firing = Firing(threshold=0.8, reset=reset, refractory=silence, surrogate=surrogate, detached=detached)
    layer = built(width, firing, adapts, dtype)
    torch.manual_seed(seed)
    both(layer, 2 * draw(batch, time, 3, dtype=dtype), somewhere(layer, batch))


@pytest.mark.parametrize("adapts", [False, True])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda one: type(one).__name__)
def test_every_reset_of_every_surrogate(surrogate: Surrogate, adapts: bool) -> None:
    for reset, detached, silence in itertools.product(Reset, (False, True), (0.0, 2.0)):
        firing = Firing(reset=reset, refractory=silence, surrogate=surrogate, detached=detached)
        layer = built(5, firing, adapts)
        share = both(layer, 4 * draw(2, 20, 3), somewhere(layer, 2)).mean()
        assert 0 < share < 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=lambda one: type(one).__name__)
def test_slopes_near_and_far(surrogate: Surrogate, dtype: torch.dtype) -> None:
    """One step without reset: the gradient of the current is the derivative, even without end."""
    near = torch.linspace(-3, 3, 241, dtype=dtype)
    far = torch.tensor([1e3, 1e18, 3e38, math.inf], dtype=dtype)
    excess = torch.cat([near, far, -far])
    layer = LIF(len(excess), firing=Firing(surrogate=surrogate, reset=Reset.NONE)).to(dtype)
    layer.threshold = 0.0
    current = excess[None, None].clone().requires_grad_()
    kept = (torch.zeros_like(excess),)
    spikes, _ = scan.lif(layer._next, current, layer.begin(1), kept, layer.units())
    assert scan.routes()["lif"] == "numba"
    (found,) = torch.autograd.grad(spikes.sum(), current)
    expected = surrogate.derivative(excess)
    error = (found[0, 0] - expected).abs().max().item()
    most = 4 * torch.finfo(dtype).eps * surrogate.peak if isinstance(surrogate, EXPONENTIAL) else 0.0
    assert error <= most and expected.isfinite().all()


@pytest.mark.parametrize("cut", [1, 5, 16, 19])
@pytest.mark.parametrize("adapts", [False, True])
def test_cut_anywhere_it_is_the_whole(adapts: bool, cut: int) -> None:
    """Values, and gradients that go back through the state that is handed on."""
    layer = built(6, Firing(threshold=0.5, refractory=1.0), adapts)
    rates, units = layer._kept() if isinstance(layer, ALIF) else (layer.rate(layer.taus()),), layer.units()
    current, first = draw(3, 20, 6), somewhere(layer, 3)

    def of(pieces: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        given = [piece.clone().requires_grad_() for piece in pieces]
        state: State = first
        spikes = []
        for piece in given:
            y, state = scan.lif(layer._next, piece, state, rates, units)
            spikes.append(y)
        y = torch.cat(spikes, 1)
        towards = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
        slopes = torch.autograd.grad((y * towards).sum() + leaves(state)[0].sum(), given)
        return [y.detach(), *(part.detach() for part in leaves(state))], [torch.cat(slopes, 1)]

    for found, expected in pairs(of([current[:, :cut], current[:, cut:]]), of([current])):
        assert found.equal(expected)


def test_rows_begin_where_they_begin() -> None:
    """Some carry a state and others begin anew; each has the bits that it has alone."""
    layer = built(7, Firing(threshold=0.5, refractory=2.0), adapts=True)
    x, state = 2 * draw(4, 18, 3), somewhere(layer, 4)
    for part in state:
        part[1::2] = 0
    y, last = layer(x, state)
    for row in range(4):
        one = slice(row, row + 1)
        alone, end = layer(x[one], layer.begin(1) if row % 2 else tuple(part[one] for part in state))
        assert alone.equal(y[one])
        assert all(a.equal(b[one]) for a, b in zip(leaves(end), leaves(last), strict=True))


def test_without_a_threshold_the_first_state_fades() -> None:
    """d v_T / d v_0 is kept^T, whatever the reset."""
    for reset in Reset:
        layer = built(4, Firing(threshold=math.inf, reset=reset), adapts=False)
        v, silent = somewhere(layer, 2)
        v.requires_grad_()
        last = layer(draw(2, 40, 3), (v, silent))[1][0]
        (slope,) = torch.autograd.grad(last.sum(), v)
        expected = torch.exp(-40 / layer.taus()).expand_as(slope)
        torch.testing.assert_close(slope, expected, rtol=1e-13, atol=0)


def test_without_a_slope_nothing_comes_back_through_spikes() -> None:
    layer = built(4, Firing(surrogate=Zero()), adapts=False)
    x = (4 * draw(2, 20, 3)).requires_grad_()
    spikes, _ = layer(x)
    (slope,) = torch.autograd.grad(spikes.sum(), x)
    assert spikes.any() and not slope.any()


def test_what_is_not_a_number_is_seen() -> None:
    layer = built(2, Firing(threshold=0.5), adapts=False)
    current = torch.zeros(2, 6, 2, dtype=torch.float64)
    current[0, 2, 1], current[1, 2, 0] = torch.nan, torch.inf
    kept = (layer.rate(layer.taus()),)
    spikes, (v, _) = scan.lif(layer._next, current, layer.begin(2), kept, layer.units())
    with scan.only_plain():
        steps, (last, _) = scan.lif(layer._next, current, layer.begin(2), kept, layer.units())
    torch.testing.assert_close(spikes, steps, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(v, last, rtol=0, atol=0, equal_nan=True)
    assert spikes[0, 2:, 1].isnan().all() and spikes.isnan().sum() == 4 and (spikes[1, 2:, 0] == 1).all()


def test_threads_do_not_change_the_bits() -> None:
    layer = built(700, Firing(threshold=0.5, refractory=1.0), adapts=True, dtype=torch.float32)
    x, state = 2 * draw(5, 90, 3, dtype=torch.float32), somewhere(layer, 5)
    current, rates, units = layer.current(x).detach(), layer._kept(), layer.units()

    def walk() -> list[Tensor]:
        given = current.clone().requires_grad_()
        y, last = scan.lif(layer._next, given, state, rates, units)
        return [y.detach(), *torch.autograd.grad(y.sum() + last[0].sum(), [given, *rates], retain_graph=True)]

    in_any_number_of_threads(walk)


def test_inputs_need_not_lie_in_order() -> None:
    layer = built(5, Firing(threshold=0.5), adapts=False)
    turned = (2 * draw(5, 9, 2)).transpose(0, 2)
    kept, state = (layer.rate(layer.taus()),), somewhere(layer, 2)
    for current in (turned, turned.contiguous()):
        found = scan.lif(layer._next, current, state, kept, layer.units())[0]
        with scan.only_plain():
            assert found.equal(scan.lif(layer._next, current, state, kept, layer.units())[0])


def test_only_what_is_wanted_gets_a_gradient() -> None:
    layer = LIF(3, firing=Firing(threshold=0.5))
    current, kept = torch.rand(2, 20, 3).requires_grad_(), (layer.rate(layer.taus()),)
    units = layer.units()
    y, _ = scan.lif(layer._next, current.detach(), layer.begin(2), kept, units)
    assert not y.requires_grad
    scan.lif(layer._next, current, layer.begin(2), kept, units)[1][0].sum().backward()  # the last state alone
    assert current.grad is not None and current.grad[:, -1].any()


@pytest.mark.parametrize("adapts", [False, True])
def test_gradients_have_a_graph_where_it_is_asked_for(adapts: bool) -> None:
    layer = built(4, Firing(threshold=0.5), adapts)
    x, state = 2 * draw(2, 12, 3), somewhere(layer, 2)

    def twice() -> list[Tensor]:
        given = x.clone().requires_grad_()
        y, last = layer(given, state)
        (slope,) = torch.autograd.grad(y.sum() + leaves(last)[0].sum(), given, create_graph=True)
        return [slope.detach(), *torch.autograd.grad(slope.square().sum(), [given, *layer.parameters()])]

    found = twice()
    with scan.only_plain():
        expected = twice()
    assert expected[1].any()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


class Other(Arctan):
    """Made from one that is known, with another derivative."""

    def derivative(self, excess: Tensor) -> Tensor:
        return torch.full_like(excess, 0.25)


def test_a_surrogate_that_is_not_known_takes_the_steps() -> None:
    x = 2 * draw(2, 9, 3)
    for surrogate in (Other(), Smooth(Arctan())):
        layer = built(4, Firing(threshold=0.5), adapts=False)
        layer.surrogate = surrogate
        layer(x)
        assert scan.routes()["lif"] == "plain"


def test_codes_are_those_of_the_walks() -> None:
    assert set(walks.FORMS) == {form.value for form in Form}
    assert set(walks.LEAVES) == {left.value for left in scan.Leaves}


def test_what_cannot_be_used_is_said() -> None:
    layer = LIF(3)
    kept, units, current = (layer.rate(layer.taus()),), LIFUnits(1.0, Slope(Form.FLAT)), torch.rand(2, 4, 3)
    for other, expected in (
        ((current[0], layer.begin(2), kept), r"expected a current \(batch, time, units\).*got \(4, 3\)"),
        ((current[:, :0], layer.begin(2), kept), r"at least one step, got \(2, 0, 3\)"),
        ((current, layer.begin(3), kept), r"expected v \(2, 3\), got \(3, 3\)"),
        ((current, layer.begin(2), (torch.ones(2),)), r"expected rates \(3,\), got \(2,\)"),
        ((current, layer.begin(2), kept * 2), "expected a rate for v, and one for a if there is one, got 2"),
        ((current.double(), layer.begin(2), kept), "tensors of one dtype, got"),
    ):
        with pytest.raises(BadInput, match=expected):
            scan.lif(layer._next, *other, units)


def kept_bytes(work: Callable[[], object]) -> int:
    """Of tensors that are kept for the way back, each memory counted once."""
    seen: dict[int, int] = {}

    def noted(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
        result = work()
    assert result is not None
    return sum(seen.values())


@pytest.mark.parametrize(("silence", "adapts", "marked"), [(0.0, False, 1), (2.0, False, 2), (2.0, True, 3)])
def test_what_is_kept_is_the_current_and_a_mark_in_16_steps(
    silence: float, adapts: bool, marked: int
) -> None:
    """So memory is linear in the steps: 4 bytes a unit and step, and 4 in 16 steps for each part."""
    layer = built(50, Firing(refractory=silence), adapts, torch.float32)
    rates = layer._kept() if isinstance(layer, ALIF) else (layer.rate(layer.taus()),)
    rates = tuple(rate.detach() for rate in rates)

    def walk(time: int) -> int:
        current = torch.randn(3, time, 50).requires_grad_()
        return kept_bytes(lambda: scan.lif(layer._next, current, layer.begin(3), rates, layer.units()))

    state = 3 * 50 * 4
    assert walk(320) - walk(160) == 160 * state + 10 * marked * state
