"""The contract of spiking layers: all that `find` finds keep the promises that only spikes make.

Those of every layer are held by test_contract.py, which finds them too; of variants all are held here. Sheets
are no layers (decision 0034), and are held to what of this a sheet can promise.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch

from tests.promises import ON_SEQUENCES, Make, generic, normal
from tests.promises.variants import on_building
from wavetrain import find
from wavetrain.core import Layer
from wavetrain.core.spiking import Spiking
from wavetrain.parts.competition import Competition
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.surrogate import Boxcar, FastSigmoid, MultiGaussian, Sigmoid
from wavetrain.spiking._competing import Competing
from wavetrain.spiking.alif import ALIF, Times
from wavetrain.spiking.lif import LIF
from wavetrain.spiking.recurrent_lif import RecurrentLIF
from wavetrain.spiking.streaming import Population, Streaming
from wavetrain.testing import sheets, spiking

MEMBERS = {found.name: found.load() for found in find.members("spiking")}
LAYERS = {name: one for name, one in MEMBERS.items() if isinstance(one, type) and issubclass(one, Spiking)}


def scattered(width: int, inputs: int | None = None) -> RecurrentLIF:
    """Each connection has a delay of its own, from 1 to 5 steps."""
    firing = Firing(refractory=2.0, surrogate=MultiGaussian())
    units = width if isinstance(width, int) and width > 0 else 1
    delay = 1.0 + torch.arange(units * units, device="cpu").reshape(units, units) * 7 % 5
    return RecurrentLIF(width, inputs, delay=delay, firing=firing)


class Grouped(Competing):
    """Two groups where the width allows it, and every second connection. A step: as of DiehlCook; in ms."""

    def __init__(self, width: int, inputs: int | None = None):
        ends = width if inputs is None else inputs
        whole = all(isinstance(one, int) and one > 0 for one in (width, ends))
        mask = torch.arange(width * ends).reshape(width, ends) % 2 == 0 if whole else None
        cell = Competition(threshold=1.0, reset=0.25, refractory=2.0, inhibition=3.0)
        super().__init__(
            width, inputs, cell=cell, dt=1.0, groups=2 if whole and width % 2 == 0 else 1, mask=mask
        )


LATE = Firing(refractory=2.0, reset=Reset.ZERO, surrogate=Sigmoid(), detached=True)
VARIANTS: dict[str, Make] = {
    "silent, to zero, detached": partial(LIF, firing=LATE, learned=True),
    "no reset": partial(LIF, firing=Firing(reset=Reset.NONE, refractory=1.0, surrogate=Boxcar()), dt=0.5),
    "adapting, learned": partial(
        ALIF,
        times=Times(learned=True),
        strength=0.3,
        firing=Firing(threshold=0.5, refractory=3.0, reset=Reset.ZERO, surrogate=FastSigmoid()),
    ),
    "adapting, alike": partial(ALIF, times=Times(spread=0.0, adapting_spread=0.0), dt=0.5),
    "late": partial(RecurrentLIF, delay=4.0, firing=LATE, learned=True),
    "scattered delays": scattered,
    "competing in groups": Grouped,
}
SPIKES = pytest.mark.parametrize(
    "promise", spiking.PROMISES, ids=lambda check: check.__name__.removeprefix("check_")
)


@SPIKES
@pytest.mark.parametrize("name", LAYERS)
def test_spiking(name: str, promise: Callable[[Make], None]) -> None:
    promise(LAYERS[name])


@SPIKES
@pytest.mark.parametrize("name", VARIANTS)
def test_spiking_variants(name: str, promise: Callable[[Make], None]) -> None:
    promise(VARIANTS[name])


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", VARIANTS)
def test_variants_on_sequences(name: str, promise: Callable[..., None]) -> None:
    promise(generic(VARIANTS[name], 4, 2), normal(2, 7, 2))


@on_building(VARIANTS, graphs={name: VARIANTS[name] for name in ("adapting, learned", "scattered delays")})
def test_variants_on_building(make: Make, promise: Callable[[Make], None]) -> None:
    promise(make)


@pytest.mark.parametrize("name", (*LAYERS, *VARIANTS))
def test_layers_of_one_seed_differ_and_come_again(name: str) -> None:
    """Two that are built one after the other draw other numbers; from the same seed both are the same."""
    make, built = {**LAYERS, **VARIANTS}[name], []
    for _ in range(2):
        torch.manual_seed(7)
        built.append([make(6, inputs=3).state_dict() for _ in range(2)])
    (one, other), (again, other_again) = built
    drawn = [key for key, value in one.items() if value.is_floating_point() and not value.equal(other[key])]
    assert {key.rsplit(".", 1)[-1] for key in drawn} >= {"weight"}
    for first, second in ((one, again), (other, other_again)):
        assert all(value.equal(second[key]) for key, value in first.items())


@pytest.mark.parametrize("reset", Reset)
@pytest.mark.parametrize("silence", [0, 1, 3])
@pytest.mark.parametrize("name", ["LIF", "ALIF", "RecurrentLIF", "Streaming"])
def test_units_are_silent_whatever_the_reset(name: str, silence: int, reset: Reset) -> None:
    """Where nothing is reset too: under a huge drive a spike every `silence` + 1 steps."""
    firing = Firing(refractory=silence * 1.0, reset=reset)
    alike = Times(spread=0.0, adapting_spread=0.0)
    layer = {
        "LIF": lambda: LIF(2, 1, firing=firing),
        "ALIF": lambda: ALIF(2, 1, times=alike, strength=0.5, firing=firing),
        "RecurrentLIF": lambda: RecurrentLIF(2, 1, firing=firing),
        "Streaming": lambda: Streaming(2, 1, 3, (Population(reset=reset), Population(reset=reset))),
    }[name]()
    layer.silence = silence
    with torch.no_grad():
        for part, value in layer.named_parameters():
            if part.endswith(("encode.weight", "onward.weight")):
                value.fill_(1e6)
            elif part.endswith(("recur.weight", "bias")):
                value.zero_()
        y, _ = layer(torch.full((1, 60, 1), 1e3))
    for unit in y[0].T:
        at = unit.nonzero().flatten()
        assert at[0] == 0 and set(at.diff().tolist()) == {silence + 1}


SHEETS = {name: one for name, one in MEMBERS.items() if sheets.is_sheet(one)}


@pytest.mark.parametrize("promise", sheets.PROMISES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", SHEETS)
def test_sheets(name: str, promise: Callable[[Any], None]) -> None:
    promise(SHEETS[name])


def test_all_that_spikes_is_found() -> None:
    assert {"delay_sheet"} <= set(SHEETS) and not set(SHEETS) & set(LAYERS)
    assert {"lif", "alif", "recurrent_lif"} <= set(LAYERS)
    assert all(issubclass(one, Layer) for one in LAYERS.values())
