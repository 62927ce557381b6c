"""SnAp: real-time recurrent learning that keeps of each parameter only the units it reaches in a few steps.

Menick, Elsen, Evci, Osindero, Simonyan and Graves 2020, arXiv 2006.07232. Of the influence P_t of all
parameters on all of the state, SnAp-m keeps the entries whose parameter reaches the unit within m steps, the
first being its own, and forgets the rest at every step:

    P_t = mask_m (J_t P_{t-1} + I_t)

With one step, SnAp-1, a weight keeps its influence on its own unit alone, which costs no more than
backpropagation and is exact where units hear themselves alone (`RTRL` is the limit of many steps). Which
entries can differ from zero is seen at points near the parameters, so weights that were pruned to zero count
as there. Left out: the sparse weights with which the paper makes higher orders cheap.
"""

from jaxtyping import Bool
from torch import Tensor

from wavetrain.core import Card, check_width
from wavetrain.rules._influence import Influence, reached


class SnAp(Influence):
    """Teaches a network of one layer with a linear read-out; `order` is m.

    It takes `chunk` steps at once, which changes no figure. Raises BadInput for another network.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.layers import Elman
    >>> from wavetrain.parts.reader import Reader
    >>> from wavetrain.rules import SnAp
    >>> network = Reader(Elman(6, inputs=3), outputs=2, every_step=True)
    >>> batch = Batch(torch.randn(4, 12, 3), torch.randn(4, 12, 2))
    >>> SnAp().learn(network, batch, VALUES.loss).shape, network.layer.recur.weight.grad.shape
    (torch.Size([]), torch.Size([6, 6]))
    """

    card = Card(
        title="A practical sparse approximation for real time recurrent learning",
        authors="Menick, Jacob and Elsen, Erich and Evci, Utku and Osindero, Simon and Simonyan, Karen and "
        "Graves, Alex",
        year=2020,
        source="arXiv 2006.07232",
        family="influence",
        topic="Learning rules",
    )

    def __init__(self, order: int = 1, chunk: int = 32):
        super().__init__(chunk)
        check_width("SnAp", order=order)
        self.order = order

    def keeps(
        self, by_state: Bool[Tensor, "rows state"], by_theta: Bool[Tensor, "rows parameters"]
    ) -> Bool[Tensor, "rows parameters"]:
        return reached(by_state, by_theta, self.order)
