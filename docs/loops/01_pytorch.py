"""
1. PyTorch: training on a long sequence in pieces
=================================================

A sequence may be too long to be held in memory with all that its gradient needs. Truncated backpropagation
through time cuts it into pieces: the state is handed on from piece to piece, the gradient is not. A layer
takes a state and returns one, so the loop is plain PyTorch, and ``detached`` makes the cut.
"""

import torch

from wavetrain.core import detached
from wavetrain.layers import GRU
from wavetrain.parts.stack import MLP, Stack

torch.manual_seed(0)
model = Stack([GRU(16)], inputs=1, outputs=1, mlp=MLP.NONE)
optimiser = torch.optim.Adam(model.parameters(), 1e-2)
wave = torch.sin(torch.arange(4001) / 8)[None, :, None]  # one sequence: batch, time, channels
x, y = wave[:, :-1], wave[:, 1:]  # predict the next value

state = None
for step, (now, after) in enumerate(zip(x.split(100, 1), y.split(100, 1))):
    answer, state = model(now, state)
    loss = torch.nn.functional.mse_loss(answer, after)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    state = detached(state)
    if step % 10 == 9:
        print(f"piece {step + 1}: loss {loss.item():.4f}")

# %%
# The pieces lose nothing going forward. With a state that is handed on, the answers are those of the whole
# sequence, detached or not.

with torch.no_grad():
    whole, _ = model(x)
    first, state = model(x[:, :2000])
    second, _ = model(x[:, 2000:], state)
print("largest difference:", f"{float((torch.cat([first, second], 1) - whole).abs().max()):.0e}")

# %%
# What is cut is the gradient. Here is how the last answer depends on the inputs, with the state detached
# after step 60 and without.

for cut in (False, True):
    now = x[:, :100].clone().requires_grad_()
    _, state = model(now[:, :60])
    answer, _ = model(now[:, 60:], detached(state) if cut else state)
    answer[:, -1].sum().backward()
    reached = int((now.grad[0, :, 0] != 0).sum())
    print("with a cut:   " if cut else "without a cut:", reached, "of 100 inputs have a gradient")

# %%
# Mixed precision is PyTorch's as well; on a GPU, write ``"cuda"``. Under ``torch.autocast`` a recurrence
# stays in float32: what is rounded at one step would be carried to all later ones. So a GRU answers as it
# did. Mamba and attention have their large matrix products in half precision, and so does what stands around
# a layer.

layer = GRU(16, inputs=1)
exact, _ = layer(x[:, :100])
with torch.autocast("cpu", torch.bfloat16):
    answer, _ = layer(x[:, :100])
    read = torch.nn.functional.linear(answer, torch.ones(1, 16))

print("the same answers:", torch.equal(answer, exact), " behind a linear map:", read.dtype)
