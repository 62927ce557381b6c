"""Data of one's own as a panel: files, standard input and frames. `read` is the way in."""

from wavetrain.tables.read.later import read_like
from wavetrain.tables.read.reading import read

__all__ = ["read", "read_like"]
