"""Two replays of one experiment: the same bit for bit on one kind of machine, to rounding on another."""

import dataclasses
import math

import pytest

from wavetrain.evidence.replay import KIND, ROUNDING, Agreement, agreed, compared, same_kind
from wavetrain.evidence.result import Replay, Start, Witness

START = Start(losses=(2.0, 1.0), scores=(0.5,), stepped=4.0, states="ab")
REPLAY = Replay(trainings={"t": START}, figures={"x": 3.0, "none": None}, varying=("seconds",))
WITNESS = Witness(smoke=REPLAY, start=None)
SAME = Agreement(True, "")


def changed(**changes) -> Witness:
    """The witness with another start of its training."""
    start = dataclasses.replace(START, **changes)
    return dataclasses.replace(WITNESS, smoke=dataclasses.replace(REPLAY, trainings={"t": start}))


def figures(**found: float | None) -> Witness:
    return dataclasses.replace(WITNESS, smoke=dataclasses.replace(REPLAY, figures=REPLAY.figures | found))


def test_what_is_the_same_agrees_on_any_machine() -> None:
    assert compared(WITNESS, WITNESS, exact=True) == compared(WITNESS, WITNESS, exact=False) == SAME


@pytest.mark.parametrize(
    ("new", "exact", "elsewhere", "why"),
    [
        # what decides: False beyond rounding on any machine
        (changed(losses=(2.0, 1.1)), False, False, "smoke scale: loss 2 of t was 1.0, and is 1.1"),
        (changed(losses=(2.1, 1.1)), False, False, "smoke scale: loss 1 of t was 2.0, and is 2.1"),
        (changed(losses=(2.0, None)), False, False, "smoke scale: loss 2 of t was 1.0, and is None"),
        (changed(losses=(2.0,)), False, False, "smoke scale: steps of t was 2, and is 1"),
        (changed(stepped=4.1), False, False, "smoke scale: step by step, t was 4.0, and is 4.1"),
        (changed(losses=(2.0, 1.0005)), False, True, "smoke scale: loss 2 of t was 1.0, and is 1.0005"),
        (changed(stepped=4.001), False, True, "smoke scale: step by step, t was 4.0, and is 4.001"),
        # what only tells: None beyond rounding elsewhere
        (changed(scores=(0.6,)), False, None, "smoke scale: scores of t was (0.5,), and is (0.6,)"),
        (changed(scores=(0.5001,)), False, True, "smoke scale: scores of t was (0.5,), and is (0.5001,)"),
        (changed(scores=(0.5, 0.5)), False, None, "smoke scale: scores of t was (0.5,), and is (0.5, 0.5)"),
        (changed(states="cd"), False, None, "smoke scale: generators after t was 'ab', and is 'cd'"),
        (figures(x=3.5), False, None, "smoke scale: x was 3.0, and is 3.5"),
        (figures(x=3.001), False, True, "smoke scale: x was 3.0, and is 3.001"),
        (figures(none=1.0), False, None, "smoke scale: none was None, and is 1.0"),
    ],
)
def test_what_a_difference_says(new: Witness, exact: bool, elsewhere: bool | None, why: str) -> None:
    assert compared(WITNESS, new, exact=True) == Agreement(exact, why)
    assert compared(WITNESS, new, exact=False) == (SAME if elsewhere else Agreement(elsewhere, why))


def test_names_of_figures_and_trainings_decide() -> None:
    """Those that vary from replay to replay are figures too; a training that is new is no difference."""
    fewer = dataclasses.replace(WITNESS, smoke=dataclasses.replace(REPLAY, varying=()))
    names = "smoke scale: the names of figures was ['none', 'seconds', 'x'], and is ['none', 'x']"
    assert compared(WITNESS, fewer, exact=False) == Agreement(False, names)
    none = dataclasses.replace(WITNESS, smoke=dataclasses.replace(REPLAY, trainings={}))
    gone = Agreement(False, "smoke scale: trainings was [], and is ['t']")
    assert compared(WITNESS, none, exact=False) == gone
    assert compared(none, WITNESS, exact=True) == SAME


def test_a_figure_that_varies_is_named_and_not_compared() -> None:
    """A time that was measured is in `varying` on one side, and a figure in the other."""
    timed = Replay(trainings={}, figures={"x": 3.0, "none": None, "seconds": 1.5})
    new = Witness(smoke=dataclasses.replace(timed, trainings=REPLAY.trainings), start=None)
    assert compared(WITNESS, new, exact=True) == SAME


def test_the_first_steps_are_compared_where_both_have_them() -> None:
    both = Witness(smoke=REPLAY, start=REPLAY)
    assert compared(both, both, exact=True) == SAME
    there = "first steps: the replay was True, and is False"
    assert compared(both, WITNESS, exact=False) == Agreement(False, there)
    new = "first steps: the replay was False, and is True"
    assert compared(WITNESS, both, exact=False) == Agreement(False, new)
    later = dataclasses.replace(both, start=changed(losses=(5.0, 1.0)).smoke)
    assert compared(both, later, exact=False).why == "first steps: loss 1 of t was 2.0, and is 5.0"


def test_a_loss_that_decides_outweighs_a_score_that_only_tells() -> None:
    both = changed(scores=(0.6,))
    later = Witness(smoke=both.smoke, start=changed(losses=(5.0, 1.0)).smoke)
    found = compared(Witness(smoke=REPLAY, start=REPLAY), later, exact=False)
    assert found == Agreement(False, "first steps: loss 1 of t was 2.0, and is 5.0")
    two = Witness(smoke=both.smoke, start=figures(x=9.0).smoke)
    found = compared(Witness(smoke=REPLAY, start=REPLAY), two, exact=False)
    assert found == Agreement(None, "smoke scale: scores of t was (0.5,), and is (0.6,)")  # the first


@pytest.mark.parametrize("size", [1.0, -50.0, 1e6])
def test_rounding_goes_by_the_size_of_the_larger(size: float) -> None:
    for share, same in ((0.99, True), (1.01, False)):
        new = changed(losses=(2.0, size * (1 - share * ROUNDING)))
        assert compared(changed(losses=(2.0, size)), new, exact=False).same is same
        assert compared(new, changed(losses=(2.0, size)), exact=False).same is same


def test_next_to_nothing_is_nothing() -> None:
    """Below a thousandth a difference goes by a thousandth: a millionth is the most."""
    old = changed(losses=(2.0, 0.0))
    assert compared(old, changed(losses=(2.0, 0.9e-6)), exact=False).same
    assert not compared(old, changed(losses=(2.0, 1.1e-6)), exact=False).same
    assert not compared(old, changed(losses=(2.0, math.nan)), exact=False).same


def test_long_values_are_told_by_their_beginning() -> None:
    for length, end in ((58, "'"), (59, "...")):
        why = compared(WITNESS, changed(states="s" * length), exact=True).why
        assert why == f"smoke scale: generators after t was 'ab', and is '{'s' * length}" + end


def test_what_two_replays_have_in_common() -> None:
    other = Replay(
        trainings={"t": START, "u": START}, figures={"x": 3.0, "none": None, "seconds": 2.0, "new": 1.0}
    )
    one = Replay(
        trainings={"t": START, "u": dataclasses.replace(START, states="cd")},
        figures={"x": 3.0, "none": None, "seconds": 1.0, "gone": None},
    )
    found = agreed(one, other)
    assert found.trainings == {"t": START} and found.figures == {"x": 3.0, "none": None}
    assert found.varying == ("gone", "new", "seconds")


@pytest.mark.parametrize("name", KIND)
def test_machines_of_one_kind_have_all_this_in_common(name: str) -> None:
    here = dict.fromkeys(KIND, "a")
    assert same_kind(here, here | {"date": "b"}) and not same_kind(here, here | {name: "b"})
