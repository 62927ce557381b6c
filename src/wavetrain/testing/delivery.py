"""The promise about delays: a spike is delivered once, after its delay, with its weight."""

import torch
from torch import Tensor

from wavetrain.core import State, leaves
from wavetrain.core.spiking import Spiking
from wavetrain.parts.delays import Delayed
from wavetrain.testing.spikes import TIME, Make, built, driven, exactly

TINY = 2.0**-30  # a weight that moves no spike
NEAR = 1e-4  # to which share a tiny change can be told beside the potential


@torch.no_grad()
def check_delivery(make: Make) -> None:
    """Each connection with a delay delivers a spike once, after its delay, with its weight."""
    for name, connection in built(make).named_modules():
        if isinstance(connection, Delayed):
            _check_impulses(connection)
            _check_in_place(make, name)


def _check_impulses(connection: Delayed) -> None:
    """By itself: an impulse of each source comes out as its weights, each at its own time, once."""
    steps = connection.delays()
    for source in range(connection.sources):
        line, late = connection.begin(1), connection.longest + 3
        found = torch.zeros(late, connection.targets, dtype=torch.float64)
        for t in range(late):
            now = torch.zeros(1, connection.sources, dtype=torch.float64)
            now[0, source] = float(t == 0)
            found[t] = connection.arriving(line, None if connection.recurrent else now)[0]
            line = connection.sent(line, now)
        expected = torch.zeros_like(found)
        expected[steps[:, source], torch.arange(connection.targets)] = connection.weight[:, source]
        exactly(found, expected, f"what arrives of an impulse of source {source}, its weights at their times")
        assert not line.any(), f"an impulse of source {source} is still on its way"


def _check_in_place(make: Make, name: str) -> None:
    """In the layer: a tiny weight is felt first when its first spike is due, and by its target alone."""
    layer = built(make)
    layer.silence = 0
    connection = layer.get_submodule(name)
    connection.weight.data.zero_()
    x = driven(layer, batch=1)
    y = layer(x)[0]
    plain = _walk(layer, x)
    sent = y[0] if connection.recurrent else x[0]
    followed = 0
    for source in range(connection.sources):
        for target in range(connection.targets):
            begin = int(sent[:, source].nonzero()[0]) if sent[:, source].any() else TIME
            due = begin + int(connection.delays()[target, source])
            if due + 1 >= TIME or y[0, due, target]:  # a reset might hide it
                continue
            connection.weight.data.zero_()
            connection.weight.data[target, source] = TINY
            felt = _walk(layer, x)
            about = f"{name}, from {source} to {target}, sent in step {begin} to arrive in {due}"
            exactly(felt[:due], plain[:due], f"{about}: states before it arrives")
            size = TINY * float(sent[begin, source])
            place = _felt(felt[due], plain[due], target, size, about)
            fades = layer.fades()[place]
            if fades is not None and not sent[begin + 1, source] and not y[0, due + 1, target]:
                moved = leaves(felt[due + 1])[place] - leaves(plain[due + 1])[place]
                left = float(moved[0, target]) / (size * float(fades.expand_as(moved[0])[target]))
                assert abs(left - 1) <= NEAR, f"{about}: a step later {left:.3g} of what should be left of it"
            followed += 1
    assert followed, f"no spike of {name} could be followed"


def _walk(layer: Spiking, x: Tensor) -> list[State]:
    """The states after each step."""
    state, found = layer.begin(len(x)), []
    for now in x.unbind(1):
        state = layer.step(now, state)[1]
        found.append(state)
    return found


def _felt(felt: State, plain: State, target: int, size: float, about: str) -> int:
    """Which part of the state one weight has moved by as much as it is, and in its target alone."""
    moves: list[tuple[int, float]] = []
    for place, (one, other) in enumerate(zip(leaves(felt), leaves(plain), strict=True)):
        moved = (one - other).double()
        if moved.any():
            beside = moved.clone()
            beside[..., target] = 0
            assert not beside.any(), f"{about}: another unit than its target has moved"
            moves += [(place, move) for move in moved[..., target].flatten().tolist()]
    near = [place for place, move in moves if abs(move - size) <= NEAR * abs(size)]
    shown = ", ".join(f"{move:.3g}" for _, move in moves) or "nothing"
    assert near, f"{about}: expected the target to move by its weight {size:.3g}, got {shown}"
    return near[0]
