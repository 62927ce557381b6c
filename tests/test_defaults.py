"""The defaults of layers, memories, networks and rules, and of the options that they take.

Sizes and rates of the papers or their released code where they give them, and ours elsewhere: either way
`Name(8)` is something else with another, and nobody would be told. None is left out: it is found by sizes.
"""

import enum
import importlib
import inspect
import math
from typing import Any

import pytest

from wavetrain import find
from wavetrain.parts.firing import Firing, Reset
from wavetrain.parts.surrogate import Arctan, FastSigmoid
from wavetrain.spiking.streaming import Population

OPTIONS = "as these options are by default"

STREAMING = (  # of which 0.9 and 0.7 are kept in a step of 4 ms
    Population(tau=-4 / math.log(0.9), threshold=0.4),
    Population(tau=-4 / math.log(0.7), threshold=0.6, reset=Reset.NONE),
)

DEFAULTS: dict[str, dict[str, Any]] = {
    "actor_critic-ActorCritic": dict(rate=0.2, actor=1.0, discount=0.95, steep=1.0),
    "alif-ALIF": dict(times=OPTIONS, strength=1.8, firing=Firing(threshold=0.01), dt=1.0),
    "alif-Times": dict(tau=20.0, spread=5.0, adapting=150.0, adapting_spread=10.0, learned=False),
    "adapting_attractors-AdaptingAttractors": dict(adaptation=0.0, tau=10.0, tau_tired=60.0, steep=6.0),
    "analog_lstm-AnalogLSTM": dict(converter="RAMP"),
    "aussm-AUSSM": dict(states=16, taps=4),
    "bcm-BCM": dict(tau=10.0, over_batch="MEAN"),
    "by_chunks-ByChunks": dict(chunk=20),
    "cerebellum-Cerebellum": dict(
        zones=1, granule=1000, claws=4, golgi=OPTIONS, teaching="ERROR", rate=1.0
    ),
    "cerebellum-Winners": dict(count=20),
    "conductance_lif-ConductanceLIF": dict(cell=OPTIONS, surrogate=Arctan(0.2), detached=False, dt=1.0),
    "converted-Converted": dict(levels=OPTIONS, threshold=0.3, inner=8, delivery="AT_ONCE"),
    "cortical_columns-CorticalColumns": dict(
        width=64, columns=3, heads=4, experts=8, rank=16, thalamus=True, slots=512, read_at=1
    ),
    "dark_experience_replay-DarkExperienceReplay": dict(alpha=0.5, beta=1.0, size=200, seed=0),
    "delay_sheet-DelaySheet": dict(cell=OPTIONS),
    "delayed_lif-DelayedLIF": dict(longest=10.0, tau=20.0, firing=OPTIONS, dt=1.0),
    "distributional-Distributional": dict(low=0.05, high=0.95, signs=False, kept=0.0),
    "dense_hopfield-DenseHopfield": dict(steepness="SOFTMAX", power=3, updates=1),
    "echo_state-EchoState": dict(radius=0.9, leak=1.0, scale=1.0),
    "elastic_weight_consolidation-ElasticWeightConsolidation": dict(strength=1.0, sharpness=1.0),
    "elm_neuron-ELMNeuron": dict(leak=OPTIONS),
    "elm_neuron-Leak": dict(
        step=1.0, branch=5.0, shortest=1.0, longest=1000.0, gain=5.0, bounded=False, learned=False
    ),
    "experience_replay-ExperienceReplay": dict(size=200, seed=0),
    "episodic-Episodic": dict(activation="TANH"),
    "full_force-FullForce": dict(alpha=1.0, share=0.5, forced=10),
    "fsmn-FSMN": dict(taps=20, levels=2, gated=True),
    "fast_slow-Embedding": dict(width=64, features=32),
    "general_sequential-Dynamics": dict(gain=7.0, gamma=1.0, fast=1.0, slow=20.0, step=0.1),
    "general_sequential-GeneralSequential": dict(nonlinearity="HIDDEN"),
    "generative_replay-GenerativeReplay": dict(latent=100, hidden=400, rate=1e-3, seed=0),
    "global_workspace-GlobalWorkspace": dict(values=19, told=10, hidden=32, steps=12),
    "gradient_projection-GradientProjection": dict(rows=32),
    "hebb-Hebb": dict(over_batch="MEAN"),
    "hebbian_projection-HebbianProjection": dict(rows=32, rate=0.01, repeats=5, apart=False),
    "hopfield-Hopfield": dict(storage="HEBB", update="ASYNCHRONOUS", sweeps=100),
    "identity_rnn-IdentityRNN": dict(shift=False, source=False, spread=0.001, activation="RELU"),
    "izhikevich-Izhikevich": dict(pattern=OPTIONS, surrogate=Arctan(0.2), detached=False, dt=0.5),
    "izhikevich-Pattern": dict(a=0.02, b=0.2, c=-65.0, d=8.0),
    "language_model-LanguageModel": dict(mlp=0, tied=True),
    "language_model-Predictor": dict(every_step=True),
    "leaky_rnn-LeakyRNN": dict(leak="INSIDE"),
    "lightnet-LightNet": dict(sink=False),
    "lightnet-TPE": dict(axes=2, heads=2),
    "lif-LIF": dict(tau=20.0, firing=OPTIONS, dt=1.0, learned=False),
    "line_attractor-LineAttractor": dict(tau=10.0, gain=1.0),
    "linear_attention-LinearAttention": dict(feature="POSITIVE", decay="NONE"),
    "loop_attention-LoopAttention": dict(window=16, temperature=1.0),
    "lru-LRU": dict(smallest=0.0, largest=1.0, phase=2 * math.pi),
    "lssl-LSSL": dict(states=64, readings=1, alpha=0.5, fixed=False),
    "mamba-Mamba": dict(states=16, expand=2, kernel=4, variant=OPTIONS),
    "mamba-Variant": dict(projection_bias=False, convolution_bias=True),
    "mamba2-Mamba2": dict(states=64, expand=2, groups=1, variant=OPTIONS),
    "mamba2-Variant": dict(
        projection_bias=False, convolution_bias=True, kernel=4, limit=(0.0, math.inf), chunk=64
    ),
    "mega-MEGA": dict(rates=16, chunk=128),
    "neural_memory-Feedback": dict(horizon=5, share=1.0, places=("WRITE",), fast=False),
    "neural_memory-NeuralMemory": dict(slots=20),
    "oja-Oja": dict(ordered=False, over_batch="MEAN"),
    "opponent_actor-OpponentActor": dict(
        rate=0.1, go=0.1, stop=0.1, gains=1.0, losses=1.0, discount=0.95
    ),
    "pair_stdp-PairSTDP": dict(
        potentiation=0.005, depression=0.00525, tau_plus=20.0, tau_minus=20.0, dt=1.0, nearest=False,
        bounds=OPTIONS, over_batch="SUM",
    ),
    "phase_coding-PhaseCoding": dict(period=1000 / 7.5, depth=0.8, tau=20.0, rest=3, lag=0.0),
    "predictive_autoencoder-PredictiveAutoencoder": dict(predicts=True, activation="TANH", output="sigmoid"),
    "two_step-TwoStep": dict(rho=0.5, eps=0.1, strength=100.0),
    "held_weights-HeldWeights": dict(beta=0.01, ahead=False, important=False, growth=0),
    "hypernetwork-Hypernetwork": dict(
        sizes=(784, 100, 100, 2), tasks=5, generator="Chunked", embedding=64
    ),
    "recoding-Recoding": dict(signal="PRINTED", size=0.1, masks=0, masked=0.21),
    "quantised_rnn-QuantisedRNN": dict(levels=OPTIONS, threshold=0.3, kept=0.9),
    "quantum_rnn-QuantumRNN": dict(workspace=4, stages=1, degree=3, order=2, spread=0.5),
    "recurrent_lif-RecurrentLIF": dict(
        tau=20.0, firing=Firing(surrogate=FastSigmoid()), dt=1.0, learned=False
    ),
    "recurrent_highway-RecurrentHighway": dict(depth=2),
    "reward_stdp-RewardSTDP": dict(
        potentiation=0.005, depression=0.005, tau_plus=20.0, tau_minus=20.0, tau_e=25.0, dt=1.0,
        bounds=OPTIONS, over_batch="SUM",
    ),
    "ring-Ring": dict(cells=64, closed=False, speed=1.0, keep=1.0),
    "s4-S4": dict(states=64),
    "s4d-S4D": dict(states=64, start="LIN"),
    "sdm_attention-SdmAttention": dict(weights="EXPONENTIAL", learned=False),
    "sdm_perceptron-SdmPerceptron": dict(neurons=1000, winners=10, positive=True),
    "softmax_attention-SoftmaxAttention": dict(rotary=True),
    "sparse_distributed-SharedNeurons": dict(space="BINARY", caps=False),
    "sparse_distributed-SparseDistributed": dict(neurons=1000, space="BINARY"),
    "state_regularized-StateRegularized": dict(states=12, cell="GRU", temperature=1.0, hard=False),
    "streaming-Population": dict(tau=20.0, threshold=1.0, reset="SUBTRACT"),
    "streaming-Streaming": dict(
        hidden=32, populations=STREAMING, dt=4.0, learned=True, surrogate=OPTIONS
    ),
    "streaming_decoder-StreamingDecoder": dict(outputs=2, hidden=32, width=48, dropout=0.3),
    "tcnca-TCNCA": dict(levels=3, taps=5, ratio=4, chunk=128),
    "tem_transformer-TemTransformer": dict(hidden=32, activation="IDENTITY"),
    "temporal_convolution-TemporalConvolution": dict(levels=4, taps=3, ratio=2, activation="RELU"),
    "temporal_difference-TemporalDifference": dict(trace=0.0, discount=1.0),
    "temporal_memory-Dendrites": dict(
        activation=15, matching=15, grow=32, initial=0.21, connected=0.5, up=0.1, down=0.1, punish=0.02,
        segments=128, synapses=128,
    ),
    "temporal_memory-SoftmaxClassifier": dict(ahead=5, rate=0.01),
    "temporal_memory-SpatialPooler": dict(columns=2048, winners=40, potential=0.8, seed=0),
    "temporal_memory-TemporalMemory": dict(columns=2048, cells=32, seed=0),
    "tolman_eichenbaum-TolmanEichenbaum": dict(
        observations=45, actions=4, modules=(10, 10, 8, 6, 6), length=20_000, trust=400, iterations=5
    ),
    "transient_states-Constants": dict(
        excite=0.15, inhibit=1.0, active=0.85, least=0.05, steep=20.0, excited_at=0.7, inhibits_at=0.15,
        fill=0.004, drain=0.009, step=0.2, learn=0.0, target=0.3, target_rest=-0.05, rise=0.5, decay=0.02,
        opens=0.2,
    ),
    "transient_states-TransientStates": dict(spread=0.1),
    "translator-Translator": dict(attention=True, reading="BOTH", layer="LSTM", end=1),
    "triplet_stdp-TripletSTDP": dict(
        pairs=(0.0, 0.0071), triplets=(0.0065, 0.0), taus=(16.8, 33.7, 101.0, 114.0), dt=1.0, bounds=OPTIONS,
        over_batch="SUM",
    ),
    "universal_transformer-Halting": dict(most=8, slack=0.01, bias=1.0, interpolated=True),
    "universal_transformer-Transformer": dict(width=64, heads=4, steps=4, causal=False),
    "universal_transformer-UniversalTransformer": dict(width=64, heads=4, steps=4, causal=False),
    "wave_predictor-WavePredictor": dict(strength=1.0, reach=0.84, speed=4.2, drive=0.03, bias=0.0),
    "wave_rnn-Start": dict(recurrent="SHIFT", source=True, zero_bias=False),
    "wave_rnn-WaveRNN": dict(kernel=3, activation="RELU", local=False, start=OPTIONS),
    "wave_working_memory-WaveWorkingMemory": dict(columns=8, boundary="LINEAR", heads=1),
    "windowed_decoder-WindowedDecoder": dict(
        outputs=2, hidden=32, width=48, parts=7, each=7, dropout=0.3
    ),
    "diehl_cook-DiehlCook": dict(cell=OPTIONS, dt=1.0),
    "counter_current-CounterCurrent": dict(rate=1.0, clip=1.0, match="PLAIN", units="elu", seed=0),
    "e_prop-EProp": dict(chunk=32),
    "e_prop-Follows": dict(decay=0.0),
    "decoupled-Decoupled": dict(steps=1, alpha=0.1, hidden=(300,), rate=0.001, together=False),
    "feedback_alignment-FeedbackAlignment": dict(feedback="RANDOM", seed=0),
    "gradient_noise-GradientNoise": dict(eta=0.01, gamma=0.55, seed=0),
    "three_factor-ThreeFactor": dict(critic=0.02, teaches="SELECTION"),
    "locally_connected-LocallyConnected": dict(cell=OPTIONS, dt=1.0),
    "minibatch_stdp-MinibatchSTDP": dict(
        potentiation=0.01, depression=0.0001, tau=20.0, dt=1.0, bounds=OPTIONS, over_batch="SUM"
    ),
    "rtrl-RTRL": dict(chunk=16),
    "snap-SnAp": dict(order=1, chunk=32),
    "hebbian_signal_propagation-Settling": dict(depth=2),
    "signal_propagation-SignalPropagation": dict(
        loss="ALL", told="ANSWER", clean=False, scaled=False, k=6, rate=0.0, seed=0
    ),
    "truncated_backpropagation-TruncatedBackpropagation": dict(steps=5, sliding=False),
}  # fmt: skip


def plain(value: Any) -> Any:
    """A default as it stands in the table."""
    if isinstance(value, enum.Enum):
        return value.name
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__name__
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(map(plain, value))
    if isinstance(value, bool | int | float):
        return value
    return OPTIONS if value == type(value)() else value


def written() -> dict[str, dict[str, Any]]:
    """The defaults of every class in the files of members."""
    found = {}
    kinds = ("layers", "memories", "networks", "rules", "spiking")
    for member in (one for kind in kinds for one in find.members(kind)):
        module = importlib.import_module(member.load().__module__)
        for name, one in vars(module).items():
            own = inspect.isclass(one) and one.__module__ == module.__name__
            if not own or issubclass(one, enum.Enum):
                continue
            given = inspect.signature(one).parameters.values()
            chosen = (part for part in given if part.default not in (part.empty, None))
            values = {part.name: plain(part.default) for part in chosen}
            if values:
                found[f"{member.name}-{name}"] = values
    return found


WRITTEN = written()


def test_every_class_with_defaults_is_here() -> None:
    assert set(WRITTEN) == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    assert WRITTEN[name] == DEFAULTS[name]
