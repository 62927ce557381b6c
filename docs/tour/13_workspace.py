"""
13. Routing: a program over a workspace
=======================================

Instead of one map from question to answer, a controller can chain operations: at each step it opens gates
that say who may write into a global workspace. It is told how often to add one, but never sees the number
that it adds to. So a program that is right for one number is right for all.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.networks.global_workspace import GlobalWorkspace

torch.manual_seed(0)
router = GlobalWorkspace()
three, eight = router.trace(torch.tensor([[3, 4]])), router.trace(torch.tensor([[8, 4]]))
print("same gates for 3 + 4 and 8 + 4:", three.gates.equal(eight.gates))
print("same answers, shifted by five:", torch.allclose(three.said.roll(5, -1), eight.said, atol=1e-6))

# %%
# The gates of the untrained router while it works on 3 + 4: who may write, at each step.

gates = three.gates.detach().squeeze().numpy()
figure, axes = plt.subplots(layout="constrained")
image = axes.imshow(gates.T, cmap="viridis", vmin=0, vmax=1, aspect="auto")
axes.set(title="An untrained router", xlabel="step", ylabel="gate")
figure.colorbar(image, label="how far it is open")
plt.show()

# %%
# :claim:`workspace_additions` trains it beside an LSTM and a transformer, and asks for sums that none has
# learned.
