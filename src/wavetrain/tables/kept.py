"""Baselines in files: arrays as safetensors, all else as JSON; nothing is ever unpickled.

A folder holds `baseline.json` and `baseline.safetensors`, and no row of the data. The naive forecasts and
ridge are kept so. Trees are not, for scikit-learn has no other form for them than pickle: fit them again.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from wavetrain.errors import BadInput
from wavetrain.tables.baselines import Baseline, Drift, LastValue, SeasonalNaive
from wavetrain.tables.ridge import Ridge

KINDS: dict[str, type[Baseline]] = {kind.__name__: kind for kind in (LastValue, SeasonalNaive, Drift, Ridge)}
FACTS, ARRAYS = "baseline.json", "baseline.safetensors"


def save(baseline: Baseline, folder: Path) -> None:
    """Keep a baseline in a folder."""
    kind = type(baseline).__name__
    if kind not in KINDS:
        raise BadInput(f"{baseline.name}: has no form in files but pickle; fit it again from the panel")
    facts: dict[str, Any] = {"kind": kind}
    arrays: dict[str, np.ndarray] = {}
    for name, value in vars(baseline).items():
        if isinstance(value, np.ndarray):
            arrays[name] = np.ascontiguousarray(value)
        else:
            facts[name] = value
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
    kind = KINDS.get(facts.pop("kind", "")) if isinstance(facts, dict) else None
    if kind is None:
        raise BadInput(f"{folder / FACTS}: expected one of {', '.join(KINDS)}")
    wanted = set(kind.__dataclass_fields__)
    if {*facts, *arrays} != wanted:
        raise BadInput(
            f"{folder}: expected {', '.join(sorted(wanted))}; got {', '.join(sorted({*facts, *arrays}))}"
        )
    parts: dict[str, Any] = {**facts, **arrays}
    return kind(**parts)
