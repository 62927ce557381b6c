"""Sampling: every transform on small logits by hand, all beside those of transformers, bad settings."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.sampling import GREEDY, Sampling

# Chances 1/2, 1/8, 1/4, 1/8 at temperature 1.
LOGITS = torch.tensor([[4.0, 1.0, 2.0, 1.0]]).double().log()


def chances(said: list[int] | None = None, logits: Tensor = LOGITS, **settings: float) -> list[Fraction]:
    """As fractions; the tests know no denominator above 1000."""
    mask = None
    if said is not None:
        mask = torch.zeros_like(logits, dtype=torch.bool)
        mask[:, said] = True
    (found,) = Sampling(temperature=settings.pop("temperature", 1.0), **settings).chances(logits, mask)
    assert found.dtype == torch.float64
    exact = [Fraction(float(chance)).limit_denominator(1000) for chance in found]
    assert all(abs(float(one) - float(other)) < 1e-12 for one, other in zip(exact, found, strict=True))
    return exact


def parts(*shares: int) -> list[Fraction]:
    return [Fraction(share, sum(shares)) for share in shares]


def test_temperature():
    assert chances() == parts(4, 1, 2, 1)
    assert chances(temperature=0.5) == parts(16, 1, 4, 1)
    assert chances(temperature=0.0) == parts(1, 0, 0, 0)
    assert chances(temperature=1e-320) == parts(1, 0, 0, 0)  # as near to 0 as floats come
    assert chances(logits=1e300 * LOGITS) == parts(1, 0, 0, 0)
    assert Sampling(temperature=1e308).chances(LOGITS).tolist() == [[0.25] * 4]


def test_top_k():
    assert chances(top_k=1) == parts(1, 0, 0, 0)
    assert chances(top_k=2) == parts(4, 0, 2, 0)
    assert chances(top_k=3) == parts(4, 1, 2, 0)  # of two equal tokens the first
    assert chances(top_k=4) == chances(top_k=9) == chances()


def test_top_p():
    """The fewest whose chances, 1/2, 1/4, 1/8, 1/8, sum to at least p."""
    even = Sampling(temperature=1.0, top_p=0.5).chances(
        torch.zeros(1, 4)
    )  # the first two are half of the chances, exactly
    assert even.tolist() == [[0.5, 0.5, 0, 0]]
    assert chances(top_p=1e-9) == chances(top_p=0.49) == parts(1, 0, 0, 0)
    assert chances(top_p=0.51) == chances(top_p=0.74) == parts(4, 0, 2, 0)
    assert chances(top_p=0.76) == chances(top_p=0.87) == parts(4, 1, 2, 0)
    assert chances(top_p=0.88) == chances(top_p=1.0) == chances()


def test_min_p():
    """Those with at least p times the half of the likeliest."""
    assert chances(min_p=0.0) == chances(min_p=0.24) == chances()
    assert chances(min_p=0.26) == chances(min_p=0.49) == parts(4, 0, 2, 0)
    assert chances(min_p=0.51) == chances(min_p=1.0) == parts(1, 0, 0, 0)
    even = Sampling(temperature=1.0, min_p=1.0).chances(torch.zeros(1, 4))
    assert even.tolist() == [[0.25] * 4], "as likely as the likeliest"


def test_they_follow_each_other():
    """Of the three likeliest, 4/7, 1/7, 2/7: six sevenths are reached by two, and one of these has half."""
    assert chances(top_k=3, top_p=0.85) == parts(4, 0, 2, 0)
    assert chances(top_k=3, top_p=0.86) == parts(4, 1, 2, 0)
    assert chances(top_k=3, top_p=0.85, min_p=0.6) == parts(1, 0, 0, 0)
    assert chances(temperature=0.5, top_p=0.75) == parts(16, 0, 4, 0)


def test_repetition_penalty():
    """Twice: the logit of a said token halves where it is above 0, and doubles below."""
    logits = torch.tensor([[2.0, -1.0, 0.0, 1.0]]).double() * math.log(2)
    assert chances(None, logits, repetition_penalty=2.0) == parts(8, 1, 2, 4)
    assert chances([0, 1], logits, repetition_penalty=2.0) == parts(8, 1, 4, 8)
    assert chances([0], logits, repetition_penalty=0.5) == parts(32, 1, 2, 4)
    assert chances([0], logits, repetition_penalty=4.0, temperature=0.0) == parts(0, 0, 0, 1)
    mask = torch.tensor([[True, False, False, False]])
    assert Sampling(repetition_penalty=4.0).pick(logits, mask, None).tolist() == [3]
    assert GREEDY.pick(logits, mask, None).tolist() == [0]


def test_rows_do_not_know_each_other():
    logits = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    said = torch.rand(5, 9, generator=torch.Generator().manual_seed(1)) < 0.5
    sampling = Sampling(temperature=0.7, top_k=6, top_p=0.8, min_p=0.1, repetition_penalty=1.3)
    whole = sampling.chances(logits, said)
    for row in range(5):
        alone = sampling.chances(logits[row : row + 1], said[row : row + 1])
        torch.testing.assert_close(whole[row : row + 1], alone, rtol=1e-14, atol=0)


def test_draws_have_these_chances():
    sampling = Sampling(temperature=1.0, top_k=3)
    drawn = sampling.pick(LOGITS.expand(7000, -1), None, torch.Generator().manual_seed(0))
    counts = drawn.bincount(minlength=4)
    assert counts[3] == 0
    for count, share in zip(counts.tolist(), (4, 1, 2), strict=False):
        assert abs(count - 1000 * share) < 4 * math.sqrt(7000 * share / 7 * (1 - share / 7))


def test_the_ends_of_the_draw(monkeypatch: pytest.MonkeyPatch):
    """A point at 0 or at the whole falls on a token that has a chance."""
    sampling = Sampling(temperature=1.0)
    logits = torch.tensor([[-1e9, 0.0, -1e9, 0.0, -1e9]])
    for point, token in ((0.0, 1), (0.49, 1), (0.51, 3), (1 - 2**-53, 3), (1.0, 3)):
        monkeypatch.setattr(torch, "rand", lambda *shape, at=point, **_: torch.tensor([[at]]).double())
        assert sampling.pick(logits, None, None).tolist() == [token]
    for point, token in (
        (0.0, 0),
        (0.25, 1),
        (0.5, 2),
        (0.75, 3),
    ):  # a token has the points from its first on
        monkeypatch.setattr(torch, "rand", lambda *shape, at=point, **_: torch.tensor([[at]]).double())
        assert sampling.pick(torch.zeros(1, 4), None, None).tolist() == [token]


@pytest.mark.slow
def test_as_transformers():
    """One by one and all together, on random logits: its processors in the order in which it runs them."""
    from transformers.generation import logits_process as theirs

    generator = torch.Generator().manual_seed(2)
    logits = 3 * torch.randn(4, 20, generator=generator).double()
    tokens = torch.randint(20, (4, 7), generator=generator)
    said = torch.zeros(4, 20, dtype=torch.bool).scatter_(1, tokens, True)
    grid = itertools.product(
        (0.5, 1.0, 2.0), (None, 1, 5), (1.0, 0.9, 0.3), (0.0, 0.05, 0.7), (1.0, 1.5, 0.8)
    )
    for temperature, top_k, top_p, min_p, penalty in grid:
        scores = theirs.RepetitionPenaltyLogitsProcessor(penalty)(tokens, logits)
        scores = theirs.TemperatureLogitsWarper(temperature)(tokens, scores)
        if top_k is not None:
            scores = theirs.TopKLogitsWarper(top_k)(tokens, scores)
        scores = theirs.TopPLogitsWarper(top_p)(tokens, scores)
        scores = theirs.MinPLogitsWarper(min_p)(tokens, scores)
        ours = Sampling(
            temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=penalty
        )
        torch.testing.assert_close(ours.chances(logits, said), scores.softmax(-1), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", (-0.1, math.nan, math.inf, "hot", True, None)),
        ("top_k", (0, -1, 2.0, True, "3")),
        ("top_p", (0.0, -0.5, 1.1, math.nan, "1", None)),
        ("min_p", (-0.1, 1.1, math.nan, "0", None)),
        ("repetition_penalty", (0.0, -1.0, math.inf, math.nan, "2", None)),
    ],
)
def test_bad_settings_are_refused(name: str, values: tuple):
    for value in values:
        refused(lambda: Sampling(**{name: value}), name, repr(value))  # noqa: B023


def test_logits_that_are_no_numbers_are_refused():
    for bad in (math.nan, math.inf, -math.inf):
        refused(lambda: GREEDY.pick(torch.tensor([[0.0, bad]]), None, None), "finite")  # noqa: B023


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message
