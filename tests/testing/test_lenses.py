"""What lenses and cards promise: for each promise one that breaks it, and what lenses are tried on."""

import datetime
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card, Layer
from wavetrain.testing import check_card, check_lens, lenses
from wavetrain.testing.lenses import recorded


class Sizes(NamedTuple):
    """Numbers and arrays."""

    steps: int
    mean: float
    each: Any


CALLS = []


def right(layer: Layer, x: Tensor, more: Tensor | None = None) -> Sizes:
    return Sizes(x.shape[1], 0.5, x.numpy() if more is None else more)


def plain(layer: Layer, x: Tensor) -> tuple[int, float]:
    return x.shape[1], 0.5


def tensors(layer: Layer, x: Tensor) -> Sizes:
    return Sizes(x.shape[1], 0.5, x)


def counts(layer: Layer, x: Tensor) -> Sizes:
    CALLS.append(1)
    return Sizes(x.shape[1], float(len(CALLS)), x.numpy())


def counts_inside(layer: Layer, x: Tensor) -> Sizes:
    CALLS.append(1)
    return Sizes(x.shape[1], 0.5, x.numpy() + len(CALLS))


def asking(layer: Layer, colour: str, x: Tensor, taste: str) -> Sizes:
    raise AssertionError


def bent(x: Float[Tensor, "batch inputs"]) -> Sizes:
    return right(None, x)  # type: ignore[arg-type]


def moves(layer: Layer, x: Tensor) -> Sizes:
    with torch.no_grad():
        next(layer.parameters()).mul_(1 + 1e-9)
    return right(layer, x)


def slopes(layer: Layer, x: Tensor) -> Sizes:
    layer(x)[0].sum().backward()
    return right(layer, x)


def dices(layer: Layer, x: Tensor) -> Sizes:
    torch.rand(())
    return right(layer, x)


def dices_of_numpy(layer: Layer, x: Tensor) -> Sizes:
    np.random.rand()  # noqa: NPY002
    return right(layer, x)


BROKEN = [
    (plain, lenses.check_returns, "expected a NamedTuple, got tuple"),
    (tensors, lenses.check_returns, "each is a Tensor"),
    (counts, lenses.check_returns, "mean differs between two calls"),
    (counts_inside, lenses.check_returns, "each differs between two calls"),
    (
        asking,
        lenses.check_returns,
        "it asks for colour, taste; a lens takes layer, x, .* and more by default",
    ),
    (bent, lenses.check_annotations, "bent is annotated with"),
    (moves, lenses.check_changes_nothing, "the module has changed"),
    (slopes, lenses.check_changes_nothing, "a gradient is left in a parameter"),
    (dices, lenses.check_changes_nothing, "torch's own generator has been used"),
    (dices_of_numpy, lenses.check_changes_nothing, "numpy's own generator has been used"),
]


@pytest.mark.parametrize(("lens", "check", "what"), BROKEN, ids=lambda one: getattr(one, "__name__", None))
def test_a_lens_that_breaks_a_promise_is_seen(lens, check, what: str):
    check(right)
    with pytest.raises(AssertionError, match=what):
        check(lens)


def test_all_promises_are_yielded():
    assert [one.name for one in lenses.promises(right)] == ["returns", "annotations", "changes_nothing"]
    check_lens(right)
    before = torch.get_rng_state()
    one, two = (lenses._given()[0].state_dict() for _ in range(2))
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_lenses_are_given():
    layer, given = lenses._given()
    shapes = {name: tuple(one.shape) for name, one in given.items() if hasattr(one, "shape")}
    assert shapes == {
        "x": (2, 12, 3),
        "activity": (2, 12, 6),
        "other": (2, 12, 6),
        "position": (2, 12, 2),
        "trials": (24, 30, 3),
        "label": (24,),
        "weight": (48, 48),
        "start": (6, 6),
        "recording": (1600, 9),
        "positions": (9, 2),
        "phase": (60,),
        "value": (60,),
        "counts": (1600, 9),
        "place": (1600,),
    }
    assert given["label"].tolist() == [0, 1] * 12
    assert given["weight"].equal(given["weight"].T) and (given["weight"] > 0).all()
    with torch.no_grad():
        assert layer(given["x"])[0].equal(given["activity"])
    assert given["other"].equal(given["activity"].flip(-1) ** 2) and given["position"].equal(
        given["x"][..., :2]
    )
    assert given["start"][4].equal(given["activity"][1, 4])
    assert [one is layer for one in (given["layer"], given["system"], *given["systems"])] == [True] * 4
    assert given["recordings"][0] is given["activity"] and given["recordings"][1].equal(given["other"])
    assert not given["activity"].requires_grad


def test_what_is_recorded_has_a_wave_of_12_hertz_along_x():
    given = recorded()
    recording, rate, positions = given["recording"], given["rate"], given["positions"]
    assert rate == 200 and given["band"] == (8.0, 16.0)
    assert positions.tolist() == [[x, y] for y in (0, 1, 2) for x in (0, 1, 2)]
    spectrum = np.fft.rfft(recording, axis=0)
    power = (np.abs(spectrum) ** 2).sum(1)
    frequency = np.fft.rfftfreq(len(recording), 1 / rate)
    assert frequency[power.argmax()] == 12.0
    peak = spectrum[power.argmax()] / (len(recording) / 2)
    np.testing.assert_allclose(np.abs(peak), 1, atol=0.15)  # noise of 1 has 0.05 there
    lag = np.angle(peak / peak[0])
    np.testing.assert_allclose(lag, -2 * np.pi * positions[:, 0] / 10, atol=0.25)
    wave = np.sin(2 * np.pi * (12 * np.arange(1600)[:, None] / 200 - positions[:, 0] / 10))
    assert 0.95 < (recording - wave).std() < 1.05


def test_what_is_recorded_has_spikes_whose_phase_goes_down_and_a_track_run_up_and_down():
    given = recorded()
    value, phase = given["value"], given["phase"]
    assert value[0] == 0 and value[-1] == 1 and (np.abs(phase) <= np.pi).all()
    off = np.angle(np.exp(1j * (phase - (6 - 4 * value))))
    assert 0.2 < off.std() < 0.4 and abs(off.mean()) < 0.15
    place, counts = given["place"], given["counts"]
    assert place[[0, 399, 400, 799]].tolist() == [0, 1, 1, 0] and not place[800:].any()
    assert (np.diff(place[:400]) > 0).all() and (np.diff(place[400:800]) < 0).all()
    for cell, centre in enumerate(np.linspace(0, 1, 9)):
        inside = np.abs(place[:800] - centre) < 0.06
        np.testing.assert_array_equal(counts[:800, cell], inside)
    rest = counts[800:]
    assert rest.sum() == 3 * 36 and set(counts.ravel()) == {0, 1}
    for begin in (100, 400, 650):  # four samples of each cell, in order
        np.testing.assert_array_equal(rest[begin : begin + 36], np.repeat(np.eye(9), 4, 0))


# --- cards --------------------------------------------------------------------------------------------


def of(**changed: Any) -> type:
    told = {
        "title": "A title",
        "authors": "One, Ann and Two, Ben",
        "year": 1997,
        "source": "A journal",
        "family": "wave",
        "topic": "Waves",
    }
    return type("Member", (), {"card": Card(**{**told, **changed})})


YEAR = datetime.date.today().year


@pytest.mark.parametrize("changed", [{}, {"year": YEAR}, {"year": 1851}, {"authors": "One, Ann"}])
def test_cards_that_are_filled_in(changed: dict[str, Any]):
    check_card(of(**changed))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"title": "", "topic": None}, "the card leaves title, topic empty"),
        ({"source": ""}, "the card leaves source empty"),
        ({"year": 1850}, "the card's year is 1850"),
        ({"year": YEAR + 1}, f"the card's year is {YEAR + 1}"),
        ({"authors": "Ann One"}, "expected authors 'Family, Given and Family, Given', got 'Ann One'"),
        ({"authors": "One, Ann and Ben Two"}, "expected authors"),
    ],
)
def test_cards_that_are_not(changed: dict[str, Any], what: str):
    with pytest.raises(AssertionError, match=what):
        check_card(of(**changed))
