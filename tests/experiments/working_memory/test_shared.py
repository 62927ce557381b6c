"""Three memories on the same trials: alike in all but the layer, with the same search."""

from pathlib import Path

from wavetrain.experiments.working_memory._shared import three_memories
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
