"""Pictures of a comparison on series, and its forecasts as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wavetrain.evidence import picture
from wavetrain.evidence.comparison import Figures, Timings
from wavetrain.evidence.picture import Curve, Picture, Points
from wavetrain.run.standing import Standing
from wavetrain.tables.clock import Clock

SHOWN = 240  # rows that are drawn
LINES = 7  # contestants in one picture
FAR = 4  # times the least error, from which a line would press all others flat
MOST = 100_000  # rows of a table of forecasts


def draw_standing(
    folder: Path,
    standing: Standing,
    chosen: Sequence[str],
    figures: Sequence[Figures],
    timings: Mapping[str, Timings],
) -> dict[str, str]:
    """Draw forecasts over the truth, errors, residuals, and costs; paths in the folder, by what they show.

    `chosen` are the contestants that the verdict is about.
    """
    from wavetrain.report.draw import draw

    pictures: dict[str, Picture] = {
        "forecast": _forecast(standing, chosen),
        "residuals": _residuals(standing, chosen),
        "cost": _cost(standing, figures, timings),
    }
    if standing.question.horizon > 1 and any(np.isfinite(one.tested) for one in standing.candidates.values()):
        pictures["steps"] = _steps(standing)
    (folder / "pictures").mkdir(exist_ok=True)
    for name, one in pictures.items():
        picture.save(folder / "pictures" / f"{name}.npz", one)
        draw(one, folder / "pictures" / f"{name}.png")
    return {name: f"pictures/{name}.png" for name in pictures}


def _one(standing: Standing) -> tuple[np.ndarray, str]:
    """The windows of the series with most of them, the first as far as `SHOWN` rows go, and what it is."""
    test = standing.test
    place = int(np.bincount(test.series).argmax())
    mine = np.flatnonzero(test.series == place)
    mine = mine[test.rows[mine] < test.rows[mine[0]] + SHOWN]
    name = test.names[place]
    return mine, f"{test.targets[0]}{f' of {name}' if name else ''}"


def _forecast(standing: Standing, chosen: Sequence[str]) -> Curve:
    """Forecasts that follow each other without a gap, over the truth."""
    mine, what = _one(standing)
    test, horizon = standing.test, standing.question.horizon
    rows = test.rows[mine]
    apart = mine[(rows - rows[0]) % horizon == 0]
    x = (test.rows[apart][:, None] + np.arange(horizon)).ravel()
    best = standing.answers[chosen[0]]
    lines = {
        "measured": test.truth[apart, :, 0],
        **{name: standing.answers[name].test[0, apart, :, 0] for name in chosen},
        "90 % interval, low": best.low[0, apart, :, 0],
        "90 % interval, high": best.high[0, apart, :, 0],
    }
    ahead = "one row ahead" if horizon == 1 else f"up to {horizon} rows ahead, each behind the one before"
    return Curve(
        f"{what}: forecasts {ahead}",
        x,
        np.stack([np.where(np.isfinite(one.ravel()), one.ravel(), np.nan) for one in lines.values()]),
        tuple(lines),
        xlabel="row of the series",
        ylabel=what,
    )


def _residuals(standing: Standing, chosen: Sequence[str]) -> Curve:
    """What was measured less what was forecast, at the last step ahead."""
    mine, what = _one(standing)
    test, horizon = standing.test, standing.question.horizon
    left = [test.truth[mine, -1, 0] - standing.answers[name].test[0, mine, -1, 0] for name in chosen]
    return Curve(
        f"Residuals {horizon} row{'s' * (horizon > 1)} ahead",
        test.rows[mine] + horizon - 1,
        np.stack(left),
        tuple(chosen),
        xlabel="row of the series",
        ylabel=f"{what}, measured less forecast",
    )


def _steps(standing: Standing) -> Curve:
    """The mean absolute error at each step ahead, of the best few that have a forecast for each window."""
    errors = {name: one.tested for name, one in standing.candidates.items() if np.isfinite(one.tested)}
    names = [
        one for one in sorted(errors, key=errors.__getitem__) if errors[one] <= FAR * min(errors.values())
    ]
    names = names[:LINES]
    truth = standing.test.truth[None]
    lines = [np.nanmean(np.abs(standing.answers[name].test - truth), (0, 1, 3)) for name in names]
    return Curve(
        "The error at each step ahead",
        np.arange(1, standing.question.horizon + 1),
        np.stack(lines),
        tuple(names),
        xlabel="rows ahead",
        ylabel="mean absolute error",
    )


def _cost(standing: Standing, figures: Sequence[Figures], timings: Mapping[str, Timings]) -> Points:
    """The score of each layer against what a step of a stream costs."""
    whole = [one for one in figures if one.score is not None][:LINES]
    return Points(
        "Cost against score: further down and further left is better",
        np.array([timings[one.layer].microseconds_per_step for one in whole]),
        np.array([one.score for one in whole], dtype=float),
        np.arange(len(whole)),
        tuple(one.layer for one in whole),
        xlabel="microseconds for each row of a stream",
        ylabel=standing.scores(whole[0].layer)[0].name if whole else "score",
    )


def write_forecasts(
    path: Path, standing: Standing, name: str, times: Sequence[np.ndarray | None], clock: Clock | None
) -> int:
    """All forecasts of a contestant's first seed, thinned evenly above `MOST` rows; how many windows.

    They are written twice: as CSV, and beside it as JSON, a list of records in which null is what is missing.

    `times` are those of each series of the test part, in its clock.
    """
    import pandas as pd

    test, answers = standing.test, standing.answers[name]
    count, horizon, targets = test.truth.shape
    each = max(1, MOST // (horizon * targets))
    some = np.unique(np.linspace(0, count - 1, min(each, count)).round().astype(int))
    rows = (test.rows[some][:, None] + np.arange(horizon))[..., None].repeat(targets, 2)
    series = test.series[some][:, None, None].repeat(horizon, 1).repeat(targets, 2)
    values = {
        "measured": test.truth,
        "forecast": answers.test[0],
        "low": answers.low[0],
        "high": answers.high[0],
    }
    table = {
        "series": np.array(test.names)[series.ravel()],
        "first row": test.rows[some][:, None, None].repeat(horizon, 1).repeat(targets, 2).ravel(),
        "row": rows.ravel(),
        "column": np.tile(np.array(test.targets), len(some) * horizon),
        **{name: one[some].ravel() for name, one in values.items()},
    }
    if clock is not None:
        told = [None if one is None else np.array(clock.told(one)) for one in times]
        dates = [told[place][row] for place, row in zip(series.ravel(), rows.ravel(), strict=True)]
        table = {"series": table.pop("series"), "time": np.array(dates), **table}
    frame = pd.DataFrame(table)
    part = path.with_name(f"{path.name}.part")
    frame.to_json(part, orient="records", double_precision=15)
    part.replace(path.with_suffix(".json"))
    frame.to_csv(part, index=False, float_format="%.8g")
    part.replace(path)
    return len(some)
