"""
15. Deciding: dopamine, and what to do next
===========================================

How does a brain learn that a bell means food? When the food comes, the bell is long over. One answer is
that it does not wait for the food. It learns from its own expectation: whenever a moment turns out better or
worse than the moment before had promised, that difference is an error, and the error corrects the promise.

    error = reward + what is expected now - what was expected just before

Cells that release dopamine fire by such an error. Here is a trial: a bell in step 10, food in step 40.
"""

import torch

from wavetrain.parts.conditioning import Trial, laid
from wavetrain.parts.rewards import critic
from wavetrain.parts.stimuli import SerialCompound
from wavetrain.rules import TemporalDifference

trial = laid([Trial(cues=(10,), rewards=(40,))], time=60)
network = critic(SerialCompound(60, inputs=1))
rule = TemporalDifference()
step = torch.optim.SGD(network.parameters(), lr=0.3)

errors = []
for _ in range(150):
    errors.append(rule.errors(network, *trial).flatten())
    step.zero_grad()
    loss = rule.learn(network, trial, rule.loss)
    step.step()

course = torch.stack(errors)
for number in (1, 40, 150):
    where = int(course[number - 1].argmax())
    print(f"trial {number}: the largest error, {float(course[number - 1, where]):.2f}, is in step {where}")

# %%
# How does the network know how long ago the bell was? It starts a wave: a row of cells, of which one is
# active after the other. That is the wave of the first stop. Each cell learns what to expect at its time.
#
# In the first trial the food is a surprise. Later the cell just before the food expects it, so the surprise
# is one step earlier; and so on. The error walks back through the trial until it reaches the bell, and there
# it stays, since nothing announces the bell.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(layout="constrained")
image = axes.imshow(course.numpy(), cmap="Blues", vmin=0, vmax=0.4, aspect="auto", extent=(0, 60, 150, 0))
axes.set(title="The error walks from the food to the bell", xlabel="step of the trial", ylabel="trial")
figure.colorbar(image, label="prediction error (rewards)", extend="max")
plt.show()

# %%
# And if the food does not come? Then the step of the food is worse than promised. Dopamine cells fall silent
# at that moment, although nothing happens in it. An early reward is a surprise, and the moment at which
# it was due is a disappointment. A cell fires a few times a second when nothing is new, and it cannot fire
# less than not at all: so bad news looks smaller than good news of the same size.

from wavetrain.parts.rewards import firing_rates

figure, rows = plt.subplots(3, sharex=True, sharey=True, layout="constrained")
probes = {"food in step 40": (40,), "no food": (), "food in step 30": (30,)}
for axes, (name, rewards) in zip(rows, probes.items()):
    probe = laid([Trial(cues=(10,), rewards=rewards)], time=60)
    axes.plot(firing_rates(rule.errors(network, *probe).flatten()).numpy())
    axes.set_title(name)

rows[1].set_ylabel("firing rate of a model cell (Hz)")
rows[2].set_xlabel("step of the trial")
plt.show()

# %%
# The same error can teach what to do. A learner on a grid looks for a goal that has a reward. One part learns
# what each place is worth. Another part learns which way to go: if a step turned out better than
# promised, it is taken more often. The first errand is a random walk, and soon the way is found.

from wavetrain.networks import ActorCritic
from wavetrain.parts.errands import Errand
from wavetrain.parts.worlds import square

errand, dice = Errand(square(5), start=0, goal=24), torch.Generator().manual_seed(0)
learner = ActorCritic(states=25, actions=4)
steps = [learner.live(errand, dice).steps for _ in range(100)]
print(f"first errand {steps[0]} steps, last ten {sum(steps[-10:]) / 10:.1f}, shortest {errand.shortest()}")
print(f"who wanders takes {float(errand.wandering()[0]):.1f} on average")

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
left.semilogy(range(1, 101), steps)
left.axhline(errand.shortest(), color="grey", linestyle=":", label="the shortest way")
left.set(title="A learner on a grid", xlabel="errand", ylabel="steps to the goal")
left.legend()
image = right.imshow(learner.value.detach().reshape(5, 5).numpy(), cmap="Blues", vmin=0, vmax=1)
north_east_south_west = torch.tensor([[0, 1], [1, 0], [0, -1], [-1, 0]])
way = north_east_south_west[learner.preference.argmax(1)].numpy()
row, column = torch.arange(25).numpy() // 5, torch.arange(25).numpy() % 5
right.quiver(column[:24], row[:24], way[:24, 0], way[:24, 1], pivot="mid", color="C1")
right.plot(4, 4, "*", color="C1", markersize=14)  # the goal, where nothing more is to come
right.set(title="What a place is worth, and where to go", xticks=[], yticks=[])
figure.colorbar(image, ax=right, label="value (rewards)")
plt.show()

# %%
# :claim:`dopamine_timing` holds the walk of the error to its exact law. :claim:`actor_critic_grid` sets the
# learner on the grid beside one that hears the wrong errors, and :claim:`distributional_dopamine` asks what
# cells can tell that take good and bad news differently.
