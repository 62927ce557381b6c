"""What a forecaster can do once it is fitted. It needs no scikit-learn, so a kept model starts quickly."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from torch import Tensor

from wavetrain.core import Layer
from wavetrain.errors import BadInput
from wavetrain.estimators import _card, _kept
from wavetrain.estimators._base import Base
from wavetrain.estimators._forecast import Forecast, made
from wavetrain.estimators._series_model import Behind, SeriesModel, Widths
from wavetrain.tables.conformal import half_width
from wavetrain.tables.near import near
from wavetrain.tables.panel import Panel
from wavetrain.tables.windows import Place, Windows, unmeasured

if TYPE_CHECKING:
    from wavetrain.estimators._stream import ForecastStream


class FittedForecaster(SeriesModel):
    """A network that forecasts, the rows that it learned from, and the errors behind its intervals."""

    layer: str | type[Layer]
    width: int
    depth: int
    origins_: int
    base_: Base
    network_: Forecast
    errors_: np.ndarray  # (forecasts, horizon, targets) on the validation part, in scales of their contexts
    history_: list[tuple[int, float]]
    ends_: list[int]

    @property
    def called(self) -> str:
        return self.layer if isinstance(self.layer, str) else self.layer.__name__

    def widths(self, coverage: float) -> Widths:
        scaled = half_width(self.errors_, coverage)
        return Widths(scaled, np.full_like(scaled, np.nan))  # every context has a scale

    def unmeasured(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return unmeasured(whole, series, rows, context=self.context_, origins=self.origins_)

    def inputs(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> Tensor:
        """What the stack reads, (N, rows, inputs), in windows whose first forecasts begin at `rows` (N,)."""
        self._check_fitted()
        return self.network_.inputs(self._windows(self._same(whole)).at(Place(series, rows)))

    def stream(self, series: str | None = None) -> "ForecastStream":
        from wavetrain.estimators._stream import ForecastStream

        self._check_fitted()
        stream = ForecastStream(self)
        if series is not None:
            names = [one.name for one in self.panel_.series]
            if series not in names:
                raise BadInput(f"expected a series that was learned from, got {series!r}")
            place = names.index(series)
            stream.go_on(self.panel_.series[place], self.before_[place])
        return stream

    def save(self, folder: str | Path, *, rows: bool = True) -> None:
        self._check_fitted()
        _kept.save(self, Path(folder), rows)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote; nothing is unpickled."""
        return _kept.load(cls, Path(folder))

    def weights(self) -> dict[str, np.ndarray]:
        return {name: value.numpy() for name, value in self.network_.state_dict().items()}

    @property
    def _where(self) -> str:
        return f"in the last {self.context_} rows"

    def described(self) -> dict[str, dict[str, str]]:
        return _card.of_network(self)

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("Forecaster: expected `fit` first")

    def _behind(self, whole: Panel, series: np.ndarray, rows: np.ndarray, *, learned: bool = False) -> Behind:
        here = made(self.network_, self._windows(whole), series, rows)
        return Behind(here.value.numpy(), here.scale.numpy())

    def _near(self, whole: Panel, series: np.ndarray, rows: np.ndarray) -> tuple[Panel, np.ndarray]:
        return near(whole, series, rows, context=self.context_, origins=self.origins_, horizon=self.horizon)

    def _windows(self, whole: Panel) -> Windows:
        return Windows(
            whole,
            context=self.context_,
            origins=self.origins_,
            horizon=self.horizon,
            until=self.ends_ if whole is self.panel_ else None,
        )
