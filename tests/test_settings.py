"""The settings of layers, memories, networks, rules and parts at their edges: the last one that is taken, and
the first that is refused, in one line. Bounds of tasks stand in test_task_sizes.py.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from wavetrain import find
from wavetrain.errors import BadInput
from wavetrain.layers.recurrence.elm_neuron import Leak
from wavetrain.layers.state_space.mamba2 import Variant
from wavetrain.memories.dense_hopfield import Steepness
from wavetrain.memories.general_sequential import Dynamics, GeneralSequential, Nonlinearity
from wavetrain.memories.temporal_memory import (
    Sets,
    SoftmaxClassifier,
    SpatialPooler,
    TemporalMemory,
    categories,
    scalar,
)
from wavetrain.networks.neural_memory import Feedback
from wavetrain.networks.universal_transformer import Halting
from wavetrain.parts import balls, ramps, spikes, worlds
from wavetrain.parts.automaton import Automaton
from wavetrain.parts.nulls import least_shift
from wavetrain.parts.sampling import Sampling
from wavetrain.parts.transport import sinkhorn
from wavetrain.rules.full_force import Student
from wavetrain.scan import Newton

NAN, TINY = math.nan, 1e-6
TURN = 2 * math.pi
Settings = list[dict[str, Any]]


def member(name: str, *sizes: object, **more: object) -> Callable[..., object]:
    """A member of any kind, at these sizes."""
    return partial(
        find.named(name, ("layers", "memories", "networks", "rules", "spiking")).load(), *sizes, **more
    )


def each(name: str, *values: object) -> Settings:
    return [{name: value} for value in values]


def followed(memory: GeneralSequential) -> torch.Tensor:
    """What follows a pattern that follows itself."""
    key = torch.ones(1, 1, 4)
    return memory.read(memory.write(memory.empty(1), key, key), key)


TRAINS = [np.array([0.0, 0.5])]
POINTS = torch.zeros(3, 2), torch.ones(3, 2)

EDGES: dict[str, tuple[Callable[..., object], Settings, Settings]] = {
    "adapting_attractors, units": (
        member("adapting_attractors"),
        each("patterns", torch.ones(1, 1)),
        each("patterns", torch.ones(0, 1), torch.zeros(1, 1), torch.ones(1)),
    ),
    "analog_lstm": (
        lambda **errors: member("analog_lstm", 4)().program(**errors),  # type: ignore[attr-defined]
        [{}, *each("weights", 0, 0.5), *each("ramp", 0, 0.5)],
        [*each("weights", -TINY, NAN), *each("ramp", -TINY, NAN)],
    ),
    "cortical_columns": (
        member("cortical_columns", 7, 8, rank=8, heads=2),
        [*each("read_at", 1, 2), dict(read_at=9, slots=0), *each("experts", 0, 2), *each("rank", 8, 16)],
        [*each("read_at", 0, 3), *each("experts", -1, 1), *each("rank", 0, 7, 9), *each("heads", 0, 3, 16)],
    ),
    "dark_experience_replay": (
        member("dark_experience_replay"),
        [*each("alpha", 0), *each("beta", 0), *each("size", 1), *each("replayed", 1, None)],
        [*each("alpha", -TINY, NAN), *each("beta", -TINY, NAN), *each("size", 0), *each("replayed", 0)],
    ),
    "dense_hopfield": (
        member("dense_hopfield", 4),
        [*each("power", 2), *each("updates", 1), *each("beta", TINY), *each("steepness", *Steepness)],
        [*each("power", 1), *each("updates", 0), *each("beta", 0, NAN, math.inf)],
    ),
    "echo_state": (
        member("echo_state", 4),
        [*each("radius", 0), *each("leak", TINY, 1), *each("scale", TINY)],
        [*each("radius", -TINY), *each("leak", 0, 1 + TINY), *each("scale", 0)],
    ),
    "elastic_weight_consolidation": (
        member("elastic_weight_consolidation"),
        [*each("strength", 0), *each("sharpness", TINY)],
        [*each("strength", -TINY), *each("sharpness", 0)],
    ),
    "elm_neuron": (
        member("elm_neuron", 4, 6),
        [
            *each("branches", 1, 6, 7),
            dict(branches=4, synapses=2),
            *each("leak", Leak(shortest=TINY), Leak(shortest=9, longest=9 + TINY), Leak(step=TINY)),
        ],
        [
            *each("branches", 0),
            dict(branches=4, synapses=1),
            *each("leak", Leak(shortest=0), Leak(shortest=9, longest=9)),
            *each("leak", Leak(step=0), Leak(branch=0), Leak(gain=0)),
        ],
    ),
    "experience_replay": (
        member("experience_replay"),
        [*each("size", 1), *each("replayed", 1, None)],
        [*each("size", 0), *each("replayed", 0)],
    ),
    "full_force": (
        member("full_force"),
        [*each("alpha", TINY), *each("share", TINY, 1), *each("forced", 0)],
        [*each("alpha", 0, NAN), *each("share", 0, 1 + TINY), *each("forced", -1)],
    ),
    "full_force, student": (
        partial(Student, 2, 1, 1, gain=0),
        each("tau", TINY),
        each("tau", 0, NAN),
    ),
    "general_sequential": (
        partial(GeneralSequential, 4, Nonlinearity.FEATURE),
        each("dynamics", Dynamics(0.26, 0.1)),
        each("dynamics", Dynamics(0.25, 0.1)),  # hold * size * gamma = 1
    ),
    "general_sequential, what follows": (
        lambda cross: followed(GeneralSequential(4, dynamics=Dynamics(1.0, cross, gain=1.0))),
        each("cross", 1.01),
        each("cross", 1.0),  # it rises to what holds a memory, and never above it
    ),
    "generative_replay": (
        member("generative_replay"),
        [*each("latent", 1), *each("hidden", 1), *each("rate", 0), *each("replayed", 1, None)],
        [*each("latent", 0), *each("hidden", 0), *each("rate", -TINY, NAN), *each("replayed", 0)],
    ),
    "global_workspace": (member("global_workspace"), each("told", 1, 19), each("told", 0, 20)),
    "leaky_rnn": (member("leaky_rnn", 4), each("tau", 1, None), each("tau", 1 - TINY, NAN)),
    "line_attractor": (member("line_attractor", 4), each("tau", 1), each("tau", 1 - TINY, NAN)),
    "lru": (
        member("lru", 4),
        [dict(smallest=0, largest=TINY), dict(smallest=1 - TINY, largest=1), *each("phase", TINY, TURN)],
        [
            *each("smallest", -TINY, 1),
            dict(smallest=0.5, largest=0.5),
            *each("largest", 1 + TINY),
            *each("phase", 0, TURN + TINY),
        ],
    ),
    "lssl": (member("lssl", 4, states=2), each("alpha", 0, 1), each("alpha", -TINY, 1 + TINY)),
    "mamba2": (
        member("mamba2", 4),
        [
            *each("heads", 1, 8),
            dict(heads=4, groups=4),
            *each("variant", Variant(limit=(0, 0)), Variant(kernel=1), Variant(chunk=1)),
        ],
        [
            *each("heads", 0, 3, 16),
            dict(heads=4, groups=3),
            *each("variant", Variant(limit=(-TINY, 1)), Variant(limit=(1, 1 - TINY)), Variant(kernel=0)),
        ],
    ),
    "neural_memory": (
        lambda share: member("neural_memory", 4, 5)(feedback=Feedback(share=share)),
        each("share", 0, 1),
        each("share", -TINY, 1 + TINY),
    ),
    "para_gru": (member("para_gru", 6, 4), each("heads", 1, 2), each("heads", 0, 3, 4)),
    "phase_coding": (
        member("phase_coding", 3),
        [*each("period", TINY), *each("tau", 1), *each("rest", 0), *each("depth", -1), *each("lag", -1)],
        [
            *each("period", 0, NAN),
            *each("tau", 1 - TINY),
            *each("rest", -1),
            *each("depth", math.inf),
            *each("lag", NAN),
        ],
    ),
    "quantum_rnn": (
        member("quantum_rnn", 3, workspace=1, degree=1),
        [*each("order", 0, 1), *each("spread", 0), *each("workspace", 12)],
        [*each("order", -1, 0.5), *each("spread", -TINY, NAN), *each("workspace", 0, 13)],
    ),
    "ring": (
        member("ring", 4),
        [*each("speed", TINY, 1), *each("keep", TINY, 1), *each("cells", 1)],
        [*each("speed", 0, 1 + TINY), *each("keep", 0, 1 + TINY), *each("cells", 0)],
    ),
    "s4": (member("s4", 4), each("states", 2), each("states", 0, 1, 3)),
    "s4d": (member("s4d", 4), each("states", 2), each("states", 0, 1, 3)),
    "sdm_attention": (
        member("sdm_attention", 8, heads=1),
        [*each("radius", 1, 4), *each("beta", TINY)],
        [*each("radius", 0, 5), *each("beta", 0, math.inf)],
    ),
    "sdm_perceptron": (
        member("sdm_perceptron", 4, neurons=5),
        [*each("winners", 1, 5), dict(winners=2, switch=1)],
        [*each("winners", 0, 6), dict(winners=2, switch=0)],
    ),
    "sparse_distributed": (
        member("sparse_distributed", 10, neurons=5),
        each("radius", TINY, 5 - TINY),
        each("radius", 0, 5),
    ),
    "sparse_distributed, two bits": (
        member("sparse_distributed", 2, neurons=5),
        each("radius", 1),
        each("radius", 1.5),
    ),
    "state_regularized": (
        member("state_regularized", 4),
        each("temperature", TINY),
        each("temperature", 0, NAN),
    ),
    "tem_transformer": (
        member("tem_transformer", 4, 6),
        each("actions", 0, 5),
        each("actions", -1, 6, 2.0),
    ),
    "temporal_memory, pooler": (
        partial(SpatialPooler, 5, 6, winners=2),
        [*each("winners", 1, 6), *each("potential", TINY, 1)],
        [*each("winners", 0, 7), *each("potential", 0, 1 + TINY)],
    ),
    "temporal_memory, bits": (
        lambda low=0, high=1, **sizes: scalar(
            torch.zeros(1), **{"size": 5, "ones": 2, **sizes}, low=low, high=high
        ),
        [*each("ones", 1, 4), *each("high", TINY)],
        [*each("ones", 0, 5), *each("high", 0, math.inf)],
    ),
    "temporal_memory, codes": (
        lambda ones: categories(2, 8, ones, torch.Generator()),
        each("ones", 1, 8),
        each("ones", 0, 9),
    ),
    "temporal_memory, classifier": (
        lambda cell=0, bucket=0, records=1: SoftmaxClassifier(4, 3).forward(
            Sets(torch.tensor([cell]), torch.tensor([1])), torch.full((records,), bucket)
        ),
        [*each("cell", 0, 3), *each("bucket", 0, 2)],
        [*each("cell", -1, 4), *each("bucket", -1, 3), *each("records", 0, 2)],
    ),
    "temporal_memory, records": (
        lambda shape, dtype=torch.bool: TemporalMemory(6, 1).forward(torch.zeros(shape, dtype=dtype)),
        each("shape", (1, 6)),
        [*each("shape", (0, 6), (1, 5), (6,), (1, 1, 6)), dict(shape=(1, 6), dtype=torch.long)],
    ),
    "temporal_memory, records of bits": (
        lambda shape, dtype=torch.bool, columns=4: SpatialPooler(6, 4, winners=1).forward(
            torch.zeros(shape, dtype=dtype), torch.zeros(columns, 6)
        ),
        each("shape", (1, 6)),
        [*each("shape", (1, 5), (6,)), dict(shape=(1, 6), dtype=torch.long), dict(shape=(1, 6), columns=5)],
    ),
    "tolman_eichenbaum": (
        member("tolman_eichenbaum", 2, 2, iterations=1),
        each("modules", (1,), (1,) * 5),
        each("modules", (), (1, 0), (1,) * 6),
    ),
    "transient_states": (
        lambda linked, pixels=1: member("transient_states", linked, pixels)(),
        each("linked", [(0,)], [(0, 1), (2, 1)]),
        [*each("linked", [], [()], [(1,)], [(0, 2)]), dict(linked=[(0,)], pixels=0)],
    ),
    "translator": (
        lambda outputs=4, end=1: member("translator", 8, 5, outputs)(end=end),
        [*each("end", 0, 3), *each("outputs", 5)],
        [*each("end", -1, 4), *each("outputs", 6, 1)],
    ),
    "translator, of two encoders": (
        lambda width: member("translator", width, 5, 4)(),
        each("width", 2),
        each("width", 0, 1),
    ),
    "universal_transformer": (
        lambda **halting: member("universal_transformer", 3, 3, 8)(halting=Halting(**halting)),
        [*each("slack", TINY, 1 - TINY), *each("most", 1)],
        [*each("slack", 0, 1), *each("most", 0)],
    ),
    "wave_rnn": (
        member("wave_rnn", 12),
        [
            *each("channels", 1, 12),
            dict(channels=4, kernel=3),
            dict(channels=6, kernel=9),
            *each("kernel", 1),
        ],
        [*each("channels", 0, 5, 13), dict(channels=3, kernel=2), *each("kernel", 0)],
    ),
    "automaton": (
        lambda after, answer=(0, -1): Automaton(np.array(after), np.array(answer)),
        each("after", [[0, 1], [-1, 0]]),
        [*each("after", [[0, 2], [0, 0]], [[0, -2], [0, 0]], [[0, 1]], [[0.0], [0.0]])],
    ),
    "balls": (
        lambda radius: balls.circle(4, radius),
        each("radius", 0, 4),
        each("radius", -1, 5),
    ),
    "balls, caps": (
        lambda bits, radius=1, distance=0: balls.cap(bits, radius, distance),
        [dict(bits=2), dict(bits=4, radius=2)],
        [dict(bits=1, radius=0), dict(bits=4, radius=2 + TINY), dict(bits=4, radius=-TINY)],
    ),
    "newton": (
        Newton,
        [*each("tolerance", TINY, None), *each("cap", 0, 1), *each("damping", TINY, 1)],
        [*each("tolerance", 0, NAN), *each("cap", -1, 1.0), *each("damping", 0, 1 + TINY)],
    ),
    "nulls": (lambda least: least_shift(10, least), each("least", 1, 5, None), each("least", 0, 6)),
    "ramps": (ramps.codes, each("bits", 2, 16), each("bits", 1, 17, 4.0)),
    "sampling": (
        Sampling,
        [
            *each("temperature", 0, 1e9),
            *each("top_p", TINY, 1),
            *each("min_p", 0, 1),
            *each("repetition_penalty", TINY, 1e9),
            *each("top_k", 1, None),
        ],
        [
            *each("temperature", -TINY, math.inf, NAN, True),
            *each("top_p", 0, 1 + TINY),
            *each("min_p", -TINY, 1 + TINY),
            *each("repetition_penalty", 0, math.inf),
            *each("top_k", 0, 1.0),
        ],
    ),
    "spikes": (
        lambda rate=10.0, seconds=1.0: spikes.counts(TRAINS, rate=rate, start=0.0, seconds=seconds),
        [dict(rate=1.0), dict(rate=0.1)],
        [dict(rate=0.0), dict(rate=-1.0), dict(seconds=0.0), dict(rate=math.inf), dict(seconds=NAN)],
    ),
    "transport": (
        lambda x=POINTS[0], y=POINTS[1], blur=0.5, last=3: sinkhorn(x, y, blur=blur, last=last),
        [dict(blur=TINY), dict(last=1), dict(x=POINTS[0][:1]), dict(y=POINTS[1][:1])],
        [
            *each("blur", 0, NAN),
            *each("last", 0),
            *each("x", POINTS[0][:0], POINTS[0][:, :1], POINTS[0][0]),
            *each("y", POINTS[1][:0], POINTS[1][0]),
        ],
    ),
    "worlds, links": (
        lambda pairs: worlds.graph(pairs, 3),
        each("pairs", [(0, 1), (1, 2)]),
        each("pairs", [(0, 1), (1, 3)], [(0, 1), (-1, 2)], [(0, 1)], []),
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_what_is_at_the_edge_is_taken_and_what_is_beyond_refused(name: str) -> None:
    make, taken, refused = EDGES[name]
    torch.manual_seed(0)
    for settings in taken:
        make(**settings)
    for settings in refused:
        with pytest.raises(BadInput) as caught:
            make(**settings)
            pytest.fail(f"{name} takes {settings}")
        assert "\n" not in str(caught.value)
