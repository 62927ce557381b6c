"""How a Triton kernel is launched: on its tensors' device, or only written down.

Every kernel of this folder is launched by `launch`, so that one place knows three things: the device, what a
grid may be, and how to compile ahead of time. Inside `written_down` nothing runs: each launch is noted with
the types of its arguments, and a compiler makes a cubin of it on a machine that has no GPU.

Rules for the kernels here:
- the grid has one axis, as its other two end at 65,535;
- whatever counts programs is an int64 before it enters an offset (`tl.program_id(0).to(tl.int64)`);
- a state is carried in float32 (float64 for float64), whatever the storage;
- no atomics: each number is written by one program, and sums over programs are made by PyTorch;
- conditions are vectors, not scalars: Triton's interpreter gives two compared scalars the wrong type;
- one configuration, chosen from the shape: no tuning at the first call, so every call gives the same bits.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

SMS = 132  # multiprocessors of an H100 or H200; taken where no device says how many it has

Constant = Any  # what a kernel is compiled for: numbers, flags and types of Triton, by its names for them

_STORED = {
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float32: "fp32",
    torch.float64: "fp64",
    torch.uint8: "u8",
    torch.int8: "i8",
    torch.int32: "i32",
    torch.int64: "i64",
}
_written: list["Launch"] | None = None


@dataclass(frozen=True)
class Launch:
    """A kernel with what its compiled form depends on."""

    kernel: Any
    types: dict[str, str]  # of each argument that is no constant: "*bf16", "i32", "fp32"
    constants: dict[str, Any]
    warps: int
    even: tuple[str, ...]  # arguments that 16 divides: addresses, and sizes that allow wide loads
    exactly: bool  # whether products are rounded before they are added


def launch(
    kernel: Any, programs: int, *args: Any, warps: int, exactly: bool = False, **constants: Constant
) -> None:
    """Run the kernel in so many programs; args are its tensors and numbers in order, None for no tensor.

    With `exactly` a product that is added to something is rounded before, as it is in PyTorch's own steps.
    """
    if programs == 0:
        return
    if _written is not None:
        _written.append(_described(kernel, args, constants, warps, exactly))
        return
    device = next(part.device for part in args if isinstance(part, Tensor))
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        kernel[(programs,)](*args, num_warps=warps, enable_fp_fusion=not exactly, **constants)


@contextlib.contextmanager
def written_down() -> Iterator[list[Launch]]:
    """Inside, kernels do not run; what would run is in the list. Tensors may lie on the device "meta"."""
    global _written
    before, _written = _written, []
    try:
        yield _written
    finally:
        _written = before


def carried(tensor: Tensor) -> torch.dtype:
    """The type in which a state is kept on chip."""
    return torch.float64 if tensor.dtype in (torch.float64, torch.complex128) else torch.float32


def on_chip(tensor: Tensor) -> Any:
    """The same as Triton writes it."""
    return tl.float64 if carried(tensor) == torch.float64 else tl.float32


def multiprocessors(tensor: Tensor) -> int:
    if tensor.device.type != "cuda":
        return SMS
    return torch.cuda.get_device_properties(tensor.device).multi_processor_count


def _described(
    kernel: Any, args: tuple[Any, ...], constants: dict[str, Any], warps: int, exactly: bool
) -> Launch:
    names = kernel.arg_names
    types, fixed, even = {}, dict(constants), []
    for name, part in zip(names, args, strict=False):
        if isinstance(part, Tensor):
            types[name] = "*" + _STORED[part.dtype]
            even.append(name)
        elif part is None:
            fixed[name] = None
        elif isinstance(part, bool | float):
            types[name] = "i1" if isinstance(part, bool) else "fp32"
        elif part == 1:
            fixed[name] = 1  # as Triton does by itself at a call
        else:
            types[name] = "i32" if -(2**31) <= part < 2**31 else "i64"
            if part % 16 == 0:
                even.append(name)
    return Launch(kernel, types, fixed, warps, tuple(even), exactly)
