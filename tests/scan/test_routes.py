"""Which route is taken, how it is forced and told; the compiler and threads of the fast ones."""

import os

import pytest
import torch

from tests.fresh import python
from wavetrain import scan


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


def test_the_compiler_is_loaded_only_when_used():
    assert python("import sys, wavetrain.scan; print('numba' in sys.modules)") == "False"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_threads_after_a_fork():
    code = """
import os, torch
from wavetrain import scan
torch.set_num_threads(2)
b = torch.rand(4, 600, 512)
h, _ = scan.linear(b, b)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(scan.linear(b, b)[0], h) else 1)
print(os.waitpid(child, 0)[1])
"""
    assert python(code) == "0"
