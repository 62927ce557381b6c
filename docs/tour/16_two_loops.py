"""
16. Two loops
=============

A transformer that writes is a loop: each word that it says comes back as its next input, and attention
decides which of the words so far count for the next one. The brain has a loop of its own. Cortex sends what
it holds to the basal ganglia, they let something through, the thalamus hands it back to cortex, and it is
added to what came in. Do the basal ganglia compute something like attention? Nobody knows. This stop builds
the simplest circuit in which they do. It is a construction of ours for a question that others asked.

In ``LoopAttention`` cortex keeps its last few inputs as a wave that moves on by one place a step. The
striatum compares the newest with each of them, and what fits best comes back.
"""

import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from wavetrain.layers import LoopAttention, SoftmaxAttention

torch.manual_seed(0)
x = torch.randn(1, 12, 16)
loop = LoopAttention(16, window=5)
ago = torch.arange(12)[:, None] - torch.arange(12)
mask = (ago >= 0) & (ago < 5)
attention = F.scaled_dot_product_attention(loop.query(x), loop.key(x), loop.value(x), attn_mask=mask)
print("what the loop adds, less attention to five steps:", (loop(x)[0] - x - attention).abs().max().item())

# %%
# The difference is rounding: the loop is attention, plus what came in. Side by side, as how much of each past
# step (across) is in each step (down):

transformer = SoftmaxAttention(16, rotary=False)
selecting = LoopAttention(16, window=5, temperature=0)
selecting.load_state_dict(loop.state_dict())
pictures = {"a transformer's": transformer, "the loop's": loop, "the loop's, best alone": selecting}
figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), layout="constrained", sharey=True)
for place, (name, layer) in zip(axes, pictures.items()):
    weight = layer.operator(x).weight[0].sum(0).detach().numpy()
    image = place.imshow(weight, cmap="viridis", vmin=0, vmax=2)
    place.set(title=name, xlabel="then (step)")

axes[0].set_ylabel("now (step)")
figure.colorbar(image, ax=axes, label="weight")
plt.show()

# %%
# The bright diagonal of the loop is what came in. A transformer has it too: it is the residual stream, which
# a stack adds around its attention. Off the diagonal the loop looks back five steps, as far as its wave goes.
# On the right only the best place is let through, which is how the basal ganglia are thought to choose.
#
# Who teaches the loop what fits? In a transformer an error goes back through every layer. In the striatum
# there is dopamine: one number for all synapses, which says how much better things went than expected. Pairs
# are shown, then one of their keys, and the loop has to select the pair that the key is from. It tries, and
# what it hears is 1 or 0. In the control it hears how another trial went.

from wavetrain.core import CLASSES
from wavetrain.parts.reader import Reader
from wavetrain.rules import ThreeFactor
from wavetrain.tasks import PairedAssociates

task = PairedAssociates(pairs=4, keys=4, values=4, width=16, seed=1)


def came_back(outputs, answers):
    """1 where the value that was asked came back, else 0."""
    return (outputs.gather(1, answers[:, None])[:, 0] > 0.5).float()


def of_another(outputs, answers):
    """How the trial beside it went."""
    return came_back(outputs, answers).roll(1)


rewards = {"its own reward": came_back, "that of another trial": of_another}
figure, axes = plt.subplots(layout="constrained")
for name, reward in rewards.items():
    torch.manual_seed(1)
    network = Reader(LoopAttention(16), task.outputs, every_step=False)
    network.layer.value.weight.data = torch.eye(16)  # what is selected comes back as it is
    network.read.weight.data, network.read.bias.data = task.given(), torch.zeros(4)  # and is read exactly
    rule, trials = ThreeFactor(reward), torch.Generator().manual_seed(1)
    optimiser, right = torch.optim.SGD(network.layer.parameters(), 1.0), []
    for step in range(300):
        optimiser.zero_grad()
        rule.learn(network, task.draw(16, trials), CLASSES.loss)
        optimiser.step()
        if step % 10 == 9:
            test = task.valid()
            with torch.no_grad():
                right.append(float(CLASSES.score(network(test.x), test.y)))
    _ = axes.plot(range(160, 4801, 160), right, label=name)
    print(f"{name}: {right[-1]:.0%} right")

_ = axes.axhline(1 / 4, color="grey", linestyle=":", label="chance")
axes.set(title="One number teaches what to select", xlabel="trials", ylabel="right answers (share)")
axes.legend()
plt.show()

# %%
# The control starts above chance, since queries and keys that are drawn at random fit a little, and gets no
# better. One number is enough to learn what to select, as long as what comes back is understood. Where the
# loop has to learn that by reward as well, it fails: :claim:`loop_attention_reward` tests both, and
# :claim:`wave_memory_lags` and :claim:`stimulus_order` how much of the past a wave holds for the loop to
# select from.
