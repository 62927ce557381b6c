"""Which route is taken, how it is forced and told; the compiler and threads of the fast ones."""

import itertools
import os
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from tests.fresh import python
from wavetrain import scan
from wavetrain.scan.routes import (
    MANY,
    _no_triton,
    _triton,
    asked_for_plain,
    chosen,
    fast,
    must_be_plain,
    on_cpu,
    recorded_as,
    running,
)


def test_routes():
    half = torch.rand(2, 4, 3).bfloat16()
    scan.linear(half, half)
    assert scan.routes()["linear"] == "numba"  # in float32
    with scan.only_plain():
        scan.linear(half, half)
        assert scan.routes()["linear"] == "plain"
        scan.wave(half[:, :, None], torch.rand(1, 1, 3).bfloat16())
        assert scan.routes()["wave"] == "plain"
    a = torch.rand(2, 4, 3)
    scan.linear(a, a)
    assert scan.routes()["linear"] == "numba"
    torch.func.vmap(lambda b: scan.linear(a, b)[0])(torch.rand(5, 2, 4, 3))
    assert scan.routes()["linear"] == "plain"
    with pytest.raises(ZeroDivisionError), scan.only_plain():
        raise ZeroDivisionError
    scan.linear(a, a)
    assert scan.routes()["linear"] == "numba"


class Kept(torch.Tensor):
    """A tensor of a class of its own, which a kernel would not know."""


COMMON = (torch.float32, torch.float64, torch.complex64, torch.complex128)


@pytest.mark.parametrize("dtype", [*COMMON, torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_kernels_take_four_kinds_of_numbers_in_plain_tensors_and_parameters(dtype: torch.dtype):
    usual, x = torch.ones(2), torch.ones(2).to(dtype)
    plain = dtype not in COMMON
    for one in (x, torch.nn.Parameter(x, requires_grad=False)):
        assert must_be_plain(one) is must_be_plain(usual, one) is must_be_plain(one, usual) is plain
        assert fast(one) is on_cpu(one) is on_cpu(usual, one) is not plain
    assert must_be_plain(x.as_subclass(Kept)) and not fast(usual, x.as_subclass(Kept))
    assert not scan.written_out(usual, x)  # this is no matter of the numbers


def test_elsewhere_than_on_the_cpu_no_kept_memory_is_taken():
    here, there = torch.ones(2), torch.ones(2, device="meta")
    assert not must_be_plain(here, there)
    for given in ((there,), (here, there), (there, here)):
        assert not on_cpu(*given) and not fast(*given)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("asked", [None, "numba", "triton", "parallel"])
def test_a_route_that_is_chosen_is_the_one_that_runs(
    device: str, asked: Any, monkeypatch: pytest.MonkeyPatch
):
    """Whatever a recurrence has; else it would look for its kernel in another folder."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    x = torch.ones(2, device=device)
    with scan.only(asked):
        runs = running(x)
        for many in range(4):
            for has in itertools.combinations(("numba", "triton", "parallel"), many):
                assert chosen(x, time=MANY + 1, has=has) == (runs if runs in has else None)


def test_steps_are_launched_one_by_one_where_they_are_few():
    x = torch.ones(2, device="meta")
    assert chosen(x, time=MANY, has=("parallel",)) is None
    assert chosen(x, time=MANY + 1, has=("parallel",)) == "parallel"
    with scan.only("parallel"):
        assert chosen(x, time=1, has=("parallel",)) == "parallel"


def test_forward_mode_is_written_out_whichever_tensor_is_in_it():
    x, y = torch.ones(2), torch.ones(2)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, y)
        assert scan.written_out(y, dual) and scan.written_out(dual, y) and must_be_plain(y, dual)
        assert not scan.written_out(y) and fast(y)


@pytest.mark.filterwarnings("ignore:.torch.jit.trace. is deprecated:DeprecationWarning")
def test_graphs_that_are_written_down_are_plain():
    seen = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        seen.append((must_be_plain(x), scan.written_out(x)))
        return x + 1

    torch.jit.trace(noted, torch.ones(2), check_trace=False)
    assert seen == [(True, False)]


def test_records_and_orders_end_where_they_began():
    a = torch.rand(2, 4, 3)
    scan.linear(a, a)
    with scan.recorded() as outer:
        assert scan.routes() == {}
        with scan.only_plain():
            with scan.recorded() as inner, scan.only_plain():
                scan.linear(a, a)
            assert asked_for_plain() and inner == {"linear": "plain"} and outer == {}
        assert not asked_for_plain()
        told = scan.routes()
        told["linear"] = "another"  # a copy
        assert scan.routes() == {}
    assert scan.routes()["linear"] == "numba"


def test_the_compiler_is_loaded_only_when_used():
    assert python("import sys, wavetrain.scan; print('numba' in sys.modules)") == "False"


@dataclass
class Card:
    """A tensor on a GPU, as far as the choice of a route looks at it."""

    device: torch.device


@pytest.mark.parametrize(
    ("able", "imported", "reason"),
    [
        ((7, 5), True, "compute capability 8.0 or newer, got 7.5"),
        ((9, 0), False, "triton cannot be imported"),
        ((9, 0), True, ""),
    ],
)
def test_a_gpu_without_kernels_takes_the_parallel_route_and_says_why_once(
    able: tuple[int, int], imported: bool, reason: str, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("triton")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: able)
    if not imported:
        monkeypatch.setitem(sys.modules, "triton", None)  # whose import fails then
    card: Any = Card(torch.device("cuda", 0))
    for known in (_triton, _no_triton):
        known.cache_clear()
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            assert running(card) == running(card) == ("parallel" if reason else "triton")
            assert reason in recorded_as(card) and recorded_as(card).startswith(running(card))
            with scan.only("parallel"):
                assert recorded_as(card) == "parallel"  # asked for
    finally:
        for known in (_triton, _no_triton):
            known.cache_clear()
    assert [reason in str(one.message) for one in said] == [True] * bool(reason)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_threads_after_a_fork():
    """Kernels alone: PyTorch's own operations wait for ever in a fork of a process that had used threads."""
    code = """
import os, torch
from wavetrain import scan
torch.set_num_threads(2)
b = torch.rand(4, 600, 512)
h, _ = scan.linear(b, b)
child = os.fork()
if child == 0:
    os._exit(0 if (scan.linear(b, b)[0].numpy() == h.numpy()).all() else 1)
print(os.waitpid(child, 0)[1])
"""
    assert python(code) == "0"
