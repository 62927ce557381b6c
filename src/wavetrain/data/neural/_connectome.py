"""Networks between parcels of the human cortex, group averages of the Human Connectome Project.

Parcels are those of Schaefer et al. 2018. Weights are correlations of slow activity, z-transformed, with
those below 0 set to 0: they say what goes together, and not what is connected to what.
"""

import numpy as np
from jaxtyping import Float

from wavetrain.data import _files
from wavetrain.errors import BadInput

FILE = _files.File(
    "human_connectome.npz",
    "5f0287e9bcd681f95534c747a535e4e692c0c0708b5086d18e969551231226a7",
    "MICA-MNI/ENIGMA",
)
PARCELS = (100, 200, 300, 400)


def functional(parcels: int = 400) -> Float[np.ndarray, "parcels parcels"]:
    """Weights between 100, 200, 300 or 400 parcels, at least 0 and the same both ways, 0 on the diagonal.

    Raises BadInput for another number of parcels, and where the file is not there.
    """
    if parcels not in PARCELS:
        raise BadInput(f"human connectome: expected 100, 200, 300 or 400 parcels, got {parcels}")
    found = _files.arrays(*FILE.where())[f"functional_{parcels}"].astype(np.float64)
    weight: np.ndarray = (found + found.T) / 2
    np.fill_diagonal(weight, 0.0)
    return weight
