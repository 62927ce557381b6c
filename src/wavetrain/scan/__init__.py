"""Ways to run a recurrence: unroll, linear, wave, short, selective, unitary, dense, chunked, newton and more.

Each has a plain PyTorch route that is the definition, and where it pays a fast route that is held to it,
values and gradients: fused numba kernels on CPU, Triton kernels on a GPU, few operations of PyTorch on other
devices, and PyTorch's own kernels for the dense recurrence. The route is chosen by device and dtype, can be
forced with `only` and `only_plain`, and is reported by `routes`. A fast route has first derivatives; where
these must have a graph of their own (`create_graph=True`) they are taken by plain operations, and inside the
transforms of torch.func and in forward mode the plain route is. In a graph of torch.compile a fast route is
an operator and stays whole (`operators`), and so it is in one of torch.export whose length is open; a program
that is exported for one length, and torch.jit.trace, get the plain route, in as many steps as their example
has. In half precision, and under autocast, all compute and carry their state in float32.
"""

from wavetrain.core import unroll
from wavetrain.core.across import Slices, across_time
from wavetrain.scan.activation import Activation
from wavetrain.scan.attention import attend, attention
from wavetrain.scan.chunked import chunked, chunked_step, mixing
from wavetrain.scan.convolution import convolve, dilated, toeplitz
from wavetrain.scan.dense import dense, dense_step
from wavetrain.scan.drive import affine, final
from wavetrain.scan.lif import Form, Leaves, LIFUnits, Slope, lif
from wavetrain.scan.linear import linear
from wavetrain.scan.newton import Cell, Info, Newton, newton
from wavetrain.scan.recomputed import recomputed
from wavetrain.scan.routes import only, only_plain, recorded, routes, written_out
from wavetrain.scan.selective import selective, selective_step
from wavetrain.scan.sheet import SheetCells, SheetState, SheetWalk, sheet, sheet_step
from wavetrain.scan.short import short
from wavetrain.scan.softmax import softmax
from wavetrain.scan.unitary import turned, unitary
from wavetrain.scan.wave import wave, wave_step

__all__ = [
    "Activation",
    "Cell",
    "Form",
    "Info",
    "LIFUnits",
    "Leaves",
    "Newton",
    "SheetCells",
    "SheetState",
    "SheetWalk",
    "Slices",
    "Slope",
    "across_time",
    "affine",
    "attend",
    "attention",
    "chunked",
    "chunked_step",
    "convolve",
    "dense",
    "dense_step",
    "dilated",
    "final",
    "lif",
    "linear",
    "mixing",
    "newton",
    "only",
    "only_plain",
    "recomputed",
    "recorded",
    "routes",
    "selective",
    "selective_step",
    "sheet",
    "sheet_step",
    "short",
    "softmax",
    "toeplitz",
    "turned",
    "unitary",
    "unroll",
    "wave",
    "wave_step",
    "written_out",
]
