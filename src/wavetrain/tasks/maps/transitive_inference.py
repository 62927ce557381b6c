"""Transitive inference: items in an unknown order, seen in pairs; say what is so many ranks higher or lower.

Dusek and Eichenbaum 1997, PNAS 94:7109, with rats; as walks on a line in Whittington et al. 2020, Cell
183:1249. The items are the labels of a line, in a new order for each sequence and no two alike; a step names
one and how many ranks to go. Who has seen that B is 1 above A, and C 1 above B, can tell what is 2 above A.

    item    A  B  A  C ...
    ranks  +1 -1 +2 -1 ...
    y       -  A  -  B ...      - (class 0) is not asked: the item was not seen before

By default ranks are at most `items` - 2, so that the pair of both ends is never shown. Ranks are one-hot
actions; the authors' vectors of sign and size are left out. Guessing gets one in `labels` right.
"""

from wavetrain.parts import worlds
from wavetrain.tasks._draws import at_least
from wavetrain.tasks.maps._shared import Walking


def transitive_inference(
    items: int = 6, jump: int | None = None, length: int = 24, labels: int = 20
) -> Walking:
    """Sequences of `length` steps of at most `jump` ranks among `items` out of `labels`; see `Walking`.

    >>> from wavetrain.tasks import transitive_inference
    >>> task = transitive_inference(length=12)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, :21].argmax(-1).tolist()  # the items
    [4, 20, 19, 13, 4, 14, 13, 3, 4, 3, 13, 14]
    >>> y[0].tolist()  # the item so many ranks away; 0 is not asked
    [0, 0, 0, 4, 0, 13, 0, 4, 3, 13, 14, 20]
    """
    at_least("transitive inference", 3, items=items)
    world = worlds.line(items, items - 2 if jump is None else jump)
    return Walking(world, length, labels, unique=True)
