"""
1. The wave: the past laid out in space
=======================================

Activity on a ring of units moves one place a step, like a conveyor belt. What was written at place 0 now
stands at place -1, the input before it at -2, and so on round the ring. A read-out that looks at one
place looks at one moment of the past.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.wave.wave_rnn import Start, WaveRNN

ring = WaveRNN(12, inputs=1, channels=1, start=Start(zero_bias=True))  # one ring, an exact shift register
pulses = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0]).view(1, 5, 1)
h, state = ring(pulses)
print("inputs, newest first:     ", pulses.flatten().flip(0).tolist())
print("places 0, -1, -2, -3, -4: ", h[0, -1, [0, -1, -2, -3, -4]].tolist())

# %%
# Here is the whole ring while the five inputs come in and seven silent steps follow. Each input draws a
# diagonal line: it travels at one place a step.

silence = torch.zeros(1, 7, 1)
activity, _ = ring(torch.cat([pulses, silence], 1))

figure, axes = plt.subplots(layout="constrained")
image = axes.imshow(activity[0].detach().numpy().T, cmap="viridis")
axes.set(title="A wave on a ring", xlabel="time (steps)", ylabel="place on the ring")
figure.colorbar(image, label="activity")
plt.show()

# %%
# A network that starts with such a ring learns to copy a sequence within a few dozen iterations. The
# claim :claim:`wave_rnn_copy` tests how much sooner that is than without the wave.
