"""Networks on nothing: a sequence without steps is refused in one line, a batch of none gives none."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.networks.actor_critic import ActorCritic
from wavetrain.networks.adapting_attractors import AdaptingAttractors
from wavetrain.networks.cerebellum import Cerebellum
from wavetrain.networks.cortical_columns import CorticalColumns
from wavetrain.networks.language_model import LanguageModel
from wavetrain.networks.neural_memory import NeuralMemory
from wavetrain.networks.noise_generator import NoiseGenerator
from wavetrain.networks.opponent_actor import OpponentActor
from wavetrain.networks.phase_coding import PhaseCoding
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.networks.recoding import Recoding, WordModel
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.networks.transient_states import TransientStates
from wavetrain.networks.translator import Translator
from wavetrain.networks.universal_transformer import UniversalTransformer
from wavetrain.networks.wave_predictor import WavePredictor

Given = Callable[[int, int], Tensor]


def values(channels: int) -> Given:
    return lambda batch, time: torch.zeros(batch, time, channels)


def tokens(batch: int, time: int) -> Tensor:
    return torch.zeros(batch, time, dtype=torch.long)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Given]] = {
    "ActorCritic": (lambda: ActorCritic(7, 3), tokens),
    "AdaptingAttractors": (lambda: AdaptingAttractors(torch.ones(2, 5)), values(5)),
    "Cerebellum": (lambda: Cerebellum(4, 2), values(7)),
    "CorticalColumns": (lambda: CorticalColumns(7, 8, 2, 2), tokens),
    "LanguageModel": (lambda: LanguageModel([Elman(8)], 7), tokens),
    "NeuralMemory": (lambda: NeuralMemory(4, 5), values(5)),
    "NoiseGenerator": (lambda: NoiseGenerator(4, 2, 3), values(5)),
    "OpponentActor": (lambda: OpponentActor(7, 3), tokens),
    "PhaseCoding": (lambda: PhaseCoding(5), values(5)),
    "PredictiveAutoencoder": (lambda: PredictiveAutoencoder(4, 5), values(5)),
    "Recoding": (lambda: Recoding(WordModel(7, 6)), tokens),
    "TolmanEichenbaum": (lambda: TolmanEichenbaum(5, 4, (3, 2)), values(10)),
    "TransientStates": (lambda: TransientStates([(0, 1)], 5), values(5)),
    "Translator": (lambda: Translator(4, 7, 7), tokens),
    "UniversalTransformer": (lambda: UniversalTransformer(7, 8), tokens),
    "WavePredictor": (lambda: WavePredictor(2), values(4)),
}

WANT_A_TOKEN = {"CorticalColumns", "Translator"}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_step_is_refused(name: str) -> None:
    network, given = NETWORKS[name]
    with pytest.raises(BadInput, match=r"\(2, 0"):
        network()(given(2, 0))


OF_VALUES = [name for name, (_, given) in NETWORKS.items() if given is not tokens]


@pytest.mark.parametrize("name", OF_VALUES)
def test_another_number_of_channels_or_axes_is_refused(name: str) -> None:
    network, given = NETWORKS[name]
    x = given(2, 3)
    for wrong in (x[..., 1:], torch.cat([x, x[..., :1]], -1), x[0], x[None]):
        with pytest.raises(BadInput, match=rf"\({', '.join(map(str, wrong.shape))}\)"):
            network()(wrong)


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"Translator"}))  # whose start is a token
def test_one_step_is_enough(name: str) -> None:
    network, given = NETWORKS[name]
    torch.manual_seed(0)
    answer = network()(given(2, 1))
    y = answer[0] if isinstance(answer, tuple) else answer
    assert len(y) == 2 and y.shape[1] == 1 and y.isfinite().all()


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - WANT_A_TOKEN))
def test_no_sequence_gives_none(name: str) -> None:
    network, given = NETWORKS[name]
    answer = network()(given(0, 3))
    y = answer[0] if isinstance(answer, tuple) else answer
    assert len(y) == 0 and y.ndim == 3
