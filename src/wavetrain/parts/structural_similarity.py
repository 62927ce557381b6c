"""Structural similarity: how alike two images are, window by window, in light, contrast and pattern.

Wang, Bovik, Sheikh and Simoncelli 2004, IEEE Transactions on Image Processing 13(4):600, with square windows
of even weight. m, v and c are means, variances and the covariance of a window, L the range of values:

    (2 m m' + C1) (2 c + C2) / ((m^2 + m'^2 + C1) (v + v' + C2)),   C1 = (0.01 L)^2,  C2 = (0.03 L)^2

1 where images are the same. Variances are of samples, over n - 1. Images are carried on beyond their edges
by their last pixels, so that every pixel is the middle of a window; with `inside` only windows that lie
wholly within count. Where two images are flat and alike a window counts as 1: on a dark ground much is won
by leaving it dark.
"""

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from wavetrain.errors import BadInput


def structural_similarity(
    one: Float[Tensor, "*axes down across"],
    other: Float[Tensor, "*axes down across"],
    *,
    span: float = 1.0,
    window: int = 7,
    inside: bool = False,
) -> Float[Tensor, "*axes"]:
    """The mean over all windows, of `window` pixels a side, for images whose values have a range of `span`.

    Raises BadInput for images of different shapes, an even window or one of less than 3 pixels, one that
    does not lie inside, and a span that is not above 0.

    >>> from wavetrain.parts.structural_similarity import structural_similarity
    >>> image = torch.rand(3, 20, 20)
    >>> structural_similarity(image, image), structural_similarity(image, 1 - image).max().item() < 0
    (tensor([1., 1., 1.]), True)
    """
    if one.shape != other.shape or one.ndim < 2 or not one.shape[-2:].numel():
        raise BadInput(
            f"expected two images (..., down, across) alike, got {tuple(one.shape)} and {tuple(other.shape)}"
        )
    if window < 3 or window % 2 == 0 or (inside and window > min(one.shape[-2:])):
        raise BadInput(
            "expected a window of an odd number of pixels from 3 on"
            f"{', that fits into the image' if inside else ''}, got {window} for {tuple(one.shape[-2:])}"
        )
    if not 0 < span < math.inf:
        raise BadInput(f"expected a span of values above 0, got {span}")
    shape = one.shape[:-2]
    x, y = (image.reshape(-1, 1, *image.shape[-2:]) for image in (one, other))
    if not inside:
        x, y = (F.pad(image, (window // 2,) * 4, mode="replicate") for image in (x, y))

    def mean(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, window, 1)

    small, less = (0.01 * span) ** 2, (0.03 * span) ** 2
    x_mean, y_mean = mean(x), mean(y)
    samples = window**2 / (window**2 - 1)
    x_spread, y_spread = samples * (mean(x * x) - x_mean**2), samples * (mean(y * y) - y_mean**2)
    both = samples * (mean(x * y) - x_mean * y_mean)
    light = (2 * x_mean * y_mean + small) / (x_mean**2 + y_mean**2 + small)
    pattern = (2 * both + less) / (x_spread + y_spread + less)
    return (light * pattern).mean((-3, -2, -1)).reshape(shape)
