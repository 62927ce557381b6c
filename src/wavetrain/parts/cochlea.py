"""Sound as spikes of a model of the ear: filters, rectified, compressed, and units that fire.

    filters      gammatones of order 4, whose centres are evenly spaced on the scale of the ear
    hair cells   the positive half of each, mean over steps of `dt` ms, and the cube root of it
    nerve        leaky units v <- exp(-dt / tau) v + I that fire above 1 and lose 1, once a step at the most

A filter is four complex leaky integrators in a row, Hohmann 2002, Acta Acustica united with Acustica 88; its
bandwidth is 1.019 times the equivalent rectangular bandwidth of Glasberg and Moore 1990, 24.7 + f / 9.265 Hz.
A tone at its centre passes as it is. The loudest step of a sound drives its unit by 1, so that loudness as a
whole is not heard; what is 1 - exp(-dt / tau) of it or less never fires. There is no way back: phases and
what is below that are lost.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain import scan
from wavetrain.core.spiking import whole_steps
from wavetrain.errors import BadInput

ORDER = 4  # of a filter
BROAD, FIXED, RATIO = 1.019, 24.7, 9.265  # times a bandwidth of 24.7 + f / 9.265 Hz
COMPRESSED = 1 / 3  # power of what the hair cells give
TAU = 20.0  # ms, of the units that fire


def centres(bands: int, low: float, high: float) -> Float[Tensor, "bands"]:
    """Frequencies in Hz from low to high, as many bandwidths of the ear from one to the next.

    Raises BadInput for fewer than 1 band, and for frequencies that do not rise from above 0.

    >>> from wavetrain.parts.cochlea import centres
    >>> centres(4, 100.0, 3000.0).round().int().tolist()
    [100, 475, 1279, 3000]
    """
    if bands < 1 or not 0 < low < high < math.inf:
        raise BadInput(
            f"a cochlea: expected 1 band or more and 0 < low < high, got {bands}, {low:g} and {high:g} Hz"
        )
    least, most = (math.log(FIXED * RATIO + one) for one in (low, high))
    return torch.linspace(least, most, bands, dtype=torch.float64).exp() - FIXED * RATIO


def gammatones(
    sound: Float[Tensor, "batch samples"], rate: float, hertz: Float[Tensor, "bands"]
) -> Float[Tensor, "batch samples bands"]:
    """What the filters around some frequencies pass of a sound with `rate` samples a second.

    Raises BadInput for a frequency that such a sound cannot carry.

    >>> from wavetrain.parts.cochlea import gammatones
    >>> tone = torch.sin(2 * torch.pi * 500 * torch.arange(8000) / 8000)[None]
    >>> gammatones(tone, 8000.0, torch.tensor([500.0, 1000.0]))[0, 4000:].amax(0)
    tensor([1.0000, 0.0047], dtype=torch.float64)
    """
    if not bool(((hertz > 0) & (hertz < rate / 2)).all()):
        raise BadInput(f"a cochlea: expected frequencies between 0 and {rate / 2:g} Hz, got {hertz.tolist()}")
    hertz = hertz.double()
    fade = torch.exp(-2 * math.pi * BROAD * (FIXED + hertz / RATIO) / rate)
    turn = torch.polar(fade, 2 * math.pi * hertz / rate)
    y = (2 * (1 - fade) ** ORDER * sound.double().unsqueeze(-1)).to(turn.dtype)
    for _ in range(ORDER):
        y, _ = scan.linear(turn, y)
    return y.real


def hair_cells(
    sound: Float[Tensor, "batch samples"], rate: float, hertz: Float[Tensor, "bands"], dt: float
) -> Float[Tensor, "batch steps bands"]:
    """How strongly each band drives its unit in each step of `dt` ms, from 0 to 1; 0 where all is silent.

    The last step is filled up with silence. Raises BadInput for steps that are no whole number of samples.

    >>> from wavetrain.parts.cochlea import centres, hair_cells
    >>> hair_cells(torch.randn(2, 800), 8000.0, centres(5, 100.0, 3000.0), dt=5.0).shape
    torch.Size([2, 20, 5])
    """
    samples = whole_steps(dt, 1000 / rate, "a step of a cochlea")
    if samples < 1:
        raise BadInput(f"a cochlea: expected steps of a sample or more, got {dt:g} ms")
    half = gammatones(sound, rate, hertz).clamp(min=0)
    half = torch.nn.functional.pad(half, (0, 0, 0, -half.shape[1] % samples))
    mean = half.unflatten(1, (-1, samples)).mean(2)
    loudest = mean.amax((1, 2), keepdim=True)
    return torch.where(loudest > 0, mean / loudest.clamp(min=torch.finfo(mean.dtype).tiny), 0) ** COMPRESSED


def cochlea_spikes(
    sound: Float[Tensor, "batch samples"], rate: float, hertz: Float[Tensor, "bands"], dt: float
) -> Float[Tensor, "batch steps bands"]:
    """A sound as spikes, in float32, of one unit for each frequency, in steps of `dt` ms.

    >>> from wavetrain.parts.cochlea import centres, cochlea_spikes
    >>> spikes = cochlea_spikes(torch.randn(2, 800), 8000.0, centres(5, 100.0, 3000.0), dt=5.0)
    >>> spikes.shape, spikes.unique().tolist()
    (torch.Size([2, 20, 5]), [0.0, 1.0])
    """
    drive = hair_cells(sound, rate, hertz, dt)
    kept, v, found = math.exp(-dt / TAU), drive.new_zeros(len(drive), len(hertz)), []
    for now in drive.unbind(1):
        v = kept * v + now
        fired = (v > 1).to(v.dtype)
        v = v - fired
        found.append(fired)
    return torch.stack(found, 1).float()
