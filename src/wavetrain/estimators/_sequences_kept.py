"""A classifier or regressor of sequences in a folder: tensors and JSON, never pickled, and no sequence.

A page, card.md, lies beside them for people; nothing is read from it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from wavetrain.errors import BadInput
from wavetrain.estimators._kept import layer_of, name_of
from wavetrain.estimators._kept_files import SEQUENCES
from wavetrain.estimators._sequences_card import card
from wavetrain.estimators._series_kept import CARD, versions
from wavetrain.parts import saved
from wavetrain.parts.stack import MLP, Stack
from wavetrain.tables import simple_kept
from wavetrain.tables.read.answered import reading

if TYPE_CHECKING:
    from wavetrain.estimators._sequences import SequenceEstimator

E = TypeVar("E", bound="SequenceEstimator")

KIND = "wavetrain sequences"
VERSION = 2  # 1 read no largest values
SIMPLE = "simple."  # in front of what a simple answer learned
ARRAYS = ("centre_", "spread_", "mean_", "deviation_")  # where there are such
WORDS = ("history_", "n_features_in_", "single_", "held_", "valid_score_", "learned_")


def save(model: "SequenceEstimator", folder: Path) -> None:
    from wavetrain.estimators._sequences import Ended, Simple

    settings = {**model.get_params(), "layer": name_of(model.layer)}
    if not isinstance(model.random_state, int | None):
        settings["random_state"] = None  # a generator of random numbers has no form in a file
    tensors = {f"network.{name}": value for name, value in model.network_.state_dict().items()}
    tensors |= {name: torch.from_numpy(getattr(model, name)) for name in ARRAYS if hasattr(model, name)}
    words: dict[str, Any] = {"kind": KIND, "version": VERSION, "class": type(model).__name__}
    made_with = versions()
    words |= {"versions": made_with, "settings": settings}
    words |= {name: getattr(model, name) for name in WORDS if hasattr(model, name)}
    if hasattr(model, "classes_"):
        words["classes"] = [model.classes_.dtype.str, model.classes_.tolist()]
    if isinstance(model.network_, Simple):
        words["simple"], arrays = simple_kept.parts(model.network_.simple)
        tensors |= {SIMPLE + name: torch.from_numpy(one) for name, one in arrays.items()}
    else:
        words["outputs"] = model.network_.outputs
    if isinstance(model.network_, Ended | Simple):
        words["steps"] = model.network_.steps
    if model.reading_ is not None:
        words["reading"] = model.reading_.plain()
    if hasattr(model, "feature_names_in_"):
        words["features"] = [str(name) for name in model.feature_names_in_]
    folder.mkdir(parents=True, exist_ok=True)
    saved.save(folder / SEQUENCES, tensors, words)
    new = folder / f"{CARD}.new"
    new.write_text(card(model, made_with), encoding="utf-8")
    new.replace(folder / CARD)


def load(kind: type[E], folder: Path) -> E:
    path = folder / SEQUENCES
    if not path.is_file():
        raise BadInput(f"{folder}: expected a folder with {SEQUENCES}, as `save` writes it")
    tensors, words = saved.load(path)
    if (words.get("kind"), words.get("version")) != (KIND, VERSION) or words.get("class") != kind.__name__:
        got = f"{words.get('class')} of version {words.get('version')}"
        raise BadInput(f"{path}: expected a {kind.__name__} of version {VERSION}, got {got}")
    try:
        return _restored(kind, tensors, words)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise BadInput(f"{path} is not a whole {kind.__name__} ({error})") from error


def _restored(kind: type[E], tensors: dict[str, torch.Tensor], words: dict[str, Any]) -> E:
    from wavetrain.estimators._sequences import Ended, Pooled, Simple

    model = kind(**words["settings"])
    for name in ARRAYS:
        if name in tensors:
            setattr(model, name, tensors.pop(name).numpy())
    for name in WORDS:
        if name in words:
            setattr(model, name, words[name])
    model.history_ = [(step, error) for step, error in words["history_"]]
    if "classes" in words:
        dtype, names = words["classes"]
        setattr(model, "classes_", np.array(names, dtype=dtype))  # noqa: B010 (a classifier's alone)
    model.reading_ = reading(words["reading"]) if "reading" in words else None
    if "features" in words:
        model.feature_names_in_ = np.array(words["features"], dtype=object)
    if "simple" in words:
        arrays = {name.removeprefix(SIMPLE): one.numpy() for name, one in tensors.items()}
        model.network_ = Simple(simple_kept.whole(words["simple"], arrays), words["steps"])
        return model
    layers = [layer_of(model.layer)(model.width) for _ in range(model.depth)]
    channels, outputs = len(model.centre_), words["outputs"]
    if "steps" in words:  # a comparison trained it
        network: Pooled | Ended = Ended(Stack(layers, channels, outputs, MLP.PLAIN), words["steps"])
    else:
        network = Pooled(Stack(layers, channels, 1, MLP.PLAIN), outputs, kind._last)
    model.network_ = network.double()
    model.network_.load_state_dict({name.removeprefix("network."): value for name, value in tensors.items()})
    model.network_.eval()
    return model
