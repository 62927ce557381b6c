"""Pattern completion: cues are what they should be, and the right answers come from memories."""

import pytest
import torch

from tests.promises import close
from wavetrain.errors import BadInput
from wavetrain.memories.dense_hopfield import DenseHopfield
from wavetrain.memories.hopfield import Hopfield
from wavetrain.tasks.recall.pattern_completion import PatternCompletion, guessed


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("size", "patterns", "cues", "wrong", "hidden"),
    [(4, 2, 1, 1, 1), (1, 1, 1, 0, 0), (20, 9, 9, 20, 0), (20, 9, 3, 0, 20), (33, 5, 2, 4, 7)],
)
def test_cues_are_spoiled_patterns(size: int, patterns: int, cues: int, wrong: int, hidden: int):
    x, y = PatternCompletion(size, patterns, cues, wrong, hidden).draw(30, generator())
    assert x.shape == (30, patterns + cues, size + 1) and y.shape == (30, patterns + cues, size)
    for steps, answers in zip(x.tolist(), y.tolist(), strict=True):
        assert [step[-1] for step in steps] == [0.0] * patterns + [1.0] * cues
        shown = [step[:-1] for step in steps[:patterns]]
        assert {bit for pattern in shown for bit in pattern} <= {1.0, -1.0}
        assert all(answer == [0.0] * size for answer in answers[:patterns])
        for step, answer in zip(steps[patterns:], answers[patterns:], strict=True):
            assert answer in shown
            assert sum(bit == 0 for bit in step[:-1]) == hidden
            assert sum(bit == -right for bit, right in zip(step, answer, strict=False)) == wrong


def test_each_cue_is_of_another_pattern():
    task = PatternCompletion(40, patterns=6, cues=6, wrong=0, hidden=0)
    pattern, cue, whole = task.parts(task.draw(10, generator()))
    close(cue, whole, "unspoiled cues, answers")
    assert torch.equal(pattern.sort(1).values, whole.sort(1).values), "all six are asked"
    assert not torch.equal(pattern, whole), "in random order"


def test_bits_are_spoiled_anywhere():
    x, y = PatternCompletion(10, 1, 1, wrong=3, hidden=2).draw(20_000, generator())
    hidden, wrong = (x[:, 1, :10] == 0).double().mean(0), (x[:, 1, :10] == -y[:, 1]).double().mean(0)
    assert (hidden - 0.2).abs().max() < 0.015 and (wrong - 0.3).abs().max() < 0.016  # 5 standard errors


def test_what_the_cue_itself_is_worth():
    task = PatternCompletion()
    batch = task.test()
    score = float(task.objective.score(batch.x[..., :-1], batch.y))
    assert score == pytest.approx(1 - 6 / 64 - 16 / 128, abs=0.005)


def test_memories_complete_the_patterns():
    """A dense memory knows 0 as unknown; a network of signs is given a guess. 16 patterns are 0.08 N."""
    task = PatternCompletion(200, patterns=16, wrong=10, hidden=60)
    pattern, cue, whole = task.parts(task.draw(5, generator()))
    dense = DenseHopfield(200)
    close(dense.read(dense.write(dense.empty(5), pattern, pattern), cue).sign(), whole, "dense, whole")
    plain, full = Hopfield(200), guessed(cue, generator())
    assert set(full.unique().tolist()) == {-1.0, 1.0} and torch.equal(full[cue != 0], cue[cue != 0])
    end = plain.settle(plain.write(plain.empty(5), pattern, pattern), full)
    assert (end == whole).double().mean() > 0.99 > (full == whole).double().mean() + 0.1


def test_bad_sizes():
    with pytest.raises(BadInput, match="5 cues ask for as many patterns, got 4"):
        PatternCompletion(8, 4, 5, 1, 1)
    with pytest.raises(BadInput, match="5 wrong and 4 hidden bits do not fit into a cue of 8"):
        PatternCompletion(8, 4, 2, 5, 4)
    with pytest.raises(BadInput, match="wrong must be a whole number of at least 0, got -1"):
        PatternCompletion(8, 4, 2, -1)
