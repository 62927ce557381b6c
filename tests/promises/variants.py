"""The promises about building for variants of one layer."""

from collections.abc import Mapping

import pytest

from tests.slow import SLOW
from wavetrain.testing.layers import ON_BUILDING
from wavetrain.testing.tools import Make


def on_building(variants: Mapping[str, Make], graphs: Mapping[str, Make]) -> pytest.MarkDecorator:
    """Each promise about building for each variant: of `test(make, promise)`.

    Compiling, exporting and other types cost a hundred times as much as the rest. They hang on which lines of
    the layer are run, and not on its sizes, so they are checked for `graphs` alone: a few, maybe of several
    variants at once, that run each line which a variant has beside the layer as it is by default.
    """
    cases = []
    for promise in ON_BUILDING:
        name = promise.__name__.removeprefix("check_")
        for about, make in (graphs if name in SLOW else variants).items():
            cases.append(pytest.param(make, promise, id=f"{about}-{name}"))
    return pytest.mark.parametrize(("make", "promise"), cases)
