"""The recurrence of matrices: products in chunks of time against the walk."""

import pytest
import torch
from torch import Tensor

from tests.scan.agree import draw, results
from wavetrain import scan
from wavetrain.errors import BadInput


def parts_of_chunked(time: int, rates: int, keys: int = 3) -> list[Tensor]:
    torch.manual_seed(time)
    qkv = [draw(2, time, 2, keys), draw(2, time, 2, keys), draw(2, time, 2, 5)]
    return [*qkv, -draw(2, time, 2, rates).exp(), draw(2, 2, keys, 5)]


@pytest.mark.parametrize("rates", [1, 3])
@pytest.mark.parametrize("time", [1, 2, 3, 4, 5, 7, 8, 9, 13])
def test_chunked(time, rates):
    inputs = parts_of_chunked(time, rates)
    for size in (1, 4, 64):
        for parts in (inputs, inputs[:4]):
            in_chunks = results(lambda *parts, n=size: scan.chunked(*parts, size=n), parts)
            with scan.only_plain():
                by_steps = results(scan.chunked, parts)
            for x, y in zip(in_chunks, by_steps, strict=True):
                torch.testing.assert_close(x, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("time", [63, 64, 65, 127, 128, 129])
def test_chunked_round_its_size(time):
    inputs = parts_of_chunked(time, 1)
    in_chunks = results(scan.chunked, inputs)
    with scan.only_plain():
        by_steps = results(scan.chunked, inputs)
    for x, y in zip(in_chunks, by_steps, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)


def test_chunked_by_differences():
    for rates in (1, 3):
        wanted = [x.requires_grad_() for x in parts_of_chunked(5, rates)]
        assert torch.autograd.gradcheck(lambda *parts: scan.chunked(*parts, size=2), wanted, fast_mode=True)


def test_chunked_keeps_its_digits_however_much_is_forgotten():
    """Rates from minus infinity to nothing at all, values and gradients, in float32 as well."""
    q, k, v, rates, state = parts_of_chunked(11, 1)
    for strong in (-1e4, -torch.inf):
        rates = torch.where(torch.rand(2, 11, 2, 1) < 0.4, strong, rates * 1e-3).double()
        inputs = [q, k, v, rates, state]
        in_chunks = results(lambda *parts: scan.chunked(*parts, size=8), inputs)
        single = results(lambda *parts: scan.chunked(*parts, size=8), [part.float() for part in inputs])
        with scan.only_plain():
            by_steps = results(scan.chunked, inputs)
        for x, y in zip(in_chunks, by_steps, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-10, atol=1e-10)
        for coarse, y in zip(single[:2], by_steps, strict=False):
            torch.testing.assert_close(coarse.double(), y, rtol=1e-4, atol=1e-4)
        assert all(slope.isfinite().all() for slope in single[2:])


def test_chunked_refuses_what_does_not_fit():
    q, k, v, rates, state = parts_of_chunked(4, 1)
    for parts, message in (
        ((q[:, :2], k, v, rates), "expected q and k"),
        ((q[:, :0], k[:, :0], v[:, :0], rates[:, :0]), "at least one step"),
        ((q, k, v[:, :2], rates), "expected v"),
        ((q, k, v, rates[..., 0]), "expected log_decay"),
        ((q, k, v, rates, state[:1]), "expected state"),
    ):
        with pytest.raises(BadInput, match=message):
            scan.chunked(*parts)
