"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.networks.actor_critic import ActorCritic as ActorCritic
from wavetrain.networks.adapting_attractors import AdaptingAttractors as AdaptingAttractors
from wavetrain.networks.cerebellum import Cerebellum as Cerebellum
from wavetrain.networks.cortical_columns import CorticalColumns as CorticalColumns
from wavetrain.networks.fast_slow import FastSlow as FastSlow
from wavetrain.networks.global_workspace import GlobalWorkspace as GlobalWorkspace
from wavetrain.networks.hypernetwork import Hypernetwork as Hypernetwork
from wavetrain.networks.language_model import LanguageModel as LanguageModel
from wavetrain.networks.neural_memory import NeuralMemory as NeuralMemory
from wavetrain.networks.noise_generator import NoiseGenerator as NoiseGenerator
from wavetrain.networks.opponent_actor import OpponentActor as OpponentActor
from wavetrain.networks.phase_coding import PhaseCoding as PhaseCoding
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder as PredictiveAutoencoder
from wavetrain.networks.recoding import Recoding as Recoding
from wavetrain.networks.streaming_decoder import StreamingDecoder as StreamingDecoder
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum as TolmanEichenbaum
from wavetrain.networks.transient_states import TransientStates as TransientStates
from wavetrain.networks.translator import Translator as Translator
from wavetrain.networks.universal_transformer import UniversalTransformer as UniversalTransformer
from wavetrain.networks.wave_predictor import WavePredictor as WavePredictor
from wavetrain.networks.windowed_decoder import WindowedDecoder as WindowedDecoder
