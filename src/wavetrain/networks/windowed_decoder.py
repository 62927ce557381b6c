"""Windowed decoder: a small network of spikes that sees the last window afresh at every step.

Zhou, Sun and Basu 2023, arXiv 2312.15889, SNN_3D: the last 49 inputs are summed in seven parts of seven, and
these are seven steps of a network that begins at rest:

    the parts, normalised together (LayerNorm) -> 32 leaky units -> 48 leaky units -> 2 that never fire

Decays are 0.5 a step and thresholds 0.5 at the start, both learned; both populations are reset. The
potentials of the last step, times a learned gain, are the velocity. Within a part the order of spikes does
not matter. Before the first input there was nothing. A share is dropped in training, as in
`StreamingDecoder`. The paper's window is 50 inputs, of which 49 fill whole parts: we leave out the oldest.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.leaky_readout import LeakyReadout
from wavetrain.spiking.streaming import Population, Streaming, fading

KEPT = 0.5
ALIKE = Population(tau=fading(KEPT), threshold=0.5)


class WindowedDecoder(Carrying):
    """x (B, T, inputs) to values (B, T, outputs); the state is the inputs before, (B, window - 1, inputs).

    A window has `parts` parts of `each` steps.

    >>> from wavetrain.networks import WindowedDecoder
    >>> network = WindowedDecoder(inputs=96, parts=7, each=7)
    >>> y, before = network.carry((torch.rand(2, 60, 96) < 0.1).float())
    >>> y.shape, before.shape
    (torch.Size([2, 60, 2]), torch.Size([2, 48, 96]))
    """

    card = Card(
        title="Combining SNNs with filtering for efficient neural decoding in implantable brain-machine "
        "interfaces",
        authors="Zhou, Biyan and Sun, Pao-Sheng Vincent and Basu, Arindam",
        year=2023,
        source="Neuromorphic Computing and Engineering 5:014013 (2025), arXiv 2312.15889",
        family="spiking",
        topic="Waves in spiking networks",
    )

    def __init__(
        self,
        inputs: int,
        outputs: int = 2,
        hidden: int = 32,
        width: int = 48,
        parts: int = 7,
        each: int = 7,
        dropout: float = 0.3,
    ):
        super().__init__()
        check_width("WindowedDecoder", inputs=inputs, outputs=outputs, parts=parts, each=each)
        self.inputs, self.parts, self.each = inputs, parts, each
        self.norm = nn.LayerNorm((parts, inputs))
        self.layer = Streaming(width, inputs, hidden, (ALIKE, ALIKE))
        self.drop = nn.Dropout(dropout)
        self.read = LeakyReadout(width, outputs, kept=KEPT)

    def begin(self, batch: int) -> State:
        return self.norm.weight.new_zeros(batch, self.parts * self.each - 1, self.inputs)

    def carry(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time outputs"], State]:
        if x.ndim != 3 or x.shape[-1] != self.inputs or not x.shape[1]:
            raise BadInput(f"WindowedDecoder: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        before = self.begin(len(x)) if state is None else state
        if len(before) != len(x):
            raise BadInput(
                f"WindowedDecoder: expected a state of {len(x)} sequences, as x has, got one of "
                f"{len(before)}; begin({len(x)}) makes a new one"
            )
        seen = torch.cat([before, x], 1)
        sums = seen.unfold(1, self.each, 1).sum(-1)  # (B, T + window - each, inputs), of the last inputs
        windows = sums.unfold(1, (self.parts - 1) * self.each + 1, 1)[..., :: self.each].mT
        spikes, _ = self.layer(self.drop(self.norm(windows.flatten(0, 1))))  # (B T, parts, width)
        y, _ = self.read(self.drop(spikes))
        return y[:, -1].unflatten(0, x.shape[:2]), seen[:, x.shape[1] :]
