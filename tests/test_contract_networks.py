"""The contract of networks: all of them that `find` finds keep these promises."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from wavetrain import find
from wavetrain.core import Card, Layer, Network
from wavetrain.core.network import Carrying
from wavetrain.core.state import State
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.networks.actor_critic import ActorCritic
from wavetrain.networks.adapting_attractors import AdaptingAttractors
from wavetrain.networks.cerebellum import Cerebellum, Winners
from wavetrain.networks.cortical_columns import CorticalColumns
from wavetrain.networks.fast_slow import Embedding, FastSlow
from wavetrain.networks.global_workspace import GlobalWorkspace
from wavetrain.networks.hypernetwork import Chunked, Hypernetwork
from wavetrain.networks.language_model import LanguageModel
from wavetrain.networks.noise_generator import NoiseGenerator
from wavetrain.networks.opponent_actor import OpponentActor
from wavetrain.networks.phase_coding import PhaseCoding
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.networks.recoding import Recoding, Signal, WordModel
from wavetrain.networks.streaming_decoder import StreamingDecoder
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.networks.transient_states import TransientStates
from wavetrain.networks.translator import Translator
from wavetrain.networks.universal_transformer import UniversalTransformer
from wavetrain.networks.wave_predictor import WavePredictor
from wavetrain.networks.windowed_decoder import WindowedDecoder
from wavetrain.testing import networks

DICE = torch.Generator().manual_seed(3)
TOKENS = torch.randint(1, 7, (3, 6), generator=DICE)
SENTENCES = torch.cat([TOKENS[:, :3] % 5 + 2, torch.ones(3, 1).long(), TOKENS[:, 3:] % 5 + 2], 1)  # 1 ends
VALUES = torch.rand(3, 6, 5, generator=DICE, dtype=torch.float64)


def one_hot(*sizes: int) -> Tensor:
    """Random one-hot vectors side by side, (3, 6, sum of sizes)."""
    parts = [nn.functional.one_hot(torch.randint(n, (3, 6), generator=DICE), n) for n in sizes]
    return torch.cat(parts, -1).double()


def learned(network: nn.Module) -> Network:
    """Not at the start, where all actions are as likely and the gradient of that is 0."""
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    return network


NETWORKS: dict[str, tuple[Callable[[], Network], Tensor]] = {
    "actor_critic": (lambda: learned(ActorCritic(7, 3)), TOKENS),
    "adapting_attractors": (lambda: AdaptingAttractors(torch.ones(1, 5)), VALUES),
    "cerebellum": (lambda: Cerebellum(2, 2, granule=9, claws=2, golgi=Winners(3)), VALUES),
    "cortical_columns": (lambda: CorticalColumns(7, 8, 2, 2), TOKENS),
    "fast_slow": (lambda: FastSlow(Embedding(5, 4, 3), 3, 2), VALUES),
    "global_workspace": (lambda: GlobalWorkspace(4, 2, 5, 3), torch.tensor([[1, 0], [3, 1], [2, 1]])),
    "hypernetwork": (lambda: Hypernetwork((30, 4, 2), 2, partial(Chunked, chunk=20), 5), VALUES),
    "language_model": (lambda: LanguageModel([Elman(8)], 7), TOKENS),
    "noise_generator": (lambda: NoiseGenerator(4, 2, 3), VALUES),
    "opponent_actor": (lambda: learned(OpponentActor(7, 3)), TOKENS),
    "phase_coding": (lambda: PhaseCoding(5, period=4.0, tau=1.0, depth=0.1, rest=1), 2 * VALUES),
    "predictive_autoencoder": (lambda: PredictiveAutoencoder(4, 5), VALUES),
    "recoding": (lambda: Recoding(WordModel(7, 6, depth=2), Signal.SURPRISAL), TOKENS),
    "streaming_decoder": (lambda: StreamingDecoder(5, 2, 6, 7), VALUES),
    "tolman_eichenbaum": (lambda: TolmanEichenbaum(5, 4, (3, 2)), one_hot(6, 4)),
    "transient_states": (lambda: TransientStates([(0, 1, 2), (2, 3)], 5), VALUES),
    "translator": (lambda: Translator(4, 7, 7), SENTENCES),
    "universal_transformer": (lambda: UniversalTransformer(7, 8), TOKENS),
    "wave_predictor": (lambda: WavePredictor(2, speed=0.5), VALUES[..., :4]),
    "windowed_decoder": (lambda: WindowedDecoder(5, 2, 6, 7, parts=3, each=2), VALUES),
}


def test_every_network_is_held_to_it():
    found = {one.name: one.load() for one in find.members("networks")}
    layers = {name for name, one in found.items() if issubclass(one, Layer)}  # they have their own contract
    assert set(found) - layers == set(NETWORKS)
    for name, (make, _) in NETWORKS.items():
        assert type(make()) is found[name] and isinstance(make(), Network)


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str):
    make, x = NETWORKS[name]
    networks.check_network(make, x)


class Sums(Carrying):
    """Sums over time, scaled."""

    card = Card("A toy", "Nobody, No", 2026, "this file, pp. 1", "toy", "none")

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.rand(()))

    def begin(self, batch: int) -> State:
        return self.gain.new_zeros(batch, 5)

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        total = (0 if state is None else state.unsqueeze(1)) + x.cumsum(1)
        return self.gain * total, total[:, -1]


class Fresh(Sums):
    """A planted bug: each call begins anew."""

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        return super().carry(x)


class Centred(Sums):
    """A planted bug: answers are centred over the batch."""

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().carry(x, state)
        return y - y.mean(0), state


class Counting(Sums):
    """A planted bug: calls are counted."""

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        self.calls = getattr(self, "calls", 0) + 1
        return super().carry(x, state)


class Cut(Sums):
    """A planted bug: nothing learns."""

    def carry(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        y, state = super().carry(x, state)
        return y.detach() + 0 * self.gain, state


@pytest.mark.parametrize(
    ("planted", "promise"), [(Fresh, "carries"), (Centred, "answers"), (Counting, "keeps"), (Cut, "learns")]
)
def test_the_contract_catches_planted_networks(planted: type[Sums], promise: str):
    networks.check_network(Sums, VALUES)
    with pytest.raises(AssertionError, match=f"{planted.__name__} breaks the promise '{promise}"):
        networks.check_network(planted, VALUES)
