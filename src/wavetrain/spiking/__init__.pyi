"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.spiking.delay_sheet import DelaySheet as DelaySheet
from wavetrain.spiking.lif import LIF as LIF
