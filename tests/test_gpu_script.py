"""What is run on a GPU, tried at small sizes in the interpreter: on a card there is no time for faults."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

import gpu
from beside.on_gpu import PEERS
from gpu_cases import (
    CASES,
    HALF,
    SINGLE,
    blocks,
    chunked,
    lif,
    linear,
    selective,
    short,
    softmax,
    unitary,
    wave,
)
from history import Comparison, Rival
from wavetrain import scan
from wavetrain.evidence.shape import parsed

SMALL = [
    linear(1, 9, 4, HALF),
    linear(2, 9, 4, SINGLE, same=True),
    wave(2, 4, 3, 8),
    chunked(1, 20, 1, 16, SINGLE),
    lif(2, 4, 8),
    short(1, 6, 4, 4),
    selective(1, 5, 4, 2),
    blocks(1, 6, 2, 4),
    softmax(1, 6, 1, 4),
    unitary(1, 6, 2, 4),
]


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    device = torch.device("cpu")
    with scan.only("triton"):
        return gpu.everything(device, SMALL, gpu.Clock(device, 600), 2, shorter=400)


def test_each_case_and_model_is_timed(figures: dict[str, Any]):
    assert not figures["skipped"]
    assert list(figures["cases"]) == [*(case.name for case in SMALL), "adding", "digits", "newton"]
    for case in SMALL:
        found = figures["cases"][case.name]
        assert "refused" not in found and max(found["errors"]) < 3e-2
        ways = gpu.WAYS if case.name[:6] != "blocks" else gpu.WAYS[:1]
        assert list(found["ms"]) == list(ways)
        assert all(set(found["ms"][way]) >= {"ours", "floor"} for way in ways)
        assert ("walk" in found["ms"]["forward"]) is case.defined
    assert "parallel form" in figures["cases"][SMALL[0].name]["ms"]["forward"]


def test_the_record_reads_what_it_writes(figures: dict[str, Any]):
    found = [parsed(Comparison, one) for one in figures["comparisons"]]
    assert {one.rival for one in found} == {Rival.LOOP, Rival.FLOOR}
    assert {"cpu", "threads", "copy GB/s", "large product GFLOP/s"} <= set(figures["machine"])


def test_a_wrong_kernel_gets_no_time():
    device = torch.device("cpu")
    right = linear(1, 9, 4, SINGLE)

    def wrong(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        h = scan.linear(a, b)[0]
        return h if a.dtype == torch.float64 else 1.1 * h

    case = gpu.Case(right.name, right.inputs, wrong, right.minimum)
    found, comparisons = gpu.timed(case, device, gpu.Clock(device, 60), 1)
    assert "refused" in found and not found["ms"] and not comparisons


def test_what_there_is_no_time_for_is_named():
    device = torch.device("cpu")
    found = gpu.everything(device, SMALL[:1], gpu.Clock(device, 0), 1, shorter=400)
    assert found["skipped"][0] == f"{SMALL[0].name}: there was no more time" and not found["cases"]


def test_peers_have_their_cases():
    assert {peer.case for peer in PEERS} <= {case.name for case in CASES}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_there_is_one_line():
    script = Path(gpu.__file__)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "gpu: no GPU is here that PyTorch can use\n"
