"""A table of what followed what in a stream of symbols, filled in record by record."""

import numpy as np
import torch
from torch import Tensor


def followed(x: Tensor, symbols: int, order: int) -> Tensor:
    """The record at which each symbol last followed the present context, (N, symbols); -1 where it never did.

    The context is the last `order` symbols, back to the last noise, which is any symbol from `symbols` on.
    Each row knows the records up to its own, and no later one.

    >>> from wavetrain.experiments.memories._table import followed
    >>> followed(torch.tensor([0, 1, 9, 0]), symbols=2, order=3).tolist()  # at first comes 0, after it 1
    [[-1, -1], [-1, -1], [0, -1], [-1, 1]]
    """
    never = np.full(symbols, -1)
    table: dict[tuple[int, ...], np.ndarray] = {}
    context: tuple[int, ...] = ()
    rows = []
    for record, symbol in enumerate(x.tolist()):
        if symbol < symbols:
            table.setdefault(context, never.copy())[symbol] = record
            context = (*context, symbol)[-order:]
        else:
            context = ()
        rows.append(table.get(context, never).copy())
    return torch.from_numpy(np.stack(rows))
