"""A chain of layers: what each gives is what the next one hears, and what is read of the last."""

import torch

from tests.promises import close, normal
from wavetrain.layers import Elman
from wavetrain.parts.chain import Chain
from wavetrain.testing.tools import refused


def test_each_layer_hears_the_one_before_it():
    torch.manual_seed(0)
    first, second, x = Elman(5, inputs=3).double(), Elman(4, inputs=5).double(), normal(2, 7, 3)
    each = Chain([first, second], outputs=2, every_step=True).double()
    y = second(first(x)[0])[0]
    close(each(x), each.read(y), "outputs of each step")
    once = Chain([first, second], outputs=2).double()
    close(once(x), once.read(y.mean(1)), "outputs of the mean")


def test_what_is_refused():
    with refused("5 inputs behind Elman", "Elman of 4"):
        Chain([Elman(5, inputs=3), Elman(4)], outputs=2)
    with refused("at least one layer"):
        Chain([], outputs=2)
