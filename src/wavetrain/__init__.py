"""Sequence learning in brains and machines.

Importing the package loads nothing but names: take what you need, for example
`from wavetrain.layers.wave_rnn import WaveRNN`.
"""

__version__ = "0.1.0"
