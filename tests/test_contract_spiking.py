"""The contract of spiking layers: all that `find` finds keep the promises that only spikes make.

Those of every layer are held by test_contract.py, which finds them too.
"""

from collections.abc import Callable

import pytest

from wavetrain import find
from wavetrain.core.spiking import Spiking
from wavetrain.testing import spiking

MEMBERS = {found.name: found.load() for found in find.members("spiking")}
LAYERS = {name: one for name, one in MEMBERS.items() if isinstance(one, type) and issubclass(one, Spiking)}


@pytest.mark.parametrize("promise", spiking.PROMISES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", LAYERS)
def test_spiking(name: str, promise: Callable[[spiking.Make], None]) -> None:
    promise(LAYERS[name])
