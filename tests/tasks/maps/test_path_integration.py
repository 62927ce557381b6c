"""Path integration: the position is the start and all steps together, inside the box."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.maps.path_integration import PathIntegration


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("axes", [2, 3])
def test_walked_step_by_step(axes: int):
    x, y = PathIntegration(40, axes).draw(100, generator())
    heading, speed, start = x.split([axes, 1, axes], -1)
    torch.testing.assert_close(heading.norm(dim=-1), torch.ones(100, 40))
    assert (speed >= 0).all() and (speed < 1).all() and (start[:, 1:] == 0).all()
    place = start[:, 0]
    for step in range(40):
        place = (place + speed[:, step] * heading[:, step]).clamp(-5, 5)
        torch.testing.assert_close(y[:, step], place)
    assert float(y.abs().max()) == 5, "walls are met"


def test_headings_are_uniform_and_starts_all_over():
    x, _ = PathIntegration(20).draw(3000, generator())
    assert x[..., :2].mean((0, 1)).abs().max() < 0.01
    start = x[:, 0, -2:]
    assert float(start.mean().abs()) < 0.15 and float(start.abs().max()) > 4.9


@pytest.mark.parametrize("words", [{"length": 0}, {"axes": 1}])
def test_bad_sizes(words):
    with pytest.raises(BadInput, match="path integration"):
        PathIntegration(**words)
