"""Pictures of spikes: each pattern in a colour of its own."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from wavetrain.evidence.picture import Points


def dots(title: str, x: Float[Tensor, "patterns time channels"], labels: Sequence[str]) -> Points:
    """A point for each spike: when, in which channel, and in which pattern."""
    group, time, channel = (one.numpy() for one in x.nonzero(as_tuple=True))
    at = time.astype(float), channel.astype(float)
    return Points(title, *at, group.astype(np.int64), tuple(labels), "time (steps)", "channel")
