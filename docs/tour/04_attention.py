"""
4. Attention: asking all of the past at once
============================================

Attention keeps every step and decides at each moment what to read. Its work is a T x T matrix that is
made anew from the input: a row is now, a column is then.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.identity_rnn import IdentityRNN
from wavetrain.layers.state_space.mamba import Mamba

torch.manual_seed(0)
x = torch.randn(1, 24, 16)
layer = SoftmaxAttention(16)
operator = layer.operator(x)
print("rows look ahead:", bool(operator.weight.triu(1).any()))
torch.testing.assert_close(layer.read(operator.mix()), layer(x)[0])  # the matrix gives the output, exactly

# %%
# Every layer in the library has such a matrix. For attention it is exact. For a nonlinear network it is
# the derivative of each output with respect to each earlier input. So we can put layers of different
# kinds side by side and see what each one mixes into what. These layers are untrained.

layers = {"attention": layer, "Mamba": Mamba(16), "LSTM": LSTM(16), "identity RNN": IdentityRNN(16)}
figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.0), layout="constrained", sharex=True, sharey=True)
for place, (name, one) in zip(axes.flat, layers.items()):
    past = one.operator(x).strength()[0].detach().numpy()
    image = place.imshow(past / past.max(), cmap="viridis", vmin=0, vmax=1)
    place.set_title(name)

figure.supxlabel("then (step)")
figure.supylabel("now (step)")
figure.suptitle("What each output takes from each input")
figure.colorbar(image, ax=axes, label="influence (share of the largest)", shrink=0.7)
plt.show()
