"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.spiking.alif import ALIF as ALIF
from wavetrain.spiking.conductance_lif import ConductanceLIF as ConductanceLIF
from wavetrain.spiking.converted import Converted as Converted
from wavetrain.spiking.delay_sheet import DelaySheet as DelaySheet
from wavetrain.spiking.delayed_lif import DelayedLIF as DelayedLIF
from wavetrain.spiking.diehl_cook import DiehlCook as DiehlCook
from wavetrain.spiking.izhikevich import Izhikevich as Izhikevich
from wavetrain.spiking.lif import LIF as LIF
from wavetrain.spiking.locally_connected import LocallyConnected as LocallyConnected
from wavetrain.spiking.recurrent_lif import RecurrentLIF as RecurrentLIF
from wavetrain.spiking.streaming import Streaming as Streaming
