"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.rules.backpropagation import Backpropagation as Backpropagation
from wavetrain.rules.by_chunks import ByChunks as ByChunks
from wavetrain.rules.consolidation import Consolidation as Consolidation
from wavetrain.rules.counter_current import CounterCurrent as CounterCurrent
from wavetrain.rules.e_prop import EProp as EProp
from wavetrain.rules.elastic_weight_consolidation import ElasticWeightConsolidation as ElasticWeightConsolidation
from wavetrain.rules.feedback_alignment import FeedbackAlignment as FeedbackAlignment
from wavetrain.rules.full_force import FullForce as FullForce
from wavetrain.rules.gradient_noise import GradientNoise as GradientNoise
from wavetrain.rules.gradient_projection import GradientProjection as GradientProjection
from wavetrain.rules.hebbian.bcm import BCM as BCM
from wavetrain.rules.hebbian.hebb import Hebb as Hebb
from wavetrain.rules.hebbian.minibatch_stdp import MinibatchSTDP as MinibatchSTDP
from wavetrain.rules.hebbian.oja import Oja as Oja
from wavetrain.rules.hebbian.pair_stdp import PairSTDP as PairSTDP
from wavetrain.rules.hebbian.reward_stdp import RewardSTDP as RewardSTDP
from wavetrain.rules.hebbian.triplet_stdp import TripletSTDP as TripletSTDP
from wavetrain.rules.hebbian_projection import HebbianProjection as HebbianProjection
from wavetrain.rules.held_weights import HeldWeights as HeldWeights
from wavetrain.rules.replay.dark_experience_replay import DarkExperienceReplay as DarkExperienceReplay
from wavetrain.rules.replay.experience_replay import ExperienceReplay as ExperienceReplay
from wavetrain.rules.replay.generative_replay import GenerativeReplay as GenerativeReplay
from wavetrain.rules.rtrl import RTRL as RTRL
from wavetrain.rules.snap import SnAp as SnAp
from wavetrain.rules.three_factor import ThreeFactor as ThreeFactor
from wavetrain.rules.truncated_backpropagation import TruncatedBackpropagation as TruncatedBackpropagation
