"""
3. The gate: deciding what to keep
==================================

An error that flows back through time asks one weight to do two things: to let a memory out, and to shield
it from what comes in. Gates make these two decisions. The LSTM returns its whole state and takes it back,
so a stream can be cut anywhere.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.gate.lstm import LSTM

torch.manual_seed(0)
gated = LSTM(12, inputs=1)
pulses = torch.randn(1, 40, 1)
whole, _ = gated(pulses)
_, state = gated(pulses[:, :15])
rest, _ = gated(pulses[:, 15:], state)
print("cut after 15 steps, largest difference:", (whole[:, 15:] - rest).abs().max().item())

# %%
# How long does it remember? We ask each output how much it depends on each earlier input. In an untrained
# LSTM the forget gates stand half open, so the past fades within a few steps. With forget gates that
# start open it stays.

past = gated.operator(pulses).strength()[0].detach().numpy()
with torch.no_grad():
    gated.cell.bias_ih_l0[12:24] = 3.0  # the forget gates

kept = gated.operator(pulses).strength()[0].detach().numpy()

figure, axes = plt.subplots(layout="constrained")
axes.semilogy(past[-1, ::-1], label="forget bias as usual")
axes.semilogy(kept[-1, ::-1], "--", label="forget bias 3")
axes.set(title="What the last output keeps of the past", xlabel="how long ago (steps)")
axes.set_ylabel("size of the derivative")
axes.legend()
plt.show()
