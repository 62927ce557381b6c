"""For type checkers and editors: the members of this kind. Written by `make stubs`."""

from wavetrain.rules.backpropagation import Backpropagation as Backpropagation
from wavetrain.rules.elastic_weight_consolidation import ElasticWeightConsolidation as ElasticWeightConsolidation
