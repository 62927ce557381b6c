"""Prototype stream: labels come one step late, are dealt anew, and the nearest prototype names them."""

import pytest
import torch
from torch import Tensor

from wavetrain.core import accuracy
from wavetrain.errors import BadInput
from wavetrain.tasks.streams.prototype_stream import PrototypeStream, presentations


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_labels_come_with_the_next_sample():
    x, y = PrototypeStream(length=9).draw(7, generator())
    told = x[:, :, 16:]
    assert not told[:, 0].any() and torch.equal(told.argmax(-1)[:, 1:], y[:, :-1])
    assert (told[:, 1:].sum(-1) == 1).all() and x.shape == (7, 9, 21)


def test_without_noise_a_class_is_one_point_with_one_label():
    x, y = PrototypeStream(length=20, noise=0.0).draw(3, generator())
    same = (x[:, :, None, :16] == x[:, None, :, :16]).all(-1)
    assert torch.equal(same, y[:, :, None] == y[:, None]) and not same.all()


def test_noise_has_its_deviation():
    (x, _), kinds = PrototypeStream(length=200, noise=0.5).episodes(20, generator())
    deviations = [x[row, kinds[row] == kind, :16].std(0) for row in range(20) for kind in range(5)]
    assert torch.stack(deviations).mean() == pytest.approx(0.5, rel=0.03)


def test_labels_are_dealt_out_anew():
    (_, y), kinds = PrototypeStream(length=5).episodes(4000, generator())
    table = torch.zeros(5, 5).index_put_((kinds.flatten(), y.flatten()), torch.ones(20_000), accumulate=True)
    torch.testing.assert_close(table / table.sum(1, keepdim=True), torch.full((5, 5), 0.2), atol=0.03, rtol=0)


def test_classes_come_as_often_as_their_shares_say():
    shares = (0.4, 0.3, 0.2, 0.08, 0.02)
    _, kinds = PrototypeStream(50, shares).episodes(2000, generator())
    got = kinds.flatten().bincount(minlength=5) / kinds.numel()
    torch.testing.assert_close(got, torch.tensor(shares), atol=0.005, rtol=0)


def test_presentations_count_from_one():
    y = torch.tensor([[2, 0, 2, 2, 0, 1]])
    assert presentations(y, 3).tolist() == [[1, 1, 2, 3, 2, 1]]


def nearest(task: PrototypeStream, x: Tensor) -> Tensor:
    """Name each sample like the nearest one of those before whose label has been told."""
    samples, told = x[..., : task.channels], x[..., task.channels :]
    output = torch.zeros(*x.shape[:2], task.outputs)
    for t in range(1, x.shape[1]):
        distance = (samples[:, :t] - samples[:, t : t + 1]).norm(dim=-1)
        output[:, t] = told[torch.arange(len(x)), distance.argmin(1) + 1]
    return output


def test_a_neighbour_names_all_but_first_samples():
    task = PrototypeStream(length=30, noise=0.1)
    x, y = task.draw(200, generator())
    output, later = nearest(task, x), presentations(y, 5) > 1
    assert accuracy(output[later], y[later]) > 0.995
    assert accuracy(output[~later], y[~later]) < 0.25


def test_bad_shares_are_refused():
    for shares in ((1.0,), (0.5, 0.6), (1.0, 0.0)):
        with pytest.raises(BadInput, match="expected shares above 0"):
            PrototypeStream(shares=shares)
    with pytest.raises(BadInput, match="length must be a whole number"):
        PrototypeStream(length=0)
