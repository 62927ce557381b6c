"""Is a long memory learned sooner when the shorter ones are kept?

Khajehabdollahi, Zeraati, Giannakakis, Schäfer, Martius and Levina 2024, arXiv 2309.12927. A leaky RNN with
trained time constants learns N-parity and N-delayed match to sample, for N = 2 and then one more whenever the
last N is solved, by two curricula:

    single    one read-out after another is asked alone; the network moves from N to N + 1
    multi     a read-out is added for N + 1, and all that were solved are still asked

An N is solved when the mean over all that is asked, and the newest by itself, are right on more than 98% of
held-out sequences. The figures are the updates until the last N is solved, the accuracy at that N when
Gaussian noise is added to the recurrent matrix, and the mean time constant. Both curricula start from the
same weights and train by SGD at rate 0.05 with Nesterov momentum 0.1; gradients are clipped at 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Batch, HeldOut, Task, examined
from wavetrain.evidence.claims import Claim, Figure, Measured, Part, given
from wavetrain.evidence.picture import Curve
from wavetrain.layers.recurrence.leaky_rnn import LeakyRNN
from wavetrain.parts import saved
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.tasks.languages.n_parity import NParity
from wavetrain.tasks.recall.n_delayed_match import NDelayedMatch
from wavetrain.train.fit import fit
from wavetrain.train.lab import Lab, News

TASKS: dict[str, Callable[[int, int], Task]] = {"parity": NParity, "match": NDelayedMatch}
SHORTEST = 2
SOLVED = 0.98  # share of answers
TIMES = 1.5
NOISE, DRAWS = 0.2, 20  # of the norm of the recurrent matrix; how often


def _sooner(task: str) -> Callable[[Measured], bool | None]:
    """Whether the multi-head curriculum solves it, and the other needs at least 1.5 times its updates."""

    def holds(figures: Measured) -> bool | None:
        if not figures[f"solved_multi_{task}"]:
            return False if figures[f"solved_single_{task}"] else None
        return figures[f"updates_single_{task}"] >= TIMES * figures[f"updates_multi_{task}"]

    return holds


def _all_solved(figures: Measured) -> bool:
    return all(figures[f"solved_{net}_{task}"] == 1 for net in ("single", "multi") for task in TASKS)


def _robust(figures: Measured) -> bool:
    return all(figures[f"noisy_multi_{task}"] > figures[f"noisy_single_{task}"] for task in TASKS)


claim = Claim(
    title="A long memory is learned sooner when the shorter ones are kept",
    sentence="A leaky RNN whose read-outs for smaller N stay in the loss solves N-parity and N-delayed match "
    "at N = 9 in at most two thirds of the updates that it needs when one N is asked after another, and "
    "stands noise on its recurrent weights better.",
    topic="Single neurons",
    source="Khajehabdollahi, Zeraati et al. 2024, arXiv 2309.12927; released training logs and perturbations",
    systems=("leaky_rnn", "n_parity", "n_delayed_match"),
    parts=(
        Part(
            says="At N-parity, one N after another takes at least 1.5 times the updates until N = 9 is "
            "solved.",
            holds=_sooner("parity"),
            figures=("updates_*_parity", "solved_*_parity"),
            stronger="At N = 9 the released logs show no such factor; single heads fail beyond N of about "
            "35, several reach 100.",
        ),
        Part(
            says="At N-delayed match, one N after another takes at least 1.5 times the updates until N = 9 "
            "is solved.",
            holds=_sooner("match"),
            figures=("updates_*_match", "solved_*_match"),
            stronger="Single heads fail beyond N of about 90, several reach 100.",
        ),
        Part(
            says="With noise of a fifth of the norm of the recurrent matrix, the network that kept the "
            "smaller N is right more often at N = 9, in both tasks.",
            holds=given(_all_solved, _robust),
            figures=("noisy_*", "solved_*"),
        ),
    ),
    figures=(
        Figure(
            name="updates_{net}_{task}",
            says="updates until the last N is solved, {net}, {task}",
            unit="count",
        ),
        Figure(name="solved_{net}_{task}", says="whether the last N is solved, {net}, {task}", unit="0 or 1"),
        Figure(name="right_{net}_{task}", says="answers right at the last N, {net}, {task}", unit="share"),
        Figure(
            name="noisy_{net}_{task}",
            says="answers right at the last N with noise on the recurrent weights, {net}, {task}",
            unit="share",
        ),
        Figure(name="tau_{net}_{task}", says="mean time constant, {net}, {task}", unit="steps"),
    ),
    names={
        "single": "one N after another",
        "multi": "smaller N kept",
        "parity": "N-parity",
        "match": "N-delayed match",
    },
    notes="Where the budget ends before the last N is solved, the number of updates is the whole budget, "
    "which then means at least. The factor of 1.5 is ours, from a first measurement with 128 units, where it "
    "was 2.5. The paper's finding that time constants grow with N where one N is asked after another shows "
    "only at larger N, so it is reported and not tested here. Released networks at N = 30, noise of 0.215: "
    "0.976 with smaller N kept, 0.845 without.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    longest: int  # the last N
    width: int
    batch: int
    budget: int  # updates of a curriculum at most
    every: int  # updates between looks
    looks: int  # held-out batches of a look


smoke = Scale(longest=3, width=8, batch=4, budget=4, every=2, looks=2)
small = Scale(longest=9, width=128, batch=128, budget=20_000, every=100, looks=10)
full = Scale(longest=40, width=500, batch=256, budget=600_000, every=600, looks=50)


class Heads(nn.Module):
    """A leaky RNN with a read-out for each N, of which some are asked: (B, T, 1) to (B, asked).

    A read-out has two outputs, and the answer is how much the second is ahead.
    """

    def __init__(self, width: int, longest: int):
        super().__init__()
        self.layer = LeakyRNN(width, 1)
        self.read = nn.Linear(width, 2 * (longest - SHORTEST + 1))
        self.asked = slice(None)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.layer(x)
        even, odd = self.read(y[:, -1]).unflatten(-1, (-1, 2))[:, self.asked].unbind(-1)
        return odd - even


class End(NamedTuple):
    """A network after its curriculum, and when each N was solved."""

    network: Heads
    solved: list[int]  # updates until N = 2, 3, ... were


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures: dict[str, float] = {}
    for task in TASKS:
        ends = {net: _learn(lab, net, task, scale) for net in ("single", "multi")}
        for net, end in ends.items():
            figures |= _figures(f"{net}_{task}", end, TASKS[task], scale)
        axis = np.arange(float(SHORTEST), scale.longest + 1)
        lines = np.full((len(ends), len(axis)), np.nan)
        for row, end in zip(lines, ends.values(), strict=True):
            row[: len(end.solved)] = end.solved
        names = tuple(claim.names[net] for net in ends)
        title = f"When each N is solved, {claim.names[task]}"
        lab.show(f"solved-{task}", Curve(title, axis, lines, names, "N", "updates"))
    return figures


def _learn(lab: Lab, net: str, task: str, scale: Scale) -> End:
    """A curriculum from N = 2 on; read back where it was learned before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        network = Heads(scale.width, scale.longest).to(lab.device)
    name = f"{net}_{task}"
    path = lab.folder / "checkpoints" / f"{name}.safetensors"
    if path.exists():
        tensors, words = saved.load(path)
        network.load_state_dict(tensors)
        return End(network, words["solved"])
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum=0.1, nesterov=True)
    generator, rule, done, solved = lab.generator(), Backpropagation(), 0, []
    for size in range(SHORTEST, scale.longest + 1):
        first = SHORTEST if net == "multi" else size
        one = TASKS[task](first, size)
        network.asked = slice(first - SHORTEST, size - SHORTEST + 1)
        held_out, seen = _held_out(one, scale), np.zeros(1)
        while done < scale.budget and not min(seen.mean(), seen[-1]) > SOLVED:
            steps = range(done, min(done + scale.every, scale.budget))
            for _ in fit(network, one, rule, optimiser, generator, scale.batch, steps, clip=2.0):
                done += 1
            seen = _right(network, held_out)
            lab.tell(News(lab.folder.name, name, done, scale.budget, float("nan"), seen.mean(), float("nan")))
        if not min(seen.mean(), seen[-1]) > SOLVED:
            break
        solved.append(done)
    saved.save(path, network.state_dict(), {"solved": solved})
    return End(network, solved)


def _held_out(task: Task, scale: Scale, part: HeldOut = HeldOut.VALID) -> list[Batch]:
    """Batches of a part, each with a length of its own."""
    generator = part.generator()
    return [task.draw(scale.batch, generator) for _ in range(scale.looks)]


@torch.no_grad()
def _right(network: Heads, held_out: list[Batch]) -> np.ndarray:
    """The share of right answers to each question that is asked."""
    device = next(network.parameters()).device
    with examined(network):
        right = [((network(x.to(device)) > 0).cpu() == (y > 0)) for x, y in held_out]
    return torch.cat(right).double().mean(0).numpy()


@torch.no_grad()
def _figures(name: str, end: End, make: Callable[[int, int], Task], scale: Scale) -> dict[str, float]:
    """How the last N stands, without noise and with it."""
    network, last = end.network, scale.longest
    network.asked = slice(last - SHORTEST, None)
    held_out = _held_out(make(last, last), scale, HeldOut.TEST)
    right = float(_right(network, held_out).mean())
    weight, generator = network.layer.recur.weight, torch.Generator().manual_seed(0)
    kept, noisy = weight.clone(), []
    for _ in range(DRAWS):
        noise = torch.randn(weight.shape, generator=generator).to(weight) * network.layer.others
        weight.copy_(kept + NOISE * kept.norm() * noise / noise.norm())
        noisy.append(float(_right(network, held_out).mean()))
    weight.copy_(kept)
    whole = len(end.solved) == last - SHORTEST + 1
    return {
        f"updates_{name}": float(end.solved[-1] if whole else scale.budget),
        f"solved_{name}": float(whole),
        f"right_{name}": right,
        f"noisy_{name}": float(np.mean(noisy)),
        f"tau_{name}": float(network.layer.taus().mean()),
    }
