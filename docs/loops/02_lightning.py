"""
2. Lightning
============

Lightning's ``Trainer`` asks a module for its loss and a data loader for batches. A layer needs nothing
special; ``Draws`` gives the loader the batches of a task, the same as our own loop draws.
"""

import logging
import tempfile
import warnings
from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader

from wavetrain.layers import WaveRNN
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.tasks import Copying
from wavetrain.train.draws import Draws

task = Copying(delay=5)


class Learner(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        stack = Stack([WaveRNN(24)], task.inputs, task.outputs, MLP.PLAIN)
        self.network = Answer(stack, task.every_step)

    def training_step(self, batch, index):
        loss = task.objective.loss(self.network(batch.x), batch.y)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


# %%
# Thirty steps on the CPU. The switches only keep this page quiet.

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
loader = DataLoader(Draws(task, batch=16, steps=30), batch_size=None)
torch.manual_seed(0)
learner = Learner()
trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", **quiet)
trainer.fit(learner, loader)
print("steps:", trainer.global_step, " loss:", f"{float(trainer.callback_metrics['loss']):.3f}")

# %%
# A checkpoint of Lightning's loads again, and answers alike.

held_out = task.valid()
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "learner.ckpt"
    trainer.save_checkpoint(path, weights_only=True)
    again = Learner.load_from_checkpoint(path, weights_only=True)

with torch.no_grad():
    print("the same answers:", torch.equal(learner.network(held_out.x), again.network(held_out.x)))
