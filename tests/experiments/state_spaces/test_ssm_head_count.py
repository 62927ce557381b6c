"""Head counts: the predicates, the systems as they are said to be, and a fit that finds what is there."""

from pathlib import Path

import pytest
import torch

from tests.promises import normal
from wavetrain.core import Batch
from wavetrain.evidence.claims import Measured
from wavetrain.experiments.state_spaces.ssm_head_count import (
    SYSTEMS,
    Imitate,
    SoftmaxHeads,
    _error,
    claim,
    delayed,
    fitted,
    system,
)
from wavetrain.train.lab import Lab

RIGHT = {f"heads_{name}": k for name, (k, _) in SYSTEMS.items()} | {
    f"counted_{name}": k for name, (k, _) in SYSTEMS.items()
}


def answers(**changes: float) -> list[bool | None]:
    """Of the fit, and of the lens."""
    return [part.holds(Measured(RIGHT | changes)) for part in claim.parts]


def test_each_part_on_either_side():
    """The counts of the theorem on the one side, a head more or less on the other."""
    assert answers() == [True, True]
    for name, (k, _) in SYSTEMS.items():
        for wrong in (k - 1, k + 1):
            assert answers(**{f"heads_{name}": wrong}) == [False, True]
            assert answers(**{f"counted_{name}": wrong}) == [True, False]


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_have_the_modes_they_are_given(name: str):
    """Each lag is a sum over modes of |lambda|^t cos and sin of t times the angle."""
    modes = SYSTEMS[name][1]
    layer = system(modes, 3, seed=5)
    kernel = layer.operator(normal(1, 12, 3)).weight[0, :, :, 0]  # (q p, T): answers to the first step
    t = torch.arange(12.0, dtype=torch.float64)
    basis = [size**t * wave(t * angle) for size, angle in modes for wave in (torch.cos, torch.sin)]
    basis = torch.stack([one for one in basis if one.norm() > 1e-9], 1)
    fit = torch.linalg.lstsq(basis, kernel.T, driver="gelsd").solution
    torch.testing.assert_close(basis @ fit, kernel.T)


def test_delayed():
    x = torch.arange(1.0, 4.0)[None, :, None]
    assert delayed(x)[0, :, :, 0].tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1]]


def test_fit_finds_the_heads_that_made_the_data(tmp_path: Path):
    """Data of two heads: an error of rounding with two, far from it with one."""
    x, f, v = normal(60, 8, 2), normal(2, 8, seed=2), normal(2, 2, 2, seed=3)
    batch = Batch(x, torch.einsum("hl,hqp,btlp->btq", f, v, delayed(x)))
    assert _error(f, v, batch) < 1e-14
    lab = Lab(tmp_path, seed=0)
    errors = [_error(*fitted(batch, heads, 30, lab), batch) for heads in (1, 2, 3)]
    assert errors[0] > 0.1 and errors[1] < 1e-9 and errors[2] < 1e-9


def test_softmax_heads_are_means_of_the_past():
    heads = SoftmaxHeads(2, 3, 5).double()
    x = normal(4, 5, 3)
    mean = x.cumsum(1) / torch.arange(1, 6)[:, None]
    torch.testing.assert_close(heads(x), mean @ heads.value.sum(0).T)


def test_task_is_the_system():
    layer = system(SYSTEMS["two_rotations"][1], 4, seed=1).float()
    batch = Imitate(layer, 6).draw(3, torch.Generator().manual_seed(0))
    torch.testing.assert_close(batch.y, layer(batch.x)[0])
