"""What estimators of sequences make of them, step by step and by hand, and how they are trained."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from wavetrain.errors import BadInput
from wavetrain.estimators import SequenceClassifier, SequenceRegressor, _sequences
from wavetrain.estimators._sequences import Ended, Pooled, Sequences, Simple, learned, together
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts.stack import MLP, Stack
from wavetrain.tables.class_baselines import Majority
from wavetrain.tables.value_baselines import Mean

DICE = np.random.default_rng(0)
LENGTHS = torch.tensor([2, 4, 1])
X = torch.zeros(3, 5, 2, dtype=torch.float64)
for row, length in enumerate(LENGTHS):
    X[row, :length] = torch.arange(1.0, 2 * length + 1).reshape(-1, 2) + 10 * row
SOME = Sequences(X, LENGTHS)


def stack(outputs: int = 1) -> Stack:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Stack([Elman(3)], 2, outputs, MLP.PLAIN).double()


def test_a_part_is_as_long_as_its_longest():
    part = SOME.part(torch.tensor([2, 0]))
    assert part.lengths.tolist() == [1, 2] and part.x.tolist() == X[[2, 0], :2].tolist()


@pytest.mark.parametrize(("steps", "longest"), [(0, 4), (4, 4), (6, 6)])
def test_sequences_end_together_behind_zeros(steps: int, longest: int):
    found = together(SOME, steps)
    assert found.shape == (3, longest, 2)
    for one, given, length in zip(found, X, LENGTHS.tolist(), strict=True):
        assert (one[: longest - length] == 0).all() and (one[longest - length :] == given[:length]).all()


def test_the_mean_of_the_stream_its_last_step_and_its_largest_values_are_read():
    network = Pooled(stack(), 2, 0.25).double()
    found = network(SOME)
    assert network.outputs == 2 and network.norm.eps == 1e-6
    for row, length in enumerate(LENGTHS.tolist()):
        stream = network.norm(network.stack.stream(X[row : row + 1, :length])[0])[0]
        wanted = network.read(torch.cat([stream.mean(0), stream[-1] / 4, stream.amax(0)]))
        torch.testing.assert_close(found[row], wanted)


def test_the_last_output_behind_zeros_is_that_of_a_comparison():
    network = Ended(stack(2), 6)
    assert network.outputs == 2 and network.steps == 6
    torch.testing.assert_close(network(SOME), network.stack(together(SOME, 6))[0][:, -1])


def test_a_simple_answer_gives_scores_of_classes_or_numbers():
    x, steps = together(SOME, 6).numpy(), 6
    numbers = Mean.fit(x, np.array([[1.0], [2.0], [6.0]]))
    assert Simple(numbers, steps)(SOME).tolist() == [[3.0]] * 3
    classes = Majority.fit(x, np.array([1, 0, 1]))
    found = Simple(classes, steps)(SOME)
    assert found.dtype == torch.float64 and (found.numpy() == classes.scores(x)).all()
    assert found.argmax(1).tolist() == [1, 1, 1]


def test_lengths_are_told_with_thousands():
    told = learned([np.zeros((1200, 1)), np.zeros((30, 1))], torch.zeros(2))
    assert (told["sequences"], told["steps"]) == ("2", "30 to 1,200")
    assert learned([np.zeros((1200, 1))] * 1000, torch.zeros(1000))["sequences"] == "1,000"


def test_sequences_are_in_units_of_training_and_zero_behind_their_ends():
    model = SequenceClassifier()
    model.centre_, model.spread_ = np.array([1.0, 2.0]), np.array([2.0, 4.0])
    found = model._sequences([np.full((2, 2), 6.0), np.full((3, 2), -2.0)])
    assert found.lengths.tolist() == [2, 3] and found.x.dtype == torch.float64
    assert found.x.tolist() == [[[2.5, 1.0]] * 2 + [[0.0, 0.0]], [[-1.5, -1.0]] * 3]
    with pytest.raises(BadInput, match=r"^expected sequences of 2 channels, got 1$"):
        model._sequences([np.zeros((2, 1))])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([np.zeros((2, 2)), np.zeros((3, 1))], [0, 1], r"of the same channels, got \[\(2, 2\), \(3, 1\)\]$"),
        ([np.zeros((2, 1)), np.zeros((0, 1))], [0, 1], r"of the same channels, got \[\(0, 1\), \(2, 1\)\]$"),
        ([np.zeros((2, 1)), np.zeros(3)], [0, 1], r"of the same channels, got \[\(2, 1\), \(3,\)\]$"),
        (
            [np.zeros((size, 1 + size % 2)) for size in (5, 4, 3, 2)],
            [0, 1, 0, 1],
            r"got \[\(2, 1\), \(3, 2\), \(4, 1\)\]$",  # three of them
        ),
        ([np.zeros((2, 1)), np.full((2, 1), np.nan)], [0, 1], r"^expected finite numbers; a sequence holds"),
        ([np.zeros((2, 1))] * 2, [0, 1, 0], r"^expected an answer for each of 2 sequences, got 3$"),
        (np.zeros((2, 3, 1, 1)), [0, 1], r"^expected X \(sequences, steps\) or .*, got \(2, 3, 1, 1\)$"),
        (np.zeros((2, 3)), None, r"^SequenceClassifier requires y to be passed, but the target y is None$"),
    ],
)
def test_what_are_no_sequences_is_refused(x: Any, y: Any, message: str):
    with pytest.raises(BadInput, match=message):
        SequenceClassifier("elman", width=2, depth=1, steps=0).fit(x, y)


def test_steps_of_the_first_sequence_are_the_features():
    for x, features in (
        ([np.zeros((3, 2)), np.ones((5, 2))], 3),
        (np.zeros((2, 4)), 4),
        ([[0.0] * 5] * 2, 5),
    ):
        model = SequenceClassifier("elman", width=2, depth=1, steps=0).fit(x, [0, 1])
        assert model.n_features_in_ == features
        assert model.predict(x).shape == (2,)
    with pytest.raises(ValueError, match="expecting 5 features"):
        model.predict(np.zeros((2, 4)))
    with pytest.raises(NotFittedError):
        SequenceClassifier().predict(np.zeros((2, 4)))


def test_how_it_is_trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    """One cycle of the rate, weights that decay by a hundredth, gradients of a norm of one at most."""
    told: dict[str, Any] = {"norms": [], "drawn": []}
    optimiser, cycle, clip = torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR, nn.utils.clip_grad_norm_
    monkeypatch.setattr(
        torch.optim,
        "AdamW",
        lambda parts, lr, **words: (told.update(rate=lr, **words), optimiser(parts, lr, **words))[1],
    )
    monkeypatch.setattr(
        torch.optim.lr_scheduler,
        "OneCycleLR",
        lambda one, rate, **words: (told.update(most=rate, **words), cycle(one, rate, **words))[1],
    )
    monkeypatch.setattr(
        nn.utils, "clip_grad_norm_", lambda parts, most: (told["norms"].append(most), clip(parts, most))[1]
    )
    x = DICE.normal(size=(30, 5, 1))
    forward = Pooled.forward
    monkeypatch.setattr(
        Pooled, "forward", lambda self, given: (told["drawn"].append(len(given.x)), forward(self, given))[1]
    )
    model = SequenceRegressor("elman", width=2, depth=1, steps=4, batch=7, rate=0.02).fit(x, x[:, 0, 0])
    assert (told["rate"], told["weight_decay"], told["most"], told["total_steps"]) == (0.02, 0.01, 0.02, 5)
    assert told["norms"] == [1.0] * 4 and told["drawn"] == [7] * 4 and model.history_ == []
    told["drawn"].clear()
    model.set_params(batch=99, steps=1).fit(x, x[:, 0, 0])
    assert told["drawn"] == [30]  # no more than there are
    assert not model.network_.training and next(model.network_.parameters()).dtype == torch.float64
    assert (_sequences.LOOKS, _sequences.TOGETHER) == (20, 256)


def test_the_step_that_errs_least_is_kept():
    """Neither the first nor the last: of noisy labels too much is learned."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=(60, 6, 1))
    y = (x[:, -1, 0] + dice.normal(size=60) > 0).astype(int)
    model = SequenceClassifier("elman", width=4, depth=1, steps=40, rate=0.05).fit(x, y)
    errors = [error for _, error in model.history_]
    assert len(errors) == 20 and min(errors) < min(errors[0], errors[-1])
    held = model._held(y)
    with torch.no_grad():
        found = nn.functional.cross_entropy(model._answered(x[held]), torch.from_numpy(y[held]))
    assert found.item() == pytest.approx(min(errors), rel=1e-4)
    assert model.held_ == len(held) and model.valid_score_ == model.score(x[held], y[held])


def test_many_are_answered_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch):
    x = DICE.normal(size=(9, 5, 1))
    model = SequenceClassifier("elman", width=2, depth=1, steps=0).fit(x, np.arange(9) % 2)
    whole = model.predict_proba(x)
    monkeypatch.setattr(_sequences, "TOGETHER", 4)
    np.testing.assert_allclose(model.predict_proba(x), whole, rtol=1e-12)
    assert whole.dtype == np.float64


def test_numbers_are_learned_in_deviations_of_those_that_are_learned_from():
    x, y = DICE.normal(size=(50, 4)), np.stack([DICE.normal(size=50), np.full(50, 7.0)], 1)
    model = SequenceRegressor("elman", width=2, depth=1, steps=0).fit(x, y)
    order = np.random.default_rng(0).permutation(50)
    train = np.sort(order[8:])  # round(0.15 * 50) of them are held
    assert model.held_ == 8
    np.testing.assert_allclose(model.mean_, y[train].mean(0))
    np.testing.assert_allclose(model.deviation_, [y[train, 0].std(), 1.0])
    np.testing.assert_allclose(model.centre_, x[train].mean())
    np.testing.assert_allclose(model.spread_, x[train].std())
    given = model._answered(x).numpy()
    np.testing.assert_allclose(model.predict(x), given * model.deviation_ + model.mean_)
    for bad in (np.zeros((50, 2, 2)), np.full(50, np.nan)):
        with pytest.raises((BadInput, ValueError)):
            model.fit(x, bad)
    with pytest.raises(BadInput, match=r"^expected finite y \(sequences,\) or .*, got \(2, 1, 1\)$"):
        model.fit([np.zeros((3, 1))] * 2, np.zeros((2, 1, 1)))


def test_the_end_of_a_sequence_counts_for_less_in_a_class_until_training_makes_it_count():
    """The last three of fifty steps tell the class: without the last step of the stream, 0.58 were right."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((300, 50, 1))
    y = x[:, -3:, 0].sum(1) > 0
    model = SequenceClassifier("gru", width=16, depth=1, steps=150, rate=1e-2).fit(x[:200], y[:200])
    assert model.score(x[200:], y[200:]) > 0.8
    kept = [SequenceClassifier("elman", steps=1, width=2), SequenceRegressor("elman", steps=1, width=2)]
    assert [one.fit(x, y.astype(float)).network_.last for one in kept] == [0.1, 1.0]  # type: ignore[union-attr]
