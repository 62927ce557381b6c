"""What every part of Wavetrain promises, one promise a file: layer, memory, stream, rule, task, network ...

Shapes stand in the annotations: `Float[Tensor, "batch time inputs"]`; the names of axes are those of
CONTRIBUTING.md. Where a docstring speaks of shapes, B is the batch, T time, H heads, and P or D channels.
Tensors are batch first. A state is a tensor or a nested tuple of tensors, batch first; it is
passed in and returned, never kept in a module. A state may grow with time along one axis; zeros put behind
its end must then mean "nothing there", so that states of different age can share a batch.
"""

from wavetrain.core.card import Card
from wavetrain.core.check import check_heads, check_width, divisor
from wavetrain.core.layer import Layer, Nonlinear, Operator, check_input
from wavetrain.core.memory import Memory
from wavetrain.core.network import Carrying, Network
from wavetrain.core.rule import Lesson, Rule, examined, go_back
from wavetrain.core.state import State, detached, leaves, map_state, unroll
from wavetrain.core.stream import Stream
from wavetrain.core.tangent import tangent
from wavetrain.core.task import (
    CLASSES,
    TOKENS,
    VALUES,
    Batch,
    Generated,
    HeldOut,
    Objective,
    Recorded,
    Task,
    accuracy,
    explained,
    majority,
)

__all__ = [
    "CLASSES",
    "TOKENS",
    "VALUES",
    "Batch",
    "Card",
    "Carrying",
    "Generated",
    "HeldOut",
    "Layer",
    "Lesson",
    "Memory",
    "Network",
    "Nonlinear",
    "Objective",
    "Operator",
    "Recorded",
    "Rule",
    "State",
    "Stream",
    "Task",
    "accuracy",
    "check_heads",
    "check_input",
    "check_width",
    "detached",
    "divisor",
    "examined",
    "explained",
    "go_back",
    "leaves",
    "majority",
    "map_state",
    "tangent",
    "unroll",
]
