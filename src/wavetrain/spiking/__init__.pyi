"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.spiking.lif import LIF as LIF
