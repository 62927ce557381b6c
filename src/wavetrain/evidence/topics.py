"""The topics of the project, in the order of the storyline and in words a reader knows.

A claim or a card names its topic by the title. One that still names a place in the source documents (`seed`)
is put under the topic that its words speak of. The storyline in the documentation tells how the topics hang
together.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Topic:
    """A heading under which claims and systems are listed."""

    title: str
    about: str  # one sentence
    seed: str  # pattern of an older label; the first topic of TOPICS that fits has it

    @property
    def anchor(self) -> str:
        """The title as part of a link."""
        return re.sub(r"\W+", "-", self.title.lower())


TOPICS = (
    Topic(
        "Translation by recurrent networks",
        "One network folds a sentence into a state, another unfolds it.",
        "stop 2:",
    ),
    Topic(
        "Gates", "A gate decides what is kept, so that an error can flow back.", "why gates|error that flows"
    ),
    Topic(
        "Attention",
        "Each step reads all earlier ones, by a matrix that is made anew from the input.",
        "stop 4:|as an RNN|LightNet|dynamical systems framework|heads make",
    ),
    Topic(
        "Linear state spaces",
        "A linear system holds a long past in few numbers; unrolled it is a convolution.",
        "stop 5:|LSSL",
    ),
    Topic(
        "Selective state spaces",
        "What a state space keeps depends on what it reads.",
        "stop 6:|AUSSM",
    ),
    Topic("Rings and line attractors", "Activity that moves on, and activity that stays.", "stop 7:"),
    Topic(
        "Waves in spiking networks",
        "One point looks like noise; space and time together show order.",
        "stop 8:",
    ),
    Topic("Travelling waves", "A wave lays the recent past out in space.", "stop 9:"),
    Topic(
        "Temporal convolutions",
        "A hierarchy of filters looks further back at each level.",
        "stop 10:|TCNCA|FSMN|MossFormer2",
    ),
    Topic("Waves in recordings", "Waves that were measured in brains.", "stop 11:"),
    Topic(
        "Predicting the next input",
        "A network that predicts what comes next learns where it is and what is done.",
        "stop 12:",
    ),
    Topic("Reward and choice", "Which action to take, learned from what it brings.", "stop 13:"),
    Topic(
        "Loops of cortex and basal ganglia",
        "A loop that chooses what comes next, token by token.",
        "stop 14:",
    ),
    Topic(
        "Learning without forgetting",
        "What is learned later should not overwrite what was learned before.",
        "continual learn|cortical columns",
    ),
    Topic(
        "Associative memory",
        "Part of a pattern brings back the rest, or what follows it.",
        "Hopfield|metastable|DSEM",
    ),
    Topic(
        "Sparse distributed memory",
        "Patterns are spread over many neurons; attention reads in nearly the same way.",
        "sparse distributed",
    ),
    Topic(
        "Cognitive maps",
        "Structure is kept apart from content, so that a new world is known after few steps.",
        "second talk|Tolman|cognitive map",
    ),
    Topic(
        "Working memory as waves",
        "Variables are passed along, and where the wave starts the next one is composed.",
        "episodic memory|hidden travelling waves",
    ),
    Topic("Working memory as in people", "The tests that psychologists use, given to networks.", "WorM"),
    Topic(
        "Online sequence learning",
        "One pass over a stream, learning at every record.",
        "online sequence|thousands of synapses",
    ),
    Topic(
        "Learning rules",
        "How a network is told what to change.",
        "synthetic gradients",
    ),
    Topic(
        "Recurrences in parallel",
        "A nonlinear recurrence that is solved over the whole sequence at once.",
        "ParaRNN",
    ),
    Topic("Single neurons", "One neuron with many leaky memories, as a sequence layer.", "ELM"),
    Topic(
        "Recurrence beside attention",
        "Recurrence in depth, and what gates, attention and recurrence each add.",
        "Universal Transformer|recurrence, attention",
    ),
    Topic("A global workspace", "A controller chains operations by deciding who may write.", "workspace"),
)
OTHER = Topic("Other", "What no topic of the storyline names.", "")


def topic(facts: Mapping[str, Any]) -> Topic:
    """The topic that the facts of a card or claim name; OTHER where they name none that we know."""
    named, seed = str(facts.get("topic", "")), str(facts.get("seed", ""))
    for one in TOPICS:
        if named == one.title:
            return one
    for one in TOPICS:
        if seed and re.search(one.seed, seed):
            return one
    return OTHER


def by_topic(pairs: Iterable[tuple[Topic, T]]) -> dict[Topic, list[T]]:
    """What belongs to each topic, in the order of the storyline; topics without any are left out."""
    found = list(pairs)
    groups = {one: [value for topic, value in found if topic == one] for one in (*TOPICS, OTHER)}
    return {one: values for one, values in groups.items() if values}
