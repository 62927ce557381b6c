"""Scales of a network: predicates on either side, depth by hand, what a seed draws, and how it is read."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.answers import answers, exact_answers
from wavetrain.data.neural import _connectome
from wavetrain.data.neural._connectome import functional
from wavetrain.errors import BadInput
from wavetrain.experiments.recordings import connectome_scales as module
from wavetrain.experiments.recordings.connectome_scales import Scale, claim, depth, run, smoke, tree
from wavetrain.train.lab import Lab

WHOLE = {"kept_network": 0.5, "kept_exchanged": 0.3, "depth_network": 0.5, "best_network": 8.0}
WHOLE |= {"rise_uncoupled": 1e-6}


def test_each_part_on_either_side():
    assert answers(claim, WHOLE) == [True, True, True]
    assert answers(claim, WHOLE | {"kept_network": 0.49}) == [False, True, True]
    assert answers(claim, WHOLE | {"kept_exchanged": 0.31}) == [False, True, True]
    assert answers(claim, WHOLE | {"depth_network": 0.51}) == [True, False, True]
    for end in (2.0, 32.0):
        assert answers(claim, WHOLE | {"best_network": end}) == [True, False, True]
    for inside in (4.0, 16.0):
        assert answers(claim, WHOLE | {"best_network": inside}) == [True, True, True]
    assert answers(claim, WHOLE | {"rise_uncoupled": 0.0}) == [True, True, False]


def test_depth_is_that_of_the_best_scale_between_the_ends():
    assert depth(np.array([0.1, 4.0, 1.0, 3.0, 0.2])) == pytest.approx(1 / 3.5)
    assert depth(np.full(5, 0.3)) == pytest.approx(1)
    assert depth(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == pytest.approx(1)  # a line has none


def test_a_planted_tree_meets_all_limits():
    assert exact_answers("connectome_scales") == [True, True, True]


def test_a_seed_draws_parcels_without_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    weight, seen = tree(400, 0), []
    monkeypatch.setattr(module, "functional", lambda parcels: {400: weight}[parcels])
    monkeypatch.setattr(module, "_figures", lambda one, *_: (seen.append(one), {})[1])
    for seed in (0, 0, 1):
        run(Scale(), Lab(tmp_path, seed))
    one, again, other = seen
    assert one.shape == (384, 384) and (one == again).all() and not (one == other).all()
    for each in (one, other):
        assert (each == each.T).all() and (each[np.triu_indices(384, 1)] > 0).all()  # no parcel twice


def test_no_unit_is_left_over(tmp_path: Path):
    assert Scale().units % 2**module.LEVELS == smoke.units % 2**module.LEVELS == 0
    figures = run(smoke, Lab(tmp_path, 0))
    assert {name for name in figures if name.startswith("best_")} == {
        f"best_{one}" for one in module.NETWORKS
    }


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Weights that are a little unlike both ways, as rounding leaves them, with something on the diagonal."""
    weight = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    np.savez(tmp_path / _connectome.FILE.name, functional_100=weight)
    digest = hashlib.sha256((tmp_path / _connectome.FILE.name).read_bytes()).hexdigest()
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setattr(_connectome, "FILE", _connectome.FILE._replace(sha256=digest))
    return weight


def test_weights_are_the_mean_of_both_ways_and_none_to_itself(made: np.ndarray):
    found = functional(100)
    assert found.dtype == np.float64 and (found == found.T).all() and (np.diagonal(found) == 0).all()
    assert found[3, 8] == (float(made[3, 8]) + float(made[8, 3])) / 2


def test_other_numbers_and_no_file_are_refused(made: np.ndarray, tmp_path: Path):
    with pytest.raises(BadInput, match="100, 200, 300 or 400 parcels, got 150"):
        functional(150)
    (tmp_path / _connectome.FILE.name).unlink()
    with pytest.raises(BadInput, match="MICA-MNI/ENIGMA"):
        functional(100)


@pytest.mark.parametrize(("parcels", "variation"), [(100, 0.597), (200, 0.669), (300, 0.690), (400, 0.722)])
def test_the_real_network(parcels: int, variation: float):
    try:
        found = functional(parcels)
    except BadInput as error:
        pytest.skip(str(error))
    off = found[np.triu_indices(parcels, 1)]
    assert found.shape == (parcels, parcels) and off.min() >= 0
    assert off.std() / off.mean() == pytest.approx(variation, abs=5e-4)
