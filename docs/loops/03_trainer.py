"""
3. The Hugging Face Trainer
===========================

The ``Trainer`` of transformers wants a module whose ``forward`` takes a batch by name and returns its loss.
A few lines around a network make it one.
"""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from wavetrain.layers import LRU
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.tasks import Adding
from wavetrain.train.draws import Draws

task = Adding(length=20)


class Learner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = Answer(Stack([LRU(16)], task.inputs, task.outputs, MLP.PLAIN), task.every_step)

    def forward(self, x, labels):
        y = self.network(x)
        return {"loss": task.objective.loss(y, labels), "logits": y}


class OnTask(Trainer):
    def get_train_dataloader(self):
        batches = Draws(task, batch=16, steps=self.args.max_steps, seed=self.args.data_seed)
        return DataLoader(batches, batch_size=None, collate_fn=lambda one: {"x": one.x, "labels": one.y})


# %%
# Thirty steps on the CPU, and a checkpoint at the end. Here the Trainer makes the optimiser; its argument
# ``optimizers`` takes one of your own.

torch.manual_seed(0)
learner = Learner()
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder,
        max_steps=30,
        learning_rate=1e-2,
        lr_scheduler_type="constant",
        data_seed=0,
        logging_steps=10,
        save_steps=30,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = OnTask(model=learner, args=arguments)
    trainer.remove_callback(PrinterCallback)  # the losses are shown below
    trainer.train()
    saved = load_file(Path(folder) / "checkpoint-30" / "model.safetensors")

for line in trainer.state.log_history[:-1]:
    print("step", line["step"], f" loss {line['loss']:.3f}")

# %%
# The weights of the checkpoint are plain safetensors, under the names that the module gives them.

again = Learner()
print(again.load_state_dict(saved))
held_out = task.valid()
with torch.no_grad():
    print("the same answers:", torch.equal(learner.network(held_out.x), again.network(held_out.x)))
