"""
17. Credit
==========

A network that has made a mistake must find out which of its past steps to blame. That is the question of
credit. Backpropagation through time answers it exactly, and at a price that no brain is known to pay: it
keeps all that happened and walks back through it with the weights of the way forward. Other rules pay less,
and see less.

The lens ``credit_operator`` asks any rule the same question. It tells the rule one error, that of step t, and
looks at how much of the update goes to the weights as they were used in step s.
"""

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import LogNorm
from torch import nn

from wavetrain.layers import Elman
from wavetrain.lenses import credit_operator
from wavetrain.rules import EProp, FeedbackAlignment, SnAp, TruncatedBackpropagation

torch.manual_seed(0)
layer, x = Elman(16, inputs=4), torch.randn(4, 20, 4)
with torch.no_grad():
    _ = nn.init.orthogonal_(layer.recur.weight)  # so that credit reaches far back

rules = {
    "all of the past": None,  # backpropagation
    "blocks of 5": TruncatedBackpropagation(5),
    "5 steps back": TruncatedBackpropagation(5, sliding=True),
    "own past (SnAp-1)": SnAp(),
    "own past, random back": EProp(seed=0),
    "random ways back": FeedbackAlignment(),
}
found = {name: credit_operator(layer, x, rule) for name, rule in rules.items()}
figure, axes = plt.subplots(2, 3, figsize=(8.4, 5.4), layout="constrained", sharex=True, sharey=True)
for place, (name, one) in zip(axes.flat, found.items()):
    image = place.imshow(one.size + 1e-9, cmap="viridis", norm=LogNorm(1e-4, 1))
    place.set(title=name)

figure.colorbar(image, ax=axes, label="credit (norm of the update)")
figure.supxlabel("step that is told of it")
figure.supylabel("step of the error")
plt.show()

# %%
# Each row is one error. Backpropagation fills the triangle below the diagonal: a step can be blamed for what
# came after it. Truncation cuts that off, in blocks or in a band. Two of the rules below go forward in time:
# each unit keeps a trace of how its own weights have moved it, and an error that comes is held against the
# trace. It fades in a few steps, since what a unit did to others, and they to it, is left out. The last goes
# back through time by random weights. But the size of credit is not all. Does it point the right way?

figure, place = plt.subplots(layout="constrained")
for name, one in list(found.items())[1:]:
    _ = place.plot(one.by_distance, label=name)

_ = place.axhline(0, color="grey", linewidth=0.5)
place.set(title="The right way", xlabel="how long ago (steps)", ylabel="cosine to backpropagation")
place.xaxis.get_major_locator().set_params(integer=True)
place.legend()
plt.show()
for name, one in found.items():
    print(f"{name:26} cosine to backpropagation, all in all: {one.cosine:.2f}")

# %%
# In a band credit is exact and ends. Blocks are exact too, where they reach: at four steps they do for one
# error in five. A unit's own past is exact for the present step, and tells nothing of the steps before. With
# random ways back even the present step is a matter of luck, until the weights have come to suit the way
# back, as they do in layered networks.
#
# Is a poor guide good enough? That depends on the task. :claim:`credit_assignment` tests it on a copy, where
# it is not, and on a pattern that units draw, where it is. What the rules cost, their pages say, and
# ``wavetrain compare parity --rules backpropagation snap e_prop`` lets you try them on data of your own.
