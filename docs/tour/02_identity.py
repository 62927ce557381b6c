"""
2. Without the shift: activity that stays
=========================================

Take the shift away and activity stays where it is. An identity RNN adds up everything it has heard. It
knows how much came in, but not in which order.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.recurrence.identity_rnn import IdentityRNN

torch.manual_seed(0)
still = IdentityRNN(12, inputs=1)
pulses = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0]).view(1, 5, 1)
forward, _ = still(pulses)
backward, _ = still(pulses.flip(1))
difference = (forward[:, -1] - backward[:, -1]).abs().max()
print("same last state for both orders:", bool(difference < 1e-5))

# %%
# The same input on the same kind of picture as before: lines that go straight ahead, because nothing
# moves.

activity, _ = still(torch.cat([pulses, torch.zeros(1, 7, 1)], 1))

figure, axes = plt.subplots(layout="constrained")
image = axes.imshow(activity[0].detach().numpy().T, cmap="viridis")
axes.set(title="The identity RNN: nothing travels", xlabel="time (steps)", ylabel="unit")
figure.colorbar(image, label="activity")
plt.show()

# %%
# The claim :claim:`wave_rnn_waves` measures this difference in trained networks.
