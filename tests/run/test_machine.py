"""The machine behind a figure, as its own files tell of it."""

import platform
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import wavetrain
from wavetrain.run import machine

TOLD = (
    "processor\t: 0\nvendor_id\t: A\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: A processor: fast\n"
    "stepping\t: 7\n\nprocessor\t: 1\nmodel name\t: Another\ncpu family\t: 9\n\n"
)


def reading(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """The file in which a system tells of its processor holds this text, or is not there."""

    def read(**how: Any) -> str:
        if text is None:
            raise FileNotFoundError
        return text

    files = {"/proc/cpuinfo": SimpleNamespace(read_text=read)}
    monkeypatch.setattr(machine, "Path", files.__getitem__)


def test_a_processor_is_told_by_its_first_core(monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, TOLD)
    found = machine.environment("cpu", threads=3)
    assert (found["hardware"], found["model"]) == ("A processor: fast", "6 85 7")
    assert (found["device"], found["threads"], found["wavetrain"]) == ("cpu", 3, wavetrain.__version__)
    assert found["torch"] == torch.__version__.partition("+")[0] or found["torch"] == torch.__version__
    assert {"numpy", "numba", "scipy", "scikit-learn", "python", "system", "cores", "instructions"} <= set(
        found
    )


def test_what_a_processor_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, "model\t: 85\n")
    found = machine.environment("cpu", threads=1)
    assert (found["hardware"], found["model"]) == (platform.machine(), "85")
    monkeypatch.setattr(platform, "processor", lambda: "named")
    reading(monkeypatch, None)
    assert machine.environment("cpu", threads=1)["hardware"] == "named"
    monkeypatch.setattr(platform, "processor", lambda: "")
    found = machine.environment("cpu", threads=1)
    assert (found["hardware"], found["model"]) == (platform.machine(), "")


def test_an_accelerator_goes_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"A card, {device}")
    found = machine.environment("cuda:1", threads=1)
    assert (found["hardware"], found["device"]) == ("A card, cuda:1", "cuda:1")
