"""One row through a network that forecasts, where calls of torch would cost more than what they compute.

The steps of the layers are their own; all around them (encoder, norms, MLPs, read-out, what is known ahead)
are a few products of small matrices, which NumPy does in a fraction of the time. Arrays are views of the
parameters, so they are always those of the network. Equal to the network's own step, up to rounding.
"""

import numpy as np
import torch
from torch import Tensor, nn

from wavetrain.core import Layer, State
from wavetrain.estimators._forecast import FAR, Forecast


class Single:
    """The steps of a network, for one row at a time."""

    def __init__(self, network: Forecast):
        stack, ahead = network.stack, network.ahead
        self.network, self.holes = network, network.holes
        self.measured, self.known = np.array(network.measured, int), np.array(network.known, int)
        self.layers: list[Layer] = list(stack.layers)  # type: ignore[arg-type]
        self.encode = _linear(stack.encode)
        self.norms = [_norm(norm) for norm in stack.norms]
        self.mlps = [(_norm(one[0]), *_linear(one[1]), *_linear(one[3])) for one in _parts(stack.mlps)]
        self.decode = (_norm(stack.decode[0]), *_linear(stack.decode[1]))
        self.shape = network.base.horizon, network.targets
        self.ahead = None
        if ahead is not None:
            self.centre, self.spread = ahead.centre.numpy(), ahead.spread.numpy()
            self.ahead = (*_linear(ahead.state), _array(ahead.known.weight), _array(ahead.out.weight))

    @staticmethod
    def fits(network: Forecast) -> bool:
        """Whether a network has the usual form: float32, on the CPU, and an MLP behind each layer."""
        usual = [nn.RMSNorm, nn.Linear, nn.GELU, nn.Linear]
        plain = all([type(part) for part in one] == usual for one in _parts(network.stack.mlps))
        same = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in network.parameters())
        return plain and same and len(network.stack.mlps) == len(network.stack.layers)

    def inputs(self, seen: np.ndarray, gap: np.ndarray, level: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """What the stack reads of a row (columns,), of which some were missing."""
        parts = [seen[self.measured].clip(-FAR, FAR)]
        if self.holes:
            parts.append(gap[self.measured])
        if self.ahead is not None:
            parts.append(self._units(seen[self.known] * scale[self.known] + level[self.known]))
        return np.concatenate(parts, dtype=np.float32)

    def step(self, row: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """What the read-out reads, (width,), behind a row (inputs,), and the new state of the stack."""
        weight, bias = self.encode
        stream, after = weight @ row + bias, []
        for layer, norm, mlp, carried in zip(self.layers, self.norms, self.mlps, state, strict=True):
            y, carried = layer.step(torch.from_numpy(_normed(stream, norm))[None], carried)
            after.append(carried)
            stream = y[0].numpy() if layer.residual else stream + y[0].numpy()
            scale, wide, above, narrow, below = mlp
            hidden = _gelu(wide @ _normed(stream, scale) + above)
            stream = stream + (narrow @ hidden + below)
        return stream, tuple(after)

    def added(self, stream: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """What the network adds to the base, (horizon, targets); `ahead` is (horizon, known)."""
        norm, weight, bias = self.decode
        added = (weight @ _normed(stream, norm) + bias).reshape(self.shape)
        if self.ahead is None:
            return added
        weight, bias, known, out = self.ahead
        mixed = weight @ stream + bias + self._units(ahead).astype(np.float32) @ known.T
        return added + _gelu(mixed) @ out.T

    def _units(self, values: np.ndarray) -> np.ndarray:
        """Columns known ahead in deviations from the mean of training; 0 where nothing is known."""
        units = (values - self.centre) / self.spread
        return np.where(np.isnan(units), 0.0, units)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _linear(module: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(module, nn.Linear)
    return _array(module.weight), _array(module.bias)


def _norm(module: nn.Module) -> tuple[np.ndarray, float]:
    assert isinstance(module, nn.RMSNorm) and module.eps is not None
    return _array(module.weight), module.eps


def _parts(mlps: nn.ModuleList) -> list[list[nn.Module]]:
    return [list(one.children()) for one in mlps]


def _normed(stream: np.ndarray, norm: tuple[np.ndarray, float]) -> np.ndarray:
    weight, eps = norm
    return stream * (weight / np.sqrt(stream @ stream / np.float32(stream.size) + np.float32(eps)))


def _gelu(values: np.ndarray) -> np.ndarray:
    return nn.functional.gelu(torch.from_numpy(values)).numpy()
