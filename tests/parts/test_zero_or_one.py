"""What reads spikes refuses what is neither 0 nor 1, with one line that names it."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from wavetrain.errors import BadInput
from wavetrain.parts.latency_code import latency_values
from wavetrain.parts.level_crossing import crossings_of
from wavetrain.parts.ngrams import NGrams
from wavetrain.parts.rate_code import rate_values
from wavetrain.parts.zero_or_one import zero_or_one


def asked(spikes: Tensor) -> Any:
    return NGrams(1, 2).scores(spikes)


def learned(spikes: Tensor) -> Any:
    NGrams(1, 2).learn(spikes, torch.zeros(len(spikes), dtype=torch.long))


@pytest.mark.parametrize("bad", [0.5, 2.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("reads", [latency_values, rate_values, crossings_of, asked, learned])
def test_what_reads_spikes_refuses_anything_else(reads: Callable[[Tensor], Any], bad: float) -> None:
    spikes = torch.zeros(2, 4, 2)
    spikes[0, 1, 0] = 1.0
    reads(spikes)
    spikes[1, 2, 1] = bad
    with pytest.raises(BadInput) as error:
        reads(spikes)
    assert str(error.value).endswith(f"expected spikes of 0 or 1, got {bad:g}")


@pytest.mark.parametrize("dtype", [torch.bool, torch.int16, torch.float32, torch.float64])
def test_of_whatever_type(dtype: torch.dtype) -> None:
    zero_or_one("it", torch.tensor([0, 1, 1], dtype=dtype))
    zero_or_one("it", torch.empty(0, 3, dtype=dtype))
