"""
9. Cognitive maps: structure apart from content
===============================================

Walk in a world, see labels, and predict what lies behind the next step. The labels are new in each walk;
the structure stays the same. If you know only the links that you have walked, you must guess at a new
link. If you know the structure, you need not guess, as long as you have seen the place behind it.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.attention.tem_transformer import TemTransformer
from wavetrain.lenses.space.grid_score import grid_score
from wavetrain.networks.tolman_eichenbaum import TolmanEichenbaum
from wavetrain.parts import worlds
from wavetrain.tasks.maps.graph_walks import graph_walks

torch.manual_seed(0)
task = graph_walks(worlds.square(4, torus=True), length=60)
walked = task.walks(20, torch.Generator().manual_seed(0))
steps = worlds.steps(task.world, walked)
nodes = worlds.node_oracle(steps, task.labels)[steps.zero_shot].mean()
edges = worlds.edge_oracle(steps, task.labels)[steps.zero_shot].mean()
print(f"first time over a link to a known place: with structure {nodes:.2f}, without {edges:.2f}")

# %%
# The TEM-transformer is attention that asks by place and answers with what was seen there. Each action
# moves the place by a matrix. Give it the right matrices, and it is right at every place it has visited,
# by whatever way it comes.

layer = TemTransformer(task.outputs, task.inputs, actions=4, hidden=16)
with torch.no_grad():
    layer.first.copy_(torch.eye(16)[0])
    layer.move.copy_(torch.eye(16)[task.world.successor.T])  # where each action leads from each place

said = layer(task.encode(walked).x)[0][..., 1:].argmax(-1)
right = said == walked.label[:, 1:]
print(f"right at places seen before: {right[steps.visited].float().mean():.2f}")
print(f"right at new places: {right[~steps.visited].float().mean():.2f}")

# %%
# :claim:`tem_transformer_nodes` asks whether it learns such matrices by itself. It comes from the
# Tolman-Eichenbaum machine, which binds place and sight in a Hebbian matrix. A walk through it, too, can
# be cut anywhere:

machine, walk = TolmanEichenbaum(20, actions=4, modules=(4, 3)), task.encode(walked).x[:1, :20]
machine.iteration.fill_(20_000)  # as after training, when it writes at its full rate
whole, _ = machine.walk(walk)
_, state = machine.walk(walk[:, :8])
rest, _ = machine.walk(walk[:, 8:], state)
print("largest difference:", (whole.predicted[:, 8:] - rest.predicted).abs().max().item())

# %%
# Units of such networks are compared with cells of the brain. The grid score tells a hexagonal lattice of
# places, which is a sum of three waves at 60 degrees, from a band, which is one of these waves.

place = 2 * torch.rand(1, 4000, 2) - 1  # in a square box
angle = torch.tensor([0.0, 60.0, 120.0]).deg2rad()
waves = (place @ (10 * torch.stack([angle.cos(), angle.sin()]))).cos()
activity = torch.stack([waves.sum(-1), waves[..., 0]], -1)
cells = grid_score(activity, place)
print(f"grid scores: lattice {cells.grid[0]:.2f} (p = {cells.p_grid[0]:.3f}), band {cells.grid[1]:.2f}")
print(f"band scores: lattice {cells.band[0]:.2f}, band {cells.band[1]:.2f}")

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained", sharey=True)
for cell, name in enumerate(("lattice", "band")):
    dots = axes[cell].scatter(*place[0].numpy().T, c=activity[0, :, cell].numpy(), s=6, cmap="viridis")
    axes[cell].set(title=name, xlabel="x (half the box)", aspect="equal")
    figure.colorbar(dots, ax=axes[cell], label="activity", shrink=0.8)

axes[0].set_ylabel("y (half the box)")
plt.show()

# %%
# :claim:`tem_remapping` looks at the cells of the machine in this way, and at what they do in a new
# world.
