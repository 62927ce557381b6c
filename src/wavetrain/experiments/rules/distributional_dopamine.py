"""Do units that take good and bad news differently end at expectiles and quantiles of the reward?

Dabney et al. 2020, Nature 577. Twenty units learn one trial after another, a cue and then a reward; unit i
takes a share tau_i, from 0.05 to 0.95, of errors above 0 and 1 - tau_i of those below.

    expectiles   a reward of 1 with a chance of 0.3; ends at tau p / (tau p + (1 - tau)(1 - p))
    alike        the same rewards, with one half for all: the classical unit, which ends at the mean
    quantiles    rewards evenly from 0 to 1, of whose errors only the sign counts; ends at tau

A rate above 0 leaves every value in motion. What is judged is its mean over the second half of trials; an
update that is linear between 0 and 1 has exactly the fixed point as its mean. All units have the same trials.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wavetrain.core import Batch
from wavetrain.evidence.claims import Claim, Figure, Part
from wavetrain.evidence.picture import Curve
from wavetrain.parts.rewards import Bootstrapped, critic
from wavetrain.parts.stimuli import Presence
from wavetrain.rules.reward.distributional import Distributional
from wavetrain.train.lab import Lab

CHANCE = 0.3
RATE = 0.02  # alpha of good news and of bad, together
ARMS = {
    "expectiles": Distributional(),
    "alike": Distributional(0.5, 0.5),
    "quantiles": Distributional(signs=True),
}

claim = Claim(
    title="Units that take good and bad news differently tell a distribution",
    sentence="Units whose rates differ for errors above and below 0 end at expectiles of the reward, by the "
    "sign of errors alone at quantiles, and units that are alike all at the mean.",
    topic="Reward and choice",
    source="Dabney et al. 2020, Nature 577, the model; rewards and rates are ours",
    systems=("distributional",),
    parts=(
        Part(
            says="All units are within 0.03 of their expectile.",
            holds=lambda figures: figures["off_expectiles"] <= 0.03,
            figures=("off_expectiles",),
        ),
        Part(
            says="All that learn by signs are within 0.03 of their quantile.",
            holds=lambda figures: figures["off_quantiles"] <= 0.03,
            figures=("off_quantiles",),
        ),
        Part(
            says="Units that are alike are within 0.03 of the mean, and spread over less than 0.01, where "
            "others spread over 0.6 or more.",
            holds=lambda figures: (
                figures["off_alike"] <= 0.03
                and figures["spread_alike"] < 0.01
                and figures["spread_expectiles"] >= 0.6
            ),
            figures=("off_alike", "spread_*"),
        ),
    ),
    figures=(
        Figure(name="off_{arm}", says="largest distance from where it should end, {arm}", unit="rewards"),
        Figure(name="spread_{arm}", says="from the lowest to the highest unit, {arm}", unit="rewards"),
    ),
    names={"expectiles": "uneven rates", "alike": "rates alike", "quantiles": "signs alone"},
    notes="The limits stood before a first try on another seed. The paper's correlations with recorded "
    "neurons are not tested.",
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    trials: int
    units: int = 20


smoke = Scale(trials=30, units=3)
small = Scale(trials=20_000)
full = Scale(trials=500_000, units=200)


def run(scale: Scale, lab: Lab) -> dict[str, float]:
    figures, ends = {}, {}
    for arm, rule in ARMS.items():
        known = ends[f"known {arm}"] = known_of(arm, scale.units)
        found = ends[arm] = learned(rule, rewards_of(arm, scale, lab), scale.units)
        figures[f"off_{arm}"] = float((found - known).abs().max())
        figures[f"spread_{arm}"] = float(found.max() - found.min())
    taus = Distributional().taus(scale.units).numpy()
    lines = {
        "uneven rates": ends["expectiles"],
        "their expectiles": ends["known expectiles"],
        "signs alone": ends["quantiles"],
        "their quantiles": ends["known quantiles"],
        "rates alike": ends["alike"],
    }
    stacked = np.stack([line.numpy() for line in lines.values()])
    lab.show(
        "units",
        Curve(
            "What each unit expects",
            taus,
            stacked,
            tuple(lines),
            "share of learning from good news",
            "value (rewards)",
            seeds=True,
        ),
    )
    return figures


def exact(scale: Scale, lab: Lab) -> dict[str, float]:
    """What is known of units that stand at their fixed points."""
    known = {arm: known_of(arm, scale.units) for arm in ARMS}
    figures = {f"off_{arm}": 0.0 for arm in ARMS}
    return figures | {f"spread_{arm}": float(one.max() - one.min()) for arm, one in known.items()}


def known_of(arm: str, units: int) -> Float[Tensor, "units"]:
    """Where units end."""
    tau = ARMS[arm].taus(units)
    if arm == "quantiles":
        return tau
    return tau * CHANCE / (tau * CHANCE + (1 - tau) * (1 - CHANCE))


def rewards_of(arm: str, scale: Scale, lab: Lab) -> Float[Tensor, "trials"]:
    drawn = torch.rand(scale.trials, generator=lab.generator(), dtype=torch.float64)
    return drawn if arm == "quantiles" else (drawn < CHANCE).double()


def learned(rule: Distributional, rewards: Float[Tensor, "trials"], units: int) -> Float[Tensor, "units"]:
    """The mean of each value over the second half of trials."""
    network = critic(Presence(1, level=1.0), units).double()
    step, loss = torch.optim.SGD(network.parameters(), RATE), Bootstrapped()
    x = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    total, half = torch.zeros(units, dtype=torch.float64), len(rewards) // 2
    for index, reward in enumerate(rewards):
        told = torch.zeros(1, 2, units, dtype=torch.float64)
        told[0, 1] = reward
        step.zero_grad()
        rule.learn(network, Batch(x, told), loss)
        step.step()
        if index >= half:
            total += network.get_parameter("read.weight").detach()[:, 0]
    return total / (len(rewards) - half)
