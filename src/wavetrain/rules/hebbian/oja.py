"""Oja's rule: Hebbian learning that decays with the output's square, so that weights find main directions.

Oja 1982, Journal of Mathematical Biology 15. For one output dw = y (x - y w): w goes to the main direction of
the second moments C of the inputs, with length 1. For several, `ordered` or not, W being (post, pre):

    dW = y (x - W' y)'              Oja 1989: rows span the main subspace, and are orthonormal
    dW = y x' - lower(y y') W       Sanger 1989: rows are the main directions, in their order

Inputs are not centred. The mean change is W C - W C W' W, which is 0 for rows that span directions of C.
"""

from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Card
from wavetrain.parts.over_batch import OverBatch
from wavetrain.rules.hebbian._rates import RateRule


class Oja(RateRule):
    """Makes the rows of each map span the main directions of its inputs; `ordered` makes them these.

    >>> from wavetrain.core import VALUES, Batch
    >>> from wavetrain.rules import Oja
    >>> network = torch.nn.Linear(2, 1, bias=False)
    >>> _ = network.weight.data.fill_(0.5)
    >>> step = torch.optim.SGD(network.parameters(), lr=0.1)
    >>> _ = Oja().learn(network, Batch(torch.tensor([[[1.0, 2.0]]]), torch.zeros(1, 1, 1)), VALUES.loss)
    >>> step.step()
    >>> network.weight.data - 0.5  # 0.1 y (x - y w), with y = 1.5
    tensor([[0.0375, 0.1875]])
    """

    card = Card(
        title="A simplified neuron model as a principal component analyzer",
        authors="Oja, Erkki",
        year=1982,
        source="Journal of Mathematical Biology 15, doi 10.1007/BF00275687",
        family="Hebbian",
        topic="Learning rules",
    )

    def __init__(self, ordered: bool = False, over_batch: OverBatch = OverBatch.MEAN):
        super().__init__(over_batch)
        self.ordered = ordered

    def change(
        self,
        name: str,
        weight: Float[Tensor, "post pre"],
        x: Float[Tensor, "many pre"],
        y: Float[Tensor, "many post"],
    ) -> Float[Tensor, "many post pre"]:
        outputs = y[:, :, None] * y[:, None]
        return y[:, :, None] * x[:, None] - (outputs.tril() if self.ordered else outputs) @ weight
