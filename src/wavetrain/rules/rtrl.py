"""Real-time recurrent learning: the exact gradient, carried forward in time beside the state.

Williams and Zipser 1989, Neural Computation 1. The influence P_t = du_t / dtheta of all parameters on all of
the state moves by P_t = J_t P_{t-1} + I_t, and the error of a step is turned into its share of the gradient
at once (`_influence`). It equals backpropagation through time, needs no past, and costs n times more numbers:
O(n^3) of memory and O(n^4) of time a step for n units that hear one another. Where units hear themselves
alone only a few entries of P differ from zero, and no others are carried.

Left out: updates inside a sequence, after which P would belong to several versions of the weights.
"""

from jaxtyping import Bool
from torch import Tensor

from wavetrain.core import Card
from wavetrain.rules._influence import Influence, reached


class RTRL(Influence):
    """Teaches a network of one layer with a linear read-out; `chunk` steps at once, which changes no figure.

    Raises BadInput for another network.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.layers import Elman
    >>> from wavetrain.parts.reader import Reader
    >>> from wavetrain.rules import RTRL, Backpropagation
    >>> network = Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    >>> batch = Batch(torch.randn(4, 12, 3), torch.randn(4, 12, 2))
    >>> _ = RTRL().learn(network, batch, VALUES.loss)
    >>> forward = network.layer.recur.weight.grad.clone()
    >>> network.zero_grad()
    >>> _ = Backpropagation().learn(network, batch, VALUES.loss)
    >>> torch.allclose(forward, network.layer.recur.weight.grad, atol=1e-6)
    True
    """

    card = Card(
        title="A learning algorithm for continually running fully recurrent neural networks",
        authors="Williams, Ronald J. and Zipser, David",
        year=1989,
        source="Neural Computation 1, doi 10.1162/neco.1989.1.2.270",
        family="influence",
        topic="Learning rules",
    )

    def __init__(self, chunk: int = 16):
        super().__init__(chunk)

    def keeps(
        self, by_state: Bool[Tensor, "rows state"], by_theta: Bool[Tensor, "rows parameters"]
    ) -> Bool[Tensor, "rows parameters"]:
        return reached(by_state, by_theta, None)
