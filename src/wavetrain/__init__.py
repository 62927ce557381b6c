"""Sequence learning in brains and machines.

    import wavetrain as wt

    layer = wt.layers.WaveRNN(60)       # any member of any kind, by the name of its class or function
    table = wt.compare("mine.csv")      # layers on data of one's own
    model = wt.fit("mine.csv")          # one of them, to forecast with; wt.load("folder") for a kept one
    found = wt.list("layers", "wave")   # what there is
    seen = wt.look("eeg.edf")           # a recording, or a layer, through the lenses that apply

A name is imported when it is first used, so that the import itself is quick and loads no torch.
"""

from typing import TYPE_CHECKING

from wavetrain.lazy import offer

if TYPE_CHECKING:
    from wavetrain import core, data, experiments, layers, lenses, memories, networks, rules, scan, spiking
    from wavetrain import tasks as tasks
    from wavetrain import testing as testing
    from wavetrain.estimators import AnomalyDetector, Forecaster, SequenceClassifier, SequenceRegressor
    from wavetrain.estimators.door import fit, load
    from wavetrain.find import select as list
    from wavetrain.run.comparison import compare
    from wavetrain.run.look import look

__version__ = "0.1.0"
__all__ = [
    "AnomalyDetector",
    "Forecaster",
    "SequenceClassifier",
    "SequenceRegressor",
    "compare",
    "core",
    "data",
    "experiments",
    "fit",
    "layers",
    "lenses",
    "list",
    "load",
    "look",
    "memories",
    "networks",
    "rules",
    "scan",
    "spiking",
    "tasks",
    "testing",
]

offer(__name__)
