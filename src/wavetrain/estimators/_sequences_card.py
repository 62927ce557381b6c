"""What stands beside a kept classifier or regressor, for people: what it learned from, and how to use it."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wavetrain.estimators._sequences import SequenceEstimator

FEW = 12  # names that are told


def facts(model: "SequenceEstimator", versions: dict[str, str]) -> dict[str, dict[str, str]]:
    """What is known of a fitted model, by headings."""
    reading, learned = model.reading_, getattr(model, "learned_", {})
    names = reading.channels if reading is not None else ()
    data = {name: str(value) for name, value in learned.items()}
    data["channels"] = f"{len(model.centre_)}" + (
        f": {_some(names)}" if len(names) == len(model.centre_) else ""
    )
    if reading is not None:
        asked = {"column of the class": (reading.classes,), "id": reading.id, "time": reading.time}
        data |= {name: ", ".join(value) for name, value in asked.items() if any(value)}
    if hasattr(model, "classes_"):
        data["classes"] = f"{len(model.classes_)}: {_some(model.classes_)}"
    network = {"answers by": str(model.layer if isinstance(model.layer, str) else model.layer.__name__)}
    count = sum(one.numel() for one in model.network_.parameters())
    if count:
        network |= {"layers": f"{model.depth}, {model.width} wide", "parameters": f"{count:,}"}
    scaled = zip(model.centre_[:FEW], model.spread_[:FEW], strict=True)
    network["scaling"] = "mean and deviation of each channel: " + ", ".join(
        f"{centre:.4g} and {spread:.4g}" for centre, spread in scaled
    )
    found = {"Data": data, "Model": network}
    if model.valid_score_ is not None:
        what = "accuracy" if hasattr(model, "classes_") else "R²"
        why = "to choose the step by" if count else "of a first fit; the second was to all"
        found["Validation"] = {what: f"{model.valid_score_:.3f} on {model.held_} sequences, held out {why}"}
        if model.history_:
            step, error = min(model.history_, key=lambda one: one[1])
            found["Validation"]["least loss"] = f"{error:.4g}, after {step:,} steps"
    return {**found, "Versions": versions}


def card(model: "SequenceEstimator", versions: dict[str, str]) -> str:
    """The same as a page of Markdown, with the commands that use the model in its folder."""
    title = "# A classifier of sequences" if hasattr(model, "classes_") else "# A regressor of sequences"
    lines = [title, ""]
    for heading, rows in facts(model, versions).items():
        lines += [f"## {heading}", "", *(f"- {name}: {value}" for name, value in rows.items()), ""]
    return "\n".join([*lines, USE if model.reading_ is not None else IN_PYTHON])


def _some(names: "tuple[str, ...] | np.ndarray") -> str:
    told = ", ".join(str(name) for name in names[:FEW])
    return told + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


IN_PYTHON = """## How to use it

```python
import wavetrain as wt

model = wt.load("FOLDER")
model.predict(x)  # x (sequences, steps, channels), or a list of arrays (steps, channels)
```
"""
USE = """## How to use it

```bash
wavetrain predict FOLDER later.csv          # the answer to each sequence of another file
wavetrain evaluate FOLDER later.csv         # how well it answers sequences whose answers are known
```

""" + IN_PYTHON.partition("\n\n")[2]
