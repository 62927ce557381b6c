"""Three memories on the same trials: alike in all but the layer, with the same search."""

import math
from pathlib import Path

import pytest

from wavetrain import find
from wavetrain.evidence.claims import Measured
from wavetrain.evidence.result import read
from wavetrain.experiments.working_memory._shared import at_level, three_memories
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.wave.wave_rnn import WaveRNN
from wavetrain.tasks.working_memory.visual_serial_recall import VisualSerialRecall
from wavetrain.train.lab import Lab, Plan


def test_three_memories_differ_in_the_layer_alone(tmp_path: Path):
    task, plan = VisualSerialRecall((2, 3), 4), Plan(3, 5, 0.0, clip=1.0, every=1, held_out=20)
    ends = three_memories(Lab(tmp_path, seed=1), task, 8, plan, 2, (1e-2, 1e-3), "_here")
    kinds = {"lstm": LSTM, "transformer": SoftmaxAttention, "wave": WaveRNN}
    assert list(ends) == list(kinds)
    for name, end in ends.items():
        (layer,) = end.network.stack.layers
        assert type(layer) is kinds[name] and layer.width == layer.inputs == 8
        assert end.done == 3 and end.plan.batch == 5 and end.plan.rate in (1e-2, 1e-3)
        tried = sorted(path.stem for path in (tmp_path / "checkpoints").glob(f"{name}_here*"))
        assert tried == [f"{name}_here", f"{name}_here-0.001-1.0", f"{name}_here-0.01-1.0"]
    encoders = [end.network.stack.encode.weight.shape for end in ends.values()]
    assert len(set(encoders)) == 1


@pytest.mark.parametrize("name", [one.name for one in find.members("experiments") if one.name[:5] == "worm_"])
def test_networks_that_make_no_mistakes_leave_every_part_undecided(name: str) -> None:
    """Nobody can show an effect on mistakes without making any; nor may a lack of it then count."""
    module = find.named(name, ("experiments",)).load()
    result = read(Path(__file__).parents[3] / "results" / f"{name}-small.json")
    assert result is not None
    for figures in result.figures:
        scores = {one for one in figures if one.startswith(("right_", "recall_"))}
        assert scores and all(0 <= float(figures[one] or 0) <= 1 for one in scores)
        perfect = Measured(dict(figures) | dict.fromkeys(scores, 1.0), module.small)
        assert [part.holds(perfect) for part in module.claim.parts] == [None] * len(module.claim.parts)


def test_a_part_can_tell_from_the_level_to_the_ceiling() -> None:
    holds = at_level(0.8, lambda figures: figures["effect"] > 0, ("score",))
    said = [holds(Measured({"score": score, "effect": 1.0})) for score in (0.79, 0.8, 0.95, 0.96, math.nan)]
    assert said == [None, True, True, None, None]
    assert holds(Measured({"score": 0.9, "effect": 0.0})) is False
