"""The package that defines NIR, and what of it is written and read."""

from wavetrain.errors import BadInput

try:
    import nir
except ModuleNotFoundError as error:
    raise BadInput(f"NIR needs the package {error.name}: pip install 'wavetrain[nir]'") from error

MS = 1000.0  # in a second
UNITS = nir.LIF, nir.IF
MAPS = nir.Affine, nir.Linear
SAID = "LIF, IF, Affine, Linear and Delay"

__all__ = ["MAPS", "MS", "SAID", "UNITS", "nir"]
