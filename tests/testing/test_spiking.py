"""What spiking layers promise: members that break one promise each, and what is said of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.promises import Make
from wavetrain.core import State
from wavetrain.core.surrogate import Smooth
from wavetrain.parts.delays import Delayed
from wavetrain.parts.firing import Firing
from wavetrain.parts.surrogate import Arctan
from wavetrain.spiking.alif import ALIF
from wavetrain.spiking.lif import LIF
from wavetrain.spiking.recurrent_lif import RecurrentLIF
from wavetrain.testing import company, layers, spiking
from wavetrain.testing.delivery import check_delivery
from wavetrain.testing.spikes import built, driven
from wavetrain.testing.tools import generic, normal


class Plain(LIF):
    """Walks step by step, so that a bug is in one place."""

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super(LIF, self).whole(x, state)


class Tall(Plain):
    """Spikes of 2."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, state = super().step(x, state)
        return 2 * spikes, state


class Graded(Plain):
    """Something between 0 and 1."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs, firing=Firing(surrogate=Smooth(Arctan())))


class Mute(Plain):
    """Nobody ever fires."""

    def fire(self, excess: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
        return 0 * excess, silent


class PeeksAtTheSurrogate(Plain):
    """The potential moves with the peak of the surrogate."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x, state)
        return spikes, (v + 1e-12 * self.surrogate.peak, silent)


class PeeksAtTheDetachment(Plain):
    """Rounded otherwise where the reset is detached."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x, state)
        return spikes, ((v + 1) - 1 if self.detached else v, silent)


class Euler(Plain):
    """Decays by 1 - dt / tau, and says exp(-dt / tau)."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        kept = 1 - self.dt / self.taus()
        spikes, v, silent = self.move(self.current(x), *state, kept=kept, threshold=self.threshold)
        return spikes, (v, silent)


class EulerThroughout(Plain):
    """Decays by 1 - dt / tau, and says so: two half steps are not one."""

    def rate(self, tau: float | Tensor) -> Any:
        return 1 - self.dt / tau


class Drains(Plain):
    """A constant is taken off in each step without a spike."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x, state)
        return spikes, (v - 1e-6 * (1 - spikes), silent)


class SaysTooLittle(Plain):
    def fades(self) -> tuple[Tensor | None, ...]:
        return super().fades()[:1]


class Restless(Plain):
    """Fires without input."""

    def begin(self, batch: int) -> State:
        v, silent = super().begin(batch)
        return v + 2, silent


class SlowAdaptation(ALIF):
    """The threshold falls back more slowly than is said."""

    def _kept(self) -> tuple[Tensor, Tensor]:
        kept, rho = super()._kept()
        return kept, rho**0.99

    def fades(self) -> tuple[Tensor | None, ...]:
        kept, rho = super()._kept()
        return kept, None, rho


class NeverSilent(Plain):
    """The potential is held, and fires all the same."""

    def fire(self, excess: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
        return self.surrogate(excess), super().fire(excess, silent)[1]


class WakesEarly(Plain):
    """Silent for one step less."""

    def fire(self, excess: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
        spikes, left = super().fire(excess, silent)
        return spikes, torch.where(spikes > 0, (left - 1).clamp(min=0), left)


class Oversleeps(Plain):
    """Silent for one step more."""

    def fire(self, excess: Tensor, silent: Tensor) -> tuple[Tensor, Tensor]:
        spikes, left = super().fire(excess, silent)
        return spikes, left + (spikes > 0).int() if self.silence else left


class Connected(RecurrentLIF):
    """Walks step by step; spikes come back after 3 steps."""

    kind: type[Delayed] = Delayed

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs, delay=3.0)
        self.recur = self.kind(width, width, 3.0, recurrent=True)

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super(RecurrentLIF, self).whole(x, state)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        v, silent, line = state
        current = self.current(x) + self.arrives(line)
        spikes, v, silent = self.move(
            current, v, silent, kept=self.rate(self.taus()), threshold=self.threshold
        )
        return spikes, (v, silent, self.recur.sent(line, spikes))

    def arrives(self, line: Tensor) -> Tensor:
        return self.recur.arriving(line)


class Early(Connected):
    """What is due in the next step arrives in this one."""

    def arrives(self, line: Tensor) -> Tensor:
        return self.recur.arriving(line.roll(1, 1))


class Heavy(Connected):
    """Arrives with twice its weight."""

    def arrives(self, line: Tensor) -> Tensor:
        return 2 * self.recur.arriving(line)


class ToTheNeighbour(Connected):
    """Arrives at the next unit."""

    def arrives(self, line: Tensor) -> Tensor:
        return self.recur.arriving(line).roll(1, -1)


class ToTheNeighbourToo(Connected):
    def arrives(self, line: Tensor) -> Tensor:
        arriving = self.recur.arriving(line)
        return arriving + arriving.roll(1, -1)


class Never(Connected):
    """Nothing arrives."""

    def arrives(self, line: Tensor) -> Tensor:
        return 0 * self.recur.arriving(line)


class Lingers(Connected):
    """Arrives once more, a step later."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.recur = self.kind(width, width, 3.0, recurrent=True, longest=4.0)

    def arrives(self, line: Tensor) -> Tensor:
        return self.recur.arriving(line) + self.recur.arriving(line.roll(-1, 1))


class Doubling(Delayed):
    """What is sent is on its way twice."""

    def sent(self, line: Tensor, now: Tensor) -> Tensor:
        return super().sent(super().sent(line, now), now)


class Losing(Delayed):
    """What was sent before is lost where something is sent."""

    def sent(self, line: Tensor, now: Tensor) -> Tensor:
        return super().sent(line * (now == 0), now)


class Backward(Delayed):
    """From the targets to the sources."""

    def weights(self) -> Any:
        return [(steps, weight.T) for steps, weight in super().weights()]


def with_connection(one: type[Delayed]) -> type[Connected]:
    return type(one.__name__, (Connected,), {"kind": one, "__doc__": one.__doc__})


class Jitters(Plain):
    """The last bits hang on how many sequences there are."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x, state)
        return spikes, (v + 1e-14 * len(x), silent)


class WakesAtTheCut(LIF):
    """Whoever is silent is silent no more when another sequence begins."""

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs, firing=Firing(refractory=3.0))

    def whole(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        v, silent = state
        return super().whole(x, (v, 0 * silent))


class Remembers(Plain):
    """Something stays in the layer, and is seen in the next run."""

    seen: Tensor

    def __init__(self, width: int, inputs: int | None = None):
        super().__init__(width, inputs)
        self.register_buffer("seen", torch.zeros(()))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x + self.seen, state)
        self.seen.add_(spikes.detach().sum())
        return spikes, (v, silent)


class Spreads(Plain):
    """One state for all sequences, without a word."""


Spreads.step = LIF.step.__wrapped__  # type: ignore[attr-defined,method-assign]  # as it is without its guard
Spreads.whole = Plain.whole.__wrapped__  # type: ignore[attr-defined,method-assign]


class Tangled(Plain):
    """Keeps a graph from one lesson to the next."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        spikes, (v, silent) = super().step(x, state)
        v = v + 0 * vars(self).get("before", 0)
        vars(self)["before"] = v.sum()
        return spikes, (v, silent)


BROKEN: list[tuple[Make, Callable[[Make], None], str]] = [
    (Plain, spiking.check_says, 'expected a docstring with "A step:"'),
    (Tall, spiking.check_spikes, r"whole: expected spikes 0 and 1, got \[0.0, 2.0\]"),
    (Graded, spiking.check_spikes, "whole: expected spikes 0 and 1, got"),
    (Mute, spiking.check_spikes, "nobody fires, whatever the input up to"),
    (PeeksAtTheSurrogate, spiking.check_forward_knows_no_surrogate, "whole with Triangle"),
    (PeeksAtTheDetachment, spiking.check_forward_knows_no_surrogate, "detached=True"),
    (Euler, spiking.check_decay, "part 0 of the state, 1 steps on"),
    (partial(EulerThroughout, dt=1.0), spiking.check_decay, "two half steps, one step"),
    (Drains, spiking.check_decay, "part 0 of the state at rest, as it was"),
    (SaysTooLittle, spiking.check_decay, "expected fades of 2 parts of the state, got 1"),
    (Restless, spiking.check_decay, "somebody fires without input"),
    (SlowAdaptation, spiking.check_decay, "part 2 of the state, 1 steps on"),
    (NeverSilent, spiking.check_silence, "whole, 1 silent steps, driven .*: a spike after 1 steps"),
    (WakesEarly, spiking.check_silence, "1 silent steps, driven .*: a spike after 1 steps"),
    (Oversleeps, spiking.check_silence, "1 silent steps: expected a spike every 2 steps .* is 3"),
    (Early, check_delivery, "states before it arrives"),
    (Heavy, check_delivery, "expected the target to move by its weight"),
    (ToTheNeighbour, check_delivery, "another unit than its target has moved"),
    (ToTheNeighbourToo, check_delivery, "another unit than its target has moved"),
    (Never, check_delivery, "move by its weight .*, got nothing"),
    (Lingers, check_delivery, "a step later 2.* of what should be left of it"),
    (with_connection(Doubling), check_delivery, "an impulse of source 0"),
    (
        with_connection(Losing),
        check_delivery,
        "an impulse of source 0|states before it arrives|by its weight",
    ),
    (with_connection(Backward), check_delivery, "an impulse of source 0"),
    (Jitters, spiking.check_rows, "whole: row 0 of a batch, alone"),
    (WakesAtTheCut, spiking.check_cuts, "to step 1"),
    (Remembers, spiking.check_nothing_is_left, "something of a run is left in the layer"),
    (Spreads, spiking.check_other_batch, "nothing was refused|instead of BadInput"),
    (Tangled, spiking.check_two_lessons, "second time"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_spiking_layer_that_breaks_a_promise_is_seen(kind, check, what: str) -> None:
    with pytest.raises((AssertionError, RuntimeError), match=what):
        check(kind)


@pytest.mark.parametrize(
    "check", [one for one in spiking.PROMISES if one is not spiking.check_says], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("kind", [Plain, Connected], ids=lambda kind: kind.__name__)
def test_those_that_keep_them(kind: Make, check: Callable[[Make], None]) -> None:
    check(kind)


def test_what_only_the_last_bit_tells_is_not_seen_by_the_promises_of_layers() -> None:
    company.check_batch(generic(Jitters, 4, 2), normal(3, 9, 2))


def test_all_promises_are_yielded() -> None:
    names = [one.name for one in spiking.promises(LIF)]
    own = [check.__name__.removeprefix("check_") for check in spiking.PROMISES]
    assert names == [*(one.name for one in layers.promises(LIF)), *own]
    of_file = {name for name, one in vars(spiking).items() if name.startswith("check_")}
    assert of_file == {check.__name__ for check in spiking.PROMISES} | {"check_spiking"}


def test_numbers_lie_on_a_grid_and_units_fire_by_turns() -> None:
    """So that sums of products are exact in any order."""
    layer = built(LIF)
    for parameter in layer.parameters():
        assert (parameter * 2**20 % 1 == 0).all()
    x = driven(layer)
    share = layer(x)[0].mean().item()
    assert (x * 64 % 1 == 0).all() and 0.02 <= share < 1
    total = layer.current(x).detach()
    backward = (x.flip(2)[..., None, :] * layer.encode.weight.flip(1)).sum(-1) + layer.encode.bias
    assert total.equal(backward.detach())


def test_what_is_no_spiking_layer_is_named() -> None:
    from wavetrain.layers.recurrence.elman import Elman

    with pytest.raises(AssertionError, match="expected a class made from Spiking, got Elman"):
        spiking.check_spikes(Elman)
