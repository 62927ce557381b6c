"""The network of the cortex: what is made of the file, a made-up one in its place, and the real one."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from wavetrain.data.neural import _connectome as module
from wavetrain.data.neural._connectome import functional
from wavetrain.errors import BadInput


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Weights that are a little unlike both ways, as rounding leaves them, with something on the diagonal."""
    weight = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    np.savez(tmp_path / module.FILE.name, functional_100=weight)
    digest = hashlib.sha256((tmp_path / module.FILE.name).read_bytes()).hexdigest()
    monkeypatch.setenv("WAVETRAIN_DATA", str(tmp_path))
    monkeypatch.setattr(module, "FILE", module.FILE._replace(sha256=digest))
    return weight


def test_weights_are_the_mean_of_both_ways_and_none_to_itself(made: np.ndarray):
    found = functional(100)
    assert found.dtype == np.float64 and (found == found.T).all() and (np.diagonal(found) == 0).all()
    assert found[3, 8] == (float(made[3, 8]) + float(made[8, 3])) / 2


def test_other_numbers_and_no_file_are_refused(made: np.ndarray, tmp_path: Path):
    with pytest.raises(BadInput, match="100, 200, 300 or 400 parcels, got 150"):
        functional(150)
    (tmp_path / module.FILE.name).unlink()
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
