"""One row at a time: what NumPy makes of it is what the network makes of it."""

import numpy as np
import pytest
import torch

from wavetrain.estimators import Forecaster
from wavetrain.estimators._single import Single
from wavetrain.tables.clock import Clock, moment
from wavetrain.tables.panel import Panel, Series

DICE = np.random.default_rng(0)
TIMES = moment("2024-01-01") + np.arange(24 * 12) * 3600 * 10**6
Y = np.sin(np.arange(len(TIMES)) * 2 * np.pi / 24) + 0.1 * DICE.normal(size=len(TIMES))


def hours(holes: bool) -> Panel:
    values = np.stack([Y, 5 + Y**2, DICE.normal(size=len(Y))], 1)
    if holes:
        values[40:43, 0] = values[70, 1] = np.nan
    return Panel(
        columns=("y", "z", "x"),
        series=(Series(name="", values=values, times=TIMES),),
        targets=("y", "z"),
        known=("x",),
        clock=Clock(1, "hour"),
    )


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("layer", ["gru", "lstm", "wave_rnn", "s4d", "mamba", "softmax_attention", "elman"])
def test_a_row_is_what_the_network_makes_of_it(layer: str, holes: bool):
    """With columns known ahead, phases, several targets and rows in which nothing was measured."""
    model = Forecaster(layer, horizon=3, width=8, depth=2, steps=4, context=24).fit(hours(holes))
    network, single = model.network_, Single(model.network_)
    assert Single.fits(network) and network.holes == holes
    for part in network.parameters():  # what is zero at the start would hide a fault
        torch.nn.init.normal_(part, std=0.3) if part.ndim > 1 and not part.is_complex() else None
    known, columns = len(network.known), 3 + len(network.known) - 1
    level, scale = DICE.normal(size=columns), np.exp(DICE.normal(size=columns))
    state = one = network.stack.begin(1)
    with torch.inference_mode():
        for _ in range(30):
            seen, gap = 3 * DICE.normal(size=columns), DICE.random(columns) < 0.3
            ahead = DICE.normal(size=(3, known))
            ahead[1, 0] = np.nan
            read = network.read(seen[None, None], gap[None, None], level, scale)
            stream, state = network.step(read[:, 0], state)
            added = network.added(stream[:, None], torch.from_numpy(ahead)[None, None])[0, 0]
            row = single.inputs(seen, gap, level, scale)
            np.testing.assert_allclose(row, read[0, 0], rtol=1e-6)
            told, one = single.step(row, one)
            size = float(stream.abs().max())
            np.testing.assert_allclose(told, stream[0], rtol=1e-5, atol=2e-6 * size)
            np.testing.assert_allclose(single.added(told, ahead), added, rtol=1e-5, atol=2e-6 * size)


def test_weights_are_those_of_the_network_and_other_forms_are_left_to_it():
    model = Forecaster("gru", horizon=1, width=4, depth=1, steps=0).fit(Y)
    single = Single(model.network_)
    row, state = np.ones(1, np.float32), model.network_.stack.begin(1)
    with torch.inference_mode():
        before = single.step(row, state)[0]
    with torch.no_grad():
        model.network_.stack.encode.weight.add_(1.0)
    with torch.inference_mode():
        assert (single.step(row, state)[0] != before).any()
    assert not Single.fits(model.network_.double())
    assert model.stream().single is None
