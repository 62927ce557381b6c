"""A model of the ear: which tone passes which filter, what a step holds, and when a unit fires."""

import math

import pytest
import torch
from scipy import signal

from wavetrain.errors import BadInput
from wavetrain.parts.cochlea import TAU, centres, cochlea_spikes, gammatones, hair_cells
from wavetrain.spiking.lif import LIF

RATE = 8000.0


def tone(hertz: float, seconds: float = 0.5, rate: float = RATE) -> torch.Tensor:
    time = torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    return torch.sin(2 * torch.pi * hertz * time)[None]


def test_centres_are_evenly_spaced_in_bandwidths():
    found = centres(20, 100.0, 3500.0)
    assert found[0] == pytest.approx(100) and found[-1] == pytest.approx(3500)
    places = (1 + found / (24.7 * 9.265)).log()
    torch.testing.assert_close(places.diff(), places.diff()[:1].expand(19))


@pytest.mark.parametrize("hertz", [100.0, 440.0, 1000.0, 3000.0])
def test_a_tone_at_the_centre_passes_as_it_is(hertz: float):
    late = gammatones(tone(hertz), RATE, torch.tensor([hertz]))[0, 2000:, 0]
    assert late.std() * 2**0.5 == pytest.approx(1, abs=0.02)


def test_it_is_scipys_gammatone_filter():
    """Other constants of bandwidth and of gain, so compared by the width of the pass band."""
    impulse = torch.zeros(1, 4000)
    impulse[0, 0] = 1
    ours = gammatones(impulse, RATE, torch.tensor([1000.0]))[0, :, 0].numpy()
    b, a = signal.gammatone(1000.0, "iir", fs=RATE)
    theirs = signal.lfilter(b, a, impulse[0].numpy())
    assert abs(signal.hilbert(ours)).argmax() == pytest.approx(abs(signal.hilbert(theirs)).argmax(), abs=2)
    cosine = (ours @ theirs) / (ours @ ours) ** 0.5 / (theirs @ theirs) ** 0.5
    assert cosine > 0.98


def test_half_a_bandwidth_off_it_is_half_a_bandwidth_down():
    """Of order 4 the power is down by (1 + (d / b)^2)^4, with b the width of one integrator."""
    hertz = 1000.0
    width = 1.019 * (24.7 + hertz / 9.265)
    for off in (0.5 * width, width, 2 * width):
        late = gammatones(tone(hertz + off, 1.0), RATE, torch.tensor([hertz]))[0, 4000:, 0]
        assert late.std() * 2**0.5 == pytest.approx((1 + (off / width) ** 2) ** -2, rel=0.05)


def test_a_filter_never_hears_what_comes_later():
    sound = torch.randn(1, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changed = sound.clone()
    changed[:, 200:] = 0
    hertz = centres(4, 100.0, 3000.0)
    one, other = (gammatones(each, RATE, hertz) for each in (sound, changed))
    assert torch.equal(one[:, :200], other[:, :200]) and not torch.equal(one, other)


def test_the_loudest_band_is_that_of_the_tone_and_loudness_is_not_heard():
    hertz = centres(16, 100.0, 3500.0)
    for place in (0, 5, 15):
        drive = hair_cells(tone(float(hertz[place])), RATE, hertz, 5.0)
        assert drive.shape == (1, 100, 16) and drive.max() == 1 and drive.min() >= 0
        assert drive.mean(1).argmax() == place
        torch.testing.assert_close(hair_cells(1000 * tone(float(hertz[place])), RATE, hertz, 5.0), drive)


def test_the_cube_root_of_the_mean_of_the_positive_half():
    hertz = torch.tensor([500.0])
    sound = torch.randn(1, 83, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    half = torch.cat([gammatones(sound, RATE, hertz)[0, :, 0].clamp(min=0), torch.zeros(37)])
    mean = half.reshape(3, 40).mean(1)
    torch.testing.assert_close(hair_cells(sound, RATE, hertz, 5.0)[0, :, 0], (mean / mean.max()) ** (1 / 3))


def test_units_fire_as_leaky_units_do():
    sound = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hertz = centres(6, 100.0, 3500.0)
    units = LIF(6, tau=TAU, dt=5.0).double()
    with torch.no_grad():
        units.encode.weight.copy_(torch.eye(6))
        units.encode.bias.zero_()
        expected = units(hair_cells(sound, RATE, hertz, 5.0))[0]
    spikes = cochlea_spikes(sound, RATE, hertz, 5.0)
    assert spikes.dtype == torch.float32 and torch.equal(spikes.double(), expected)
    assert spikes.unique().tolist() == [0, 1]


def test_silence_is_silent_and_rows_do_not_hear_each_other():
    sound = torch.randn(3, 800, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sound[1] = 0
    hertz = centres(5, 100.0, 3500.0)
    spikes = cochlea_spikes(sound, RATE, hertz, 5.0)
    assert not spikes[1].any() and spikes[0].any()
    for row in range(3):
        assert torch.equal(cochlea_spikes(sound[row : row + 1], RATE, hertz, 5.0)[0], spikes[row])


def test_what_is_too_weak_never_fires():
    """A unit that is driven by x comes to x / (1 - exp(-dt / tau)) at the most."""
    least = 1 - math.exp(-5.0 / TAU)
    hertz = torch.tensor([500.0, 2000.0])
    sound = tone(500.0) + 1e-3 * tone(2000.0)
    drive = hair_cells(sound, RATE, hertz, 5.0)[0, 20:, 1]
    assert drive.max() < least
    assert not cochlea_spikes(sound, RATE, hertz, 5.0)[0, 20:, 1].any()
    assert cochlea_spikes(sound, RATE, hertz, 5.0)[0, 20:, 0].mean() > 0.8


def test_bad_input():
    sound = torch.zeros(1, 100)
    with pytest.raises(BadInput, match="expected 1 band or more"):
        centres(0, 100.0, 200.0)
    with pytest.raises(BadInput, match="0 < low < high"):
        centres(3, 200.0, 100.0)
    with pytest.raises(BadInput, match="between 0 and 4000 Hz"):
        gammatones(sound, RATE, torch.tensor([4000.0]))
    with pytest.raises(BadInput, match=r"a step of a cochlea in whole steps of 0\.125 ms"):
        hair_cells(sound, RATE, torch.tensor([500.0]), 0.3)
    with pytest.raises(BadInput, match="expected steps of a sample or more"):
        hair_cells(sound, RATE, torch.tensor([500.0]), 0.0)
