"""Figures are measured on a given number of threads, whichever library counts them."""

import os
import subprocess
import sys

import pytest
import torch
from threadpoolctl import threadpool_info

from wavetrain.run.threads import NAMES, limited, used


def counted() -> set[int]:
    return {one["num_threads"] for one in threadpool_info()} | {torch.get_num_threads()}


@pytest.mark.parametrize("threads", (1, 2))
def test_every_library_is_held_to_the_limit_and_let_go_again(threads: int) -> None:
    before = [(one["filepath"], one["num_threads"]) for one in threadpool_info()], torch.get_num_threads()
    surroundings = {name: os.environ.get(name) for name in NAMES}
    with pytest.raises(ZeroDivisionError), limited(threads):
        assert len(threadpool_info()) > 1  # NumPy and SciPy bring one each, and torch another
        assert counted() == {threads}
        raise ZeroDivisionError
    after = [(one["filepath"], one["num_threads"]) for one in threadpool_info()], torch.get_num_threads()
    assert after == before
    assert {name: os.environ.get(name) for name in NAMES} == surroundings


def test_a_library_that_is_loaded_meanwhile_is_held_too() -> None:
    """scikit-learn brings threads of its own, and experiments load it late."""
    program = (
        "from wavetrain.run.threads import limited\n"
        "from threadpoolctl import threadpool_info\n"
        "with limited(1):\n"
        "    before = len(threadpool_info())\n"
        "    import sklearn.cluster\n"
        "    print(len(threadpool_info()) > before, {one['num_threads'] for one in threadpool_info()})\n"
    )
    free = {name: value for name, value in os.environ.items() if name not in NAMES} | {"OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=free, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(maxsplit=1) == ["True", "{1}\n"]


def test_experiments_on_the_cpu_have_one_thread_each() -> None:
    assert used("cpu") == 1
    assert used("cuda") == os.cpu_count()


def test_one_thread_beside_others_and_all_beside_a_gpu() -> None:
    assert used("cpu") == 1 and used("cuda") == used("cuda:1") == os.cpu_count()
