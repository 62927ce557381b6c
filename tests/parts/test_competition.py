"""The numbers of competing units: what is refused."""

import math

import pytest

from wavetrain.errors import BadInput
from wavetrain.parts.competition import Competition


@pytest.mark.parametrize(
    "wrong",
    [
        {"tau": 0.0},
        {"tau_raised": -1.0},
        {"threshold": 0.0},
        {"threshold": math.inf},
        {"reset": 13.0},
        {"inhibition": -1.0},
        {"raised": math.nan},
    ],
)
def test_refused(wrong: dict[str, float]):
    with pytest.raises(BadInput, match="Competition: expected"):
        Competition(**wrong)
