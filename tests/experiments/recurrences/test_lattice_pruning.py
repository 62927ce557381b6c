"""The claim about pruning by the lattice: predicates on either side, the interval, and the threshold."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.answers import answers
from wavetrain.experiments.recurrences import lattice_pruning as claim_of
from wavetrain.experiments.recurrences._rows import rows
from wavetrain.experiments.recurrences.lattice_pruning import claim, interval, smoke
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.parts import saved
from wavetrain.parts.reader import Reader
from wavetrain.train.lab import Lab

WHOLE = {"right_dense": 0.95, "tuned_lattice": 0.94, "kept": 0.78, "lattice_minus_random_low": 0.001}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True]
    assert answers(claim, WHOLE | {"tuned_lattice": 0.92}) == [False, True]
    assert answers(claim, WHOLE | {"lattice_minus_random_low": 0.0}) == [True, False]
    assert answers(claim, WHOLE | {"right_dense": 0.89}) == [None, None]
    assert answers(claim, WHOLE | {"kept": 0.86}) == [None, None]


def test_the_interval_is_that_of_student():
    low, high = interval(np.array([1.0, 2.0, 3.0]))
    assert (low, high) == pytest.approx((2 - 4.30265 / 3**0.5, 2 + 4.30265 / 3**0.5), rel=1e-4)


def test_images_come_row_by_row():
    task = rows()
    assert task.train.x.shape == (1197, 8, 8) and task.inputs == 8 and len(task.test().x) == 300


def test_the_threshold_keeps_nearest_to_three_quarters(monkeypatch: pytest.MonkeyPatch):
    class Found:
        def __init__(self, kept: int):
            self.kept = np.arange(8) < kept

    counts = iter((8, 2, 7, 5, 6, 0, 4, 8, 3))
    asked = []
    monkeypatch.setattr(
        claim_of,
        "lattice",
        lambda layer, x, quantile, *_, **__: (asked.append(quantile), Found(next(counts)))[1],
    )
    network = Reader(Elman(8, 8), 10, every_step=False)
    assert claim_of._lattice(network, rows(), smoke).kept.sum() == 6
    assert asked == list(claim_of.QUANTILES)


def test_all_ways_keep_as_many_units_and_start_from_one_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = {}
    without = claim_of.pruning.without

    def noting(network: Reader, units: np.ndarray) -> Reader:
        kept.setdefault(id(network), []).append(units.copy())
        return without(network, units)

    monkeypatch.setattr(claim_of.pruning, "without", noting)
    figures = claim_of.run(smoke, Lab(tmp_path, 0))
    assert len(kept) == smoke.networks
    for units in kept.values():
        assert len(units) == 3 and len({int(one.sum()) for one in units}) == 1
    means = np.mean([units[0].mean() for units in kept.values()])
    assert figures["kept"] == pytest.approx(float(means))
    ahead = figures["tuned_lattice"] - figures["tuned_random"]
    assert figures["lattice_minus_random"] == pytest.approx(ahead)
    assert figures["lattice_minus_random_low"] <= ahead <= figures["lattice_minus_random_high"]


def test_networks_of_one_seed_differ_and_are_the_same_again(tmp_path: Path):
    def weights(folder: str) -> list[torch.Tensor]:
        lab = Lab(tmp_path / folder, 3)
        claim_of.run(smoke, lab)
        paths = sorted((tmp_path / folder / "checkpoints").glob("dense-*.safetensors"))
        return [saved.load(path)[0]["network.layer.recur.weight"] for path in paths]

    one, again = weights("one"), weights("again")
    assert not torch.allclose(one[0], one[1]) and all(map(torch.equal, one, again))
