"""What every stream promises: the same however it is cut into calls, and a state that stays as it is."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavetrain.core.stream import Stream
from wavetrain.testing import shapes
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import refused

Make = Callable[[], Stream]


def check_step(make: Make) -> None:
    """Record by record is the same as all at once."""
    stream, x = make(), _records(make(), 12)
    state = stream.empty()
    for record in x:
        _, state = stream.step(record, state)
    _, last = stream.forward(x)
    _same(stream.forward(x, state)[0], stream.forward(x, last)[0], "told after single steps, after one call")


def check_pieces(make: Make) -> None:
    """A stream that is cut in two gives what it gives in one call, and goes on from where it was."""
    stream, x = make(), _records(make(), 20)
    _, middle = stream.forward(x[:9])
    rest, last = stream.forward(x[9:], middle)
    _, end = stream.forward(x)
    _same(stream.forward(x, last)[0], stream.forward(x, end)[0], "told after two calls, after one")
    again, _ = stream.forward(x[9:], middle)
    _same(again, rest, "a second call from the same state, the first")


def check_annotations(make: Make) -> None:
    """What is given and returned has the shapes of the annotations: its own, and those of `Stream`."""
    stream, x = make(), _records(make(), 9)
    with shapes.held(type(stream)):
        _, state = stream.forward(x)
        stream.step(x[0], state)


def check_state_stays(make: Make) -> None:
    """A call leaves the state that it is given, with learning and without."""
    stream, x = make(), _records(make(), 15)
    _, state = stream.forward(x)
    before = _copied(state)
    for learn in (True, False):
        stream.forward(x, state, learn)
        _same(state, before, f"the state given, with learn={learn}, before and after")


def check_own_generator(make: Make) -> None:
    """Nobody's random generator moves, and two learners of one seed learn the same."""
    x = _records(make(), 15)
    before = torch.get_rng_state()
    one = make().forward(x)
    torch.rand(3)
    two = make().forward(x)
    _same(one[0], two[0], "one learner, another of the same seed")
    torch.set_rng_state(before)
    make().forward(x)
    assert torch.equal(torch.get_rng_state(), before), "torch's own generator has been used"


def check_refuses(make: Make) -> None:
    """Records of another size or type, and none at all, are refused."""
    stream = make()
    for x in (
        torch.zeros(3, stream.inputs + 1, dtype=torch.bool),
        torch.zeros(3, stream.inputs),
        torch.zeros(stream.inputs, dtype=torch.bool),
        torch.zeros(0, stream.inputs, dtype=torch.bool),
    ):
        with refused("expected", str(stream.inputs)):
            stream.forward(x)


PROMISES = (
    check_step,
    check_pieces,
    check_annotations,
    check_state_stays,
    check_own_generator,
    check_refuses,
)


def promises(make: Make) -> Iterator[Promise]:
    """All promises of a stream that is built as make()."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), partial(check, make))


def check_stream(make: Make) -> None:
    """Hold an online learner to the contract: a class, or a `functools.partial` of it.

    >>> import functools
    >>> from wavetrain.memories import TemporalMemory
    >>> from wavetrain.testing import check_stream
    >>> check_stream(functools.partial(TemporalMemory, 64, cells=4))  # says nothing where all is well
    """
    keep(make, promises(make))


def _records(stream: Stream, time: int) -> Tensor:
    """Records with a tenth of their bits set, drawn from four that come again and again."""
    dice = torch.Generator().manual_seed(1)
    few = torch.rand(4, stream.inputs, generator=dice) < 0.1
    return few[torch.randint(4, (time,), generator=dice)]


def _parts(value: Any) -> list[np.ndarray]:
    """All arrays of what a stream tells or carries, in order."""
    if isinstance(value, Tensor):
        return [value.numpy()]
    if isinstance(value, tuple | list):
        return [part for one in value for part in _parts(one)]
    return [np.asarray(value)]


def _copied(value: Any) -> list[np.ndarray]:
    return [part.copy() for part in _parts(value)]


def _same(one: Any, other: Any, about: str) -> None:
    for mine, its in zip(_parts(one), _parts(other), strict=True):
        np.testing.assert_array_equal(mine, its, err_msg=about)
