"""Ten spoken words as spikes of a model of the ear: a small part of Speech Commands.

Warden 2018, arXiv 1804.03209 (version 0.02, CC BY 4.0): the clips and parts of `speech_commands`, in which no
speaker is in two parts. The ear is `parts/cochlea.py`: gammatones from 80 to 7,000 Hz, their positive halves
compressed, and a leaky unit for each that fires. It is ours, and stands in for the model of the cochlea of
Cramer, Stradmann, Schemmel and Zenke 2022, arXiv 1910.07407, whose recordings are not used here.
"""

import torch

from wavetrain.core import CLASSES, Batch, Recorded, majority
from wavetrain.data.speech._commands import RATE, clips
from wavetrain.errors import BadInput
from wavetrain.parts.cochlea import centres, cochlea_spikes

LOW, HIGH = 80.0, 7000.0  # Hz
AT_ONCE = 20  # clips, to bound memory


def cochlear_commands(bands: int = 32, dt: float = 10.0) -> Recorded:
    """x (N, 1000 / dt, bands) of 0 and 1, low bands first; y (N,) from 0 to 9.

    `dt` in ms. Raises BadInput without bands, for steps that are no whole number of samples, and where the
    recording is not there.

    >>> from wavetrain.data import cochlear_commands
    >>> task = cochlear_commands()
    >>> task.train.x.shape, task.names[:3]
    (torch.Size([268, 100, 32]), ('yes', 'no', 'up'))
    """
    if bands < 1:
        raise BadInput(f"cochlear_commands: expected 1 band or more, got {bands}")
    found, hertz = clips(), centres(bands, LOW, HIGH)
    sound = torch.from_numpy(found.sound).split(AT_ONCE)
    x = torch.cat([cochlea_spikes(few, RATE, hertz, dt) for few in sound])
    y, part = torch.from_numpy(found.label), torch.from_numpy(found.part)
    train, valid, test = (Batch(x[part == place], y[part == place]) for place in range(3))
    return Recorded(
        train, valid, test, bands, len(found.words), False, False, CLASSES, majority(test.y), found.words
    )
