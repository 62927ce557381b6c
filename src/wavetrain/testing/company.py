"""Promises about what is beside a sequence: other sequences, other calls, other memory."""

from typing import Any

import torch
from torch import Tensor, nn

from wavetrain.core import Layer, State, leaves, map_state
from wavetrain.parts import ragged
from wavetrain.testing.tools import close, normal, stepped, tracked


def check_batch(layer: Layer, x: Tensor) -> None:
    """Each sequence goes as by itself, whatever is beside it, even one that is not a number."""
    y, last = layer(x)
    for row in range(len(x)):
        alone = layer(x[row : row + 1])
        close((y[row : row + 1], _rows(last, row, row + 1)), alone, f"row {row} in the batch, alone")
    for poison in (torch.nan, torch.inf):
        ill = torch.full_like(x[:1], poison)
        for behind in (True, False):
            start = 0 if behind else 1
            watched = tracked(x)
            beside, after = layer(torch.cat([watched, ill] if behind else [ill, watched]))
            beside, after = beside[start : start + len(x)], _rows(after, start, start + len(x))
            close((beside, after), (y, last), f"rows beside one of {poison}, without it")
            (slope,) = torch.autograd.grad(beside.sum(), watched)
            assert slope.isfinite().all(), f"a row of {poison} enters the gradient of the rows beside it"


def check_ragged(layer: Layer, x: Tensor) -> None:
    """Padded and packed sequences go as by themselves, last state included, and so on from there."""
    x = torch.cat([x, 0.5 * x.flip(0)])  # at least two sequences
    time = x.shape[1]
    lengths = [1 + (3 * row + 2) % time for row in range(len(x))]
    more, then = normal(*x.shape, seed=8), normal(*x.shape, seed=9)
    alone = [layer(x[row : row + 1, :length]) for row, length in enumerate(lengths)]
    filled = x.clone()
    for row, length in enumerate(lengths):
        filled[row, length:] = torch.nan
    y, last = ragged.padded(layer, filled, lengths)
    flat, packed_last = ragged.packed(
        layer, torch.cat([x[row, :n] for row, n in enumerate(lengths)]), lengths
    )
    for row, length in enumerate(lengths):
        close(y[row, :length], alone[row][0][0], f"padded row {row}, alone")
        close(y[row, length:], torch.zeros_like(y[row, length:]), f"padding of row {row}, zero")
        for part, own in zip(leaves(_rows(last, row, row + 1)), leaves(alone[row][1]), strict=True):
            close(*_alike(part, own), f"last state of row {row}, alone")
    close(flat, torch.cat([one[0] for one, _ in alone]), "packed, one by one")
    close(packed_last, last, "last state when packed, when padded")
    on, on_state = layer(more, last)
    stepped_on, _ = stepped(layer, more, last)
    padded_on, padded_state = ragged.padded(layer, more, lengths, last)
    end, padded_end = layer(then, on_state)[0], layer(then, padded_state)[0]
    for row, (length, (_, own)) in enumerate(zip(lengths, alone, strict=True)):
        one = slice(row, row + 1)
        expected, state = layer(more[one], own)
        close(on[one], expected, f"row {row} going on by forward from a ragged state, alone")
        close(stepped_on[one], expected, f"row {row} going on by steps from a ragged state, alone")
        close(end[one], layer(then[one], state)[0], f"row {row} going on twice, alone")
        expected, state = layer(more[one, :length], own)
        close(padded_on[one, :length], expected, f"row {row} going on padded from a ragged state, alone")
        close(padded_end[one], layer(then[one], state)[0], f"row {row} going on from two ragged runs, alone")


def _rows(state: State, start: int, end: int) -> State:
    return map_state(lambda part: part[start:end], state)


def _alike(part: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """A part of a ragged state and the own one with zeros behind its end."""
    assert all(have >= want for have, want in zip(part.shape, own.shape, strict=True)), "a state has shrunk"
    room = torch.zeros_like(part)
    room[tuple(slice(size) for size in own.shape)] = own
    return part, room


def check_keeps_nothing(layer: Layer, x: Tensor) -> None:
    """No state stays in the module, and what is given is left as it is."""
    before, given = frozen(layer), x.clone()
    _, state = stepped(layer, normal(len(x), 2, x.shape[-1]))
    kept = map_state(torch.clone, state)
    answers = [layer(x, state), layer(x, state), stepped(layer, x, state), stepped(layer, x, state)]
    layer.operator(x[:, :3])
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=0, msg="two calls of forward differ")
    torch.testing.assert_close(answers[2], answers[3], rtol=0, atol=0, msg="two walks of steps differ")
    torch.testing.assert_close(
        state, kept, rtol=0, atol=0, msg="the state that was given has been written to"
    )
    torch.testing.assert_close(x, given, rtol=0, atol=0, msg="the input has been written to")
    assert frozen(layer) == before, "the module has changed"


def check_any_layout(layer: Layer, x: Tensor) -> None:
    """How input and state lie in memory, and whether gradients are wanted, changes nothing."""
    _, state = stepped(layer, normal(len(x), 2, x.shape[-1]))
    expected = layer(x, state)
    close(layer(_scattered(x), map_state(_scattered, state)), expected, "scattered in memory, in one piece")
    with torch.no_grad():
        close(layer(x, state), expected, "without gradients, with")
    with torch.inference_mode():
        close(layer(x, state), expected, "in inference mode, outside")


def frozen(value: Any) -> Any:
    """All that a module holds, as something that can be compared later."""
    if isinstance(value, nn.Module):
        return {name: frozen(vars(part)) for name, part in value.named_modules()}
    if isinstance(value, dict):
        return {key: frozen(part) for key, part in value.items() if key != "_modules"}
    if isinstance(value, list | tuple):
        return [frozen(part) for part in value]
    return (value.dtype, value.detach().cpu().numpy().tobytes()) if isinstance(value, Tensor) else repr(value)


def _scattered(part: Tensor) -> Tensor:
    """The same values with gaps between them, and the first axis innermost."""
    room = part.new_zeros(*part.shape[1:], 2 * part.shape[0])
    view = room[..., ::2].movedim(-1, 0)
    view.copy_(part)
    return view
