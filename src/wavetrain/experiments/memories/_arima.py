"""Forecasts of a stream by ARIMA, fitted anew at intervals, its order chosen once by Akaike's criterion."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavetrain.errors import BadInput


def refitted(
    z: np.ndarray,
    first: int,
    *,
    orders: Sequence[tuple[int, int, int]],
    fitted: int,
    every: int,
    ahead: int,
) -> tuple[Tensor, Tensor]:
    """What is forecast at each record of z (N,) from `first` on, and its deviation, (N - first,) each.

    Every `every` records a model is fitted to the last `fitted`. It filters the records until the next; with
    its transition T and read-out Z, the forecast from a state is Z T^ahead of it.
    """
    try:
        from statsmodels.tsa.arima.model import ARIMA
    except ImportError as error:
        raise BadInput(
            "htm_taxi: expected the package statsmodels, which is missing (pip install it)"
        ) from error

    def fit(end: int, order: tuple[int, int, int]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a search stopped early: it is used as it is
            return ARIMA(z[end - fitted : end], order=order).fit()

    order = min(orders, key=lambda one: fit(first, one).aic)
    said, spread = [], []
    for start in range(first, len(z), every):
        begin, end = start - fitted, min(start + every, len(z))
        found = fit(start, order).apply(z[begin:end]).filter_results
        step, read = found.transition[..., 0], found.design[..., 0]
        power = np.linalg.matrix_power(step, ahead)
        state = found.filtered_state[:, fitted:]
        said.append((read @ power @ state)[0] + found.obs_intercept[0, -1])
        noise = found.selection[..., 0] @ found.state_cov[..., 0] @ found.selection[..., 0].T
        spare = found.filtered_state_cov[..., -1]
        for _ in range(ahead):
            spare = step @ spare @ step.T + noise
        spread.append(np.full(end - start, np.sqrt((read @ spare @ read.T)[0, 0])))
    return torch.from_numpy(np.concatenate(said)), torch.from_numpy(np.concatenate(spread))
