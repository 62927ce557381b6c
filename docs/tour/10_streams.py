"""
10. Online memory: one pass over a stream
=========================================

Temporal memory learns at every record, by local rules and without a gradient. Each symbol has many cells,
and which of them fire tells what came before. After hearing A B C D X B C Y many times, it expects D
alone after A B C, and Y alone after X B C.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from wavetrain.memories.temporal_memory import TemporalMemory, categories

stream = TemporalMemory()  # 2,048 columns of 32 cells
codes = categories(6, 2048, 40, torch.Generator().manual_seed(0))
_, learned = stream.forward(codes[[0, 1, 2, 3, 4, 1, 2, 5] * 40])
expected = []
for first in (0, 4):
    heard, _ = stream.forward(codes[[first, 1, 2]], stream.reset(learned), learn=False)
    expected.append(stream.overlaps(heard.predicted, codes)[-1].numpy())
    print("ABCDXY"[first], "B C ->", "ABCDXY"[int(expected[-1].argmax())])

# %%
# The prediction is a set of columns. Here is how many of the 40 columns of each symbol are in it: all of
# one symbol, and next to none of the others.

figure, axes = plt.subplots(layout="constrained")
axes.bar(np.arange(6) - 0.2, expected[0], 0.4, label="after A B C")
axes.bar(np.arange(6) + 0.2, expected[1], 0.4, label="after X B C", hatch="//")
axes.set_xticks(range(6), "ABCDXY")
axes.set(title="What temporal memory expects", xlabel="symbol", ylabel="predicted columns (of 40)")
axes.legend()
plt.show()

# %%
# :claim:`htm_high_order` exchanges the endings in the middle of a stream and asks who is first to learn
# them anew.
