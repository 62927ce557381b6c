"""A table of numbers in time, of which the next row is forecast."""

import torch

from wavetrain.core import VALUES, Recorded, explained
from wavetrain.errors import BadInput
from wavetrain.tables import parts, scaling
from wavetrain.tables.cells import cells
from wavetrain.tables.columns import columns
from wavetrain.tables.order import ordered

WINDOW = 128  # steps, or fewer where the held-out parts are shorter
FEWEST_ROWS = 60  # the held-out parts then have 8 steps and the row after them: less is no past to speak of
SHOWN = 6  # names of columns that are told


def forecast(content: bytes) -> tuple[Recorded, str, str]:
    """The task, what it is in words, and the answer that its chance level belongs to."""
    written = cells(content)
    count = len(written.lines)
    if count < FEWEST_ROWS:
        raise BadInput(f"expected at least {FEWEST_ROWS} rows for three parts, got {count}")
    names, values, ruler, left_out = columns(written)
    done: list[str] = []
    if ruler is not None:
        order, done = ordered(ruler, written.lines)
        values = values[order]
    held = int(parts.HELD * count)
    train = count - 2 * held
    window = min(WINDOW, held - 1)
    rows = torch.from_numpy(scaling.scaled(values, values[:train]))
    learn, valid, test = parts.windows(rows, train, held, window)
    parts.check_varies(rows[:train], valid.y, test.y)
    channels = len(names)
    what = "; ".join(
        [
            f"{count} rows of {', '.join(names[:SHOWN])}{', ...' * (channels > SHOWN)}{_told(left_out)}",
            *done,
            f"forecast the next row, in windows of {window}",
            f"{train} rows to train, {held} to choose by and {held} to test, in time",
        ]
    )
    chance = float(explained(test.x, test.y))
    task = Recorded(learn, valid, test, channels, channels, False, True, VALUES, chance)
    return task, what, "repeating the last row"


def _told(left_out: dict[str, str]) -> str:
    told = [f"left out: {name}, which {why}" if name else why for name, why in left_out.items()]
    return f" ({'; '.join(told)})" if told else ""
