"""Memory is used again only when nobody holds it; work is spread over threads without changing it."""

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tests.fresh import python
from wavetrain import scan
from wavetrain.scan.cpu import host

SIZE = (host.LARGE // 4 + 1,)


def test_memory_is_used_again_once_it_is_free() -> None:
    first = host.fresh(SIZE, torch.float32)
    place = first.data_ptr()
    second = host.fresh(SIZE, torch.float32)
    assert second.data_ptr() != place  # the first is still held
    del first
    gc.collect()
    assert host.fresh(SIZE, torch.float32).data_ptr() == place


def test_views_and_graphs_hold_their_memory() -> None:
    whole = host.fresh(SIZE, torch.float32)
    place, part = whole.data_ptr(), whole[5:9]
    array = whole.numpy()
    del whole
    assert host.fresh(SIZE, torch.float32).data_ptr() != place
    del part
    assert host.fresh(SIZE, torch.float32).data_ptr() != place
    del array
    others = [host.fresh(SIZE, torch.float32) for _ in range(4)]
    assert place in [one.data_ptr() for one in others]


def test_results_of_two_calls_do_not_share_memory() -> None:
    torch.manual_seed(0)
    a, b = torch.rand(2, 300, 600), torch.randn(2, 300, 600)
    first, _ = scan.linear(a, b)
    copy = first.clone()
    second, _ = scan.linear(a, 2 * b)
    assert torch.equal(first, copy)
    torch.testing.assert_close(second, 2 * first)


def test_what_is_kept_is_bounded() -> None:
    room = host.os.sysconf("SC_PAGE_SIZE") * host.os.sysconf("SC_PHYS_PAGES") // 8
    for size in range(3):
        host.fresh((host.LARGE + size,), torch.float64)
    assert sum(block.nbytes for block in host._kept) <= room


def test_no_block_is_given_to_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if another thread comes between the look at a block and its being taken."""
    unused = host._unused

    def slowly(place: int) -> bool:
        found = unused(place)
        time.sleep(0.002)
        return found

    monkeypatch.setattr(host, "_unused", slowly)
    monkeypatch.setattr(host, "_kept", [])
    host.fresh(SIZE, torch.float32)  # kept, and free
    ready = threading.Barrier(4)

    def take(_: int) -> torch.Tensor:
        ready.wait()
        return host.fresh(SIZE, torch.float32)

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(take, range(4)))
    assert len({one.data_ptr() for one in given}) == 4


def test_small_results_are_plain() -> None:
    before = len(host._kept)
    host.fresh((3, 5), torch.complex64)
    assert len(host._kept) == before


def test_rows_are_the_numbers_in_any_layout_and_no_copy_where_they_lie_as_rows() -> None:
    whole = torch.randn(3, 5, 8)
    lying = {"all": whole, "left": whole[..., :3], "right": whole[..., 3:], "one": whole[1:2, :, 2:6]}
    others = {"turned": whole.transpose(1, 2), "steps": whole[:, ::2], "every other": whole[..., ::2]}
    others["a lone step, whose strides mean nothing"] = torch.randn(10).as_strided(
        (1, 1, 5), (100, 100, 1), 3
    )
    for name, x in (lying | others).items():
        numbers, start = host.rows(x)
        seen = torch.from_numpy(numbers)[..., start : start + x.shape[2]]
        assert torch.equal(seen, x), name
        inside = whole.data_ptr() <= numbers.ctypes.data < whole.data_ptr() + whole.numel() * 4
        assert inside == (name in lying), name


def test_spread_does_all_pieces_in_any_number_of_threads() -> None:
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            done: list[int] = []
            host.spread(done.append, list(range(20)), cost=host.WORTH)
            assert sorted(done) == list(range(20))
    finally:
        torch.set_num_threads(threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    """Forked while another thread is about to give out memory."""
    code = """
import os, signal, threading, torch
from wavetrain.scan.cpu import host
held, done = threading.Event(), threading.Event()
def hold():
    with host._guard:
        held.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)  # ends a process that waits for ever
    os._exit(0 if host.fresh((host.LARGE,), torch.float32).numel() == host.LARGE else 1)
status = os.waitpid(child, 0)[1]
done.set()
thread.join()
print(status)
"""
    assert python(code) == "0"
