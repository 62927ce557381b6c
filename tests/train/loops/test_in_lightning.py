"""Lightning's Trainer ends with the weights of our own loop, and its checkpoints load again."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from tests.train.loops.ours import DRAWS, RATE, TASK, network, same, trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning:lightning", "ignore::FutureWarning"),  # its own affairs
]


@functools.cache
def learner() -> Any:
    """Made when a test asks for it: Lightning takes a second to import."""
    lightning = pytest.importorskip("lightning")

    class Learner(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network()

        def training_step(self, batch: Any, index: int) -> torch.Tensor:
            return TASK.objective.loss(self.network(batch.x), batch.y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), RATE)

    return Learner


def fitted(folder: Path, steps: int, **words: object) -> Any:
    lightning = pytest.importorskip("lightning")
    trainer = lightning.Trainer(
        max_steps=steps,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **words,
    )
    trainer.fit(learner()(), DataLoader(DRAWS, batch_size=None))
    return trainer


@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_ends_with_our_weights(clip: float | None, tmp_path: Path):
    trainer = fitted(tmp_path, 5, gradient_clip_val=clip)
    assert trainer.global_step == 5
    assert same(trainer.lightning_module.network.state_dict(), trained(clip=clip))


def test_its_checkpoint_loads_again_by_itself_and_by_torch(tmp_path: Path):
    fitted(tmp_path, 3).save_checkpoint(tmp_path / "three.ckpt", weights_only=True)
    again = learner().load_from_checkpoint(tmp_path / "three.ckpt", weights_only=True)
    assert same(again.network.state_dict(), trained(3))
    plain = torch.load(tmp_path / "three.ckpt", weights_only=True)["state_dict"]
    assert same({name.removeprefix("network."): one for name, one in plain.items()}, trained(3))
