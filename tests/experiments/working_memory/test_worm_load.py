"""The predicate of worm_load knows all three answers; its task asks for less, and still for the item."""

import math

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.working_memory.worm_load import PEOPLE, RECALL, Span, claim
from wavetrain.tasks.working_memory.complex_span import ComplexSpan

SEEN = {
    f"{figure}_{name}": value
    for figure, value in {"load": 0.05, "conflict": 0.02, "recall": 0.8}.items()
    for name in ("lstm", "transformer")
}


@pytest.mark.parametrize("name", ["lstm", "transformer"])
@pytest.mark.parametrize("effect", ["load", "conflict"])
def test_predicate(name: str, effect: str):
    assert claim.holds(SEEN) is True
    assert claim.holds(SEEN | {f"{effect}_{name}": SEEN[f"{effect}_{name}"] - 0.001}) is False
    assert claim.holds(SEEN | {f"{effect}_{name}": -0.5}) is False
    parts = ["load_lstm", "load_transformer", "conflict_lstm", "conflict_transformer"]
    got = answers(claim, SEEN | {f"{effect}_{name}": SEEN[f"{effect}_{name}"] - 0.001})
    assert got == [part != f"{effect}_{name}" for part in parts]


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_where_one_has_not_learned_nothing_is_told(name: str):
    assert claim.holds(SEEN | {f"recall_{name}": 0.8 - 0.001}) is None
    assert claim.holds(SEEN | {f"recall_{name}": math.nan}) is None


@pytest.mark.parametrize("scores", PEOPLE.values())
def test_people_lose_by_load(scores: dict[int, float]):
    """The figures of people come without both of one domain for visual items, so conflict is not told."""
    lost = scores[min(scores)] - scores[max(scores)]
    people = {f"load_{name}": lost for name in ("lstm", "transformer")}
    assert answers(claim, SEEN | people)[:2] == [True, True]


@pytest.mark.parametrize("alternatives", [2, 4])
def test_the_right_one_is_among_the_fewer(alternatives: int):
    x, y, facts = Span(ComplexSpan((0, 1)), alternatives).trials(300, torch.Generator().manual_seed(1))
    choice = x[:, -2:, 49:].unflatten(-1, (alternatives, 32))
    items = x[:, [0, 2], :32]  # one distractor or a blank after each
    slot = y[:, -2:] - 5 - 8 * facts["storage"][:, None]
    known = (choice == items[:, :, None]).all(-1)
    assert torch.equal(known, torch.nn.functional.one_hot(slot, alternatives).bool())
    assert slot.double().mean() == pytest.approx((alternatives - 1) / 2, abs=0.15)  # all places alike


def test_with_all_alternatives_it_is_complex_span():
    whole = ComplexSpan()
    same, ours = (task.trials(50, torch.Generator().manual_seed(1)) for task in (whole, Span(whole, 8)))
    assert torch.equal(same.x, ours.x) and torch.equal(same.y, ours.y)


def test_score_is_of_recall_alone():
    y = torch.tensor([[0, 1, 4, 5, 20]])
    right = torch.nn.functional.one_hot(y, 21).double()
    wrong = right.roll(1, -1)
    mixed = torch.cat([wrong[:, :3], right[:, 3:]], 1)
    assert [float(RECALL.score(output, y)) for output in (right, wrong, mixed)] == [1, 0, 1]
    assert RECALL.loss(right, y) < RECALL.loss(mixed, y) < RECALL.loss(wrong, y)
