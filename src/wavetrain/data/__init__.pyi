"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.data.images.digits import digits as digits
from wavetrain.data.images.mnist import mnist as mnist
from wavetrain.data.images.permuted_mnist import permuted_mnist as permuted_mnist
from wavetrain.data.images.permuted_time_mnist import permuted_time_mnist as permuted_time_mnist
from wavetrain.data.images.rotated_mnist import rotated_mnist as rotated_mnist
from wavetrain.data.images.split_mnist import split_mnist as split_mnist
from wavetrain.data.neural.monkey_reach_velocity import monkey_reach_velocity as monkey_reach_velocity
from wavetrain.data.neural.rat_open_field import rat_open_field as rat_open_field
from wavetrain.data.neural.worm import worm as worm
from wavetrain.data.series.etth1 import etth1 as etth1
from wavetrain.data.series.nyc_taxi import nyc_taxi as nyc_taxi
from wavetrain.data.series.uea import uea as uea
from wavetrain.data.speech.cochlear_commands import cochlear_commands as cochlear_commands
from wavetrain.data.speech.speech_commands import speech_commands as speech_commands
from wavetrain.data.speech.spoken_digits import spoken_digits as spoken_digits
from wavetrain.data.texts.text import text as text
from wavetrain.data.touch.braille_touch import braille_touch as braille_touch
