"""What all tests share: one torch thread, and shapes that are generated the same way on every run.

`HYPOTHESIS_PROFILE=explore` draws new shapes on each run, and more of them. Otherwise the smallest one and
another are tried beside the written examples, and with `quick`, for `make check`, the smallest alone. The
tests that take longest stand in slow.txt, and are marked as slow here.
"""

import gc
import multiprocessing
import os
import sys
from pathlib import Path

import hypothesis
import pytest
import torch
from PIL import Image

from tests.slow import FIXTURES, SLOW
from tests.warm import LOADED

pytest_plugins = ["wavetrain.testing.plugin"]  # which an installed Wavetrain brings by itself
torch.set_num_threads(1)
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # kernels for a GPU are tried on the CPU; read when triton is loaded

hypothesis.settings.register_profile("same", max_examples=2, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("quick", max_examples=1, deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", max_examples=60, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


# What is collected lives to the end: looking for garbage in it again and again doubled its time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_runtest_setup() -> None:
    """For its log alone torch.compile times its guards, with empty caches: a third of its work."""
    guards = sys.modules.get("torch._dynamo.guards")
    if hasattr(guards, "profile_guard_manager"):
        guards.profile_guard_manager = lambda *arguments: 0.0


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but not those that torch gives about itself when forward mode is first used."""
    config.addinivalue_line("filterwarnings", "ignore:.torch.jit.script. is deprecated:DeprecationWarning")


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are forks of a process that has loaded PyTorch and nothing of ours, which spares seconds.

    They know as little of this process as those that are started afresh: see tests/run/test_pools.py.
    """
    context = multiprocessing.get_context
    multiprocessing.set_forkserver_preload([*LOADED, "pandas"])
    monkeypatch.setattr(
        multiprocessing, "get_context", lambda how: context("forkserver" if how == "spawn" else how)
    )


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one point: drawing them is half of the work of a small run, where nobody looks at them."""
    from wavetrain.report import draw

    def point(one: object, path: Path) -> None:
        Image.new("L", (1, 1)).save(path)
        path.with_suffix(".svg").write_text("<svg/>")

    monkeypatch.setattr(draw, "draw", point)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes are named by their number: what is packed holds the time, and all workers must find one name."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    listed = set((Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines())
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(
                f"{item.nodeid}: expected a name without an address, as workers must agree"
            )
        promise = getattr(item, "callspec", None) and item.callspec.params.get("promise")  # type: ignore[attr-defined]
        name = getattr(promise, "__name__", "").removeprefix("check_")
        file, *_ = item.nodeid.split("::")
        asked = {f"{file}::{one}" for one in getattr(item, "fixturenames", ())}
        if name in SLOW or asked & FIXTURES or item.nodeid.partition("[")[0] in listed:
            item.add_marker(pytest.mark.slow)
