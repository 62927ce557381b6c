"""Fast routes in graphs that are written down: whole, known without being run, and right at any length."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.scan.kernels import CASES, Case, learning, pulled
from wavetrain import scan
from wavetrain.errors import BadInput
from wavetrain.scan.competition import Learning, Rivals, compete, compete_and_learn

LENGTHS = (64, 65, 1, 257, 2, 3, 7, 31, 100, 128)
REAL, COMPLEX = (torch.float32, torch.float64), (torch.complex64, torch.complex128)
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.mT.contiguous().mT if x.ndim > 1 else x,
    "sliced": lambda x: torch.stack([x, x], -1)[..., 0],
}
every = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


class Watch(TorchDispatchMode):
    """Notes all calls of operators of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function.namespace == "wavetrain":
            self.calls.append((function, args, result))
        return result


def watched(case: Case, inputs: list[Tensor], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls of our operators, forward and backward, that the door makes while a graph is written down."""
    with monkeypatch.context() as patch, Watch() as watch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        pulled(case.door(*inputs), inputs)
    return watch.calls


def kinds(result: Any) -> list[tuple[Any, ...]]:
    parts = [result] if isinstance(result, Tensor) else result
    return [(part.shape, part.stride(), part.dtype, part.device, part.layout) for part in parts]


@every
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_fake_is_as_the_walk_in_every_field(case: Case, layout: str, monkeypatch: pytest.MonkeyPatch):
    for dtype in REAL + COMPLEX * case.complex:
        for time in (1, 257):
            inputs = [LAYOUTS[layout](x).requires_grad_() for x in case.draw(time, dtype)]
            calls = watched(case, inputs, monkeypatch)
            assert len(calls) == 2  # there and back
            for operator, args, result in calls:
                mode = FakeTensorMode()
                fakes = [mode.from_tensor(x.detach()) if isinstance(x, Tensor) else x for x in args]
                with mode:
                    assert kinds(operator(*fakes)) == kinds(result), operator


@every
def test_operators_pass_the_checks_of_pytorch(case: Case, monkeypatch: pytest.MonkeyPatch):
    for operator, args, _ in watched(case, learning(case.draw(3, torch.float64)), monkeypatch):
        learns = not operator.name().endswith("_backward")
        torch.library.opcheck(operator, tuple(copy(x, learns) if isinstance(x, Tensor) else x for x in args))


def copy(x: Tensor, learns: bool) -> Tensor:
    return x.detach().clone().requires_grad_(learns and x.requires_grad)


@every
def test_compiled_it_is_one_graph_at_any_length_and_equal(case: Case):
    torch.compiler.reset()
    graphs = []
    aot = torch._dynamo.lookup_backend("aot_eager")

    def backend(graph: torch.fx.GraphModule, example: list[Tensor]) -> Callable[..., Any]:
        graphs.append(graph)
        return aot(graph, example)

    def flat(*inputs: Tensor) -> tuple[Tensor, ...]:
        y, *rest = case.door(*inputs)
        return y.view(len(y), -1), *rest

    compiled = torch.compile(flat, backend=backend, fullgraph=True)
    for time in LENGTHS:
        inputs = learning(case.draw(time, torch.float64))
        with scan.recorded() as taken:
            found = compiled(*inputs)
            found = [*found, *pulled(found, inputs)]
        expected = flat(*inputs)
        assert "numba" in taken.values()
        for one, own in zip(found, [*expected, *pulled(expected, inputs)], strict=True):
            torch.testing.assert_close(one, own, rtol=1e-6, atol=1e-6)
    assert len(graphs) <= 3  # so that it was compiled again at most twice
    names = [str(node.target) for node in graphs[0].graph.nodes if "wavetrain" in str(node.target)]
    assert len(names) == 1, names


class Module(torch.nn.Module):
    """A door as a module."""

    def __init__(self, case: Case):
        super().__init__()
        self.case = case

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.case.door(*inputs)


@every
def test_exported_for_any_length_it_is_right_at_any_length(case: Case):
    length = torch.export.Dim("length", min=1, max=4096)
    dims = tuple(None if axis is None else {axis: length} for axis in case.time)
    example = tuple(case.draw(64, torch.float64))
    program = torch.export.export(Module(case), example, dynamic_shapes=(dims,))
    assert sum("wavetrain" in str(node.target) for node in program.graph.nodes) == 1
    run = program.module()
    for time in (1, 65, 257):
        inputs = learning(case.draw(time, torch.float64))
        found, expected = run(*inputs), case.door(*inputs)
        pairs = zip([*found, *pulled(found, inputs)], [*expected, *pulled(expected, inputs)], strict=True)
        for one, own in pairs:
            torch.testing.assert_close(one, own, rtol=1e-12, atol=1e-12)


@every
def test_exported_for_one_length_it_is_plain_and_refuses_others(case: Case):
    if not case.steps:
        return
    program = torch.export.export(Module(case), tuple(case.draw(3, torch.float64)))
    assert not any("wavetrain" in str(node.target) for node in program.graph.nodes)
    inputs = case.draw(3, torch.float64)
    for one, own in zip(program.module()(*inputs), case.door(*inputs), strict=True):
        torch.testing.assert_close(one, own, rtol=1e-12, atol=1e-12)
    with pytest.raises((AssertionError, RuntimeError)):
        program.module()(*case.draw(4, torch.float64))


GRADIENTS: dict[str, Callable[[Tensor], Tensor]] = {
    "of a sum": lambda y: y.sum(),
    "of a part": lambda y: (torch.cat([y, y], -1) * torch.arange(2.0 * y.shape[-1])).sum(),
    "turned": lambda y: (y.transpose(0, -1) @ torch.arange(1.0 * len(y)).to(y.dtype)).sum(),
    "of every other": lambda y: y[..., ::2].sin().sum(),
}


@every
@pytest.mark.parametrize("loss", GRADIENTS)
def test_gradients_do_not_depend_on_how_those_that_come_lie(case: Case, loss: str):
    inputs = learning(case.draw(7, torch.float64))
    for place in range(len(case.door(*inputs))):
        y, again = case.door(*inputs)[place], case.door(*inputs)[place]
        if not y.requires_grad:
            continue
        end = y.detach().clone().requires_grad_()
        (towards,) = torch.autograd.grad(GRADIENTS[loss](end).real, end)
        found = torch.autograd.grad(GRADIENTS[loss](y).real, inputs, materialize_grads=True)
        expected = torch.autograd.grad(again, inputs, towards.contiguous().clone(), materialize_grads=True)
        assert all(one.equal(own) for one, own in zip(found, expected, strict=True))


@every
def test_parts_of_one_tensor_get_their_own_gradients(case: Case):
    inputs = learning(case.draw(7, torch.float64))
    kinds = [x.dtype for x in inputs]
    fused = torch.cat([x.flatten().to(torch.complex128) for x in inputs]).requires_grad_()
    parts = fused.split([x.numel() for x in inputs])
    given = [
        (part if kind.is_complex else part.real).view(x.shape)
        for part, kind, x in zip(parts, kinds, inputs, strict=True)
    ]
    (found,) = pulled(case.door(*given), [fused])
    expected = torch.cat([slope.flatten() for slope in pulled(case.door(*inputs), inputs)])
    assert found.equal(expected)


def test_forward_mode_is_refused_by_a_graph_that_knows_nothing_of_it():
    x, along = torch.rand(2, 5, 3), torch.rand(2, 5, 3)
    run = torch.compile(lambda x: scan.linear(0.5 * x, x)[0], backend="eager", fullgraph=True)
    run(x)
    with torch.autograd.forward_ad.dual_level(), pytest.raises(BadInput, match="expected no tangents"):
        run(torch.autograd.forward_ad.make_dual(x, along))


def test_derivatives_inside_of_a_graph_are_plain():
    a, b = 0.5 * torch.rand(3, 7, 5), torch.rand(3, 7, 5)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return scan.linear(a[None], b[None])[0].square().sum()

    def each(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
        slopes = torch.func.vmap(torch.func.grad(loss))(a, b)
        pushed = torch.func.jvp(lambda b: scan.linear(a, b)[0], (b,), (a,))[1]
        return slopes, pushed

    torch.compiler.reset()
    found = torch.compile(each, backend="aot_eager", fullgraph=True)(a, b)
    for one, own in zip(found, each(a, b), strict=True):
        torch.testing.assert_close(one, own)


def test_walks_without_a_gradient_are_operators_too(monkeypatch: pytest.MonkeyPatch):
    """Units that compete, alone and while they learn: fakes are as the walks, and the graph is whole."""
    rivals, learning = (
        Rivals(0.9, 1.0, 0.0, 0.5, 2, 1),
        Learning(0.01, 0.005, 0.9, 0.9, 0.0, 1.0, 0.1, 0.99, False, 0),
    )
    x, weight, raised = (torch.rand(2, 7, 3) < 0.5).float(), torch.rand(5, 3), torch.rand(5)
    state = torch.zeros(2, 5), torch.zeros(2, 5, dtype=torch.int32), torch.zeros(2, 5)
    traces = torch.zeros(2, 3), torch.zeros(2, 5)

    def both(x: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        spikes, after = compete(x, state, weight, raised, rivals)
        assert isinstance(after, tuple)
        return spikes, *after, *compete_and_learn(x, state, traces, weight, raised, None, rivals, learning)

    torch.compiler.reset()
    expected = both(x, weight)
    found = torch.compile(both, backend="eager", fullgraph=True)(x, weight)
    with monkeypatch.context() as patch, Watch() as watch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        both(x, weight)
    assert all(one.equal(own) for one, own in zip(found, expected, strict=True)) and expected[0].any()
    assert len(watch.calls) == 2
    for operator, args, result in watch.calls:
        mode = FakeTensorMode()
        fakes = [mode.from_tensor(y) if isinstance(y, Tensor) else y for y in args]
        with mode:
            assert kinds(operator(*fakes)) == kinds(result), operator
