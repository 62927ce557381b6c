"""Walks in a world: see a label, take an action, say the label of the node that it leads to.

Whittington et al. 2020, Cell 183:1249. The world is the same in all walks, and its labels are new in each:
who knows how the world hangs together can answer behind a link that was never taken, if the node was seen
before. By default 20 labels on a torus of 4 x 4 nodes; theirs are 45 labels on grids of 8 to 11 nodes a side.

    label   7 3 5 3 5 ...      on a ring: the next label, asked where the node was seen before
    action  + + - + + ...      + one node on, - one node back
    y       - - 3 5 - ...      - (class 0) is not asked

Guessing gets one in `labels` right. An immediate way back is a link that was never taken, too, and needs no
knowledge of the world: `worlds.steps` tells such steps apart.
"""

from wavetrain.parts import worlds
from wavetrain.tasks.maps._shared import Walking


def graph_walks(
    world: worlds.World | None = None,
    length: int = 64,
    labels: int = 20,
    straight: float = 1.0,
    unique: bool = False,
    everywhere: bool = False,
) -> Walking:
    """Walks of `length` steps in a world, by default a torus of 4 x 4 nodes; see `Walking`.

    >>> from wavetrain.tasks import graph_walks
    >>> task = graph_walks(length=12)
    >>> x, y = task.draw(1, torch.Generator().manual_seed(1))
    >>> x[0, :, :21].argmax(-1).tolist()  # what is seen
    [12, 2, 12, 9, 10, 2, 4, 14, 12, 9, 13, 20]
    >>> y[0].tolist()  # what is seen next; 0 is not asked
    [0, 12, 0, 0, 2, 0, 0, 12, 9, 0, 0, 4]
    """
    world = worlds.square(4, torus=True) if world is None else world
    return Walking(world, length, labels, straight, unique, everywhere)
