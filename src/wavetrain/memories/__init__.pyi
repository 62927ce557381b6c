"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.memories.correlation_matrix import CorrelationMatrix as CorrelationMatrix
from wavetrain.memories.dense_hopfield import DenseHopfield as DenseHopfield
from wavetrain.memories.general_sequential import GeneralSequential as GeneralSequential
from wavetrain.memories.hopfield import Hopfield as Hopfield
from wavetrain.memories.sparse_distributed import SparseDistributed as SparseDistributed
from wavetrain.memories.temporal_memory import TemporalMemory as TemporalMemory
