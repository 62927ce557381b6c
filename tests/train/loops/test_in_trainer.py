"""The Hugging Face Trainer ends with the weights of our own loop; its checkpoints load and go on."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tests.train.loops.ours import DRAWS, TASK, adam, network, same, trained

pytestmark = pytest.mark.slow


class Learner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.network = network()

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        y = self.network(x)
        return {"loss": TASK.objective.loss(y, labels), "logits": y}


@functools.cache
def on_task() -> Any:
    """A kind of Trainer, made when a test asks for it: transformers take seconds to import."""
    pytest.importorskip("accelerate")  # which the Trainer runs on
    transformers = pytest.importorskip("transformers")

    class OnTask(transformers.Trainer):
        def get_train_dataloader(self) -> DataLoader:
            return DataLoader(DRAWS, batch_size=None, collate_fn=lambda one: {"x": one.x, "labels": one.y})

    return OnTask


def fitted(folder: Path, steps: int, clip: float = 0.0, go_on: bool = False) -> Any:
    learner = Learner()
    optimiser = adam(learner)
    kind = on_task()
    arguments = pytest.importorskip("transformers").TrainingArguments(
        str(folder),
        max_steps=steps,
        max_grad_norm=clip,
        save_steps=3,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    constant = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1.0)
    trainer = kind(model=learner, args=arguments, optimizers=(optimiser, constant))
    trainer.train(resume_from_checkpoint=go_on)
    return trainer


@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_ends_with_our_weights(clip: float | None, tmp_path: Path):
    trainer = fitted(tmp_path, 5, clip or 0.0)
    assert trainer.state.global_step == 5
    assert same(trainer.model.network.state_dict(), trained(clip=clip))


def test_its_checkpoint_is_plain_safetensors_and_goes_on(tmp_path: Path):
    fitted(tmp_path, 3)
    saved = load_file(tmp_path / "checkpoint-3" / "model.safetensors")
    assert same({name.removeprefix("network."): one for name, one in saved.items()}, trained(3))
    on = fitted(tmp_path, 5, go_on=True)
    assert same(on.model.network.state_dict(), trained(5))  # the batches that were seen are passed over
