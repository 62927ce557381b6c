"""Promises about the map: one map in three forms, causal, with the same gradients in all of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from wavetrain.core import Layer, Operator, State, leaves, map_state
from wavetrain.testing.tools import beside, close, differentiable, normal, stepped, tracked, whole

STEP = 1e-6  # of differences


def check_step_is_forward(layer: Layer, x: Tensor) -> None:
    """Stepping gives the outputs and the last state of the whole."""
    y, last = layer(x)
    assert y.shape == (*x.shape[:2], layer.width), f"y has shape {tuple(y.shape)}"
    close((y, last), stepped(layer, x), "forward, step by step")


def check_begin(layer: Layer, x: Tensor) -> None:
    """The first state may be given or left out, is batch first, and the same for every sequence."""
    first = layer.begin(len(x))
    close(layer(x, first), layer(x), "from begin(), from nothing")
    assert all(len(part) == len(x) for part in leaves(first)), "a first state is not batch first"
    for row in range(len(x)):
        close(
            map_state(lambda part, at=row: part[at : at + 1], first),
            layer.begin(1),
            f"first state of row {row}",
        )


def check_state_carries(layer: Layer, x: Tensor) -> None:
    """Cut anywhere, and as often as can be, in whichever form: with the state carried it is the whole."""
    y, last = layer(x)
    size, time = x.shape[:2]
    walks = layer.begin(size)  # side by side in the batch: the steps from the beginning, and on from each cut
    for t, now in enumerate(x.unbind(1)):
        if t:
            head, state = layer(x[:, :t])
            close(head, y[:, :t], f"forward to {t}, the whole")
            both = beside(state, map_state(lambda part: part[:size], walks))
            joined = layer(x[:, t:].repeat(2, 1, 1), both)
            close(joined, (y[:, t:].repeat(2, 1, 1), beside(last, last)), f"either form to {t}, then forward")
            walks = beside(walks, state)
        moved, walks = layer.step(now.repeat(t + 1, 1), walks)
        close(moved, y[:, t].repeat(t + 1, 1), f"step {t} from the beginning and after forward, the whole")
    close(
        walks, beside(*[last] * time), "last state by steps from the beginning and after forward, the whole"
    )
    pieces, state = [], None
    for now in x.split(1, 1):
        piece, state = layer(now, state)
        pieces.append(piece)
    close((torch.cat(pieces, 1), state), (y, last), "forward one step at a time")


def check_operator(layer: Layer, x: Tensor) -> None:
    """Exact: reading what it mixes gives the output. Else: it is the derivative of the output.

    Finite differences see no spike move: of spikes they are taken of the twin with a smooth threshold.
    """
    x = x[:, :7]
    operator = layer.operator(x)
    batch, time, heads = *x.shape[:2], operator.weight.shape[1]
    assert operator.weight.shape == (batch, heads, time, time), (
        f"weight has shape {tuple(operator.weight.shape)}"
    )
    assert operator.value.shape[:3] == (batch, time, heads), f"value has shape {tuple(operator.value.shape)}"
    assert operator.mix().shape == operator.value.shape, "what is mixed has not the shape of the values"
    close(operator.weight, operator.weight.tril(), "weight above the diagonal")
    if operator.exact:
        close(layer.read(operator.mix()), layer(x)[0], "read(mix), output")
    else:
        _check_reverse(layer, x, operator)
        twin = differentiable(layer)
        _check_differences(twin, x, operator if twin is layer else twin.operator(x))


def _blocks(layer: Layer, x: Tensor, operator: Operator) -> Tensor:
    """The derivatives d y_t / d x_s, (B, D, I, T, T)."""
    return operator.weight.unflatten(1, (layer.width, x.shape[-1]))


def _check_reverse(layer: Layer, x: Tensor, operator: Operator) -> None:
    """The tangent against reverse mode through the steps."""
    blocks, x = _blocks(layer, x, operator), x.clone().requires_grad_()
    pull = normal(*x.shape[:2], layer.width, seed=2)
    (expected,) = torch.autograd.grad((stepped(layer, x)[0] * pull).sum(), x)
    close(torch.einsum("btd,bdits->bsi", pull, blocks), expected, "tangent, transposed and pulled back")


def _check_differences(layer: Layer, x: Tensor, operator: Operator) -> None:
    """The tangent against central differences."""
    blocks = _blocks(layer, x, operator)
    with torch.no_grad():
        push = normal(*x.shape, seed=3)
        ahead, behind = layer(x + 1e-6 * push)[0], layer(x - 1e-6 * push)[0]
        pushed = torch.einsum("bdits,bsi->btd", blocks, push)
        torch.testing.assert_close(pushed, (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-6)
        along = torch.einsum("bdits,bsi->btd", blocks, x)
        close(layer.read(operator.mix()), along, "read(mix), derivative along x")


def check_causal(layer: Layer, x: Tensor) -> None:
    """What comes later changes nothing before it, and no gradient flows from an output to a later input."""
    y = layer(x)[0]
    time = x.shape[1]
    each = x.repeat(time, 1, 1, 1)  # side by side in the batch: the sequences once for each step
    later, watched = each.clone(), tracked(each)
    for t in range(time):
        later[t, :, t + 1 :] += normal(*x[:, t + 1 :].shape)
    found, output = (layer(part.flatten(0, 1))[0].unflatten(0, each.shape[:2]) for part in (later, watched))
    now = torch.stack([output[t, :, t] for t in range(time)])
    (slope,) = torch.autograd.grad((now * normal(*now.shape)).sum(), watched)
    for t in range(time):
        close(
            found[t, :, : t + 1],
            y[:, : t + 1],
            f"outputs to step {t} with another future, as they were",
        )
        close(
            slope[t, :, t + 1 :],
            torch.zeros_like(slope[t, :, t + 1 :]),
            f"gradient of output {t} after its step, zero",
        )


def check_gradients(layer: Layer, x: Tensor) -> None:
    """Through input, parameters, first state and last state, forward gives the gradients of the steps."""
    _, warm = stepped(layer, normal(len(x), 3, x.shape[-1], seed=4))

    def gradients(form: Callable[..., tuple[Tensor, State]]) -> list[list[Tensor]]:
        first = map_state(lambda part: tracked(part.detach()), warm)
        now = tracked(x)
        y, last = form(layer, now, first)
        starts = [part for part in leaves(first) if part.requires_grad]
        watched = [now, *starts, *_learning(layer)]
        found = []
        for ends in ([y], [part for part in leaves(last) if part.requires_grad]):
            total = torch.stack([_pulled(part) for part in ends]).sum()
            slopes = torch.autograd.grad(total, watched, retain_graph=True, allow_unused=True)
            found.append([torch.zeros(()) if one is None else one for one in slopes])
        return found

    for end, fast, plain in zip(("outputs", "last state"), gradients(whole), gradients(stepped), strict=True):
        close(fast, plain, f"gradients through the {end}, forward and by steps")


def check_every_parameter_learns(layer: Layer, x: Tensor) -> None:
    """A gradient reaches every parameter through the outputs."""
    long = torch.cat([x, normal(len(x), 2, x.shape[-1], seed=6)], 1)
    y, _ = layer(long)
    names = [name for name, parameter in layer.named_parameters() if parameter.requires_grad]
    if not names:
        return  # fixed at random, as a reservoir is
    slopes = torch.autograd.grad((y * normal(*y.shape)).sum(), _learning(layer), allow_unused=True)
    without = [name for name, slope in zip(names, slopes, strict=True) if slope is None]
    assert not without, f"no gradient reaches {', '.join(without)}"


def check_against_differences(layer: Layer, x: Tensor) -> None:
    """The gradients of forward for input, first state and parameters are those of finite differences.

    All of them are moved at once, in one direction, and outputs and each part of the last state are looked at
    by themselves: a wrong gradient of any one is felt. Of spikes: those of the twin with a smooth threshold.
    """
    layer, x = differentiable(layer), x[:2, :4]
    _, warm = stepped(layer, normal(len(x), 2, x.shape[-1], seed=7))
    names = [name for name, parameter in layer.named_parameters() if parameter.requires_grad]
    floats = [part.detach() for part in leaves(warm) if part.is_floating_point() or part.is_complex()]

    def ends(given: list[Tensor]) -> list[Tensor]:
        starts = iter(given[1 : 1 + len(floats)])
        first = map_state(
            lambda part: next(starts) if part.is_floating_point() or part.is_complex() else part, warm
        )
        parameters = dict(zip(names, given[1 + len(floats) :], strict=True))
        y, last = torch.func.functional_call(layer, parameters, (given[0], first))
        moving = [part for part in leaves(last) if part.is_floating_point() or part.is_complex()]
        return [_pulled(part) for part in (y, *moving)]

    watched = [tracked(part) for part in (x, *floats, *_learning(layer))]
    push = [_like(part, seed) for seed, part in enumerate(watched, 11)]
    with torch.no_grad():
        ahead, behind = (
            ends([part + size * way for part, way in zip(watched, push, strict=True)])
            for size in (STEP, -STEP)
        )
    for place, (end, more, less) in enumerate(zip(ends(watched), ahead, behind, strict=True)):
        about = f"the slope of {f'part {place - 1} of the last state' if place else 'the outputs'}"
        slopes: Sequence[Tensor | None] = [None] * len(watched)
        if end.requires_grad:
            slopes, again = (
                torch.autograd.grad(end, watched, retain_graph=True, allow_unused=True) for _ in range(2)
            )
            torch.testing.assert_close(slopes, again, rtol=0, atol=0, msg=f"{about}, taken twice, differs")
        along = [
            (_real(slope) * _real(way)).sum()
            for slope, way in zip(slopes, push, strict=True)
            if slope is not None
        ]
        slope = torch.stack(along).sum() if along else torch.zeros_like(end)
        differences = (more - less) / (2 * STEP)
        near = torch.allclose(slope, differences, rtol=1e-5, atol=1e-7)
        assert near, f"{about}: {float(slope)} by gradients, {float(differences)} by differences"


def _like(part: Tensor, seed: int) -> Tensor:
    """Normal numbers of the shape and type of a part."""
    found = normal(*_real(part).shape, seed=seed)
    return torch.view_as_complex(found) if part.is_complex() else found


def _pulled(part: Tensor) -> Tensor:
    """A part as one number."""
    return (_real(part) * normal(*_real(part).shape, seed=5)).sum()


def _learning(layer: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in layer.parameters() if parameter.requires_grad]


def _real(part: Tensor) -> Tensor:
    return torch.view_as_real(part) if part.is_complex() else part
