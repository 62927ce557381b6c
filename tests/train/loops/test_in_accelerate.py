"""Accelerate ends with the weights of our own loop, in both precisions, and its checkpoints load again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from tests.train.loops.ours import DRAWS, TASK, adam, network, same, trained

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Mismatch dtype")]  # a norm's slower way


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    """A process has one precision, unless it is told to forget it."""
    accelerate = pytest.importorskip("accelerate")
    yield
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)


def fitted(precision: str) -> tuple[Any, Any]:
    accelerator = pytest.importorskip("accelerate").Accelerator(mixed_precision=precision, cpu=True)
    model = network()
    model, optimiser, loader = accelerator.prepare(model, adam(model), DataLoader(DRAWS, batch_size=None))
    for x, y in loader:
        optimiser.zero_grad()
        accelerator.backward(TASK.objective.loss(model(x), y))
        optimiser.step()
    return accelerator, accelerator.unwrap_model(model)


def halved() -> dict[str, Tensor]:
    """The weights after our own steps under PyTorch's autocast; the loss in float32."""
    model = network()
    optimiser = adam(model)
    for x, y in DRAWS:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            answer = model(x)
        TASK.objective.loss(answer.float(), y).backward()
        optimiser.step()
    return model.state_dict()


def test_it_ends_with_our_weights():
    _, model = fitted("no")
    assert same(model.state_dict(), trained())


def test_in_bfloat16_it_ends_with_those_of_autocast():
    _, model = fitted("bf16")
    weights = model.state_dict()
    assert same(weights, halved()) and not same(weights, trained())
    assert {one.dtype for one in weights.values()} == {torch.float32}
    for name, one in trained().items():  # the same way: five steps of 0.01, rounded here and there
        assert (weights[name] - one).abs().max() < 0.02


def test_its_checkpoint_loads_again(tmp_path: Path):
    accelerator, model = fitted("no")
    accelerator.save_state(tmp_path)
    assert same(load_file(tmp_path / "model.safetensors"), trained())
    with torch.no_grad():
        for one in model.parameters():
            one.zero_()
    accelerator.load_state(tmp_path)
    assert same(model.state_dict(), trained())
