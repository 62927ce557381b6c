"""Hierarchical cycles: meals in days in months; go on by one of any of them, and say what was there.

A walk through nested periods, in the format of Whittington et al. 2020, Cell 183:1249. With periods 3, 7 and
4 there are 84 moments in a round, and each has a label of its own, new for each sequence. The actions go on,
or back, by one of a level and keep all the levels below: the next moment, the same meal of the next day, the
same meal and day of the next month. The step of a level is the product of the periods below it: 1, 3 and 21.

    label   5  2  8  6 ...
    action +3 +1 -3 -1 ...
    y       -  -  -  5 ...      - (class 0) is not asked: the moment was not met before

By default periods are 2, 3 and 2, so that a short sequence meets moments again. Guessing gets one in
`labels` right.
"""

import math

from wavetrain.errors import BadInput
from wavetrain.parts import worlds
from wavetrain.tasks.maps._shared import Walking


def hierarchical_cycles(
    periods: tuple[int, ...] = (2, 3, 2), length: int = 64, labels: int = 20, unique: bool = False
) -> Walking:
    """Sequences of `length` steps through nested periods, the shortest level first; see `Walking`.

    Raises BadInput without periods, or for one below 2.

    >>> from wavetrain.tasks import hierarchical_cycles
    >>> task = hierarchical_cycles(length=12)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(0))
    >>> x[0, :, :21].argmax(-1).tolist()  # the labels of the moments
    [5, 7, 2, 18, 14, 18, 4, 18, 14, 18, 2, 4]
    >>> y[0].tolist()  # the next label; 0 is not asked
    [0, 0, 0, 0, 18, 0, 18, 14, 18, 2, 0, 0]
    """
    if not periods or any(not isinstance(period, int) or period < 2 for period in periods):
        raise BadInput(f"hierarchical cycles: expected periods of at least 2, got {periods}")
    steps = [math.prod(periods[:level]) for level in range(len(periods))]
    return Walking(worlds.ring(math.prod(periods), steps), length, labels, unique=unique)
