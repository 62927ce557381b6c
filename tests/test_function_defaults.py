"""The defaults of functions and methods: of what members of several kinds share, and of scans and training.

Those of classes that are members stand in test_defaults.py, of tasks in test_task_defaults.py. None is left
out: they are found by going through all files.
"""

import enum
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wavetrain
from wavetrain import find

ROOT = Path(wavetrain.__file__).parent
SHARED = ("parts", "scan", "train")  # where classes are no members
MEMBERS = ("layers", "memories", "networks", "rules", "spiking", "tasks")
KINDS = (*MEMBERS, *SHARED)

DEFAULTS: dict[str, dict[str, Any]] = {
    "arena.Path.__init__": dict(bins=20),
    "arena.Path.maps": dict(smooth=0.0),
    "arena.rate_maps": dict(bins=20, smooth=0.0),
    "automaton.Automaton.complete": dict(answer=-1),
    "automaton._reached": dict(start=0),
    "balls.roomy_radius": dict(right=0.5),
    "balls.capacity": dict(right=0.5),
    "balls.bits_right": dict(echo=False),
    "balls.fitted_beta": dict(caps=False),
    "balls.overlaps": dict(caps=False),
    "circular.mean": dict(axis=-1),
    "conductances.Conductances.__init__": dict(
        capacity=200.0,
        tau=20.0,
        rest=-65.0,
        threshold=-50.0,
        reset=-70.0,
        refractory=5.0,
        draw_e=0.0,
        draw_i=-80.0,
        tau_e=5.0,
        tau_i=5.0,
        weight_e=2.0,
        weight_i=20.0,
    ),
    "delay_sheet.DelaySheet.run": dict(rate=1000.0),
    "delay_sheet.Recorded.trains": dict(row=0),
    "delays.Delayed.__init__": dict(delay=0.0, dt=1.0, recurrent=False),
    "delays.delay_steps": dict(about="delays"),
    "firing.Firing.__init__": dict(threshold=1.0, reset="SUBTRACT", refractory=0.0, detached=False),
    "nulls.shifts": dict(seed=0),
    "nulls.exchanges": dict(seed=0),
    "ramps.programmed": dict(middle=True),
    "recording.Recording.__init__": dict(unit="", length="", start=0.0, events=(), said=()),
    "sampling.Sampling.__init__": dict(temperature=0.0, top_p=1.0, min_p=0.0, repetition_penalty=1.0),
    "encoders.shared_ring": dict(movers=2, closed=True),
    "izhikevich.Pattern.rest": dict(current=0.0),
    "learned_delays.LearnedDelays.__init__": dict(dt=1.0, recurrent=False),
    "lif.LIFUnits.__new__": dict(leaves="ABOVE", silence=0, detached=False, strength=0.0),
    "lif.Slope.__new__": dict(constants=()),
    "sheet.Sheet.__init__": dict(length=4.0),
    "sheet.sheet": dict(every=0),
    "spikes.checked": dict(start=0.0),
    "structural_similarity.structural_similarity": dict(span=1.0, window=7, inside=False),
    "traces.Trace.__init__": dict(dt=1.0, nearest=False),
    "transport.sinkhorn": dict(blur=0.2, last=6),
    "trials.answers": dict(chunk=500),
    "wiring.Wiring.__init__": dict(dt=0.1),
    "wiring.distance_delays": dict(synapse=0.3, dt=0.1),
    "wiring.scattered": dict(seed=0),
    "wiring.topographic": dict(alike=False, seed=0),
    "wiring.wired": dict(sigma=0.4, speed=0.2, local=True, alike=False, synapse=0.3, dt=0.1, seed=0),
    "worlds.square": dict(torus=False),
    "worlds.line": dict(jump=1),
    "worlds.ring": dict(jumps=(1,)),
    "worlds.tree": dict(branches=2),
    "worlds.walks": dict(straight=1.0, unique=False),
    "bessel.Bessel.__init__": dict(where="POWER"),
    "bounds.Bounds.__init__": dict(low=0.0, high=1.0, power=0.0),
    "_acting.Acting.live": dict(most=1000, learn=True),
    "conditioning.Trial.__init__": dict(rewards=(), amount=1.0),
    "conditioning.laid": dict(lasting=1, felt=False),
    "rewards.Bootstrapped.__init__": dict(discount=1.0, sampled=False),
    "rewards.OnReturns.__init__": dict(discount=1.0),
    "rewards.critic": dict(outputs=1),
    "rewards.firing_rates": dict(usual=5.0, gain=10.0),
    "rewards.prediction_errors": dict(discount=1.0),
    "rewards.returns": dict(discount=1.0),
    "rewards.rewards_of": dict(discount=1.0),
    "stimuli.Microstimuli.__init__": dict(decay=0.985, sigma=0.08),
    "stimuli.Presence.__init__": dict(level=0.2),
    "stimuli.SerialCompound.__init__": dict(resets=False),
    "convolution.dilated": dict(dilation=1),
    "newton.Newton.__init__": dict(cap=20, damping=1.0, fallback=True),
    "wave.wave": dict(activation="RELU"),
    "wave.wave_step": dict(activation="RELU"),
    "draws.Draws.__init__": dict(seed=0),
    "fit.examine": dict(chunk=250),
    "fit.fit": dict(pieces=1),
    "compiled._made": dict(counted=True),
    "operators.Kernel.__init__": dict(aside=0),
    "over_slices.Passing.__new__": dict(matrix=False),
    "over_slices.agreed": dict(number=0),
    "ranks.Ranks.__init__": dict(rank=0, world=1),
    "routes.chosen": dict(has=("numba",)),
    "routes.fast": dict(time=1),
    "routes.must_be_plain": dict(time=1),
    "routes.on_cpu": dict(time=1),
    "shares.learn": dict(pieces=1),
    "lab.Mark.__new__": dict(others=()),
    "lab.Plan.__init__": dict(every=100, drops=(), betas=(0.9, 0.999), pieces=1, sharded=False),
    "lab.Lab.__init__": dict(save_every=10.0, device="cpu"),
    "lab.Lab.fit": dict(others=()),
    "lab.curve": dict(log=False),
    "online.retrained": dict(ahead=1),
    "online.recursive": dict(ridge=1.0, ahead=1),
    "_inputs._Watch.__torch_function__": dict(args=()),
    "_patterns.signed": dict(tie=0.0),
    "_patterns.settled": dict(tie=0.0),
    "dense_hopfield.DenseHopfield.settle": dict(sweeps=100),
    "sparse_distributed.SparseDistributed.settle": dict(reads=100),
    "sparse_distributed.SharedNeurons.settle": dict(reads=100),
    "surrogate.Arctan.__init__": dict(steepness=2.0),
    "surrogate.Boxcar.__init__": dict(half=0.5),
    "surrogate.FastSigmoid.__init__": dict(steepness=25.0),
    "surrogate.MultiGaussian.__init__": dict(gain=0.5, trough=0.15, wider=6.0, width=0.5),
    "surrogate.Sigmoid.__init__": dict(steepness=4.0),
    "surrogate.Triangle.__init__": dict(height=0.3),
    "taus.Taus.__init__": dict(spread=0.0, least=1.0, learned=False),
    "temporal_memory.TemporalMemory.forward": dict(learn=True, reuse=False),
    "temporal_memory.SpatialPooler.forward": dict(learn=True),
    "temporal_memory.SoftmaxClassifier.forward": dict(learn=True),
    "temporal_memory.scalar": dict(periodic=False),
    "wave_predictor.WavePredictor.fit": dict(wash=0, ridge=0.0),
    "_membrane.Membrane.__init__": dict(spread=0.0),
    "_weight_generators.Chunked.__init__": dict(chunk=1400, places=12, hidden=(100, 75, 50)),
    "_weight_generators.Recurrent.__init__": dict(chunk=1400, places=12, width=46, dependent=True),
    "_word_model.WordModel.__init__": dict(width=128, depth=1, dropout=0.2, decoders=1),
    "_word_model.WordModel.check": dict(about="tokens"),
    "_rehearsal.Rehearsal.__init__": dict(slots=64, each=4, target=0.1, gain=0.05),
    "cortical_columns.CorticalColumns.run": dict(bare=False),
    "global_workspace.GlobalWorkspace.trace": dict(hard=False),
    "lightnet.one_scan": dict(places=False),
    "analog_lstm.AnalogLSTM.program": dict(weights=0.0, ramp=0.0),
    "analog_lstm.AnalogLSTM.calibrate": dict(share=0.999),
    "_shared.valid_prediction_time": dict(deviation=1.0, most=0.5),
    "_shared.Walking.__init__": dict(straight=1.0, unique=False, everywhere=False),
    "hidden_markov.HiddenMarkov.chain": dict(length=30),
    "hidden_markov.HiddenMarkov.ring": dict(length=40),
    "hidden_markov.HiddenMarkov.full": dict(length=30),
    "translation.bleu": dict(most=4),
    "_competing.Competing.__init__": dict(groups=1),
    "competition.Competition.__init__": dict(
        tau=100.0,
        threshold=13.0,
        reset=5.0,
        refractory=5.0,
        inhibition=120.0,
        raised=0.05,
        tau_raised=1e7,
        detached=False,
    ),
    "continual.Terms.__init__": dict(passes=1, reset=False, remembered=200, watched=0),
    "reservoir.Reservoir.__init__": dict(seed=0),
    "chain.Chain.__init__": dict(every_step=False),
    "conversion.converted": dict(percentile=99.9, start=0.5),
    "converted.Converted.of": dict(delivery="AT_ONCE"),
    "converted.Converted.within": dict(delivery="AT_ONCE"),
    "deletion.deleted": dict(restored=True),
    "_maps.Listening.__torch_function__": dict(args=()),
    "_maps.Piece.__new__": dict(place=0),
    "counter_current._Cut.__torch_function__": dict(args=()),
    "feedback_alignment._Aligned.__torch_function__": dict(args=()),
    "interval_code.interval_spikes": dict(dt=1.0),
    "leaky_reader.LeakyReader.__init__": dict(dt=1.0),
    "quantised.Levels.__init__": dict(low=-8, high=7),
    "quantised.Quantised.__init__": dict(threshold=0.3, kept=0.9),
    "rate_code.poisson_spikes": dict(dt=1.0),
    "windows.connected": dict(name="connected"),
}


def plain(value: Any) -> Any:
    return value.name if isinstance(value, enum.Enum) else value


def functions(one: type) -> Iterator[tuple[str, Any]]:
    """The functions that a class writes itself, under the names of both."""
    for name, part in vars(one).items():
        inner = part.__func__ if isinstance(part, classmethod | staticmethod) else part
        if inspect.isfunction(inner):
            yield f"{one.__name__}.{name}", inner


def written() -> dict[str, dict[str, Any]]:
    """The defaults that are numbers, words, tuples or choices, by file and function."""
    found: dict[str, dict[str, Any]] = {}
    members = {one.load() for kind in MEMBERS for one in find.members(kind)}
    for path in sorted(path for kind in KINDS for path in (ROOT / kind).rglob("*.py")):
        if "gpu" in path.parts or path.stem == "__init__":
            continue
        name = ".".join(("wavetrain", *path.relative_to(ROOT).with_suffix("").parts))
        shared = path.relative_to(ROOT).parts[0] in SHARED or path.stem[0] == "_"
        for label, one in vars(importlib.import_module(name)).items():
            if getattr(one, "__module__", None) != name or (one in members and inspect.isfunction(one)):
                continue
            each: list[tuple[str, Any]] = []
            if inspect.isfunction(one):
                each = [(label, one)]
            elif inspect.isclass(one) and not issubclass(one, enum.Enum):
                builds = {f"{label}.{part}" for part in ("__init__", "__new__", "__replace__")}
                each = [pair for pair in functions(one) if shared or pair[0] not in builds]
            for own, function in each:
                given = inspect.signature(function).parameters.values()
                values = {part.name: plain(part.default) for part in given if usual(part.default)}
                if values:
                    found[f"{path.stem}.{own}"] = values
    return found


def usual(value: object) -> bool:
    return isinstance(value, bool | int | float | str | tuple | enum.Enum)


WRITTEN = written()


def test_every_function_with_defaults_is_here() -> None:
    assert set(WRITTEN) == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    assert WRITTEN[name] == DEFAULTS[name]
