"""Privileged basis: coordinates in which a recurrent network is seen to move variables from place to place.

Karuvally, DelMastro and Siegelmann 2023, arXiv 2310.02430, and Karuvally, Sejnowski and Siegelmann 2024,
arXiv 2402.10163. The layer is linearised at its first state and zero input, by automatic differentiation:

    W = d state' / d state (N, N),   G = d state' / d x (N, k), or the pseudo-inverse of the read-out
    Psi = [W^(s-1) G, ..., W G, G], columns of length 1;   Psi^+ its pseudo-inverse

Where the matrix `phi` (s k, s k) that the task asks for is given, only those of its dimensions are kept whose
deletion lowers the number of its eigenvalues above 0.8 in modulus, and the network is held against it:

    score   share of the squares of Psi^+ W Psi that lie where phi is not zero
    error   mean angle between the eigenvalues above 0.9 of W and of phi, the nearest pairs first; only
            where they are equally many

The authors found grounding in the read-out the better one where outputs are composed of several inputs. The
analysis is local: where a network works far from its first state, it may miss what the network does.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wavetrain.core import Card, Layer, State, leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import check_finite, check_sequences, magnitude

card = Card(
    title="Episodic Memory Theory for the Mechanistic Interpretation of Recurrent Neural Networks",
    authors="Karuvally, Arjun and DelMastro, Peter and Siegelmann, Hava T.",
    year=2023,
    source="arXiv 2310.02430",
    family="population",
    topic="Working memory as waves",
)

REST = 10  # principal components that are kept of what the basis leaves over


class PrivilegedBasis(NamedTuple):
    """Coordinates that are not kept are zero; without `phi`, score and error are NaN and wanted is 0."""

    basis: Float[np.ndarray, "units coordinates"]  # Psi, oldest variable first
    dual: Float[np.ndarray, "coordinates units"]  # Psi^+
    kept: Bool[np.ndarray, "coordinates"]  # whether the coordinate is kept
    transition: Float[np.ndarray, "coordinates coordinates"]  # Psi^+ W Psi
    activity: Float[np.ndarray, "batch time coordinates"]  # the state in the basis, after each step of x
    rest: Float[np.ndarray, "units components"]  # principal components of the state off the basis
    score: float  # 0 to 1
    found: int  # eigenvalues of W above 0.9 in modulus
    wanted: int  # those of phi
    error: float  # radians; NaN where the two counts differ


@torch.no_grad()
def privileged_basis(
    layer: Layer,
    x: Float[Tensor, "batch time inputs"],
    phi: Float[Tensor, "columns _"] | None = None,
    columns: int | None = None,
    readout: bool = False,
) -> PrivilegedBasis:
    """The basis of a layer with real states, and sequences x (B, T, inputs) seen in it.

    `columns` is s, by default that of phi, or as many as there is room for. `readout` grounds the basis in
    the output instead of the input; the layer's output must then depend on its new state alone.

    Raises BadInput where phi does not fit the columns, or is not finite.

    >>> from wavetrain.layers import Episodic
    >>> from wavetrain.lenses import privileged_basis
    >>> layer, phi = Episodic(1, hidden=8), torch.eye(3).roll(1, 1)  # three variables, each in turn
    >>> layer.bind(phi, torch.linalg.qr(torch.randn(8, 3))[0])
    >>> found = privileged_basis(layer, torch.zeros(1, 5, 1), phi)
    >>> round(found.score, 3), found.found, found.wanted
    (1.0, 3, 3)
    """
    check_sequences(layer, x)
    recur, write, read = _linearised(layer, x)
    states = _trajectory(layer, x)
    ground = torch.linalg.pinv(read) if readout else write
    room, each = ground.shape
    if columns is None:
        columns = max(1, room // each) if phi is None else len(phi) // each
    count = columns * each
    if columns < 1 or (phi is not None and phi.shape != (count, count)):
        got = "none" if phi is None else tuple(phi.shape)
        raise BadInput(f"privileged_basis: expected phi ({each} s, {each} s) for s = {columns}, got {got}")
    if phi is not None and not phi.isfinite().all():
        raise BadInput("privileged_basis: expected phi of finite numbers, got NaN or infinity in it")
    powers = [ground / magnitude(ground, (0,))]
    for _ in range(columns - 1):  # at a size where no power of the matrix is lost
        power = recur @ powers[0]
        powers.insert(0, power / magnitude(power, (0,)))
    basis = torch.cat(powers, 1)
    kept = torch.ones(count, dtype=torch.bool) if phi is None else _needed(phi)
    basis = basis / basis.norm(dim=0).clamp(min=torch.finfo(basis.dtype).tiny) * kept
    dual = torch.zeros_like(basis.T)
    dual[kept] = torch.linalg.pinv(basis[:, kept])
    transition = dual @ recur @ basis
    score, wanted, error = float("nan"), 0, float("nan")
    spectrum = _strong(recur, 0.9)
    if phi is not None:
        phi = phi.to(transition)
        squares = (transition / magnitude(transition)) ** 2
        score = float(squares[phi != 0].sum() / squares.sum().clamp(min=torch.finfo(basis.dtype).tiny))
        target = _strong(phi, 0.9)
        wanted, error = len(target), _angle(spectrum, target)
    return PrivilegedBasis(
        basis.numpy(), dual.numpy(), kept.numpy(), transition.numpy(), (states @ dual.T).numpy(),
        _components(states - states @ dual.T @ basis.T), score, len(spectrum), wanted, error,
    )  # fmt: skip


def _linearised(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> tuple[Tensor, Tensor, Tensor]:
    """W (N, N), G (N, I) and the read-out (D, N) around the first state, in float64 on the CPU."""
    first, none = layer.begin(1), torch.zeros_like(x[:1, 0])
    start, put = _flat(first)
    with torch.enable_grad():
        parts = torch.autograd.functional.jacobian(
            lambda state, now: _row(layer.step(now, put(state))), (start, none), vectorize=False
        )
    recur, write = (part.reshape(len(part), -1).double().cpu() for part in parts)
    check_finite(layer, "derivatives", torch.cat([recur, write], 1))
    size = start.numel()
    # the output is read from the new state: what moves it through W and G tells how
    both = torch.cat([recur[:size], write[:size]], 1)
    read = torch.cat([recur[size:], write[size:]], 1) @ torch.linalg.pinv(both)
    return recur[:size], write[:size], read


def _row(step: tuple[Tensor, State]) -> Tensor:
    """The new state and then the output as one row."""
    y, state = step
    return torch.cat([_flat(state)[0], y.flatten()])


def _flat(state: State) -> tuple[Tensor, Callable[[Tensor], State]]:
    """The real parts of a state of one sequence as one row, and the way back; masks and counts stay."""
    moving = [part for part in leaves(state) if part.is_floating_point()]
    if not moving or any(part.is_complex() for part in leaves(state)):
        raise BadInput("privileged_basis: expected a layer with a real state that has a derivative")

    def put(row: Tensor) -> State:
        given = iter(row.split([part.numel() for part in moving]))
        return map_state(lambda part: next(given).view_as(part) if part.is_floating_point() else part, state)

    return torch.cat([part.flatten() for part in moving]), put


def _trajectory(layer: Layer, x: Float[Tensor, "batch time inputs"]) -> Tensor:
    """The states after each step, (B, T, N)."""
    state, states = layer.begin(len(x)), []
    for now in x.unbind(1):
        state = layer.step(now, state)[1]
        states.append(torch.cat([part.flatten(1) for part in leaves(state) if part.is_floating_point()], 1))
    found = torch.stack(states, 1).double().cpu()
    check_finite(layer, "states", found)
    return found


def _strong(matrix: Tensor, limit: float) -> np.ndarray:
    values = torch.linalg.eigvals(matrix.double()).numpy()
    return values[np.abs(values) > limit]


def _needed(phi: Tensor) -> Tensor:
    """The dimensions of phi without which it has fewer eigenvalues above 0.8."""
    size, whole = len(phi), len(_strong(phi, 0.8))
    others = [[j for j in range(size) if j != i] for i in range(size)]
    return torch.tensor([len(_strong(phi[rest][:, rest], 0.8)) < whole for rest in others])


def _angle(one: np.ndarray, two: np.ndarray) -> float:
    """The mean angle between eigenvalues in pairs, nearest first; NaN where one has more."""
    if len(one) != len(two) or not len(one):
        return float("nan")
    apart = np.abs(np.angle(one[:, None] / two))
    angles = []
    for _ in one:
        row, column = np.unravel_index(apart.argmin(), apart.shape)
        angles.append(apart[row, column])
        apart[row], apart[:, column] = np.inf, np.inf
    return float(np.mean(angles))


def _components(states: Tensor) -> np.ndarray:
    """The first principal components of (B, T, N) rows, (N, 10 or fewer)."""
    rows = states.flatten(0, 1)
    return torch.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:REST].T.numpy()
