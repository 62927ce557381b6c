"""Streaming decoder: a small network of spikes that tells a movement at every step, and never starts anew.

Zhou, Sun and Basu 2023, arXiv 2312.15889, SNN_Streaming: inputs of 4 ms, two populations of leaky units
(`Streaming`, 32 and 48), and two leaky units without spikes whose potentials, times a learned gain, are the
velocity. Decays of 0.9, 0.7 and 0.8 a step and thresholds of 0.4 and 0.6 are where learning begins. In
training a share of the inputs and of the spikes that are read is dropped; where the authors drop them is not
known to us. The low-pass filters of its output are in `parts/bessel.py`.
"""

from jaxtyping import Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput
from wavetrain.parts.leaky_readout import LeakyReadout
from wavetrain.spiking.streaming import Streaming


class StreamingDecoder(Carrying):
    """x (B, T, inputs) to values (B, T, outputs); the state is that of `Streaming` and the read-out's.

    >>> from wavetrain.networks import StreamingDecoder
    >>> network = StreamingDecoder(inputs=96)
    >>> network((torch.rand(2, 50, 96) < 0.1).float()).shape  # a velocity at each step
    torch.Size([2, 50, 2])
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
        self, inputs: int, outputs: int = 2, hidden: int = 32, width: int = 48, dropout: float = 0.3
    ):
        super().__init__()
        check_width("StreamingDecoder", inputs=inputs, outputs=outputs, hidden=hidden, width=width)
        self.inputs = inputs
        self.layer = Streaming(width, inputs, hidden)
        self.drop = nn.Dropout(dropout)
        self.read = LeakyReadout(width, outputs, kept=0.8)

    def begin(self, batch: int) -> State:
        return self.layer.begin(batch), self.read.begin(batch)

    def carry(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time outputs"], State]:
        if x.ndim != 3 or x.shape[-1] != self.inputs or not x.shape[1]:
            raise BadInput(f"StreamingDecoder: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        spiking, gathered = self.begin(len(x)) if state is None else state
        spikes, spiking = self.layer(self.drop(x), spiking)
        y, gathered = self.read(self.drop(spikes), gathered)
        return y, (spiking, gathered)
