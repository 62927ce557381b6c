"""Simple answers for whole sequences in files: arrays and their names, and nothing else.

Kernels of several lengths lie in one array, one behind another.
"""

from typing import Any

import numpy as np

from wavetrain.errors import BadInput
from wavetrain.tables.class_baselines import ClassBaseline, Majority, RandomKernels
from wavetrain.tables.kernels import Found, Kernel
from wavetrain.tables.value_baselines import KernelRidge, Mean, Summaries, ValueBaseline

Simplest = ClassBaseline | ValueBaseline
KINDS: dict[str, type[Simplest]] = {
    kind.__name__: kind for kind in (Majority, RandomKernels, Mean, Summaries, KernelRidge)
}
UNITS = ("centre", "spread", "middle", "width")  # of what kernels read and find
FOUND = "found."


def parts(simple: Simplest) -> tuple[str, dict[str, np.ndarray]]:
    """The name of its kind, and what it learned as arrays.

    >>> from wavetrain.tables.simple_kept import parts, whole
    >>> mean = Mean.fit(np.zeros((2, 5, 1)), np.array([[1.0], [3.0]]))
    >>> whole(*parts(mean)).predict(np.zeros((1, 5, 1))).tolist()
    [[2.0]]
    """
    arrays: dict[str, np.ndarray] = {}
    for name, value in vars(simple).items():
        if isinstance(value, Found):
            arrays |= {FOUND + one: getattr(value, one) for one in UNITS}
            arrays[FOUND + "lengths"] = np.array([len(one.weights) for one in value.kernels])
            arrays[FOUND + "weights"] = np.concatenate([one.weights for one in value.kernels])
            for one in ("bias", "dilation", "padding"):
                arrays[FOUND + one] = np.array([getattr(kernel, one) for kernel in value.kernels])
        else:
            arrays[name] = value
    return type(simple).__name__, {name: np.ascontiguousarray(one) for name, one in arrays.items()}


def whole(kind: str, arrays: dict[str, np.ndarray]) -> Simplest:
    """What these parts are of."""
    if kind not in KINDS:
        raise BadInput(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    given: dict[str, Any] = {name: one for name, one in arrays.items() if not name.startswith(FOUND)}
    kernels = {name.removeprefix(FOUND): one for name, one in arrays.items() if name.startswith(FOUND)}
    if kernels:
        each = np.split(kernels["weights"], np.cumsum(kernels["lengths"])[:-1])
        told = zip(each, kernels["bias"], kernels["dilation"], kernels["padding"], strict=True)
        drawn = tuple(Kernel(one, float(bias), int(apart), int(pad)) for one, bias, apart, pad in told)
        given["found"] = Found(kernels=drawn, **{name: kernels[name] for name in UNITS})
    wanted = set(KINDS[kind].__dataclass_fields__)
    if set(given) != wanted:
        raise BadInput(f"{kind}: expected {', '.join(sorted(wanted))}; got {', '.join(sorted(given))}")
    return KINDS[kind](**given)
