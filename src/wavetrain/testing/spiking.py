"""What spiking layers promise beside what every layer does, as functions that raise AssertionError.

    check(make) for a class, or for a `functools.partial` of it: make(width, inputs=inputs)

What lies on a grid, so that it can be equal to the last bit, is in `spikes.py`.
"""

import inspect
import re
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from wavetrain.core import State, leaves, map_state
from wavetrain.core.spiking import Spiking
from wavetrain.core.surrogate import Surrogate
from wavetrain.parts.surrogate import Arctan, Boxcar, FastSigmoid, MultiGaussian, Sigmoid, Triangle, Zero
from wavetrain.testing import layers
from wavetrain.testing.company import frozen
from wavetrain.testing.delivery import check_delivery
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.spikes import BATCH, INPUTS, SCALES, TIME, Make, built, driven, exactly
from wavetrain.testing.tools import normal, refused, stepped, whole

SURROGATES: tuple[Surrogate, ...] = (
    Arctan(),
    FastSigmoid(),
    Sigmoid(),
    Boxcar(),
    Triangle(),
    MultiGaussian(),
    Zero(),
)
CUTS = (*range(1, 8), *range(10, TIME, 4))  # each of the first steps, as delays and silence are short


def check_says(make: Make) -> None:
    """The step is above 0 ms; the words say what a step does in which order, and that times are in ms."""
    layer = built(make)
    words = f"{inspect.getdoc(type(layer))} {getattr(inspect.getmodule(type(layer)), '__doc__', '')}"
    assert layer.dt > 0, f"expected dt above 0 ms, got {layer.dt}"
    assert "A step:" in words, 'expected a docstring with "A step:" and what a step does in which order'
    assert re.search(r"\bms\b", words), "expected a docstring that says which times are in ms"


@torch.no_grad()
def check_spikes(make: Make) -> None:
    """Spikes are exactly 0 or 1, and come where the input is strong."""
    layer = built(make)
    for form in (whole, stepped):
        values = form(layer, driven(layer))[0].unique().tolist()
        assert values == [0, 1], f"{form.__name__}: expected spikes 0 and 1, got {values[:5]}"


@torch.no_grad()
def check_forward_knows_no_surrogate(make: Make) -> None:
    """Spikes and states are the same whatever the surrogate, and whether the reset is detached."""
    layer = built(make)
    x = driven(layer)
    for form in (whole, stepped):
        expected = form(layer, x)
        for surrogate in SURROGATES:
            for detached in (False, True):
                other = built(make)
                other.surrogate, other.detached = surrogate, detached
                exactly(form(other, x), expected, f"{form.__name__} with {surrogate}, detached={detached}")


@torch.no_grad()
def check_decay(make: Make) -> None:
    """Without input what is at rest stays so, and a change of what fades has the same factor in each step.

    Where dt can be given, half of it twice is the same factor again.
    """
    layer = built(make)
    for name, parameter in layer.named_parameters():
        if name.split(".")[-1] == "bias":  # an input too
            parameter.data.zero_()
    first, factors, none = layer.quiet(1), layer.fades(), normal(1, INPUTS) * 0
    many = len(leaves(first))
    assert len(factors) == many, f"expected fades of {many} parts of the state, got {len(factors)}"
    plain = _states(layer, first, none)
    for place, factor in enumerate(factors):
        if factor is None:
            continue
        still = [leaves(state)[place] for state in plain]
        exactly(still, [leaves(first)[place]] * len(still), f"part {place} of the state at rest, as it was")
        size = -1e-3 if place == 0 else 1e-3  # of the potential: away from the threshold
        for t, (state, usual) in enumerate(
            zip(_states(layer, _moved(first, place, size), none), plain, strict=True), 1
        ):
            found = leaves(state)[place] - leaves(usual)[place]
            expected = (size * factor**t).expand_as(found)
            near = torch.allclose(found, expected, rtol=1e-8, atol=1e-13)
            assert near, f"part {place} of the state, {t} steps on: {found.tolist()}, not {expected.tolist()}"
    if "dt" in inspect.signature(make).parameters:
        half = built(partial(make, dt=layer.dt / 2))
        for short, long in zip(half.fades(), factors, strict=True):
            if long is not None:
                torch.testing.assert_close(short**2, long, rtol=1e-9, atol=0, msg="two half steps, one step")


def _states(layer: Spiking, state: State, x: Tensor) -> list[State]:
    """The states of some steps in which nobody fires."""
    found = []
    for _ in range(12):
        y, state = layer.step(x, state)
        assert not y.any(), "somebody fires without input"
        found.append(state)
    return found


def _moved(state: State, place: int, size: float) -> State:
    """A state with one part moved."""
    places = iter(range(len(leaves(state))))
    return map_state(lambda part: part + size if next(places) == place else part, state)


@torch.no_grad()
def check_silence(make: Make) -> None:
    """After a spike there are `silence` steps without one, and then it may come, whatever the input."""
    for silence in (0, 1, 2, 5):
        layer = built(make)
        layer.silence = silence
        huge = (SCALES[-1] * normal(BATCH, 1, INPUTS, seed=4)).expand(-1, TIME, -1)
        for x, about in ((driven(layer), "by turns"), (huge, "always")):
            for form in (whole, stepped):
                shortest = _shortest(form(layer, x)[0])
                assert shortest > silence, (
                    f"{form.__name__}, {silence} silent steps, driven {about}: a spike after {shortest} steps"
                )
        assert shortest == silence + 1, (
            f"{silence} silent steps: expected a spike every {silence + 1} steps under a huge input, "
            f"the shortest time between two is {shortest}"
        )


def _shortest(spikes: Tensor) -> int:
    """The shortest time between two spikes of a unit, in steps."""
    many = len(spikes[0]) + 1
    for steps in range(1, many):
        if (spikes[:, steps:] * spikes[:, :-steps]).any():
            return steps
    return many


@torch.no_grad()
def check_rows(make: Make) -> None:
    """A batch of B equals B runs, to the last bit, from its first to its last state."""
    layer = built(make)
    x = driven(layer, batch=5)
    for form in (whole, stepped):
        y, last = form(layer, x)
        for row in range(len(x)):
            one = slice(row, row + 1)
            alone = form(layer, x[one])
            exactly(
                (y[one], map_state(lambda part, one=one: part[one], last)),
                alone,
                f"{form.__name__}: row {row} of a batch, alone",
            )


@torch.no_grad()
def check_cuts(make: Make) -> None:
    """Cut early or late, as a whole or in steps: with the state carried it is the whole, to the last bit."""
    layer = built(make)
    x = driven(layer)
    expected = whole(layer, x)
    for cut in CUTS:
        for first, second in ((whole, stepped), (stepped, whole)):
            head, state = first(layer, x[:, :cut])
            tail, last = second(layer, x[:, cut:], state)
            about = f"{first.__name__} to step {cut}, then {second.__name__}"
            exactly((torch.cat([head, tail], 1), last), expected, about)


@torch.no_grad()
def check_nothing_is_left(make: Make) -> None:
    """After a run a layer is as its fresh twin, and begins as it does: the state is all that there was."""
    layer, twin = built(make), built(make)
    x = driven(twin)
    before = frozen(layer)
    layer(driven(layer, seed=5))
    stepped(layer, driven(layer, seed=6))
    assert frozen(layer) == before, "something of a run is left in the layer"
    exactly(layer.begin(BATCH), twin.begin(BATCH), "the first state after a run, of a fresh twin")
    exactly(layer(x), twin(x), "a second run, that of a fresh twin")


@torch.no_grad()
def check_other_batch(make: Make) -> None:
    """A state of more or fewer sequences is refused: one row would be spread over all in silence."""
    layer = built(make)
    x = driven(layer)
    for given, came in ((BATCH, 1), (1, BATCH), (BATCH, BATCH - 1)):
        state = layer(x[:given])[1]
        for form in (whole, stepped):
            with refused(f"expected a state of {came} sequences", f"got one of {given}"):
                form(layer, x[:came], state)


def check_two_lessons(make: Make) -> None:
    """Gradients can be taken twice in a row, from a first state each time: no graph is left behind."""
    layer = built(make)
    x = driven(layer)
    learning = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    if not learning:
        return  # nothing is learned by gradients

    def slopes() -> list[Tensor | None]:
        y, last = layer(x)
        ends = [y, *(part for part in leaves(last) if part.is_floating_point())]
        return list(
            torch.autograd.grad(torch.stack([end.sum() for end in ends]).sum(), learning, allow_unused=True)
        )

    exactly(slopes(), slopes(), "the gradients of a second lesson, of the first")


PROMISES = (
    check_says,
    check_spikes,
    check_forward_knows_no_surrogate,
    check_decay,
    check_silence,
    check_delivery,
    check_rows,
    check_cuts,
    check_nothing_is_left,
    check_other_batch,
    check_two_lessons,
)


def promises(make: Make) -> Iterator[Promise]:
    """All promises of a spiking layer built as make(width, inputs=inputs): a layer's, then its own."""
    yield from layers.promises(make)
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make))


def check_spiking(make: Make) -> None:
    """Hold a spiking layer to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.spiking import LIF
    >>> from wavetrain.testing import check_spiking
    >>> check_spiking(LIF)  # says nothing where all is well
    """
    keep(make, promises(make))
