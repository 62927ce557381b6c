"""Where every parameter of every network starts; see tests/test_starts.py for what is checked and how.

A linear map, an embedding, a norm and a gated layer start as PyTorch starts them, but for those named here.
"""

import math
import re
from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import nn

from tests.test_starts import SEEDS, Check, drawn, exactly, normal, within
from wavetrain import find
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.networks._step_sizes import Learned
from wavetrain.networks.actor_critic import ActorCritic
from wavetrain.networks.adapting_attractors import AdaptingAttractors
from wavetrain.networks.cerebellum import Cerebellum
from wavetrain.networks.cortical_columns import CorticalColumns
from wavetrain.networks.fast_slow import Embedding, FastSlow
from wavetrain.networks.global_workspace import GlobalWorkspace, Table
from wavetrain.networks.hypernetwork import Hypernetwork
from wavetrain.networks.language_model import LanguageModel
from wavetrain.networks.neural_memory import Feedback, NeuralMemory
from wavetrain.networks.noise_generator import NoiseGenerator
from wavetrain.networks.opponent_actor import OpponentActor
from wavetrain.networks.phase_coding import PhaseCoding
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder
from wavetrain.networks.recoding import Recoding, WordModel
from wavetrain.networks.streaming_decoder import StreamingDecoder
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.networks.transient_states import TransientStates
from wavetrain.networks.translator import Translator
from wavetrain.networks.universal_transformer import Halting, UniversalTransformer
from wavetrain.networks.wave_predictor import WavePredictor
from wavetrain.networks.windowed_decoder import WindowedDecoder

PATTERNS = torch.tensor([[1.0, 1, -1, -1], [1, -1, 1, -1], [1, 1, 1, -1]])
CLIQUES = [tuple(range(6)), tuple(range(5, 12))]
PIXELS = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))
GRID = (PIXELS[:, None] - PIXELS).norm(dim=-1)  # how far they are apart
MAKE: dict[str, Callable[[], nn.Module]] = {
    "actor_critic": lambda: ActorCritic(25, 4),
    "adapting_attractors": lambda: AdaptingAttractors(PATTERNS),
    "cerebellum": lambda: Cerebellum(6, 2),
    "cortical_columns": lambda: CorticalColumns(50),
    "fast_slow": lambda: FastSlow(Embedding(20), 32, 60),
    "global_workspace": lambda: GlobalWorkspace(modules=[Table(19)]),
    "hypernetwork": lambda: Hypernetwork((20, 10, 2), 4, embedding=8),
    "language_model": lambda: LanguageModel([Elman(32)], 60, tied=False, mlp=64, positions=20),
    "neural_memory": lambda: NeuralMemory(24, 12, feedback=Feedback(fast=True)),
    "noise_generator": lambda: NoiseGenerator(64, 12, 5),
    "opponent_actor": lambda: OpponentActor(25, 4),
    "phase_coding": lambda: PhaseCoding(20),
    "predictive_autoencoder": lambda: PredictiveAutoencoder(32, 20),
    "recoding": lambda: Recoding(WordModel(40, 32, depth=2, decoders=2), size=Learned),
    "streaming_decoder": lambda: StreamingDecoder(20, outputs=40),
    "tolman_eichenbaum": TolmanEichenbaum,
    "transient_states": lambda: TransientStates(CLIQUES, 40),
    "translator": lambda: Translator(24, 20, 18),
    "wave_predictor": lambda: WavePredictor(4, strength=0.5, reach=2.0),
    "windowed_decoder": lambda: WindowedDecoder(20, outputs=40),
    "universal_transformer": lambda: UniversalTransformer(12, 10, halting=Halting()),
}


def cut(deviation: float, at: float) -> Check:
    """Normal of that deviation, drawn again until it lies within +/- `at`."""
    law = stats.truncnorm(-at / deviation, at / deviation, scale=deviation)
    filled = drawn(stats.uniform(0, 1), lambda v: torch.from_numpy(law.cdf(v.numpy())))

    def check(v: torch.Tensor, others: dict[str, torch.Tensor]) -> None:
        assert v.abs().max() <= at
        filled(v, others)

    return check


def xavier(outputs: int, inputs: int) -> Check:
    return normal((2 / (inputs + outputs)) ** 0.5)


def scaled(v: torch.Tensor, others: dict[str, torch.Tensor]) -> None:
    """Uniform about 0, up to a factor of each start."""
    drawn(stats.uniform(-1, 2), lambda v: v / v.flatten(1).abs().amax(1).view(-1, *(1,) * (v.ndim - 1)))(
        v, others
    )


CELLS = (10, 10, 8, 6, 6)  # sampled cells of the machine's modules; each has three times as many
NAMED: dict[str, dict[str, Check]] = {  # by patterns of names; the first that fits
    "actor_critic": {"value|preference": exactly(0)},
    "adapting_attractors": {"weight": exactly(PATTERNS.T @ PATTERNS / 4 - 3 / 4 * torch.eye(4))},
    "cerebellum": {"start": exactly(0)},
    "cortical_columns": {
        r"embed\.weight": normal(0.02),
        r"columns\.\d\.hint\.weight": exactly(0),
        r"thalamus\.\d\.near": normal(4**-0.5),
        r"hippocampus\.open": exactly(0),
    },
    "fast_slow": {r"(body|slow)\.layer\.cell\.\w+": within(64**-0.5)},
    "global_workspace": {r"\S*scores": exactly(0)},
    "hypernetwork": {
        r"embeddings\.\d|generator\.places": normal(1),
        r"generator\.head\.\w+": scaled,
    },
    "language_model": {r"(embeddings|positions)\.weight": normal(0.02)},
    "neural_memory": {
        "sharpness": exactly(4),
        "memory": normal(0.1),
        "rate": exactly(0.01),
        r"cuts\.\w+\.net\.2\.\w+": exactly(0),
    },
    "noise_generator": {r"(encode|recur|read)\.weight": within(64**-0.5)},
    "opponent_actor": {"value": exactly(0), "for_it|against": exactly(1)},
    "phase_coding": {"gain": exactly(1)},
    "predictive_autoencoder": {r"(encode|recur)\.\w+": within(32**-0.5)},
    "recoding": {r"sizes\.\d\.a": drawn(stats.uniform(0, 1))},
    "streaming_decoder": {
        r"layer\.theta": exactly(math.log(0.4)),
        r"layer\.phi": exactly(math.log(0.6)),
        r"layer\.tau_first\.log": exactly(math.log(-4 / math.log(0.9))),
        r"layer\.tau\.log": exactly(math.log(-4 / math.log(0.7))),
        r"read\.gain": normal(1),
        r"read\.tau\.log": exactly(math.log(-1 / math.log(0.8))),
    },
    "wave_predictor": {r"coupling\.weight": exactly(0.5 * torch.exp(-(GRID**2) / 8))},
    "windowed_decoder": {
        r"layer\.(theta|phi)": exactly(math.log(0.5)),
        r"layer\.(tau_first|tau)\.log": exactly(math.log(4 / math.log(2))),
        r"read\.gain": normal(1),
        r"read\.tau\.log": exactly(math.log(1 / math.log(2))),
    },
    "tolman_eichenbaum": {
        "first": cut(0.5, 1.0),
        "hidden": xavier(4, 20 * 5),
        "smooth": exactly(torch.tensor([0.99, 0.3, 0.09, 0.03, 0.01]).logit()),
        "sight|scale": exactly(1),
        r"first_spread|drive|shift|\S*bias": exactly(0),
        r"tell\.0\.weight": xavier(200, 10),
        r"tell\.2\.weight": xavier(46, 200),
        r"recall\.last\.\d\.weight": cut(0.1, 0.2),
    }
    | {
        rf"{part}\.{side}\.{module}\.weight": xavier(*sizes)
        for module, s in enumerate(CELLS)
        for part, inputs in (("path_spread", 3 * s), ("recall", s), ("recall_spread", 2))
        for side, sizes in (("first", (6 * s, inputs)), ("last", (3 * s, 6 * s)))
        if (part, side) != ("recall", "last")
    },
    "transient_states": {"see": normal(0.1)},
    "translator": {},
    "universal_transformer": {r"encode\.weight": normal(1), r"halt\.bias": exactly(1)},
}


def usual(owner: nn.Module, name: str) -> Check:
    """How PyTorch starts a parameter of such a module."""
    if isinstance(owner, nn.Linear):
        return within(owner.in_features**-0.5)
    if isinstance(owner, nn.RNNBase | nn.LSTMCell):
        return within(owner.hidden_size**-0.5)
    if isinstance(owner, nn.Embedding):
        return normal(1)
    if isinstance(owner, nn.LayerNorm | nn.RMSNorm):
        return exactly(1 if name == "weight" else 0)
    raise AssertionError(f"{name} of {type(owner).__name__} has a start of its own, which belongs in NAMED")


@pytest.mark.parametrize("found", find.members("networks"), ids=lambda found: found.name)
def test_every_parameter_starts_as_published(found: find.Found) -> None:
    starts = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        starts.append(MAKE[found.name]())
    values = [dict(one.named_parameters()) for one in starts]
    used = set()
    for name in values[0]:
        pattern = next((one for one in NAMED[found.name] if re.fullmatch(one, name)), None)
        used.add(pattern)
        owner, _, last = name.rpartition(".")
        check = usual(starts[0].get_submodule(owner), last) if pattern is None else NAMED[found.name][pattern]
        try:
            check(torch.stack([one[name].detach() for one in values]), {})
        except AssertionError as error:
            raise AssertionError(f"{found.name}: {name} does not start as it should: {error}") from error
    assert used >= set(NAMED[found.name]), "every pattern is of a parameter"
