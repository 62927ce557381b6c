"""Recurrent highway: the formula, the limits of its gates, and the joins and the attention round it."""

import functools
import math

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, Make, close, generic, normal, stepped
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.gate.recurrent_highway import Gate, RecurrentHighway


def highway(
    width: int,
    inputs: int,
    depth: int = 2,
    gate: Gate | None = None,
    window: int | None = None,
    heads: int | None = None,
) -> RecurrentHighway:
    make = functools.partial(RecurrentHighway, depth=depth, gate=gate, window=window, heads=heads)
    return generic(make, width, inputs)


def recurrence(layer: RecurrentHighway, x: Tensor) -> Tensor:
    """h (T, D) of one sequence x (T, I), candidate and gate by themselves at each level."""
    width, s, rows = layer.width, torch.zeros(layer.width, dtype=x.dtype), []
    for now in x:
        for level, recur in enumerate(layer.recur):
            new = recur.weight[:width] @ s + recur.bias[:width]
            gate = recur.weight[width:] @ s + recur.bias[width:]
            if level == 0:
                new = new + layer.encode.weight[:width] @ now
                gate = gate + layer.encode.weight[width:] @ now
            gate = torch.sigmoid(gate)
            s = torch.tanh(new) * gate + s * (1 - gate)
        rows.append(s)
    return torch.stack(rows)


def attention(layer: RecurrentHighway, h: Tensor) -> Tensor:
    """Of each h (T, D) over the last states, one step, one head, one pair at a time."""
    part = layer.attend
    size = layer.width // part.heads
    q, k, v = (part.project(h).view(len(h), 3, part.heads, size)[:, which] for which in range(3))
    mixed = torch.zeros(len(h), part.heads, size, dtype=h.dtype)
    for t in range(len(h)):
        for head in range(part.heads):
            near = range(max(0, t - part.window + 1), t + 1)
            fits = [
                q[t, head] @ k[s, head] / math.sqrt(size) + part.distance[head, part.window - 1 - (t - s)]
                for s in near
            ]
            weight = torch.softmax(torch.stack(fits), 0)
            mixed[t, head] = sum(weight[place] * v[s, head] for place, s in enumerate(near))
    return part.out(mixed.flatten(1))


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_is_the_formula(depth: int):
    layer, x = highway(4, 3, depth), normal(2, 7, 3)
    expected = torch.stack([recurrence(layer, row) for row in x])
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


@torch.no_grad()
@pytest.mark.parametrize(("window", "heads"), [(1, 1), (3, 2), (4, 1), (20, 4)])
def test_attention_is_the_formula(window: int, heads: int):
    layer, x = highway(4, 3, window=window, heads=heads), normal(2, 9, 3)
    h = [recurrence(layer, row) for row in x]
    expected = torch.stack([row + attention(layer, row) for row in h])
    close(layer(x)[0], expected, "forward, written out")
    close(stepped(layer, x)[0], expected, "steps, written out")


@torch.no_grad()
@pytest.mark.parametrize("gate", list(Gate))
def test_joins_are_their_formulas(gate: Gate):
    layer, x = highway(4, 3, gate=gate, window=3), normal(1, 6, 3)

    def join(part, past: Tensor, new: Tensor) -> Tensor:
        if gate is Gate.INPUT:
            share = torch.sigmoid(past @ part.share.weight.T + part.share.bias)
            return (1 - share) * past + share * new
        return past + (part.rate if gate is Gate.RATE else 1) * new

    h = recurrence(layer, x[0])
    passed = join(layer.join, x[0] @ layer.past.weight.T, h)
    expected = join(layer.join_attended, passed, attention(layer, h))
    close(layer(x)[0][0], expected, "forward, written out")


@torch.no_grad()
def test_a_closed_gate_carries_the_state_and_an_open_one_replaces_it():
    layer, x, h = highway(4, 3, depth=3), normal(2, 6, 3), normal(2, 4, seed=2)
    for recur in layer.recur:
        recur.bias[4:] = -1e9
    close(layer(x, h)[1], h, "state behind closed gates, as it was")
    layer = highway(4, 3, depth=1)
    layer.recur[0].bias[4:] = 1e9
    new = torch.tanh(layer.recur[0](h)[:, :4] + layer.encode(x[:, 0])[:, :4])
    close(layer.step(x[:, 0], h)[0], new, "one step with an open gate, the plain recurrent network")


@torch.no_grad()
def test_the_state_stays_within_one():
    """Each level is a convex mixture of the state and a tanh."""
    layer = highway(5, 3, depth=4)
    assert layer(100 * normal(2, 50, 3))[0].abs().max() <= 1


@torch.no_grad()
def test_limits_of_the_joins():
    x = normal(2, 6, 3)
    rate, add = (highway(4, 3, gate=gate, window=3) for gate in (Gate.RATE, Gate.ADD))
    rate.join.rate.fill_(1.0)
    rate.join_attended.rate.fill_(1.0)
    rate.load_state_dict(add.state_dict(), strict=False)
    close(rate(x)[0], add(x)[0], "a rate of one, the plain residual")
    shut = highway(4, 3, gate=Gate.INPUT, window=3)
    for join in (shut.join, shut.join_attended):
        join.share.weight.zero_()
        join.share.bias.fill_(-1e9)
    close(shut(x)[0], shut.past(x), "shut gates, what goes past")
    for join in (shut.join, shut.join_attended):
        join.share.bias.fill_(1e9)
    attended = torch.stack([attention(shut, recurrence(shut, row)) for row in x])
    close(shut(x)[0], attended, "open gates, attention alone")


@torch.no_grad()
def test_equal_fits_give_the_mean_of_the_window():
    layer, x = highway(3, 3, window=4), normal(1, 9, 3)
    part = layer.attend
    for parameter in part.parameters():
        parameter.zero_()
    part.project.weight[6:], part.out.weight[:] = torch.eye(3), torch.eye(3)
    h = recurrence(layer, x[0])
    mean = torch.stack([h[max(0, t - 3) : t + 1].mean(0) for t in range(9)])
    close(layer(x)[0][0], h + mean, "output, state and mean of the last four")


def test_the_state_does_not_grow():
    layer = highway(6, 3, window=4)
    for time in (1, 3, 9):
        h, before, seen = layer(normal(2, time, 3))[1]
        assert h.shape == (2, 6) and before.shape == (2, 3, 6)
        assert seen.sum(1).tolist() == [min(time, 3)] * 2
    assert highway(6, 3).begin(2).shape == (2, 6)


def test_parameter_count():
    """2 D I for the input, and 2 D (D + 1) for each level of depth."""
    count = sum(value.numel() for value in RecurrentHighway(50, inputs=9, depth=4).parameters())
    assert count == 2 * 50 * 9 + 4 * 2 * 50 * 51
    layer = RecurrentHighway(50, inputs=9, depth=4)
    assert all((recur.bias[50:] == -2).all() for recur in layer.recur), "gates start nearly closed"


def test_bad_sizes_are_refused():
    with pytest.raises(BadInput, match="depth must be a whole number"):
        RecurrentHighway(8, depth=0)
    with pytest.raises(BadInput, match="window must be a whole number"):
        RecurrentHighway(8, window=0)
    with pytest.raises(BadInput, match="heads must divide width 8, got 3"):
        RecurrentHighway(8, window=4, heads=3)
    with pytest.raises(BadInput, match="needs a window"):
        RecurrentHighway(8, heads=2)


VARIANTS = {
    "attention": {"window": 4, "heads": 2},
    "attention, learned rate": {"window": 3, "gate": Gate.RATE},
    "attention, gate": {"depth": 1, "window": 20, "gate": Gate.INPUT},
    "plain residual": {"gate": Gate.ADD},
    "gate": {"depth": 3, "gate": Gate.INPUT},
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(highway(4, 3, **VARIANTS[variant]), normal(2, 6, 3))


ATTENDING = {
    str(gate): functools.partial(RecurrentHighway, gate=gate, window=4) for gate in (None, Gate.INPUT)
}


@on_building(ATTENDING, graphs={"with a gate": ATTENDING[str(Gate.INPUT)]})
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
