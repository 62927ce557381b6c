"""Delayed answer: a cue of latencies, silence, and a call that says nothing about the class."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.spikes.delayed_answer import DelayedAnswer
from wavetrain.tasks.spikes.latency_classes import LatencyClasses


@pytest.mark.parametrize(
    ("channels", "cue", "silence", "call"), [(50, 20, 80, 10), (1, 2, 0, 1), (5, 7, 3, 2)]
)
def test_cue_silence_and_call(channels: int, cue: int, silence: int, call: int):
    task = DelayedAnswer(3, channels, cue, silence, call, samples=4)
    for x, y in (task.draw(30, torch.Generator().manual_seed(0)), task.valid(), task.test()):
        assert x.shape[1:] == (cue + silence + call, channels + 1)
        assert (x[:, :cue, :channels].sum(1) == 1).all() and not x[:, cue:, :channels].any()
        assert not x[:, : cue + silence, -1].any() and (x[:, cue + silence :, -1] == 1).all()
        assert y.unique().tolist() == [0, 1, 2]


def test_the_cue_is_that_of_latency_classes():
    task = DelayedAnswer(silence=4, call=3, seed=2)
    cues = task.cues()
    assert (cues.time, cues.seed) == (20, 2)
    same = LatencyClasses(time=20, seed=2)
    for whole, cue in ((task.valid(), same.valid()), (task.test(), same.test())):
        assert torch.equal(whole.x[:, :20, :50], cue.x) and torch.equal(whole.y, cue.y)


def test_after_the_cue_all_sequences_are_one():
    x, _ = DelayedAnswer().test()
    assert len(x[:, 20:].unique(dim=0)) == 1


def test_bad_sizes():
    least = {"classes": 2, "channels": 1, "cue": 2, "silence": 0, "call": 1, "samples": 1, "seed": 0}
    for name, size in least.items():
        with pytest.raises(BadInput, match=f"{name} must be a whole number of at least"):
            DelayedAnswer(**{name: size - 1})
