"""Reaches that are made up: minimum-jerk movements between targets, and neurons that fire with velocity.

Each reach goes from where the last one ended to a target drawn from a square of side 2, in 0.6 to 1.4 s:

    p(s) = start + (target - start) (10 s^3 - 15 s^4 + 6 s^5),   s from 0 to 1

A neuron fires at 8 Hz plus 1.5 Hz for each unit per second of velocity in its own direction, never below 0;
directions are drawn. Steps are 4 ms, and an input is 1 where a neuron fired in the step. Velocity is the
gradient of the position, as the paper has it of the cursor.
"""

import numpy as np
import torch

from wavetrain.experiments.spikes._decoding import Record

RATE = 250  # steps a second
BASE, GAIN, SIDE = 8.0, 1.5, 2.0
SHORTEST, LONGEST = 0.6, 1.4  # s


def reaches(seconds: float, neurons: int, generator: np.random.Generator) -> Record:
    """Spikes (T, neurons) and velocity (T, 2); half to learn from, a quarter to choose by, one to report."""
    place = path(seconds, generator)
    velocity = np.gradient(place, axis=0) * RATE
    spikes = fired(velocity, neurons, generator)
    many = len(place)
    parts = slice(0, many // 2), slice(many // 2, 3 * many // 4), slice(3 * many // 4, many)
    known = velocity[parts[0]]
    y = (velocity - known.mean(0)) / known.std(0)
    return Record(torch.from_numpy(spikes).float(), torch.from_numpy(y).float(), parts)


def path(seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Places (T, 2) over so many seconds."""
    many, start, legs, done = round(seconds * RATE), generator.uniform(0, SIDE, 2), [], 0
    while done < many:
        target, steps = generator.uniform(0, SIDE, 2), round(generator.uniform(SHORTEST, LONGEST) * RATE)
        s = (np.arange(steps) + 1)[:, None] / steps
        legs.append(start + (target - start) * (10 * s**3 - 15 * s**4 + 6 * s**5))
        start, done = target, done + steps
    return np.concatenate(legs)[:many]


def fired(velocity: np.ndarray, neurons: int, generator: np.random.Generator) -> np.ndarray:
    """Whether each neuron fired in each step, (T, neurons)."""
    angle = generator.uniform(0, 2 * np.pi, neurons)
    rate = np.maximum(0, BASE + GAIN * velocity @ np.stack([np.cos(angle), np.sin(angle)]))
    spikes: np.ndarray = generator.random(rate.shape) < -np.expm1(-rate / RATE)
    return spikes
