"""What is seen of a trained stack: what a step takes, how far it reaches, and how much of it is looked at."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from wavetrain.core import State
from wavetrain.evidence import picture
from wavetrain.evidence.comparison import Context
from wavetrain.evidence.picture import Matrix
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.lenses.operator.effective_context import spread
from wavetrain.parts.stack import MLP, Body, Stack
from wavetrain.report import draw
from wavetrain.run import looks

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that says what the list holds, from its beginning on."""
    times = list[float]()
    monkeypatch.setattr(looks.time, "perf_counter", lambda: times.pop(0))
    return times


@pytest.mark.parametrize(
    ("took", "median"),
    [
        ([9.0], 9.0),
        ([9.0, 1.0, 3.0], 3.0),  # of three none is left out
        ([9.0, 9.0, 1.0, 3.0, 5.0, 7.0, 8.0, 2.0], 4.0),  # of eight the first two are
        ([9.0, 1.0, 2.0, 3.0], 2.0),
    ],
)
def test_a_step_takes_the_median_after_the_first_quarter(
    clock: list[float], took: list[float], median: float
) -> None:
    clock += np.cumsum([100.0, *took]).tolist()
    assert looks.seconds(iter(took), CPU) == median


def test_work_takes_the_time_from_its_beginning_to_its_end(clock: list[float]) -> None:
    clock += [5.0, 7.5]
    done = list[int]()
    assert looks.elapsed(lambda: done.append(len(clock)), CPU) == 2.5
    assert done == [1]  # between the two times


@pytest.mark.parametrize(("kind", "times"), [("cpu", 0), ("cuda", 2)])
def test_a_device_of_its_own_is_waited_for_before_and_after(
    kind: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = list[torch.device]()
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    looks.elapsed(lambda: None, torch.device(kind))
    assert waited == [torch.device(kind)] * times


def stack(inputs: int = 3) -> Stack:
    torch.manual_seed(0)
    return Stack([Elman(4), Elman(4)], inputs, 2, MLP.PLAIN)


@pytest.mark.parametrize("length", [5, looks.STREAMED + 3])
def test_a_stream_is_one_sequence_step_by_step(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one, said = stack(), list[Tensor]()
    step = Stack.step

    def noted(self: Stack, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, after = step(self, x, state)
        said.append(y)
        return y, after

    monkeypatch.setattr(Stack, "step", noted)
    x = torch.randn(1, length, 3)
    assert sum(1 for _ in looks.stream(one, x)) == min(length, 256)
    with torch.no_grad():
        torch.testing.assert_close(torch.stack(said, 1), one(x)[0][:, :256])


def test_the_state_is_counted_in_bytes() -> None:
    assert looks.state_bytes(stack(), torch.randn(1, 7, 3)) == 2 * 4 * 4  # two layers, four numbers of 4
    assert looks.state_bytes(stack().double(), torch.randn(1, 7, 3).double()) == 2 * 4 * 8


@pytest.mark.parametrize("encoded", [False, True])
def test_the_reach_is_that_of_the_part_that_is_looked_at(encoded: bool, tmp_path: Path) -> None:
    one, x = stack(), torch.randn(3, 9, 3)
    part = looks.Crop(2, 6, 9)
    found = looks.context(one, x, part, name="mine", folder=tmp_path, encoded=encoded)
    with torch.no_grad():
        seen = Body(one).operator(one.encode(x[:2, :6])) if encoded else one.operator(x[:2, :6])
    reach = spread(seen.weight)
    crop = {"sequences": 2, "steps": 6, "of": 9}
    assert found == Context(mean=reach.mean, reach=reach.reach, crop=crop, picture="operators/mine.npz")
    drawn = picture.load(tmp_path / found.picture)
    assert isinstance(drawn, Matrix) and drawn.title.startswith("mine: ")
    np.testing.assert_array_equal(drawn.values, seen.strength()[0].double().numpy())


def test_what_is_no_number_has_no_reach(tmp_path: Path) -> None:
    one = stack()
    with torch.no_grad():
        one.encode.weight[0, 0] = torch.nan
    part = looks.crop(2, 5, 6)
    assert looks.context(one, torch.randn(2, 5, 3), part, name="a", folder=tmp_path, encoded=False) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("sequences", "steps", "blocks", "seen"),
    [
        (3, 50, 1, (3, 50)),
        (9, 64, 1024, (4, 64)),
        (9, 65, 1, (4, 64)),
        (9, 64, 1025, (3, 64)),  # 4 x 64 x 64 x 1025 is more than 2^24
        (9, 64, 4096, (1, 64)),
        (9, 64, 4097, (1, 63)),
        (9, 64, 2**22, (1, 2)),
        (9, 64, 2**30, (1, 2)),  # never less than one step and another
        (0, 1, 1, (1, 2)),
    ],
)
def test_an_operator_is_looked_at_as_far_as_memory_goes(
    sequences: int, steps: int, blocks: int, seen: tuple[int, int]
) -> None:
    assert looks.crop(sequences, steps, blocks) == (*seen, steps)


def test_the_operators_of_all_layers_are_drawn_beside_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one folder; a layer whose operator is no number has no picture."""
    drawn = dict[Path, str]()
    monkeypatch.setattr(draw, "draw", lambda one, path: drawn.update({path: one.title}))
    part, x = looks.crop(1, 5, 6), torch.randn(1, 5, 3)
    found = []
    for name in ("one", "two", "none"):
        context = looks.context(stack(), x, part, name=name, folder=tmp_path, encoded=False)
        found.append(SimpleNamespace(layer=name, context=None if name == "none" else context))
    paths = looks.draw_operators(tmp_path, found)  # type: ignore[arg-type]
    assert paths == {"one": "operators/one.png", "two": "operators/two.png"}
    about = "influence of each step on each later one"
    assert drawn == {tmp_path / path: f"{name}: {about}" for name, path in paths.items()}
