"""The topics of the project, in the order of the storyline and in words a reader knows.

A claim or a card names its topic by the title. The storyline in the documentation tells how the topics hang
together.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Topic:
    """A heading under which claims and systems are listed."""

    title: str
    about: str  # one sentence

    @property
    def anchor(self) -> str:
        """The title as part of a link."""
        return re.sub(r"\W+", "-", self.title.lower())


TOPICS = (
    Topic(
        "Translation by recurrent networks", "One network folds a sentence into a state, another unfolds it."
    ),
    Topic("Gates", "A gate decides what is kept, so that an error can flow back."),
    Topic("Attention", "Each step reads all earlier ones, by a matrix that is made anew from the input."),
    Topic(
        "Linear state spaces",
        "A linear system holds a long past in few numbers; unrolled it is a convolution.",
    ),
    Topic("Selective state spaces", "What a state space keeps depends on what it reads."),
    Topic("Rings and line attractors", "Activity that moves on, and activity that stays."),
    Topic("Waves in spiking networks", "One point looks like noise; space and time together show order."),
    Topic("Travelling waves", "A wave lays the recent past out in space."),
    Topic("Temporal convolutions", "A hierarchy of filters looks further back at each level."),
    Topic("Waves in recordings", "Waves that were measured in brains."),
    Topic(
        "Predicting the next input",
        "A network that predicts what comes next learns where it is and what is done.",
    ),
    Topic("Reward and choice", "Which action to take, learned from what it brings."),
    Topic("Loops of cortex and basal ganglia", "A loop that chooses what comes next, token by token."),
    Topic(
        "Learning without forgetting", "What is learned later should not overwrite what was learned before."
    ),
    Topic("Associative memory", "Part of a pattern brings back the rest, or what follows it."),
    Topic(
        "Sparse distributed memory",
        "Patterns are spread over many neurons; attention reads in nearly the same way.",
    ),
    Topic(
        "Cognitive maps",
        "Structure is kept apart from content, so that a new world is known after few steps.",
    ),
    Topic(
        "Working memory as waves",
        "Variables are passed along, and where the wave starts the next one is composed.",
    ),
    Topic("Working memory as in people", "The tests that psychologists use, given to networks."),
    Topic("Online sequence learning", "One pass over a stream, learning at every record."),
    Topic("Learning rules", "How a network is told what to change."),
    Topic(
        "Recurrences in parallel", "A nonlinear recurrence that is solved over the whole sequence at once."
    ),
    Topic("Single neurons", "One neuron with many leaky memories, as a sequence layer."),
    Topic(
        "Recurrence beside attention",
        "Recurrence in depth, and what gates, attention and recurrence each add.",
    ),
    Topic("A global workspace", "A controller chains operations by deciding who may write."),
    Topic("Looking inside", "What a trained network does, asked in the same words of a brain."),
)
OTHER = Topic("Other", "What no topic of the storyline names.")


def topic(name: str) -> Topic:
    """The topic of that title; OTHER where there is none."""
    return next((one for one in TOPICS if one.title == name), OTHER)


def by_topic(pairs: Iterable[tuple[Topic, T]]) -> dict[Topic, list[T]]:
    """What belongs to each topic, in the order of the storyline; topics without any are left out."""
    found = list(pairs)
    groups = {one: [value for topic, value in found if topic == one] for one in (*TOPICS, OTHER)}
    return {one: values for one, values in groups.items() if values}
