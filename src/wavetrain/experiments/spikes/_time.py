"""What a piece of work takes of the processor: other work on the machine counts little in it."""

import time
from collections.abc import Callable


def taken(walk: Callable[[], None], repeats: int) -> float:
    """Seconds of the processor, the least of some tries."""
    least = float("inf")
    for _ in range(repeats):
        begun = time.process_time()
        walk()
        least = min(least, time.process_time() - begun)
    return least
