"""The command `evaluate`: how well a kept model forecasts a table that came later."""

from wavetrain.cli import terminal
from wavetrain.cli.arguments import Json, Name
from wavetrain.cli.predict import is_of_sequences

console = terminal.Terminal()


def evaluate(model: Name, data: Name, coverage: float = 0.9, json: Json = False) -> None:
    """Forecast the rows of a table, each from those before it, once there is a context; score the forecasts.

    A model of whole sequences is held to the answers of new ones instead.

    Args:
        model: the folder that `wavetrain fit` wrote, or one of the models that `wavetrain compare` kept
        data: a table with the same columns, or - for standard input
        coverage: share of the truth that the intervals are to hold
    """
    from wavetrain.estimators import load_series_model
    from wavetrain.tables import metrics, rolling
    from wavetrain.tables.read import read_like

    terminal.share("coverage", coverage)
    if is_of_sequences(model):
        _scored(model, data, json)
        return
    kept = load_series_model(model)
    panel = read_like(data, kept.plain(kept.panel_))
    firsts = [min(kept.context_, max(1, len(one) // 2)) for one in panel.series]
    found = rolling.evaluate(kept.rolling, panel, firsts, kept.horizon, season=kept.season_)
    low, high = kept.intervals(panel, found.series, found.rows, coverage=coverage)
    scores = [*found.scores(), metrics.coverage(truth=found.truth, low=low, high=high, series=found.series)]
    if json:
        terminal.print_json({one.name: one.value for one in scores} | {"windows": scores[0].windows})
        return
    for line in panel.said:
        console.print(line)
    for one in scores:
        console.print(str(one))


def _scored(model: str, data: str, json: bool) -> None:
    from wavetrain.estimators.answering import scores
    from wavetrain.estimators.door import load

    found, doubts = scores(load(model), data)
    for line in doubts:
        terminal.note(line)
    if json:
        terminal.print_json(found)
        return
    for name, value in found.items():
        console.print(f"{name} {value:.4g}")
