"""Analog LSTM: an LSTM without errors and with many bits, what errors and converters do, and gradients."""

import functools
import math

import pytest
import torch

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.layers.gate.analog_lstm import AnalogLSTM, Converter
from wavetrain.layers.gate.lstm import LSTM


def layer(bits: int | None = 5, converter: Converter = Converter.RAMP) -> AnalogLSTM:
    """In general position, of width 5 and 3 inputs."""
    return generic(functools.partial(AnalogLSTM, bits=bits, converter=converter), 5, 3)


def same(one: AnalogLSTM) -> LSTM:
    """An LSTM with the weights of an analog one."""
    lstm = LSTM(one.width, one.inputs).double()
    encode, recur, bias, zero = lstm.cell.all_weights[0]
    with torch.no_grad():
        encode.copy_(one.weight[:, : one.inputs])
        recur.copy_(one.weight[:, one.inputs : -1])
        bias.copy_(one.weight[:, -1])
        zero.zero_()
    return lstm


def test_without_bits_it_is_an_lstm():
    one, x = layer(None), normal(2, 9, 3)
    first = normal(2, 5, seed=2), normal(2, 5, seed=3)
    close(one(x, first), same(one)(x, first), "without bits, an LSTM")
    close(one.step(x[:, 0], first), same(one).step(x[:, 0], first), "a step without bits, an LSTM")


def test_with_more_bits_it_comes_nearer_to_an_lstm():
    x, errors = normal(20, 9, 3), []
    for bits in (4, 7, 10, 13):
        one = layer(bits)
        y, _ = one(x)
        errors.append(float((y - same(one)(x)[0]).detach().abs().max()))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 2e-3
    assert errors[0] / errors[2] > 20  # a sixty-fourth per activation


def test_a_step_written_out():
    """Four gates and the output each rounded to the middle of one of eight values."""
    one, x = layer(3), normal(4, 3)
    h, c = normal(4, 5, seed=2), normal(4, 5, seed=3)
    z = torch.cat([x, h, torch.ones(4, 1).double()], 1) @ one.weight.T
    i, f, g, o = z.chunk(4, -1)

    def down(y: torch.Tensor, low: float, high: float) -> torch.Tensor:
        step = (high - low) / 8
        return low + (((y - low) / step).floor() + 0.5) * step

    i, f, o = (down(part.sigmoid(), 0, 1) for part in (i, f, o))
    c = f * c + i * down(g.tanh(), -1, 1)
    y, (_, cells) = one.step(x, (h, normal(4, 5, seed=3)))
    close(cells, c, "cells, written out")
    close(y, o * down(c.tanh(), -1, 1), "output, written out")


def test_equal_steps_are_rounded_before_the_function():
    one, x = layer(4, Converter.LINEAR), normal(4, 3)
    with torch.no_grad():
        one.swing.copy_(torch.tensor([2.0, 0.5]))
    h, c = normal(4, 5, seed=2), normal(4, 5, seed=3)

    def down(v: torch.Tensor, swing: float) -> torch.Tensor:
        step = 2 * swing / 16
        return (((v + swing) / step).floor().clamp(0, 15) + 0.5) * step - swing

    z = torch.cat([x, h, torch.ones(4, 1).double()], 1) @ one.weight.T
    i, f, g, o = down(z, 2.0).chunk(4, -1)
    cells = f.sigmoid() * c + i.sigmoid() * g.tanh()
    y, (_, after) = one.step(x, (h, c))
    close(after, cells, "cells, written out")
    close(y, o.sigmoid() * down(cells, 0.5).tanh(), "output, written out")


def test_swings_are_taken_from_data():
    one, x = layer(4, Converter.LINEAR), normal(50, 9, 3)
    one.calibrate(x, share=1.0)
    free, seen = layer(None), []
    state = free.begin(50)
    for now in x.unbind(1):
        z = torch.cat([now, state[0], torch.ones(50, 1).double()], 1) @ one.weight.T
        _, state = free.step(now, state)
        seen.append((z.abs().max().item(), state[1].abs().max().item()))
    close(one.swing, torch.tensor(seen, dtype=torch.float64).amax(0), "swings, the largest that was seen")
    all_of_it = one.swing.clone()
    one.calibrate(x, share=0.5)
    assert (one.swing < 0.6 * all_of_it).all()
    one.calibrate(x[:1, :1], share=0.6)  # one step: of 20 sums the 13th, of 5 cells the 4th
    sums = torch.cat([x[0, 0], torch.zeros(5).double(), torch.ones(1).double()]) @ one.weight.T
    i, _, g, _ = sums.chunk(4)
    cells = (i.sigmoid() * g.tanh()).abs().sort().values
    close(one.swing, torch.stack([sums.abs().sort().values[12], cells[3]]), "swings, by their ranks")
    with pytest.raises(BadInput, match="expected x"):
        one.calibrate(normal(2, 5, 4))


def test_errors_have_the_size_that_is_told():
    one = AnalogLSTM(60, 20, bits=5)
    one.program(weights=0.1)
    largest = one.weight.abs().max().item()
    assert float(one.error.std()) == pytest.approx(0.1 * largest, rel=0.02)
    assert abs(float(one.error.mean())) < 0.01 * largest
    exact = AnalogLSTM(60, 20, bits=5)
    assert torch.equal(one.gate, exact.gate)
    one.program(ramp=0.05)
    assert not one.error.any() and not torch.equal(one.gate, exact.gate)
    assert one.gate[15] == exact.gate[15] and (one.cell.diff() > 0).all()
    one.program()
    assert torch.equal(one.gate, exact.gate) and torch.equal(one.cell, exact.cell)


def test_errors_go_into_sums_and_into_what_is_saved():
    one, x = layer(None), normal(2, 6, 3)
    one.program(weights=0.2)
    moved = layer(None)
    with torch.no_grad():
        moved.weight.add_(one.error)
    close(one(x), moved(x), "with errors, with the weights that they make")
    fresh = AnalogLSTM(5, 3, bits=None).double()
    fresh.load_state_dict(one.state_dict())
    close(fresh(x), one(x), "loaded, saved")


def test_gradients_see_the_functions():
    """One step at 2 bits: the slope of the cell by its input gate's bias is that of a smooth sigmoid."""
    one, x = layer(2), normal(1, 3)
    h, c = normal(1, 5, seed=2), normal(1, 5, seed=3)
    _, (_, cells) = one.step(x, (h, c))
    (slope,) = torch.autograd.grad(cells.sum(), one.weight)
    z = torch.cat([x, h, torch.ones(1, 1).double()], 1) @ one.weight.T
    i, _, g, _ = z.chunk(4, -1)
    value = ((g.tanh() + 1) * 2).floor() / 2 - 0.75
    close(slope[:5, -1], (i.sigmoid() * (1 - i.sigmoid()) * value)[0], "slope, the closed form")


@pytest.mark.parametrize("words", [{"weights": -0.1}, {"ramp": -1.0}, {"weights": math.nan}])
def test_errors_below_nothing_are_refused(words):
    with pytest.raises(BadInput, match="errors of at least 0"):
        AnalogLSTM(4).program(**words)
    with pytest.raises(BadInput, match="2 to 16 bits"):
        AnalogLSTM(4, bits=1)


def test_sizes():
    assert sum(part.numel() for part in AnalogLSTM(8, 3).parameters()) == 4 * 8 * (8 + 3 + 1)


SMOOTH = {"check_operator", "check_against_differences"}  # derivatives of what is computed, staircase and all


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("converter", list(Converter))
def test_converters_keep_the_promises(converter: Converter, promise):
    """All but that gradients are those of the staircase: they are those of the functions, as shown above."""
    if promise.__name__ in SMOOTH:
        return
    promise(generic(functools.partial(AnalogLSTM, bits=4, converter=converter), 4, 2), normal(2, 7, 2))
