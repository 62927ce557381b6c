"""What plasticity of spikes promises beside what every rule does, as functions that raise AssertionError.

check(make) for a class, or for a `functools.partial` of it
"""

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from wavetrain.core import State, map_state
from wavetrain.parts.bounds import Bounds
from wavetrain.parts.over_batch import OverBatch
from wavetrain.parts.plasticity import Plasticity
from wavetrain.testing.promise import Promise
from wavetrain.testing.tools import close, refused

BATCH, TIME, PRE, POST = 3, 12, 4, 2
Make = Callable[[], Plasticity]


def trains(units: int, seed: int, time: int = TIME) -> Tensor:
    """Independent spikes in about a third of the steps: (B, T, units)."""
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(BATCH, time, units, generator=draw, dtype=torch.float64) < 0.35).double()


def middle(rule: Plasticity) -> Tensor:
    """Weights about the middle of their bounds: (post, pre)."""
    low, high = max(rule.bounds.low, -1.0), min(rule.bounds.high, 1.0)
    draw = torch.Generator().manual_seed(5)
    return low + (high - low) * (0.4 + 0.2 * torch.rand(POST, PRE, generator=draw, dtype=torch.float64))


def exactly(actual: object, expected: object, about: str) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=0, msg=lambda text: f"{about}: {text}")


def check_says(make: Make) -> None:
    """The words say what a step does in which order, and that times are in ms."""
    kind = type(make())
    words = f"{inspect.getdoc(kind)} {getattr(inspect.getmodule(kind), '__doc__', '')}"
    assert "A step:" in words, 'expected a docstring with "A step:" and what a step does in which order'
    assert re.search(r"\bms\b", words), "expected a docstring that says which times are in ms"


def check_silence(make: Make) -> None:
    """Where nobody fires no weight changes, and what was fired long ago changes none either."""
    rule = make()
    weight, nobody = middle(rule), torch.zeros(BATCH, TIME, 1, dtype=torch.float64)
    pre, post = nobody.expand(-1, -1, PRE), nobody.expand(-1, -1, POST)
    exactly(rule.run(weight, pre, post)[0], weight, "weights where nobody fires")
    assert not rule.total(weight, pre, post)[0].any(), "expected no change asked for where nobody fires"


def check_changes(make: Make) -> None:
    """Spikes on both sides change weights: else the promises would be kept by doing nothing."""
    rule = make()
    weight = middle(rule)
    assert not rule.run(weight, trains(PRE, 1), trains(POST, 2))[0].equal(weight), "no weight changed"


def check_batch(make: Make) -> None:
    """Each sequence of a batch asks for what it would alone, and has the state that it would."""
    rule = make()
    weight, pre, post = middle(rule), trains(PRE, 1), trains(POST, 2)
    changes, state = rule.total(weight, pre, post)
    alone = [rule.total(weight, pre[row : row + 1], post[row : row + 1]) for row in range(BATCH)]
    close(changes, torch.cat([one for one, _ in alone]), "changes of a batch, beside each sequence alone")
    beside = map_state(lambda *parts: torch.cat(parts), *(one for _, one in alone))
    close(state, beside, "state of a batch, beside each sequence alone")
    pre[1], post[0] = 0.0, 0.0
    mixed = rule.total(weight, pre, post)[0][:2]
    lonely = torch.cat([rule.total(weight, pre[row : row + 1], post[row : row + 1])[0] for row in (0, 1)])
    close(mixed, lonely, "changes where one sequence fires before alone, and another behind")


def check_over_batch(make: Make) -> None:
    """The weights after a step are clip(w + change), the change being what is told of those of all."""
    for over_batch in OverBatch:
        rule = make()
        rule.over_batch = over_batch
        weight, state = middle(rule), rule.begin(middle(rule), BATCH)
        for pre, post in zip(trains(PRE, 1).unbind(1), trains(POST, 2).unbind(1), strict=True):
            changes, after = rule.change(weight, pre, post, state)
            moved, stepped = rule.step(weight, pre, post, state)
            exactly(
                moved, rule.bounds.clipped(weight + over_batch(changes)), f"{over_batch.value} of a batch"
            )
            exactly(stepped, after, "state after a step")
            weight, state = moved, after


def check_bounds(make: Make) -> None:
    """Weights are in their bounds after every step, also where they began on one, hard or soft."""
    for power in (0.0, 1.0):
        rule = make()
        rule.bounds = Bounds(0.4, 0.4001, power)
        weight = torch.full((POST, PRE), 0.4001, dtype=torch.float64)
        state = rule.begin(weight, BATCH)
        for pre, post in zip(trains(PRE, 1, 40).unbind(1), trains(POST, 2, 40).unbind(1), strict=True):
            weight, state = rule.step(weight, pre, post, state)
            outside = weight[(weight < 0.4) | (weight > 0.4001)]
            assert not len(outside), f"a weight of {float(outside[0]):g} is outside 0.4 to 0.4001"


def check_pieces(make: Make) -> None:
    """A run in pieces is the run, to the last bit, and what is asked for in pieces is what is asked for."""
    rule = make()
    weight, pre, post = middle(rule), trains(PRE, 1), trains(POST, 2)
    whole, asked = rule.run(weight, pre, post), rule.total(weight, pre, post)
    for cut in (0, 1, TIME // 2, TIME - 1):
        part, state = rule.run(weight, pre[:, :cut], post[:, :cut])
        exactly(rule.run(part, pre[:, cut:], post[:, cut:], state), whole, f"a run cut at step {cut}")
        first, state = rule.total(weight, pre[:, :cut], post[:, :cut])
        rest, end = rule.total(weight, pre[:, cut:], post[:, cut:], state)
        close((first + rest, end), asked, f"what is asked for, cut at step {cut}")


def check_total(make: Make) -> None:
    """What is asked for in total is the sum of that of all steps, from weights that stay."""
    rule = make()
    weight = middle(rule)
    state, asked = rule.begin(weight, BATCH), torch.zeros(BATCH, POST, PRE, dtype=torch.float64)
    for pre, post in zip(trains(PRE, 1).unbind(1), trains(POST, 2).unbind(1), strict=True):
        changes, state = rule.change(weight, pre, post, state)
        asked = asked + changes
    close(rule.total(weight, trains(PRE, 1), trains(POST, 2)), (asked, state), "total")


def check_keeps(make: Make) -> None:
    """What is given is not written to: weights, spikes and the state."""
    rule = make()
    weight, pre, post = middle(rule), trains(PRE, 1), trains(POST, 2)
    _, state = rule.run(weight, pre, post)
    given = (weight, pre, post, state)
    before = map_state(torch.Tensor.clone, given)
    for call in (rule.run, rule.total):
        call(weight, pre, post, state)
        exactly(given, before, f"what was given to {call.__name__}")


def check_refuses(make: Make) -> None:
    """Spikes that are not 0 or 1 or of another shape, and the state of another batch, in one line."""
    rule = make()
    weight, pre, post = middle(rule), trains(PRE, 1), trains(POST, 2)
    state: State = rule.begin(weight, BATCH)
    for call in (rule.run, rule.total):
        for wrong in (0.5, -1.0, torch.nan):
            with refused("0 or 1"):
                call(weight, torch.where(pre > 0, wrong, pre), post)
            with refused("0 or 1"):
                call(weight, pre, torch.where(post > 0, wrong, post))
        for one, other in ((post, pre), (pre[:1], post), (pre[:, 1:], post), (pre[0], post[0])):
            with refused(r"\(batch, time, pre\)"):
                call(weight, one, other)
        with refused("state of 1", f"{BATCH}"):
            call(weight, pre[:1], post[:1], state)


PROMISES = (
    check_says,
    check_silence,
    check_changes,
    check_batch,
    check_over_batch,
    check_bounds,
    check_pieces,
    check_total,
    check_keeps,
    check_refuses,
)


def promises(make: Make) -> Iterator[Promise]:
    """All promises of plasticity that is built as make()."""
    for check in PROMISES:
        yield Promise(f"plasticity_{check.__name__.removeprefix('check_')}", partial(check, make))
