"""Trainings that draw from the generators of the whole process: the same whatever else that process did.

The network here has dropout, and noise from numpy and from Python beside it, also when it is examined.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.promises import normal
from wavetrain import find
from wavetrain.core import Layer, Rule, Task
from wavetrain.data.images.digits import digits
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts import saved
from wavetrain.parts.reader import Reader
from wavetrain.parts.stack import Stack
from wavetrain.rules import CounterCurrent, ExperienceReplay, GradientNoise, HebbianProjection
from wavetrain.run import contender, looks
from wavetrain.tasks.recall.adding import Adding
from wavetrain.train.lab import Lab, News, Plan, Training
from wavetrain.train.online import retrained, updated

PLAN = Plan(steps=30, batch=8, rate=1e-2, every=7, held_out=20)


class Noisy(nn.Module):
    """Draws three times at each pass, once each from PyTorch, numpy and Python."""

    def __init__(self, inputs: int = 2, outputs: int = 1, every_step: bool = False):
        super().__init__()
        self.drop, self.inner = (
            nn.Dropout(0.3),
            Reader(Elman(6, inputs=inputs), outputs, every_step=every_step),
        )
        with torch.no_grad():
            self.inner.read.bias += np.random.standard_normal() + random.gauss(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        noise = np.random.standard_normal() + random.gauss(0, 1)
        return self.inner(self.drop(x)) * (1 + 0.1 * noise)


def states() -> tuple[Tensor, str, object]:
    return torch.get_rng_state(), repr(np.random.get_state()), random.getstate()


def same(one: Training, other: Training) -> bool:
    pairs = zip(one.network.parameters(), other.network.parameters(), strict=True)
    return one.marks == other.marks and all(torch.equal(ours, theirs) for ours, theirs in pairs)


def disturb() -> None:
    torch.rand(3), np.random.standard_normal(3), random.gauss(0, 1)


def test_no_process_state_goes_in_or_comes_out(tmp_path: Path) -> None:
    one = Lab(tmp_path / "one", 3).fit("a", Noisy, Adding(5), PLAN)
    disturb()
    other = Lab(tmp_path / "other", 3, tell=lambda news: disturb()).fit("a", Noisy, Adding(5), PLAN)
    assert same(one, other)
    disturbed = Lab(tmp_path / "third", 3)
    torch_before, *before = states()
    disturbed.fit("a", Noisy, Adding(5), PLAN)
    torch_after, *after = states()
    assert torch.equal(torch_before, torch_after) and before == after


@pytest.mark.parametrize("stopped", [7, 14, 21])
def test_killed_and_taken_up_it_ends_bit_for_bit_as_if_it_were_not(tmp_path: Path, stopped: int) -> None:
    whole = Lab(tmp_path / "whole", 3).fit("a", Noisy, Adding(5), PLAN)

    def stop(news: News) -> None:
        if news.step == stopped:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        Lab(tmp_path / "cut", 3, tell=stop, save_every=0).fit("a", Noisy, Adding(5), PLAN)
    disturb()
    assert same(Lab(tmp_path / "cut", 3).fit("a", Noisy, Adding(5), PLAN), whole)


def test_trainings_are_the_same_in_either_order_and_differ_by_name_and_seed(tmp_path: Path) -> None:
    first, second = Lab(tmp_path / "first", 3), Lab(tmp_path / "second", 3)
    ends = {name: first.fit(name, Noisy, Adding(5), PLAN) for name in "ab"}
    again = {name: second.fit(name, Noisy, Adding(5), PLAN) for name in "ba"}
    assert all(same(ends[name], again[name]) for name in "ab")
    assert not same(ends["a"], ends["b"])
    assert not same(ends["a"], Lab(tmp_path / "third", 4).fit("a", Noisy, Adding(5), PLAN))


def test_looks_and_saves_do_not_change_a_training(tmp_path: Path) -> None:
    often = Lab(tmp_path / "often", 0, save_every=0).fit("a", Noisy, Adding(5), replace(PLAN, every=1))
    rarely = Lab(tmp_path / "rarely", 0).fit("a", Noisy, Adding(5), replace(PLAN, every=30))
    assert often.marks[-1].score == rarely.marks[-1].score


@pytest.mark.parametrize(
    ("word", "what"), [("shared", "states of the shared generators"), ("rule", "state of the rule")]
)
def test_checkpoints_without_states_go_on_only_where_nothing_is_drawn_any_more(
    tmp_path: Path, word: str, what: str
) -> None:
    path = tmp_path / "checkpoints" / "a.safetensors"

    def earlier() -> None:
        tensors, words = saved.load(path)
        del words[word]
        saved.save(path, {name: one for name, one in tensors.items() if word not in name}, words)

    def stop(news: News) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Lab(tmp_path, 0, tell=stop, save_every=0).fit("a", Noisy, Adding(5), PLAN)
    kept = path.read_bytes()
    earlier()
    with pytest.raises(BadInput, match=rf"a\.safetensors .*no {what}.*delete it"):
        Lab(tmp_path, 0).fit("a", Noisy, Adding(5), PLAN)
    path.write_bytes(kept)
    whole = Lab(tmp_path, 0).fit("a", Noisy, Adding(5), PLAN)
    earlier()
    assert same(Lab(tmp_path, 0).fit("a", Noisy, Adding(5), PLAN), whole)


KEEP = {
    "a feedback network": CounterCurrent,
    "steps of noise": partial(GradientNoise, 0.1),
    "bases": partial(HebbianProjection, rows=3),
    "sequences to replay": partial(ExperienceReplay, size=20),
}


@pytest.mark.parametrize("rule", KEEP.values(), ids=KEEP)
def test_what_a_rule_keeps_goes_on_bit_for_bit(tmp_path: Path, rule: Callable[[], Rule]) -> None:
    def chain() -> nn.Sequential:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ELU(), nn.Linear(8, 10))

    def stop(news: News) -> None:
        if news.step == 14:
            raise InterruptedError

    task = digits()
    whole = Lab(tmp_path / "whole", 3).fit("a", chain, task, PLAN, rule())
    with pytest.raises(InterruptedError):
        Lab(tmp_path / "cut", 3, tell=stop, save_every=0).fit("a", chain, task, PLAN, rule())
    end = Lab(tmp_path / "cut", 3).fit("a", chain, task, PLAN, rule())
    assert same(end, whole)
    torch.testing.assert_close(end.rule.state_dict(), whole.rule.state_dict(), rtol=0, atol=0)
    over = Lab(tmp_path / "cut", 3).fit("a", chain, task, PLAN, rule())
    torch.testing.assert_close(over.rule.state_dict(), whole.rule.state_dict(), rtol=0, atol=0)
    with pytest.raises(BadInput, match=r"does not fit this training \(its rule is .*, not Backpropagation\)"):
        Lab(tmp_path / "cut", 3).fit("a", chain, task, PLAN)


def test_states_that_are_none_are_refused(tmp_path: Path) -> None:
    def stop(news: News) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Lab(tmp_path, 0, tell=stop, save_every=0).fit("a", Noisy, Adding(5), PLAN)
    path = tmp_path / "checkpoints" / "a.safetensors"
    tensors, words = saved.load(path)
    for damage in ({"python": [3, [1, 2], None]}, {"numpy": {}}, {"numpy": 3}):
        saved.save(path, tensors, words | {"shared": words["shared"] | damage})
        with pytest.raises(BadInput, match="does not fit this training"):
            Lab(tmp_path, 0).fit("a", Noisy, Adding(5), PLAN)


def test_learning_from_a_stream_repeats_itself_and_says_without_dropout(tmp_path: Path) -> None:
    x, y = normal(40, 3).float(), torch.arange(40) % 3
    plans = {"one": Plan(5, 4, 1e-2, every=5, held_out=1)}

    class Dropping(Noisy):
        """Its noise is dropout alone."""

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(self.drop(x))

    def make() -> nn.Module:
        return Dropping(3, 3, every_step=True)

    def both(name: str) -> tuple[Tensor, Tensor]:
        lab = Lab(tmp_path / name, 1)
        later = retrained(lab, "a", make, (x, y), plans, 15, range(20, 40, 10), 5)
        return updated(lab, make, x, y, 0.02, 6), later

    one = both("one")
    disturb()
    torch_before, *before = states()
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(one, both("two"), strict=True))
    torch_after, *after = states()
    assert torch.equal(torch_before, torch_after) and before == after
    end = Lab(tmp_path / "one", 1).fit("a-30", make, Adding(5), plans["one"]).network.eval()
    with torch.no_grad():
        assert torch.equal(one[1][10:], end(x[None, 25:40])[0, 5:])


class Dropped(nn.Linear):
    """A map whose outputs drop out."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(super().forward(x), 0.3, self.training)


def test_a_comparison_repeats_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, terms = contender.build, contender.Terms(2000, 4, 4, rates=(1e-2,), search=0.5, seeds=(0, 1))

    def dropping(layer: type[Layer], width: int, task: Task, depth: int) -> Stack:
        whole = build(layer, width, task, depth)
        whole.encode = Dropped(task.inputs, width)
        return whole

    monkeypatch.setattr(contender, "build", dropping)
    found = []
    for name in ("one", "two"):
        disturb()
        torch_before, *before = states()
        (tmp_path / name).mkdir()
        entry = contender.Entry(
            find.named("elman"), 8, 0, looks.Crop(1, 4, 4), "adding", terms, tmp_path / name, "cpu"
        )
        found.append(contender.execute(entry, lambda news: None).figures)
        torch_after, *after = states()
        assert torch.equal(torch_before, torch_after) and before == after
    assert found[0] == found[1] and found[0].context is not None
