"""Lorenz 96: a chaotic ring of sites; forecast the next sample.

Lorenz 1996, in the protocol of Vlachas et al. 2020, arXiv 1910.05266, and Heidenreich et al. 2024, arXiv
2410.02654; j runs round the ring:

    dX_j/dt = (X_{j+1} - X_{j-2}) X_{j-1} - X_j + F

from F + 0.01 N(0, 1), with the eighth-order Runge-Kutta method of scipy, in place of their fourth-order one.
They take one trajectory of 2000 time units after 1000; by default here are 40 short ones, so that it is
quick, and they are split by trajectory. Left out: the version with two scales.

    x  X(0) X(0.01) X(0.02) ...      y  X(0.01) X(0.02) X(0.03) ...

The score is R²: saying the mean scores 0. Samples lie close, so saying the last one again scores nearly 1:
compare by the valid prediction time, in Lyapunov times, of forecasts that are fed back. That depends on the
threshold, on the deviation (of the training part) and on the exponent: LYAPUNOV holds ours for 40 sites,
from twin trajectories.
"""

import numpy as np
from scipy.integrate import solve_ivp

from wavetrain.tasks._draws import at_least
from wavetrain.tasks.dynamics._shared import Forecast, check_times, forecast

LYAPUNOV = {8.0: 1.71, 10.0: 2.32}  # per time unit, by forcing, to about 0.03 and 0.07


def tendency(x: np.ndarray, forcing: float) -> np.ndarray:
    """dX/dt of states (..., sites)."""
    ahead, back, far_back = np.roll(x, -1, -1), np.roll(x, 1, -1), np.roll(x, 2, -1)
    return (ahead - far_back) * back - x + forcing


def integrate(start: np.ndarray, forcing: float, times: np.ndarray) -> np.ndarray:
    """The states (N, len(times), sites) at rising times of trajectories that start (N, sites) at 0."""

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        return tendency(flat.reshape(start.shape), forcing).ravel()

    solved = solve_ivp(slope, (0.0, times[-1]), start.ravel(), "DOP853", t_eval=times, rtol=1e-8, atol=1e-8)
    return solved.y.T.reshape(len(times), *start.shape).swapaxes(0, 1)


def lorenz96(
    sites: int = 40,
    forcing: float = 8.0,
    trajectories: int = 40,
    samples: int = 200,
    window: int = 32,
    step: float = 0.01,
    transient: float = 10.0,
) -> Forecast:
    """x, y (B, window, sites), scaled; `step` between samples and `transient` before them in time units.

    >>> from wavetrain.tasks import lorenz96
    >>> task = lorenz96(trajectories=4, samples=40)
    >>> x, y = task.test()
    >>> x.shape
    torch.Size([1, 32, 40])
    >>> torch.equal(x[:, 1:], y[:, :-1])  # y is one sample ahead
    True
    """
    at_least("lorenz96", 4, sites=sites, trajectories=trajectories)
    at_least("lorenz96", 2, samples=samples)
    check_times("lorenz96", step=step, transient=transient)
    noise = np.random.default_rng(96).standard_normal((trajectories, sites))
    times = transient + step * np.arange(samples)
    return forecast(integrate(forcing + 0.01 * noise, forcing, times), window)
