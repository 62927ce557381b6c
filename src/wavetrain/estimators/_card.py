"""What stands beside a kept forecaster, for people: what it learned from, what it is, and how to use it."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster

STARTS = {
    "level": "the mean of the rows before",
    "last": "the last value",
    "season": "the last season",
    "line": "a ridge regression on the rows before",
}


def facts(model: "FittedForecaster") -> dict[str, dict[str, str]]:
    """What is known of a fitted forecaster, by headings."""
    whole, plain = model.panel_, model.plain(model.panel_)
    start, end = model.history_[0][1], min(error for _, error in model.history_)
    layer = model.layer if isinstance(model.layer, str) else model.layer.__name__
    step = max((step for step, error in model.history_ if error == end), default=0)
    data = {f"line {place}": line for place, line in enumerate(whole.said, 1)}
    form = whole.form
    roles = {
        "forecast": ", ".join(plain.targets),
        "read": ", ".join(one for one in plain.columns if one not in (*plain.targets, *plain.known)),
        "known ahead": ", ".join(plain.known),
        "phases of the times": ", ".join(model.cycles_),
        "time": ", ".join(form.time) if form else "",
        "id": ", ".join(form.id) if form else "",
    }
    errors = {
        f"mean error of {name}": f"{np.nanmean(model.errors_[..., place]):.4g} deviations of its context"
        for place, name in enumerate(plain.targets)
    }
    return {
        "Data": {**data, "sha256 of the rows": model.digest_},
        "Columns": {name: value for name, value in roles.items() if value},
        "Model": {
            "layers": f"{model.depth} of {layer}, {model.width} wide",
            "parameters": f"{sum(one.numel() for one in model.network_.parameters()):,}",
            "starts from": STARTS[model.base_.kind.value],
            "season": f"{model.season_} rows" if model.season_ > 1 else "none",
            "context": f"{model.context_} rows",
            "horizon": f"{model.horizon} rows",
            "scaling": "each window by the mean and the deviation of its context",
        },
        "Validation": {
            "forecasts": f"{len(model.errors_):,}, of the last rows of each series",
            "error of the start": f"{start:.4g} deviations",
            "error": f"{end:.4g} deviations, after {step:,} steps",
            **errors,
        },
        "Versions": model.versions_,
    }


def card(model: "FittedForecaster", folder: str) -> str:
    """The same as a page of Markdown, with the commands that use the model in its folder."""
    lines = [f"# A forecaster of {', '.join(model.plain(model.panel_).targets)}", ""]
    for heading, rows in facts(model).items():
        lines += [f"## {heading}", ""]
        lines += [value if name.startswith("line ") else f"{name}: {value}" for name, value in rows.items()]
        lines = [f"- {line}" if line and not line.startswith(("#", "- ")) else line for line in lines]
        lines.append("")
    return "\n".join([*lines, USE.replace("FOLDER", folder)])


USE = """## How to use it

```bash
wavetrain predict FOLDER                    # the rows that follow those it learned from
wavetrain predict FOLDER later.csv          # the rows that follow another table
wavetrain evaluate FOLDER later.csv         # how well it forecasts rows that came later
wavetrain stream FOLDER < rows.csv          # a forecast behind each row, as it comes
```

```python
import wavetrain as wt

model = wt.load("FOLDER")
model.predict().value  # (series, horizon, targets)
```
"""
