"""The contract: every layer that is found keeps every promise, on generated shapes, in float64.

A failure names the layer and the promise, and hypothesis prints the smallest case that breaks it.
"""

import datetime
from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies as st
from torch import Tensor

from tests.promises import ON_BUILDING, ON_SEQUENCES, Make, generic, normal, transforms
from tests.promises.planted import PLANTED
from wavetrain import find, scan
from wavetrain.core import Layer

SYSTEMS = [found for found in find.everything() if found.kind in find.SYSTEMS]
LAYERS = {found.name: found.load() for found in SYSTEMS}
LAYERS = {name: kind for name, kind in LAYERS.items() if isinstance(kind, type) and issubclass(kind, Layer)}


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, Tensor, int]:
    """Width, inputs, a sequence (B, T, inputs) and the seed of the parameters."""
    width, inputs = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    batch, time = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 11, 13]))
    seed = draw(st.integers(0, 2**16))
    return width, inputs, normal(batch, time, inputs, seed=seed), seed


ODD = (7, 3, normal(2, 11, 3), 1)
EVEN = (4, 5, normal(3, 8, 5), 2)  # whole blocks, and more inputs than units
# One of each, and one step, is what hypothesis draws first.

# Compiling costs half a second, and what it is looked at for is the route: of layers that take none, those
# are left out which are plain operations of PyTorch in the same form as one that is compiled.
COMPILED_AS = {
    "analog_lstm": "recurrent_highway",  # a step in plain operations, one after the other
    "echo_state": "recurrent_highway",
    "episodic": "recurrent_highway",
    "leaky_rnn": "recurrent_highway",
    "quantised_rnn": "recurrent_highway",
    "converted": "recurrent_highway",
    "quantum_rnn": "recurrent_highway",
    "state_regularized": "recurrent_highway",
    "wave_working_memory": "recurrent_highway",
    "lstm": "gru",  # PyTorch's own
    "s4d": "s4",  # a convolution
}
CASES = [
    pytest.param(name, promise, id=f"{name}-{promise.__name__.removeprefix('check_')}")
    for name in LAYERS
    for promise in ON_BUILDING
    if promise is not transforms.check_compile or name not in COMPILED_AS
]


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", LAYERS)
@hypothesis.given(case=cases())
@hypothesis.example(case=ODD)
@hypothesis.example(case=EVEN)
def test_on_sequences(
    name: str, promise: Callable[[Layer, Tensor], None], case: tuple[int, int, Tensor, int]
):
    width, inputs, x, seed = case
    promise(generic(LAYERS[name], width, inputs, seed), x)


@pytest.mark.parametrize(("name", "promise"), CASES)
def test_on_building(name: str, promise: Callable[[Make], None]):
    promise(LAYERS[name])


@pytest.mark.parametrize(("name", "other"), COMPILED_AS.items())
def test_what_is_not_compiled_takes_no_route(name: str, other: str):
    assert other in LAYERS and other not in COMPILED_AS
    with scan.recorded() as taken:
        generic(LAYERS[name], 4, 3)(normal(2, 3, 3))
    assert not taken, f"{name} takes {taken}: it is to be compiled, and not to stand in COMPILED_AS"


@pytest.mark.parametrize("found", SYSTEMS, ids=lambda found: found.name)
def test_card_is_complete(found: find.Found):
    card = found.load().card
    assert all(card), f"{found.name}: an empty field in {card}"
    assert 1850 < card.year <= datetime.date.today().year
    assert card._asdict() == found.facts, "the card is not written with plain literals"
    assert "," in card.authors and all("," in author for author in card.authors.split(" and "))
    assert any(mark in card.source for mark in ("arXiv", "doi", "ISBN", "RFC", "pp.", "http")), card.source
    assert str(card.year) in found.about or "arXiv" in found.about, "the docstring of the file cites nothing"
    assert any(author.split(",")[0].split()[-1] in found.about for author in card.authors.split(" and "))


@pytest.mark.parametrize(("bug", "promise"), PLANTED, ids=lambda part: part.__name__)
def test_the_contract_catches_planted_bugs(bug: type[Layer], promise: Callable[..., None]):
    arguments = [bug] if promise in ON_BUILDING else [generic(bug, 7, 3), normal(2, 5, 3)]
    with pytest.raises((AssertionError, RuntimeError)):  # RuntimeError: torch itself objects to a mixture
        promise(*arguments)
