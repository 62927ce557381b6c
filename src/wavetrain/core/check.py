"""Sizes: what members refuse, and how a number divides."""

from wavetrain.errors import BadInput


def divisor(number: int, limit: float) -> int:
    """The largest divisor of `number` that is no larger than `limit`, and at least 1.

    >>> from wavetrain.core import divisor
    >>> divisor(12, 5), divisor(7, 5)
    (4, 1)
    """
    return next(size for size in range(max(1, min(number, int(limit))), 0, -1) if number % size == 0)


def check_width(name: str, **sizes: int) -> None:
    """Raise for sizes of a layer that are not whole numbers above zero.

    >>> from wavetrain.core import check_width
    >>> check_width("Tide", width=8, heads=2)  # says nothing where all is well
    >>> check_width("Tide", width=8, heads=0)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Tide: heads must be a whole number of at least 1, not 0
    """
    for size, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise BadInput(f"{name}: {size} must be a whole number of at least 1, not {value!r}")


def check_heads(name: str, width: int, heads: int | None) -> int:
    """How many heads share the channels of a width: as given, or so many that each has 32 or more.

    >>> from wavetrain.core import check_heads
    >>> check_heads("Tide", 128, None), check_heads("Tide", 128, 2)
    (4, 2)
    >>> check_heads("Tide", 10, 3)
    Traceback (most recent call last):
    wavetrain.errors.BadInput: Tide: heads must divide width 10, got 3
    """
    heads = divisor(width, width / 32) if heads is None else heads
    check_width(name, heads=heads)
    if width % heads:
        raise BadInput(f"{name}: heads must divide width {width}, got {heads}")
    return heads
