"""The end of a task, for rules that want to know of it: elastic weight consolidation, projections, replay.

What such a rule does then it does in `remember`, which is given nothing, the network, or the network and some
of the task's sequences.
"""

import inspect

from torch import Tensor, nn

from wavetrain.core import Rule


def end_task(rule: Rule, network: nn.Module, x: Tensor) -> None:
    """Tell a rule that a task is over, whose sequences were like x (N, T, C), where it wants to know.

    >>> from wavetrain.rules import Backpropagation, ElasticWeightConsolidation
    >>> from wavetrain.parts.task_end import end_task
    >>> rule, network = ElasticWeightConsolidation(), torch.nn.Linear(3, 2)
    >>> end_task(rule, network, torch.randn(50, 3))
    >>> sorted(rule.springs)
    ['bias', 'weight']
    >>> end_task(Backpropagation(), network, torch.randn(50, 3))  # which has nothing to remember
    """
    remember = getattr(rule, "remember", None)
    if remember is not None:
        remember(*(network, x)[: len(inspect.signature(remember).parameters)])
