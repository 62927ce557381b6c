"""What streams promise: for each promise a stream that breaks it alone, and a right one."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.core import Card, State, Stream
from wavetrain.errors import BadInput
from wavetrain.testing import streams


class Counts(Stream):
    """How often each bit was set; told before each record is learned."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")
    inputs = 40

    def empty(self) -> State:
        return torch.zeros(40)

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        if x.ndim != 2 or x.shape[1] != 40 or x.dtype != torch.bool or not len(x):
            raise BadInput(f"expected x (time, 40) of bool, got {x.dtype} {tuple(x.shape)}")
        state = self.empty() if state is None else state
        return state + x.cumsum(0) - x.int(), state + x.sum(0) if learn else state


class StepsTwice(Counts):
    def step(self, x: Tensor, state: State) -> tuple[Any, State]:
        return self.forward(torch.stack([x, x]), state)


class Forgets(Counts):
    """A second call begins anew, and so does every step."""

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(x, state)[0], super().forward(x)[1]


class CountsCalls(Counts):
    """Tells how often it was called."""

    calls = 0

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        told, state = super().forward(x, state, learn)
        self.calls += 1
        return told + self.calls, state


class WritesWhenLearning(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        told, after = super().forward(x, state, learn)
        return told, after if state is None or not learn else state.copy_(after)


class WritesWhenNot(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        told, after = super().forward(x, state, learn)
        return told, after if state is None or learn else state.add_(1)


class Dices(Counts):
    """What it tells depends on everybody's generator."""

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        told, state = super().forward(x, state, learn)
        return told + torch.rand(()), state


class MovesTheDice(Counts):
    """The same each time, and yet everybody's generator has moved."""

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        torch.rand(())
        return super().forward(x, state, learn)


class TakesNarrow(Counts):
    """The step hands on a record with one bit too few, which is made whole again."""

    def step(self, x: Tensor, state: State) -> tuple[Any, State]:
        return self.forward(x[None, 1:], state)

    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(torch.cat([x, x[:, : 40 - x.shape[1]]], 1), state, learn)


class TakesWide(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(x[:, :40] if x.ndim == 2 else x, state, learn)


class TakesFloats(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(x.bool(), state, learn)


class TakesOne(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(x if x.ndim == 2 else x[None], state, learn)


class TakesNone(Counts):
    def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
        return super().forward(x if len(x) else torch.zeros(1, *x.shape[1:]).bool(), state, learn)


BROKEN = [
    (StepsTwice, streams.check_step, "told after single steps, after one call"),
    (Forgets, streams.check_pieces, "told after two calls, after one"),
    (WritesWhenLearning, streams.check_pieces, "a second call from the same state, the first"),
    (WritesWhenLearning, streams.check_state_stays, "the state given, with learn=True, before and after"),
    (WritesWhenNot, streams.check_state_stays, "the state given, with learn=False, before and after"),
    (Dices, streams.check_own_generator, "one learner, another of the same seed"),
    (MovesTheDice, streams.check_own_generator, "torch's own generator has been used"),
    (TakesWide, streams.check_refuses, "nothing was refused; expected BadInput that says expected and 40"),
    (TakesFloats, streams.check_refuses, "nothing was refused"),
    (TakesOne, streams.check_refuses, "nothing was refused"),
    (TakesNone, streams.check_refuses, "nothing was refused"),
]


@pytest.mark.parametrize(("kind", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_stream_that_breaks_a_promise_is_seen(kind, check, what: str):
    check(Counts)
    with pytest.raises(AssertionError, match=what):
        check(kind)


def test_a_second_call_from_the_same_state_is_the_first():
    """The sixth call is the one that is compared with the second."""

    class Alternates(Counts):
        calls = 0

        def forward(self, x: Tensor, state: State = None, learn: bool = True) -> tuple[Any, State]:
            told, state = super().forward(x, state, learn)
            self.calls += 1
            return told + (self.calls == 6), state

    with pytest.raises(AssertionError, match="a second call from the same state, the first"):
        streams.check_pieces(Alternates)


def test_shapes_of_annotations_are_looked_at():
    streams.check_annotations(Counts)
    with pytest.raises(
        AssertionError, match=r"forward is annotated with Bool\[Tensor, \"time inputs\"\] for x"
    ):
        streams.check_annotations(TakesNarrow)


def test_all_promises_are_yielded():
    names = ["step", "pieces", "annotations", "state_stays", "own_generator", "refuses"]
    assert [one.name for one in streams.promises(Counts)] == names
    streams.check_stream(Counts)
    with pytest.raises(AssertionError, match=r"^TakesNone breaks the promise 'refuses': nothing was refused"):
        streams.check_stream(TakesNone)


def test_records_come_again_and_have_a_tenth_of_their_bits_set():
    stream = Counts()
    stream.inputs = 4000
    x = streams._records(stream, 60)
    assert x.shape == (60, 4000) and x.dtype == torch.bool
    assert len(x.unique(dim=0)) == 4
    assert 0.08 < x.double().mean() < 0.12


def test_all_that_is_told_is_compared():
    inside = [np.array([1, 2]), (torch.tensor(3), 4.0)]
    assert [part.tolist() for part in streams._parts((inside, 5))] == [[1, 2], 3, 4.0, 5]
    for other in ((inside, 6), ([np.array([1, 3]), inside[1]], 5), ([inside[0], (torch.tensor(9), 4.0)], 5)):
        with pytest.raises(AssertionError, match="this and that"):
            streams._same((inside, 5), other, "this and that")
    with pytest.raises(ValueError, match="shorter"):
        streams._same((inside, 5), (inside,), "this and that")
    kept = streams._copied(inside)
    inside[0][0] = 7
    assert kept[0][0] == 1
