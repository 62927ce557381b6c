"""Promises about types: half precision and autocast to a stated error, float64 by default, what is loaded."""

import copy

import torch
from torch import Tensor, nn

from wavetrain.core import Layer, State, leaves, map_state
from wavetrain.testing.tools import Make, beside, generic, normal, seeded, stepped, tracked, whole

TIME, CUT = 240, 100
LESSON = 80  # steps through which gradients go: more than a block has
HALF = (torch.bfloat16, torch.float16)


def check_half_precision(make: Make) -> None:
    """Each form stays within the layer's own bound of float64 with the same weights; cut, it is the whole."""
    for dtype in HALF:
        low, x = seeded(make, 12, 3, seed=17).to(dtype), (normal(2, TIME, 3) + 0.5).to(dtype)
        for (about, y, state), expected in zip(_forms(low, x), _truth(low, x), strict=True):
            assert y.dtype == dtype, f"{about}: {dtype} in, {y.dtype} out"
            assert all(part.dtype != torch.float64 for part in leaves(state)), f"{about}: a state in float64"
            _within(low, y, expected, dtype, f"{dtype}, {about}")
        watched = tracked(x[:, :LESSON])
        low(watched)[0].float().sin().mean().backward()
        slopes = [part.grad for part in (watched, *low.parameters()) if part.requires_grad]
        assert all(slope is None or slope.isfinite().all() for slope in slopes), f"{dtype}: a gradient"


def check_autocast(make: Make) -> None:
    """Under autocast each form stays within the bound; gradients are those without it, to a twentieth."""
    layer, x = seeded(make, 12, 3, seed=17), normal(2, TIME, 3).float() + 0.5
    expected, slopes = list(_truth(layer, x)), _slopes(layer, x[:, :LESSON], nullcast=True)
    with torch.autocast("cpu", torch.bfloat16):
        forms = list(_forms(layer, x))
    for (about, y, _), want in zip(forms, expected, strict=True):
        _within(layer, y, want, torch.bfloat16, f"autocast, {about}")
    found = _slopes(layer, x[:, :LESSON], nullcast=False)
    off = float((found - slopes).norm() / slopes.norm())
    assert off < 0.05, f"under autocast the gradient is off by {off:.3f} of its size"


def check_default_type(make: Make) -> None:
    """Where float64 is the default, all numbers are float64, and so is the answer."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        layer = seeded(make, 6, 3, seed=14)
        y, state = layer(normal(2, 5, 3))
        moved, _ = layer.step(normal(2, 3), layer.begin(2))
        layer.operator(normal(2, 5, 3))
    finally:
        torch.set_default_dtype(before)
    parts = {**layer.state_dict(), "y": y, "a step": moved}
    parts |= {f"state {place}": part for place, part in enumerate(leaves(state))}
    for name, part in parts.items():
        assert part.dtype not in (torch.float32, torch.complex64), f"{name} is {part.dtype}"


def check_loads_into_garbage(make: Make) -> None:
    """Built without memory, given memory with anything in it or none, and loaded: the same answers."""
    layer, x = generic(make, 6, 3, seed=15), normal(2, 5, 3)
    kept = {name: part.clone() for name, part in layer.state_dict().items()}
    for assign in (False, True):
        with torch.device("meta"):
            other = seeded(make, 6, 3, seed=16).double()
        if not assign:
            spoil(other.to_empty(device="cpu"))
        other.load_state_dict(kept, assign=assign)
        for one, own in zip((other(x), stepped(other, x)), (layer(x), stepped(layer, x)), strict=True):
            torch.testing.assert_close(one, own, rtol=0, atol=0, msg=f"loaded with assign={assign}")


def spoil(module: nn.Module) -> None:
    """Put into all parameters and buffers what new memory may hold."""
    with torch.no_grad():
        for part in (*module.parameters(), *module.buffers()):
            part.fill_(float("nan") if part.is_floating_point() or part.is_complex() else 3)


def _forms(layer: Layer, x: Tensor) -> "list[tuple[str, Tensor, State]]":
    """The whole, and what is cut, each part as a whole or in steps: output and last state."""
    with torch.no_grad():
        found = [("forward", *layer(x))]
        firsts = (whole, stepped)
        heads, between = zip(*(first(layer, x[:, :CUT]) for first in firsts), strict=True)
        for second in firsts:  # from both at once, side by side in the batch
            tails, states = second(layer, x[:, CUT:].repeat(2, 1, 1), beside(*between))
            for place, (first, head) in enumerate(zip(firsts, heads, strict=True)):
                rows = slice(place * len(x), (place + 1) * len(x))
                y, state = (
                    torch.cat([head, tails[rows]], 1),
                    map_state(lambda part, at=rows: part[at], states),
                )
                found.append((f"{first.__name__}, then {second.__name__}", y, state))
    return found


def _truth(layer: Layer, x: Tensor) -> list[Tensor]:
    """The output in float64 with the same weights, once for each of `_forms`."""
    with torch.no_grad():
        return [copy.deepcopy(layer).double()(x.double())[0]] * 5


def _within(layer: Layer, y: Tensor, expected: Tensor, dtype: torch.dtype, about: str) -> None:
    """The error of all steps, and of the late ones, in units of what rounding the output once would do."""
    for steps in (slice(None), slice(2 * TIME // 3, None)):
        want = expected[:, steps]
        error, unit = ((part.double() - want).norm().item() for part in (y[:, steps], want.to(dtype)))
        assert error <= layer.roundings * unit, (
            f"{about}, from step {steps.start or 0}: an error of {error / unit:.2f} roundings of the output, "
            f"expected at most {layer.roundings}"
        )


def _slopes(layer: Layer, x: Tensor, nullcast: bool) -> Tensor:
    """The gradient of all parameters and the input, in one row."""
    watched = tracked(x)
    learning = [watched, *(part for part in layer.parameters() if part.requires_grad)]
    with torch.autocast("cpu", torch.bfloat16, enabled=not nullcast):
        y, _ = layer(watched)
    total = (y.float() * normal(*y.shape, seed=5).float()).sum()
    found = torch.autograd.grad(total, learning, allow_unused=True)
    return torch.cat([slope.flatten() for slope in found if slope is not None])
