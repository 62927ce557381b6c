"""Series, standardised and cut into forecasts."""

from torch import Tensor

from wavetrain.core import Batch
from wavetrain.errors import BadInput


def standardised(x: Tensor, train: Tensor) -> Tensor:
    """Each channel (last axis) less its mean in `train` and over its deviation there; NaN counts nowhere."""
    train = train.double().flatten(0, -2)
    mean = train.nanmean(0)
    deviation = (train - mean).square().nanmean(0).sqrt()
    return ((x - mean) / deviation.where(deviation > 0, 1)).float()


def forecasts(
    rows: Tensor, targets: int, past: int, ahead: int, ends: tuple[int, int]
) -> tuple[Batch, Batch, Batch]:
    """Windows of rows (N, C), one from each row on: x (K, past, C), and what follows, y (K, ahead targets).

    Asked are the first `targets` channels, row after row. `ends` are the rows at which the training
    and the validation part end. The answers of a window lie inside one part; the past of the first windows
    of a part lies in the part before. All are views of the rows.
    """
    if past < 1 or ahead < 1:
        raise BadInput(f"expected a past and rows ahead of at least 1, got {past} and {ahead}")
    wanted = rows[:, :targets].contiguous()

    def cut(first: int, end: int) -> Batch:
        if end - first < ahead:
            raise BadInput(
                f"expected windows that fit parts ending at rows {ends[0]}, {ends[1]} and {len(rows)}, got "
                f"{past} rows of past and {ahead} ahead"
            )
        x = rows[first - past : end - ahead].unfold(0, past, 1).movedim(-1, 1)
        return Batch(x, wanted[first:end].flatten().unfold(0, ahead * targets, targets))

    return cut(past, ends[0]), cut(max(past, ends[0]), ends[1]), cut(max(past, ends[1]), len(rows))
