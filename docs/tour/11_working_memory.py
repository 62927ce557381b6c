"""
11. Working memory, tested as in people
=======================================

A trial shows items, may wait, and then asks. What is known about it (how many items, how long, which
place in the list) is kept beside it. An effect is the accuracy for each value of such a fact. A memory
with room for only the newest item shows recency and nothing else.
"""

import matplotlib.pyplot as plt

from wavetrain.parts.trials import accuracy_by
from wavetrain.tasks.working_memory.visual_serial_recall import VisualSerialRecall

trials = VisualSerialRecall(lists=(5,)).tested(100)
newest = trials.x[:, 4:5].roll(1, -1).expand(-1, 10, -1)  # says the fifth item at every step
shown = accuracy_by(newest, trials.y, trials.facts["position"])
print("accuracy by place in the list:", shown)

# %%
# One trial as a network sees it: five items, one a step, and then five steps at which it must say them in
# order.

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
image = axes[0].imshow(trials.x[0].numpy().T, cmap="viridis", aspect="auto")
axes[0].set(title="One trial", xlabel="time (steps)", ylabel="input")
figure.colorbar(image, ax=axes[0], label="value")
axes[1].bar(list(shown), list(shown.values()))
axes[1].set(title="Room for one item", xlabel="place in the list", ylabel="accuracy", ylim=(0, 1))
plt.show()

# %%
# :claim:`worm_serial_position` asks whether trained networks remember the first and the last items best,
# as people do. The claims whose names begin with ``worm_`` test the other effects.
