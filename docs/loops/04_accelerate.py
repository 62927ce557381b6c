"""
4. Accelerate, in mixed precision
=================================

Accelerate leaves the loop to you and prepares its parts: for several devices, and for half precision. Here
matrix products run in bfloat16; the weights stay in float32, and so does the recurrence of the layer.
"""

import tempfile
import warnings

import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from wavetrain.layers import Mamba
from wavetrain.parts.stack import MLP, Answer, Stack
from wavetrain.tasks import Adding
from wavetrain.train.draws import Draws

task = Adding(length=20)


def built():
    stack = Stack([Mamba(16)], task.inputs, task.outputs, MLP.NONE)
    return Answer(stack, task.every_step)


warnings.filterwarnings("ignore", "Mismatch dtype")  # PyTorch's norm takes its slower way, which is no fault
torch.manual_seed(0)
network = built()
optimiser = torch.optim.Adam(network.parameters(), 1e-2)
loader = DataLoader(Draws(task, batch=16, steps=30), batch_size=None)
accelerator = Accelerator(mixed_precision="bf16", cpu=True)
network, optimiser, loader = accelerator.prepare(network, optimiser, loader)
for step, (x, y) in enumerate(loader):
    optimiser.zero_grad()
    loss = task.objective.loss(network(x), y)
    accelerator.backward(loss)
    optimiser.step()
    if step % 10 == 9:
        print("step", step + 1, f" loss {loss.item():.3f}")

print("weights:", {one.dtype for one in network.parameters()})

# %%
# Its checkpoint holds the weights as safetensors, and loads into a network that is prepared the same way.

again = Accelerator(mixed_precision="bf16", cpu=True)
other = again.prepare(built())
with tempfile.TemporaryDirectory() as folder:
    accelerator.save_model(network, folder)
    accelerator.unwrap_model(other).load_state_dict(load_file(f"{folder}/model.safetensors"))

held_out = task.valid()
with torch.no_grad():
    print("the same answers:", torch.equal(network(held_out.x), other(held_out.x)))
