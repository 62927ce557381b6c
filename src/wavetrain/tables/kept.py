"""Baselines in files: arrays as safetensors, all else as JSON; nothing is ever unpickled.

A folder holds `baseline.json` and `baseline.safetensors`, and no row of the data. Where a baseline is a part
of something that is kept, `parts` and `whole` lead to what is written and back.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, Drift, LastValue, SeasonalNaive
from wavetrain.tables.forest import Forest
from wavetrain.tables.ridge import Ridge
from wavetrain.tables.trees import Trees

NAMES: dict[str, type[Baseline]] = {  # of those that a comparison holds
    "last_value": LastValue,
    "seasonal_naive": SeasonalNaive,
    "ridge": Ridge,
    "boosted_trees": Trees,
}
KINDS: dict[str, type[Baseline]] = {kind.__name__: kind for kind in NAMES.values()} | {"Drift": Drift}
FACTS, ARRAYS = "baseline.json", "baseline.safetensors"
TREES = "trees."  # in front of the names of what trees are made of


def name_of(kind: type[Baseline]) -> str:
    """The name by which a baseline is asked for.

    >>> from wavetrain.tables.kept import name_of
    >>> from wavetrain.tables.trees import Trees
    >>> name_of(Trees)
    'boosted_trees'
    """
    return next(name for name, one in NAMES.items() if one is kind)


def parts(baseline: Baseline) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is JSON of a baseline, and its arrays."""
    facts: dict[str, Any] = {"kind": type(baseline).__name__}
    arrays: dict[str, np.ndarray] = {}
    for name, value in _values(baseline).items():
        if isinstance(value, np.ndarray):
            arrays[name] = np.ascontiguousarray(value)
        else:
            facts[name] = value
    return facts, arrays


def _values(baseline: Baseline) -> dict[str, Any]:
    """The fields of a baseline; those of its trees have names of their own."""
    if not isinstance(baseline, Trees):
        return vars(baseline)
    grown = baseline.model if isinstance(baseline.model, Forest) else Forest.of(baseline.model)
    plain = {name: value for name, value in vars(baseline).items() if name != "model"}
    return plain | {f"{TREES}{name}": value for name, value in grown._asdict().items()}


def whole(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Baseline:
    """The baseline of these parts."""
    kind = KINDS.get(facts.get("kind", "")) if isinstance(facts, dict) else None
    if kind is None:
        raise BadInput(f"expected a baseline, one of {', '.join(KINDS)}")
    given: dict[str, Any] = {**facts, **arrays}
    del given["kind"]
    wanted = set(kind.__dataclass_fields__)
    if kind is Trees:
        wanted = wanted - {"model"} | {f"{TREES}{name}" for name in Forest._fields}
    if set(given) != wanted:
        raise BadInput(f"expected {', '.join(sorted(wanted))}; got {', '.join(sorted(given))}")
    if kind is Trees:
        given["model"] = Forest(**{name: given.pop(f"{TREES}{name}") for name in Forest._fields})
    return kind(**given)


def save(baseline: Baseline, folder: Path) -> None:
    """Keep a baseline in a folder."""
    facts, arrays = parts(baseline)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(arrays, folder / ARRAYS)
    written = folder / f"{FACTS}.part"
    written.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    written.replace(folder / FACTS)  # last, and whole or not at all


def load(folder: Path) -> Baseline:
    """The baseline that a folder keeps."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
    except (OSError, ValueError, SafetensorError) as problem:
        raise BadInput(f"{folder}: expected {FACTS} and {ARRAYS} of a baseline; {problem}") from None
    try:
        return whole(facts, arrays)
    except BadInput as problem:
        raise BadInput(f"{folder}: {problem}") from None
