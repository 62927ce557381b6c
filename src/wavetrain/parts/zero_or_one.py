"""Spikes are 0 or 1: what reads them says so of anything else, rather than read something into it."""

from torch import Tensor

from wavetrain.errors import BadInput


def zero_or_one(about: str, spikes: Tensor) -> None:
    """Raise BadInput, in the name of what reads them, for spikes that are neither; a NaN is neither.

    >>> from wavetrain.parts.zero_or_one import zero_or_one
    >>> zero_or_one("a decoder", torch.tensor([0.0, 1.0]))
    >>> zero_or_one("a decoder", torch.tensor([0.0, 0.5]))
    Traceback (most recent call last):
    wavetrain.errors.BadInput: a decoder: expected spikes of 0 or 1, got 0.5
    """
    wrong = spikes[(spikes != 0) & (spikes != 1)]
    if len(wrong):
        raise BadInput(f"{about}: expected spikes of 0 or 1, got {float(wrong[0]):g}")
