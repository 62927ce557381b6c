"""Timed compose copy: compose copy, with signs that are changed in three steps of six."""

import pytest
import torch

from wavetrain.errors import BadInput
from wavetrain.tasks.languages.compose_copy import ComposeCopy
from wavetrain.tasks.languages.timed_compose_copy import TimedComposeCopy


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_two_components_written_out():
    x, y = TimedComposeCopy(2, 7).draw(30, generator())
    for given, said in zip(x.tolist(), y.tolist(), strict=True):
        (a, _), (b, upper) = given[:2]
        assert given[2:] == [[0, 0]] * 7 and said[:2] == [[0, 0]] * 2
        assert [row[0] for row in said[2:]] == [-a, -b, a, -b, a, -b, -a]
        assert [row[1] for row in said[2:]] == [-upper, upper, -upper, -upper, -upper, -upper, upper]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_it_is_compose_copy_but_for_the_sign(size: int):
    """The same generator gives the same vectors; the magnitude of signs says which one is repeated."""
    timed, plain = (task(size, 30).draw(40, generator()) for task in (TimedComposeCopy, ComposeCopy))
    assert torch.equal(timed.x, plain.x)
    ratio = timed.y[:, size:] * plain.y[:, size:]  # how often a component was changed, odd or even
    for j in range(size):
        period, changes = size - j, torch.ones(30)
        for step in range(30):
            before = changes[step - period] if step >= period else 1
            changes[step] = -before if step % 6 < 3 else before
        assert torch.equal(ratio[:, :, j], changes.expand(40, -1))


def test_the_last_component_tells_the_time():
    """It is changed three times and stays for three: after six steps it is turned round, after 12 back."""
    y = TimedComposeCopy(3, 30).draw(40, generator()).y[:, 3:, 2]
    assert torch.equal(y[:, 6:], -y[:, :-6])
    assert torch.equal(y[:, 2:6], y[:, 2:3].expand(-1, 4))


def test_bad_sizes():
    with pytest.raises(BadInput, match="horizon must be"):
        TimedComposeCopy(horizon=0)
