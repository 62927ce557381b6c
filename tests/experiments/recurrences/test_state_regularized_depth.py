"""Parentheses are as deep as asked and labelled as they are, and the predicates on either side."""

import pytest
import torch

from tests.answers import answers, exact_answers
from wavetrain.experiments.recurrences import state_regularized_depth
from wavetrain.experiments.recurrences.state_regularized_depth import (
    CLOSE,
    DEEP,
    OPEN,
    TRAINED,
    Parentheses,
    claim,
    nested,
)


def is_nested(word: list[int]) -> bool:
    """By taking away pairs until none is left."""
    text = "".join({OPEN: "(", CLOSE: ")"}.get(symbol, "") for symbol in word)
    while "()" in text:
        text = text.replace("()", "")
    return not text


@pytest.mark.parametrize(("length", "depths"), [(10, TRAINED), (40, TRAINED), (60, DEEP), (22, (11, 11))])
def test_words_are_as_deep_as_asked_and_labelled_as_they_are(length: int, depths: tuple[int, int]):
    task = Parentheses(length, depths)
    dice = torch.Generator().manual_seed(0)
    whole = task._nested(length, 400, dice)
    height = ((whole == OPEN).long() - (whole == CLOSE).long()).cumsum(1)
    assert nested(whole).all()
    assert height.amax(1).unique().tolist() == list(range(depths[0], depths[1] + 1))
    x, y = task.of(length, 400, dice)
    assert [is_nested(word) for word in x.tolist()] == y.bool().tolist()
    assert 0.45 < float(y.double().mean()) < 0.75
    if length >= 40:  # a counter without order is wrong on more than the twentieth that the claim allows
        equal = (x == OPEN).sum(1) == (x == CLOSE).sum(1)
        assert (equal & (y == 0)).double().mean() > 0.07
        assert (whole < OPEN).double().mean() > 0.1  # letters


def test_lengths_are_drawn():
    dice = torch.Generator().manual_seed(0)
    assert {Parentheses(40).draw(2, dice).x.shape[1] for _ in range(50)} == {10, 20, 30, 40}
    assert Parentheses(40).valid().x.shape == (300, 40)


def test_each_part_on_either_side():
    whole = {"deep_regularised": 0.96, "deep_lstm": 0.9, "shallow_regularised": 0.96, "shallow_lstm": 0.96}
    assert answers(claim, whole) == [True, True]
    assert answers(claim, whole | {"deep_regularised": 0.949}) == [False, False]
    assert answers(claim, whole | {"deep_lstm": 0.93}) == [True, False]
    assert answers(claim, whole | {"shallow_lstm": 0.94}) == [True, None]
    assert answers(claim, whole | {"shallow_regularised": 0.94}) == [True, None]


def test_a_counter_refutes_nothing_and_one_without_order_does(monkeypatch: pytest.MonkeyPatch):
    assert exact_answers("state_regularized_depth")[0] is True
    right = state_regularized_depth._right
    monkeypatch.setattr(state_regularized_depth, "_right", lambda net, *given: right(Counts(), *given))
    assert exact_answers("state_regularized_depth")[0] is False


class Counts(torch.nn.Module):
    """Whether there are as many of one bracket as of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.here = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        equal = (x == OPEN).sum(1) == (x == CLOSE).sum(1)
        return torch.stack([~equal, equal], 1).float()
