"""Networks of spikes as NIR graphs, and back; `writing` has the conventions. Needs `wavetrain[nir]`."""

from wavetrain.formats.nir.reading import layers_of, load
from wavetrain.formats.nir.writing import graph_of, save

__all__ = ["graph_of", "layers_of", "load", "save"]
