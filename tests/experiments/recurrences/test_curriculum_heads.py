"""The claim about curricula: predicates on either side, what is asked when, and how noise is added."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.core import Batch
from wavetrain.experiments.recurrences import curriculum_heads as claim_of
from wavetrain.experiments.recurrences.curriculum_heads import Heads, claim, smoke
from wavetrain.train.lab import Lab

WHOLE = {
    f"{figure}_{net}_{task}": value
    for task in ("parity", "match")
    for net, values in (
        ("single", {"updates": 6000.0, "solved": 1.0, "noisy": 0.8}),
        ("multi", {"updates": 4000.0, "solved": 1.0, "noisy": 0.81}),
    )
    for figure, value in values.items()
}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"updates_single_parity": 5900.0}) == [False, True, True]
    assert answers(claim, WHOLE | {"updates_multi_match": 4100.0}) == [True, False, True]
    assert answers(claim, WHOLE | {"noisy_multi_match": 0.8}) == [True, True, False]
    assert answers(claim, WHOLE | {"noisy_single_parity": 0.82}) == [True, True, False]


def test_what_is_not_solved():
    """A single head at the end of its budget needs at least that; nobody at the end says nothing."""
    late = {"solved_single_parity": 0.0, "updates_single_parity": 20_000.0}
    assert answers(claim, WHOLE | late) == [True, True, None]
    lost = {"solved_multi_parity": 0.0, "updates_multi_parity": 20_000.0}
    assert answers(claim, WHOLE | lost) == [False, True, None]
    assert answers(claim, WHOLE | late | lost) == [None, True, None]


def test_a_network_answers_what_is_asked_of_it():
    network, x = Heads(8, 5), torch.randn(3, 9, 1)
    assert network(x).shape == (3, 4)
    every = network(x)
    network.asked = slice(1, 3)
    assert torch.equal(network(x), every[:, 1:3])
    logits = network.read(network.layer(x)[0][:, -1]).view(3, 4, 2)
    chance = logits.log_softmax(-1)[..., 1]  # of an odd window, by the two outputs
    torch.testing.assert_close(torch.nn.functional.logsigmoid(every), chance)


@pytest.mark.parametrize("net", ["single", "multi"])
def test_what_each_curriculum_asks(net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As soon as one N is solved, the next alone or all so far; both are told when."""
    asked = []

    def right(network, held_out):  # all is solved at the second look
        asked.append((network.asked, held_out[0].y.shape[1]))
        return claim_of.np.full(held_out[0].y.shape[1], 1.0 if len(asked) % 2 == 0 else 0.98)

    monkeypatch.setattr(claim_of, "_right", right)
    end = claim_of._learn(Lab(tmp_path, 0), net, "parity", smoke)
    second = (slice(0, 2), 2) if net == "multi" else (slice(1, 2), 1)
    assert end.solved == [4] and asked == [(slice(0, 1), 1)] * 2  # the budget ends
    asked.clear()
    longer = claim_of.Scale(longest=3, width=8, batch=4, budget=100, every=2, looks=1)
    end = claim_of._learn(Lab(tmp_path / "longer", 0), net, "parity", longer)
    assert end.solved == [4, 8] and asked == [(slice(0, 1), 1)] * 2 + [second] * 2


def test_the_newest_alone_must_be_solved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = iter([[1.0], [1.0, 0.97], [0.97, 0.985], [1.0, 0.985]])
    monkeypatch.setattr(claim_of, "_right", lambda *_: claim_of.np.array(next(seen)))
    longer = claim_of.Scale(longest=3, width=8, batch=4, budget=100, every=2, looks=1)
    assert claim_of._learn(Lab(tmp_path, 0), "multi", "match", longer).solved == [2, 8]


@torch.no_grad()
def test_noise_has_the_size_that_is_told_and_goes_again(monkeypatch: pytest.MonkeyPatch):
    network = Heads(8, 3)
    before, sizes = network.layer.recur.weight.clone(), []

    def right(one: Heads, held_out: list[Batch]):
        moved = one.layer.recur.weight - before
        assert not moved.diagonal().any()
        sizes.append(float(moved.norm() / before.norm()))
        return claim_of.np.array([len(sizes) / 100])

    monkeypatch.setattr(claim_of, "_right", right)
    figures = claim_of._figures("multi_match", claim_of.End(network, [2, 6]), claim_of.NDelayedMatch, smoke)
    assert sizes[0] == 0 and sizes[1:] == pytest.approx([0.2] * 20, rel=1e-5)
    assert torch.equal(network.layer.recur.weight, before)
    assert figures["right_multi_match"] == 0.01 and figures["updates_multi_match"] == 6
    assert figures["noisy_multi_match"] == pytest.approx(sum(range(2, 22)) / 2000)
    assert figures["solved_multi_match"] == 1
