"""The recurrence with small matrices: both forms are the loop, at every length and split over threads."""

import pytest
import torch
from torch import Tensor

from tests.promises import close, normal
from wavetrain.scan import blocks
from wavetrain.scan.cpu import host


def problem(batch: int, time: int, states: int = 2, width: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """J, b and d, step by step."""
    jacobian, b = normal(batch, time, states, states, width), normal(batch, time, states, width)
    jacobian[:, 0] = 0
    d = [b[:, 0]]
    for t in range(1, time):
        d.append(b[:, t] + torch.einsum("bijd,bjd->bid", jacobian[:, t], d[-1]))
    return jacobian, b, torch.stack(d, 1)


@pytest.mark.parametrize("states", [1, 2, 3])
@pytest.mark.parametrize("time", [1, 2, 3, 4, 5, 8, 9])
def test_both_forms_are_the_loop(time: int, states: int):
    jacobian, b, d = problem(2, time, states)
    close(blocks.reduce(jacobian, b), d, "doubling, the loop")
    close(blocks.walk(jacobian, b), d, "the walk, the loop")


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_threads_share_the_sequences_in_two_pieces_each(batch: int, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(host, "WORTH", 0)
    parts = host.parts

    def noted(length: int, most: int) -> list[tuple[int, int]]:
        asked.append((length, most))
        return parts(length, most)

    monkeypatch.setattr(host, "parts", noted)
    monkeypatch.setattr(host, "fresh", lambda shape, dtype: torch.full(tuple(shape), torch.nan, dtype=dtype))
    jacobian, b, d = problem(batch, 4)
    close(blocks.walk(jacobian, b), d, "the walk on threads, the loop")
    assert asked == [(batch, 4)]
