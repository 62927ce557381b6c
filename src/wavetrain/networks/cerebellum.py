"""Cerebellum: sparse distributed memory as a running circuit, which is written to while it answers.

Marr 1969, J. Physiol. 202:437, and Albus 1971, Math. Biosci. 10:25; that Kanerva's memory is this circuit,
from his book of 1988, and part by part in Bricken and Pehlevan 2021, arXiv 2111.05498. A step:

    mossy fibres     m      what comes in
    granule cells    g_j    1 for those with the largest drive A m, else 0: Golgi cells hold all others down
    Purkinje cells   p      W g / sum g; its sign is a bit. This is the answer
    climbing fibres  c      one for each Purkinje cell. Where they are there (1, and not 0) the synapses of
                            active granule cells change, W <- W + c g' or W + rate (c - p) g'

A cell's row of A has a sign for each mossy fibre that it hears: `claws` of them, drawn at random, as real
ones have about four, or all. With all, and cells active `Within` a radius, it is sparse distributed memory:
rows are addresses, W the storage, and reading is a step in which the climbing fibres are silent. Microzones
are blocks of Purkinje cells on the same granule cells, which are taught apart, as heads of attention are.

The synapses W are the state. They change after the answer of a step. The rule with the error brings the
answer nearer to what the climbing fibre says, by the part `rate`, so that 0 extinguishes; real fibres say the
error itself. Left out: delays, simple spikes, and everything behind the Purkinje cells.
"""

import enum
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain.core import Card, Carrying, State, check_width
from wavetrain.errors import BadInput


@dataclass(frozen=True)
class Winners:
    """So many granule cells are active; of equal ones the first.

    >>> from wavetrain.networks.cerebellum import Winners
    >>> Winners(2)(torch.tensor([[0.0, 3.0, 1.0, 3.0]]), heard=4)
    tensor([[False,  True, False,  True]])
    """

    count: int = 20

    def __call__(self, drive: Float[Tensor, "*axes cells"], heard: int) -> Bool[Tensor, "*axes cells"]:
        first = drive.argsort(dim=-1, descending=True, stable=True)[..., : self.count]
        return torch.zeros_like(drive, dtype=torch.bool).scatter(-1, first, True)


@dataclass(frozen=True)
class Within:
    """Those granule cells are active whose row differs from what they hear in at most `radius` signs.

    >>> from wavetrain.networks.cerebellum import Within
    >>> Within(1)(torch.tensor([[4.0, 2.0, 0.0]]), heard=4)  # all four alike, three, two
    tensor([[ True,  True, False]])
    """

    radius: float

    def __call__(self, drive: Float[Tensor, "*axes cells"], heard: int) -> Bool[Tensor, "*axes cells"]:
        return drive >= heard - 2 * self.radius


class Teaching(enum.Enum):
    """How climbing fibres change the synapses of active granule cells."""

    ADD = "what they say is added: Kanerva's counters"
    ERROR = "by a part of what is missing"


FEW = Winners()


class Cerebellum(Carrying):
    """x (B, T, inputs) to the rates of Purkinje cells (B, T, zones * purkinje); the state is W.

    The channels of x are the mossy fibres, one for each zone that says whether its climbing fibres are there
    (from 0 to 1), and what each of them says; `said` puts them together. W is (B, zones * purkinje, granule).
    Raises BadInput for more claws than mossy fibres, more winners than cells, a radius that is negative or
    above half of what a cell hears, a rate outside (0, 1], and fibres that are there by less than 0 or more
    than 1.

    >>> from wavetrain.networks import Cerebellum
    >>> network = Cerebellum(mossy=20, purkinje=1)
    >>> tone = torch.randn(1, 1, 20).sign()
    >>> _, synapses = network.carry(network.said(tone, torch.ones(1, 1, 1)))  # told once
    >>> network.carry(network.said(tone), synapses)[0].item(), int((synapses != 0).sum())
    (1.0, 20)
    """

    card = Card(
        title="Attention Approximates Sparse Distributed Memory",
        authors="Bricken, Trenton and Pehlevan, Cengiz",
        year=2021,
        source="NeurIPS 2021, arXiv 2111.05498",
        family="associative memory",
        topic="Sparse distributed memory",
    )

    def __init__(
        self,
        mossy: int,
        purkinje: int,
        *,
        zones: int = 1,
        granule: int = 1000,
        claws: int | None = 4,
        golgi: Winners | Within = FEW,
        teaching: Teaching = Teaching.ERROR,
        rate: float = 1.0,
    ):
        super().__init__()
        check_width("Cerebellum", mossy=mossy, purkinje=purkinje, zones=zones, granule=granule)
        heard = mossy if claws is None else claws
        check_width("Cerebellum", claws=heard)
        if heard > mossy:
            raise BadInput(f"Cerebellum: expected at most {mossy} claws, one a mossy fibre, got {heard}")
        if isinstance(golgi, Winners):
            check_width("Cerebellum", winners=golgi.count)
            if golgi.count > granule:
                raise BadInput(f"Cerebellum: expected at most {granule} winners, got {golgi.count}")
        elif not 0 <= golgi.radius <= heard / 2:
            raise BadInput(
                f"Cerebellum: expected a radius from 0 to half of {heard} signs, got {golgi.radius}"
            )
        if not 0 < rate <= 1:
            raise BadInput(f"Cerebellum: expected a rate above 0, up to 1, got {rate}")
        self.mossy, self.purkinje, self.zones, self.granule = mossy, purkinje, zones, granule
        self.heard, self.golgi, self.teaching, self.rate = heard, golgi, teaching, rate
        self.outputs = zones * purkinje
        self.inputs = mossy + zones + self.outputs
        signs = torch.randint(2, (granule, mossy)) * 2.0 - 1
        hears = torch.ones(granule, mossy)
        if heard < mossy:
            chosen = torch.rand(granule, mossy).argsort(1)[:, :heard]
            hears = torch.zeros(granule, mossy).scatter(1, chosen, 1.0)
        self.register_buffer("dendrites", signs * hears)
        self.start = nn.Parameter(torch.zeros(self.outputs, granule))

    dendrites: Tensor

    def begin(self, batch: int) -> Float[Tensor, "batch outputs granule"]:
        return self.start.expand(batch, -1, -1)

    def active(self, mossy: Float[Tensor, "*axes mossy"]) -> Bool[Tensor, "*axes granule"]:
        """Which granule cells are."""
        return self.golgi(mossy @ self.dendrites.T, self.heard)

    def said(
        self,
        mossy: Float[Tensor, "batch time mossy"],
        climbing: Float[Tensor, "batch time outputs"] | None = None,
        zone: int | None = None,
    ) -> Float[Tensor, "batch time inputs"]:
        """The input of mossy fibres with what the climbing fibres say to one zone, or to all; else silent.

        Raises BadInput for a zone that is not there.
        """
        if zone is not None and not 0 <= zone < self.zones:
            raise BadInput(f"Cerebellum: expected a zone from 0 to {self.zones - 1}, got {zone}")
        there = mossy.new_zeros(*mossy.shape[:-1], self.zones)
        if climbing is None:
            return torch.cat([mossy, there, mossy.new_zeros(*mossy.shape[:-1], self.outputs)], -1)
        there[..., slice(None) if zone is None else zone] = 1.0
        return torch.cat([mossy, there, climbing], -1)

    def carry(
        self, x: Float[Tensor, "batch time inputs"], state: State = None
    ) -> tuple[Float[Tensor, "batch time outputs"], Float[Tensor, "batch outputs granule"]]:
        if x.ndim != 3 or x.shape[-1] != self.inputs or x.shape[1] == 0:
            raise BadInput(f"Cerebellum: expected x (batch, time, {self.inputs}), got {tuple(x.shape)}")
        synapses = self.begin(len(x)) if state is None else state
        mossy, there, climbing = x.split([self.mossy, self.zones, self.outputs], -1)
        if not ((there >= 0) & (there <= 1)).all():
            worst = float(there.flatten()[(there - 0.5).abs().argmax()])
            raise BadInput(f"Cerebellum: expected climbing fibres to be there from 0 to 1, got {worst:g}")
        active = self.active(mossy).to(x.dtype)
        there = there.repeat_interleave(self.purkinje, -1)
        answers = []
        for now, told, says in zip(active.unbind(1), there.unbind(1), climbing.unbind(1), strict=True):
            rates = (synapses @ now[..., None])[..., 0] / now.sum(-1, keepdim=True).clamp(min=1)
            answers.append(rates)
            if told.any():
                missing = says if self.teaching is Teaching.ADD else self.rate * (says - rates)
                synapses = synapses + (told * missing)[..., None] * now[:, None]
        return torch.stack(answers, 1), synapses
