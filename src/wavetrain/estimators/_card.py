"""What stands beside a kept forecaster, for people: what it learned from, what it is, and how to use it."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wavetrain.estimators._fitted import FittedForecaster
    from wavetrain.estimators._series_model import SeriesModel

STARTS = {
    "level": "the mean of the rows before",
    "smoothed": "the exponentially weighted mean of the rows before",
    "last": "the last value",
    "season": "the last season",
    "line": "a ridge regression on the rows before",
}


def facts(model: "SeriesModel") -> dict[str, dict[str, str]]:
    """What is known of a fitted model, by headings."""
    whole, plain = model.panel_, model.plain(model.panel_)
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
    return {
        "Data": {**data, "sha256 of the rows": model.digest_},
        "Columns": {name: value for name, value in roles.items() if value},
        **model.described(),
        "Versions": model.versions_,
    }


def of_network(model: "FittedForecaster") -> dict[str, dict[str, str]]:
    """What a network is, and what it did on the validation rows."""
    start, end = model.history_[0][1], min(error for _, error in model.history_)
    step = max((step for step, error in model.history_ if error == end), default=0)
    errors = {
        f"mean error of {name}": f"{np.nanmean(model.errors_[..., place]):.4g} deviations of its context"
        for place, name in enumerate(model.panel_.targets)
    }
    return {
        "Model": {
            "layers": f"{model.depth} of {model.called}, {model.width} wide",
            "parameters": f"{sum(one.numel() for one in model.network_.parameters()):,}",
            "starts from": STARTS[model.base_.kind.value],
            "season": season(model.season_),
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
    }


def season(rows: int) -> str:
    """A season in words."""
    return f"{rows} rows" if rows > 1 else "none"


def card(model: "SeriesModel", folder: str) -> str:
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
