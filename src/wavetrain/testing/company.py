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
    nan, inf = (torch.full_like(x[:1], poison) for poison in (torch.nan, torch.inf))
    for before, behind in ((nan, inf), (inf, nan)):
        watched = tracked(x)
        y_beside, after = layer(torch.cat([before, watched, behind]))
        found = y_beside[1:-1], _rows(after, 1, 1 + len(x))
        ill = f"{float(before[0, 0, 0])} and {float(behind[0, 0, 0])}"
        close(found, (y, last), f"rows between one of {ill}, without them")
        (slope,) = torch.autograd.grad(found[0].sum(), watched)
        assert slope.isfinite().all(), f"rows of {ill} enter the gradient of the rows between them"


def check_ragged(layer: Layer, x: Tensor) -> None:
    """Padded and packed sequences go as by themselves, last state included, and so on from there.

    How each goes on by itself is read from all of them run through without an end, side by side in the batch.
    """
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
    through, again = _through(layer, x, more, then, lengths)
    for row, length in enumerate(lengths):
        straight, cut = through[row, length:], again[row, length:]
        close(on[row], straight[:time], f"row {row} going on by forward from a ragged state, alone")
        close(stepped_on[row], straight[:time], f"row {row} going on by steps from a ragged state, alone")
        close(end[row], straight[time : 2 * time], f"row {row} going on twice, alone")
        close(padded_on[row, :length], cut[:length], f"row {row} going on padded from a ragged state, alone")
        close(
            padded_end[row],
            cut[length : length + time],
            f"row {row} going on from two ragged runs, alone",
        )


def _through(
    layer: Layer, x: Tensor, more: Tensor, then: Tensor, lengths: list[int]
) -> tuple[Tensor, Tensor]:
    """Each row to its length, on by `more`, the whole of it or to its length, and by `then`: the outputs.

    What is behind the end of a row comes later, and changes nothing before it.
    """
    found = []
    for whole in (True, False):
        rows = torch.zeros(len(x), 3 * x.shape[1], x.shape[2], dtype=x.dtype)
        for row, length in enumerate(lengths):
            middle = more[row] if whole else more[row, :length]
            joined = torch.cat([x[row, :length], middle, then[row]])
            rows[row, : len(joined)] = joined
        found.append(rows)
    y, _ = layer(torch.cat(found))
    straight, cut = y.chunk(2)
    return straight, cut


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
