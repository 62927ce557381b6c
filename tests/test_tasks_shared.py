"""What tasks share: steps that are not asked, mixtures, expressions, forecasts and how long they hold."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from wavetrain import find
from wavetrain.core import VALUES, Batch, Recorded
from wavetrain.errors import BadInput
from wavetrain.parts import worlds
from wavetrain.tasks._answers import ASKED
from wavetrain.tasks._draws import at_least, expression, some
from wavetrain.tasks._mixture import Mixture
from wavetrain.tasks.dynamics._shared import forecast, valid_prediction_time
from wavetrain.tasks.languages.majority_count import MajorityCount
from wavetrain.tasks.languages.parity import Parity
from wavetrain.tasks.languages.reverse_string import ReverseString
from wavetrain.tasks.maps._shared import Walking
from wavetrain.tasks.working_memory.spatial_integration import SpatialIntegration


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_only_what_is_asked_is_learned_and_scored():
    y = torch.tensor([[0, 0, 1, 3], [0, 2, 0, 1]])
    output = torch.randn(2, 4, 4, generator=generator(), requires_grad=True)
    ASKED.loss(output, y).backward()
    assert output.grad is not None
    assert (output.grad[y == 0] == 0).all() and (output.grad[..., 0] == 0).all()
    assert (output.grad[y > 0][:, 1:] != 0).all()
    assert float(ASKED.loss(torch.zeros(2, 4, 4), y)) == pytest.approx(math.log(3))
    right = torch.nn.functional.one_hot(y, 4).float()
    right[..., 0] = 9.0  # saying that nothing is asked is no answer
    assert ASKED.score(right, y) == 1
    right[0, 2, 2] = 2.0
    assert ASKED.score(right, y) == 0.75


@pytest.mark.parametrize(
    "name", ["family_tree", "graph_walks", "hierarchical_cycles", "transitive_inference"]
)
def test_the_walks_behind_the_test_part_are_those_that_are_tested(name: str):
    task = find.named(name, ("tasks",)).load()()
    x, y = task.encode(task.test_walks())
    assert torch.equal(x, task.test().x) and torch.equal(y, task.test().y)
    assert not torch.equal(x, task.valid().x)


def test_the_trials_behind_the_test_part_are_those_that_are_tested():
    task = SpatialIntegration()
    assert torch.equal(task.tested().x, task.test().x) and torch.equal(task.tested().y, task.test().y)


def test_what_holds_tensors_is_itself_alone_and_may_be_a_key():
    """Tensors have no single answer to whether they are equal."""
    series = np.random.default_rng(0).normal(size=(20, 50, 4))
    batch = Batch(torch.zeros(4, 5, 1), torch.zeros(4, 1))
    pairs: list[list[Any]] = [
        [make(), make()]
        for make in (
            lambda: forecast(series, 7),
            lambda: worlds.ring(4),
            lambda: Walking(worlds.ring(4), 8, 9),
            lambda: Recorded(batch, batch, batch, 1, 1, False, False, VALUES, 0.0),
        )
    ]
    for one, other in pairs:
        assert one == one and one != other and len({one, other}) == 2


def test_a_mixture_draws_each_of_its_lengths_and_is_examined_on_the_last():
    task = Mixture(tuple(Parity(length) for length in range(1, 6)))
    draws = generator()
    lengths = [task.draw(3, draws).x.shape[1] for _ in range(200)]
    assert set(lengths) == {1, 2, 3, 4, 5} and min(map(lengths.count, range(1, 6))) > 20
    assert torch.equal(task.valid().x, Parity(5).valid().x) and torch.equal(task.test().y, Parity(5).test().y)
    assert (task.inputs, task.outputs, task.tokens, task.every_step, task.chance) == (2, 2, True, True, 0.5)


def test_a_mixture_has_the_classes_of_its_largest():
    assert Mixture((MajorityCount(9), MajorityCount(5))).outputs == 10
    for parts in ((), (Parity(), ReverseString())):
        with pytest.raises(BadInput, match="same inputs"):
            Mixture(parts)


def test_some_are_different_and_uniform():
    drawn = some(6000, 4, 2, generator())
    assert (drawn[:, 0] != drawn[:, 1]).all() and drawn.shape == (6000, 2)
    share = (4 * drawn[:, 0] + drawn[:, 1]).bincount(minlength=16).reshape(4, 4) / 6000
    off = share[~torch.eye(4, dtype=torch.bool)]
    assert (off - 1 / 12).abs().max() < 5 * math.sqrt(11 / 144 / 6000)


@pytest.mark.parametrize("operators", [2, 3])
@pytest.mark.parametrize("length", [*range(1, 14), 40])
def test_expressions_have_their_length_and_value(length: int, operators: int):
    """Python reads them: every operand is a number or in brackets, so precedence plays no part."""
    random = torch.rand(50, length, generator=generator(length), dtype=torch.float64).tolist()
    for row in random:
        tokens, value = expression(length, 5, operators, iter(row))
        text = "".join("01234+-*()"[token] for token in tokens)
        assert len(tokens) == length and eval(text) % 5 == value
        assert operators == 3 or "*" not in text


def test_forecasts_are_scaled_split_and_one_sample_ahead():
    series = np.random.default_rng(0).normal(3.0, 2.0, (20, 50, 4))
    task = forecast(series, 7)
    assert [len(part) for part in (task.train, task.held_valid, task.held_test)] == [14, 3, 3]
    assert task.train.mean((0, 1)).abs().max() < 1e-5
    assert (task.train.std((0, 1), correction=0) - 1).abs().max() < 1e-5
    for batch in (task.draw(30, generator()), task.valid(), task.test()):
        assert torch.equal(batch.x[:, 1:], batch.y[:, :-1])
    assert task.test().x.shape == (3 * 7, 7, 4)
    assert torch.equal(task.test().x[:7].flatten(0, 1), task.held_test[0, :49])
    rows = {row.tobytes() for part in task.train.unfold(1, 8, 1).mT for row in part.contiguous().numpy()}
    x, y = task.draw(100, generator())
    assert {row.tobytes() for row in torch.cat([x, y[:, -1:]], 1).numpy()} <= rows


def test_forecasts_need_trajectories_longer_than_their_window():
    for shape, window in (((20, 5, 2), 5), ((3, 50, 2), 5), ((20, 50, 2), 0)):
        with pytest.raises(BadInput, match="4 trajectories or more"):
            forecast(np.ones(shape), window)


def test_the_least_forecast_is_one_window_a_trajectory():
    """Of four trajectories one each is held out; a window may take all samples but the last."""
    series = np.random.default_rng(1).normal(size=(4, 6, 2))
    task = forecast(series, 5)
    assert [len(part) for part in (task.train, task.held_valid, task.held_test)] == [2, 1, 1]
    assert task.test().x.shape == (1, 5, 2) and torch.equal(task.test().y[0], task.held_test[0, 1:])
    drawn = task.draw(40, generator())
    assert all(any(torch.equal(row, whole[:-1]) for whole in task.train) for row in drawn.x)
    starts = forecast(series, 3).draw(200, generator()).x
    assert len(starts.unique(dim=0)) == 2 * 3, "windows start at any of three samples"


def test_an_error_of_just_the_limit_is_valid():
    true = torch.zeros(1, 6, 4)
    off = torch.tensor([0.5, 0.5, 0.25, 1.0, 0.0, 0.0])[None, :, None].expand(1, 6, 4)
    assert valid_prediction_time(off, true, 2.0, 3.0).tolist() == [3 * 2.0 * 3.0]
    assert valid_prediction_time(off, true, 2.0, 3.0, most=1.0).tolist() == [6 * 2.0 * 3.0]
    assert valid_prediction_time(off, true, 2.0, 3.0, 0.5).tolist() == [0.0]


def test_valid_prediction_time():
    true = torch.randn(3, 100, 8, generator=generator())
    off = true.clone()
    off[0] += 0.49
    off[1, 40:] += 2 * 0.51
    off[2, 10] = torch.nan
    deviation = torch.tensor([1.0, 2.0, 1.0])[:, None, None]
    assert valid_prediction_time(off, true, 0.25, 0.1, deviation).tolist() == pytest.approx([2.5, 1.0, 0.25])
    assert (valid_prediction_time(torch.zeros_like(true) + 5, true, 0.25, 0.1) == 0).all()


def test_small_sizes_are_refused():
    at_least("name", 2, size=2)
    for size in (1, 2.5, None):
        with pytest.raises(BadInput, match="name: size must be a whole number of at least 2"):
            at_least("name", 2, size=size)  # type: ignore[arg-type]
