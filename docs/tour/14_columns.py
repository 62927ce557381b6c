"""
14. Columns: learning on without forgetting
===========================================

This stop is a language model in which several of these ideas work together: columns that attend, a
thalamus that passes to each column what the one before it has heard, and a hippocampus that keeps
surprising events. Its learning rule leaves a gradient, as any rule does. It also keeps what it has read
and rehearses it beside all that comes later.
"""

import torch

from wavetrain.core import TOKENS, Batch
from wavetrain.networks import CorticalColumns
from wavetrain.networks._rehearsal import Rehearsal
from wavetrain.rules import Consolidation

torch.manual_seed(0)
columns = CorticalColumns(256, rehearsal=Rehearsal(window=15))
text = torch.tensor([list(b"round and round!")])
loss = Consolidation().learn(columns, Batch(text[:, :-1], text[:, 1:]), TOKENS.loss)
kept = columns.rehearsal.chunks[0]
print(f"loss {float(loss):.2f} nats a byte; kept for later: {bytes(kept.tolist())}")

# %%
# A few steps on one sentence, and then on another. The loss on the first is watched all along.

import matplotlib.pyplot as plt

other = torch.tensor([list(b"and here we are.")])
optimiser = torch.optim.Adam(columns.parameters(), 1e-3)
first, rule = [], Consolidation()
for sentence in (text, other):
    for step in range(15):
        optimiser.zero_grad()
        rule.learn(columns, Batch(sentence[:, :-1], sentence[:, 1:]), TOKENS.loss)
        optimiser.step()
        with torch.no_grad():
            first.append(float(TOKENS.loss(columns(text[:, :-1])[0], text[:, 1:])))

figure, axes = plt.subplots(layout="constrained")
axes.plot(range(1, 31), first)
axes.axvline(15.5, color="grey", linestyle=":")
axes.set(
    title="Rehearsal keeps the first sentence",
    xlabel="training step",
    ylabel="loss on the first sentence (nats)",
)
plt.show()

# %%
# :claim:`columns_forgetting` reads three kinds of text one after the other, and takes the parts away one
# by one.
