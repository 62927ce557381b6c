"""Hidden travelling waves: working memory as columns that move on by one each step, and a learned boundary.

Karuvally, Sejnowski and Siegelmann 2024, PMLR 235, arXiv 2402.10163. Columns h_1 (oldest) to h_s (newest):

    h_i(t) = h_{i+1}(t-1) for i < s,   h_s(t) = f(h_1(t-1), ..., h_s(t-1)) + W x_t,   y_t = h_s(t)

    linear boundary      f = F' [h_1; ...; h_s]: h(t) = Phi h(t-1) + (input to column s), `propagation` Phi
                         being a block shift with last rows F'; the linearised recurrent network
    attention boundary   f = sum_i p_i W_v h_i,  p = softmax_i((W_q h_s) . (W_k h_i) / sqrt(P)): a transformer
                         of attention alone, fed its own output; more heads are joined and projected

Columns that nothing has reached yet are not attended to, so that s larger than the sequence gives the whole
past. What f makes of columns that are not all full is added to the input: where that must not be, `load`
fills them. There are no biases: without input nothing happens. What step t leaves in column s is moved, not
changed, for s - 1 steps, so the gradient to it is the identity. Left out: codes of position, as their form is
not in our source.
"""

import enum

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wavetrain import scan
from wavetrain.core import Card, Nonlinear, Operator, State, check_heads, check_width
from wavetrain.errors import BadInput


class Boundary(enum.Enum):
    """What is written where the wave starts."""

    LINEAR = "a linear map of all columns"
    ATTENTION = "self-attention of the newest column to all"


class WaveWorkingMemory(Nonlinear):
    """x (B, T, inputs) to y (B, T, width). The state is the columns (B, s, D) and which are full (B, s).

    With the linear boundary the operator is exact: a Toeplitz head for each pair of output and input channel.

    >>> from wavetrain.layers import WaveWorkingMemory
    >>> layer = WaveWorkingMemory(1, columns=4)
    >>> layer.propagation()[:-1].int()  # columns move on by one; the last row is learned
    tensor([[0, 1, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1]], dtype=torch.int32)
    """

    card = Card(
        title="Hidden Traveling Waves bind Working Memory Variables in Recurrent Neural Networks",
        authors="Karuvally, Arjun and Sejnowski, Terrence J. and Siegelmann, Hava T.",
        year=2024,
        source="ICML 2024, PMLR 235, arXiv 2402.10163",
        family="wave",
        topic="Working memory as waves",
    )

    def __init__(
        self,
        width: int,
        inputs: int | None = None,
        columns: int = 8,
        boundary: Boundary = Boundary.LINEAR,
        heads: int = 1,
    ):
        super().__init__(width, inputs)
        check_width("WaveWorkingMemory", columns=columns)
        self.columns, self.boundary = columns, boundary
        self.heads = check_heads("WaveWorkingMemory", width, heads)
        self.encode = nn.Linear(self.inputs, width, bias=False)
        if boundary is Boundary.LINEAR:
            self.compose = nn.Linear(columns * width, width, bias=False)  # F', oldest column first
        else:
            self.project = nn.Linear(width, 3 * width, bias=False)
            self.out = nn.Linear(width, width, bias=False) if heads > 1 else nn.Identity()

    def begin(self, batch: int) -> tuple[Float[Tensor, "batch columns width"], Bool[Tensor, "batch columns"]]:
        columns = self.encode.weight.new_zeros(batch, self.columns, self.width)
        return columns, torch.zeros_like(columns[..., 0], dtype=torch.bool)

    def load(self, columns: Float[Tensor, "batch columns width"]) -> State:
        """The state whose columns are these, oldest first: a task whose input phase is over.

        Raises BadInput for columns of another shape.
        """
        if columns.ndim != 3 or columns.shape[1:] != (self.columns, self.width):
            raise BadInput(
                f"WaveWorkingMemory: expected columns (batch, {self.columns}, {self.width}), "
                f"got {tuple(columns.shape)}"
            )
        return columns, torch.ones_like(columns[..., 0], dtype=torch.bool)

    def step(
        self,
        x: Float[Tensor, "batch inputs"],
        state: tuple[Float[Tensor, "batch columns width"], Bool[Tensor, "batch columns"]],
    ) -> tuple[
        Float[Tensor, "batch width"],
        tuple[Float[Tensor, "batch columns width"], Bool[Tensor, "batch columns"]],
    ]:
        return self._move(self.encode(x), state)

    def whole(
        self, x: Float[Tensor, "batch time inputs"], state: State
    ) -> tuple[Float[Tensor, "batch time width"], State]:
        return scan.unroll(self._move, self.encode(x), state)

    def operator(self, x: Tensor) -> Operator:
        if self.boundary is Boundary.ATTENTION:
            return super().operator(x)
        impulse = torch.zeros(self.inputs, *x.shape[1:], dtype=x.dtype, device=x.device)
        impulse[:, 0] = torch.eye(self.inputs, dtype=x.dtype, device=x.device)
        kernel = self(impulse)[0].permute(2, 0, 1).flatten(0, 1)  # (D I, T)
        value = x[:, :, None].expand(-1, -1, self.width, -1).flatten(2).unsqueeze(-1)  # (B, T, D I, 1)
        return Operator(scan.toeplitz(kernel).expand(len(x), -1, -1, -1), value)

    def propagation(self) -> Float[Tensor, "all all"]:
        """Phi (s D, s D) of the linear boundary.

        Raises BadInput with a boundary of attention, which has no fixed matrix.
        """
        if self.boundary is Boundary.ATTENTION:
            raise BadInput("WaveWorkingMemory: expected the linear boundary, attention has no fixed matrix")
        return propagation(self.compose.weight.T)

    def _move(self, new: Tensor, state: State) -> tuple[Tensor, State]:
        """One step, given what the input adds (B, D)."""
        columns, filled = state
        linear = self.boundary is Boundary.LINEAR
        h = new + (self.compose(columns.flatten(1)) if linear else self._attend(columns, filled))
        columns = torch.cat([columns[:, 1:], h.unsqueeze(1)], 1)
        return h, (columns, torch.cat([filled[:, 1:], torch.ones_like(filled[:, :1])], 1))

    def _attend(self, columns: Tensor, filled: Tensor) -> Tensor:
        q, k, v = self.project(columns).unflatten(-1, (3, self.heads, -1)).unbind(-3)  # (B, s, H, P)
        fit = torch.einsum("bhp,bshp->bhs", q[:, -1], k) * k.shape[-1] ** -0.5
        there = filled.unsqueeze(1)
        weight = fit.masked_fill(~there, torch.finfo(fit.dtype).min).softmax(-1) * there  # 0 if all are empty
        return self.out(torch.einsum("bhs,bshp->bhp", weight, v).flatten(1))


def propagation(boundary: Float[Tensor, "all width"]) -> Float[Tensor, "all all"]:
    """Phi (s D, s D) of a linear boundary F (s D, D): [h_1; ...; h_s] one step later.

    Raises BadInput for a boundary of another shape.
    """
    if boundary.ndim != 2 or len(boundary) % boundary.shape[1]:
        raise BadInput(
            f"propagation: expected a boundary (columns * width, width), got {tuple(boundary.shape)}"
        )
    size, width = boundary.shape
    shift = torch.eye(size, dtype=boundary.dtype, device=boundary.device)[width:]
    return torch.cat([shift, boundary.T])
