"""Promises about what PyTorch makes of a layer: further derivatives, transforms, graphs; no sequence."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call, grad, jvp, vmap

from wavetrain import scan
from wavetrain.core import State, leaves
from wavetrain.testing.tools import Make, close, generic, normal, stepped, tracked, whole

SHAPE = (2, 5, 3)
SHORT = (2, 3, 3)  # where each step is written down: the first, one between, and the last


def check_second_derivatives(make: Make) -> None:
    """Forward has the derivatives of the steps' derivatives, by input and parameters."""
    layer = generic(make, 4, SHAPE[2], seed=21)
    learning = [parameter for parameter in layer.parameters() if parameter.requires_grad]

    def twice(form: Callable[..., tuple[Tensor, State]]) -> list[Tensor]:
        x = tracked(normal(*SHAPE))
        y, last = form(layer, x)
        ends = [y, *(_real(part) for part in leaves(last) if part.requires_grad)]
        total = torch.stack([(end.sin() * normal(*end.shape, seed=5)).sum() for end in ends]).sum()
        first = torch.autograd.grad(total, [x, *learning], create_graph=True, allow_unused=True)
        slopes = [one for one in first if one is not None]
        sizes = [(one * normal(*one.shape, seed=6)).sum() + (one**2).sum() for one in slopes]
        second = torch.autograd.grad(torch.stack(sizes).sum(), [x, *learning], allow_unused=True)
        return [*slopes, *(torch.zeros(()) if one is None else one for one in second)]

    for fast, plain in zip(twice(whole), twice(stepped), strict=True):
        close(
            fast, plain.expand_as(fast), "first derivatives with a graph and second ones, those of the steps"
        )


def check_per_sample_gradients(make: Make) -> None:
    """torch.func.vmap over a gradient gives each sequence its own."""
    layer, x = generic(make, 4, SHAPE[2], seed=22), normal(*SHAPE)
    learning: dict[str, Tensor] = {
        name: part for name, part in layer.named_parameters() if part.requires_grad
    }
    if not learning:
        return  # fixed at random, as a reservoir is

    def loss(parameters: dict[str, Tensor], row: Tensor) -> Tensor:
        return functional_call(layer, parameters, (row.unsqueeze(0),))[0].pow(2).sum()

    found = vmap(grad(loss), (None, 0))(learning, x)
    for row in range(len(x)):
        alone = torch.autograd.grad(loss(learning, x[row]), list(learning.values()), allow_unused=True)
        for name, slope in zip(learning, alone, strict=True):
            own = torch.zeros_like(learning[name]) if slope is None else slope
            close(found[name][row], own, f"gradient of {name} by row {row}, alone")


def check_forward_mode(make: Make) -> None:
    """What is pushed forward is what is pulled back: u (J v) is (J' u) v."""
    layer, x, push = generic(make, 4, SHAPE[2], seed=23), normal(*SHAPE), normal(*SHAPE, seed=3)
    y, pushed = jvp(lambda x: layer(x)[0], (x,), (push,))[:2]
    watched = tracked(x)
    output = layer(watched)[0]
    pull = normal(*output.shape, seed=4)
    (pulled,) = torch.autograd.grad((output * pull).sum(), watched)
    close(y, output.detach(), "outputs in forward mode, as they are")
    close((pushed * pull).sum(), (pulled * push).sum(), "pushed forward, pulled back")


def check_no_sequence(make: Make) -> None:
    """A batch of none is taken by all forms, and its gradient is zero."""
    layer = generic(make, 4, SHAPE[2], seed=24)
    x = tracked(normal(0, 5, SHAPE[2]))
    for form in (whole, stepped):
        y, last = form(layer, x)
        assert y.shape == (0, 5, 4), f"{form.__name__}: y has shape {tuple(y.shape)}"
        assert all(len(part) == 0 for part in leaves(last)), f"{form.__name__}: a state of somebody"
        y, last = form(layer, x, last)
        total = y.sum() + sum(_real(part).sum() for part in leaves(last) if part.requires_grad)
        learning = [part for part in layer.parameters() if part.requires_grad]
        for slope in torch.autograd.grad(total, [x, *learning], allow_unused=True):
            assert slope is None or not slope.any(), f"{form.__name__}: a gradient of nothing"


def check_outputs_changed_in_place(make: Make) -> None:
    """After an operation in place on the output the gradient is right, or PyTorch refuses it."""
    layer, x = generic(make, 4, SHAPE[2], seed=25), normal(*SHAPE)

    def slopes(change: Callable[[Tensor], Tensor]) -> list[Tensor | None]:
        watched = tracked(x)
        y = change(layer(watched)[0])
        learning = [part for part in layer.parameters() if part.requires_grad]
        total = (y * normal(*y.shape, seed=5)).sum()
        return list(torch.autograd.grad(total, [watched, *learning], allow_unused=True))

    for beside, inside in ((torch.relu, torch.relu_), (torch.exp, torch.exp_), (_twice, _twice_)):
        try:
            found = slopes(inside)
        except RuntimeError as error:
            assert "modified by an inplace operation" in str(error), error
        else:
            close(found, slopes(beside), f"gradients after {inside.__name__}, and after the same beside")


def _twice(y: Tensor) -> Tensor:
    return 2 * y


def _twice_(y: Tensor) -> Tensor:
    return y.mul_(2)


def check_export(make: Make) -> None:
    """torch.export writes down a graph that gives the same."""
    layer, x = generic(make, 4, SHORT[2], seed=26), normal(*SHORT)
    with warnings.catch_warnings():
        # PyTorch's own recurrent modules set a list of their weights anew
        warnings.filterwarnings("ignore", "The tensor attributes .*_flat_weights", UserWarning)
        program = torch.export.export(layer, (x,))
    other = normal(*SHORT, seed=2)
    _same(program.module()(other), layer(other), "exported")


def check_trace(make: Make) -> None:
    """torch.jit.trace writes down a graph that gives the same, at the length it was shown."""
    layer, x = generic(make, 4, SHORT[2], seed=27), normal(*SHORT)
    with warnings.catch_warnings():
        # that PyTorch would rather export, and that the graph is for this length
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(layer, (x,), check_trace=False)
    other = normal(*SHORT, seed=2)
    _same(traced(other), layer(other), "traced")


def _same(graph: tuple[Tensor, State], layer: tuple[Tensor, State], about: str) -> None:
    close(graph[0], layer[0], f"output, {about}")
    for one, own in zip(leaves(graph[1]), leaves(layer[1]), strict=True):
        close(one, own, f"state, {about}")


def check_compile(make: Make) -> None:
    """Under torch.compile it is one graph; output, gradient and route are those without it."""
    layer, x = generic(make, 4, SHORT[2], seed=28), normal(*SHORT)
    expected, route = _route(layer, x)
    torch.compiler.reset()
    with warnings.catch_warnings():
        # torch.compile itself looks at the gradient of what passes from one graph to the next
        warnings.filterwarnings("ignore", "The .grad attribute of a Tensor", UserWarning)
        # and makes an instance of a function with a gradient of its own
        warnings.filterwarnings("ignore", ".*should not be instantiated", DeprecationWarning)
        found, compiled = _route(torch.compile(layer, backend="eager", fullgraph=True), x)
    close(found, expected, "compiled, as it is")
    assert compiled == route, f"compiled takes {compiled}, and alone {route}"


def _route(layer: Callable[[Tensor], tuple[Tensor, State]], x: Tensor) -> tuple[list[Tensor], dict[str, str]]:
    watched = tracked(x)
    with scan.recorded() as taken:
        y = layer(watched)[0]
        (slope,) = torch.autograd.grad((y * normal(*y.shape, seed=5)).sum(), watched)
    return [y.detach(), slope], dict(taken)


def _real(part: Tensor) -> Tensor:
    return torch.stack([part.real, part.imag]) if part.is_complex() else part
