"""The claim of digits without labels: its predicates, and what the arms share."""

from pathlib import Path

import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.spikes.diehl_cook_mnist import _taught, claim, run, smoke
from wavetrain.parts import saved
from wavetrain.train.lab import Lab

WHOLE = {"right_learned": 0.7, "right_frozen": 0.4, "right_dealt": 0.25}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, [True, True, True, True]),
        ({"right_learned": 0.649, "right_frozen": 0.3}, [False, True, True, True]),
        ({"right_frozen": 0.401, "right_learned": 0.702}, [True, False, True, True]),
        ({"right_learned": 0.69}, [True, True, False, True]),
        ({"right_dealt": 0.26}, [True, True, True, False]),
        (dict.fromkeys(WHOLE, 0.1), [False, True, False, True]),
    ],
)
def test_predicates(changed: dict[str, float], parts: list[bool]):
    assert answers(claim, WHOLE | changed) == parts


def test_arms_learn_as_they_say(tmp_path: Path):
    lab = Lab(tmp_path, 0)
    figures = run(smoke, lab)
    ends = {
        arm: saved.load(tmp_path / "checkpoints" / f"{arm}.safetensors")[0]
        for arm in ("learned", "frozen", "intervals")
    }
    frozen = ends["frozen"]["encode.weight"]
    torch.testing.assert_close(frozen.sum(1), torch.full((len(frozen),), 6.4))
    assert not ends["learned"]["encode.weight"].equal(frozen)
    assert not ends["intervals"]["encode.weight"].equal(ends["learned"]["encode.weight"])
    assert all((end["raised"] > 0).any() for end in ends.values())
    assert _taught("learned", smoke, lab)[0]["right_learned"] == figures["right_learned"]
