"""
6. Attention is an associative memory
=====================================

Write one pattern and read once with every token, and a memory becomes a sequence layer. ``Recall`` does
this. With the memory that keeps all patterns and reads them by a softmax, the layer is softmax attention,
parameter for parameter.
"""

import matplotlib.pyplot as plt
import torch

from wavetrain.layers.attention.linear_attention import Feature, LinearAttention
from wavetrain.layers.attention.sdm_attention import SdmAttention, Weights
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.memories.correlation_matrix import CorrelationMatrix
from wavetrain.memories.dense_hopfield import DenseHopfield
from wavetrain.memories.sparse_distributed import SharedNeurons, Space
from wavetrain.parts.recall import Recall

torch.manual_seed(0)
x = torch.randn(1, 9, 16)
attention, recall = SoftmaxAttention(16, rotary=False), Recall(16, memory=DenseHopfield)
recall.load_state_dict(attention.state_dict())
print("softmax attention:", (recall(x)[0] - attention(x)[0]).abs().max().item())

# %%
# Another memory makes another layer. A sum of outer products is linear attention:

linear, recall = LinearAttention(16, feature=Feature.IDENTITY), Recall(16, memory=CorrelationMatrix)
recall.load_state_dict(linear.state_dict())
print("linear attention:", (recall(x)[0] - linear(x)[0]).abs().max().item())

# %%
# and the neurons that two Hamming balls share are the attention of sparse distributed memory:

balls = SdmAttention(16, weights=Weights.BINARY, radius=3)
recall = Recall(16, memory=lambda size: SharedNeurons(size, radius=3, space=Space.CONTINUOUS))
recall.load_state_dict(balls.state_dict())
print("attention by shared neurons:", (recall(x)[0] - balls(x)[0]).abs().max().item())

# %%
# All differences are zero or rounding. The three layers, with the same weights for queries, keys and
# values, read the same sequence like this:

softmax = SoftmaxAttention(16, rotary=False)
balls.load_state_dict(softmax.state_dict(), strict=False)
linear.load_state_dict(softmax.state_dict(), strict=False)
figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), layout="constrained", sharey=True)
for place, (name, one) in zip(axes, {"softmax": softmax, "linear": linear, "shared neurons": balls}.items()):
    past = one.operator(x).strength()[0].detach().numpy()
    image = place.imshow(past / past.max(), cmap="viridis", vmin=0, vmax=1)
    place.set(title=name, xlabel="then (step)")

axes[0].set_ylabel("now (step)")
figure.colorbar(image, ax=axes, label="weight (share of the largest)")
plt.show()

# %%
# The softmax falls with the angle nearly as shared neurons do. :claim:`attention_sdm_betas` tests at
# which temperatures the two read alike, :claim:`attention_sdm_learned` whether learned temperatures
# settle there.
