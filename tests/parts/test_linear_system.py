"""A linear system: powers by doubling are powers, and the convolution is the recurrence, step by step."""

import pytest
import torch

from tests.promises import close, normal
from wavetrain.parts.linear_system import krylov, run_system, system_kernel


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9])
def test_columns_are_powers_of_the_matrix(length: int):
    matrix, vector = 0.5 * normal(2, 3, 3), normal(2, 3)
    columns = krylov(matrix, vector, length)
    powers = [(torch.linalg.matrix_power(matrix, k) @ vector[..., None])[..., 0] for k in range(length)]
    close(columns, torch.stack(powers, -1), "columns, powers")


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("time", [1, 2, 5])
def test_the_run_is_the_recurrence(time: int, carried: bool):
    """x_t = a x_{t-1} + b u_t, y_t = c x_t + d u_t, for 2 channels of 3 states and 4 readings."""
    a, b, c, d = 0.5 * normal(2, 3, 3), normal(2, 3), normal(2, 4, 3), normal(2, 4)
    u, first = normal(5, time, 2), normal(5, 2, 3)
    x, rows = first if carried else torch.zeros_like(first), []
    for now in u.unbind(1):
        x = (a @ x[..., None])[..., 0] + b * now[..., None]
        rows.append((c @ x[..., None])[..., 0] + d * now[..., None])
    y, last = run_system(a, b, c, d, u, first if carried else None)
    close(y, torch.stack(rows, 1), "readings, step by step")
    close(last, x, "last state")


@pytest.mark.parametrize("time", [1, 4])
def test_the_kernel_is_the_answer_to_an_impulse(time: int):
    a, b, c, d = 0.5 * normal(2, 3, 3), normal(2, 3), normal(2, 4, 3), normal(2, 4)
    impulse = torch.zeros(1, time, 2, dtype=a.dtype)
    impulse[:, 0] = 1
    kernel, columns = system_kernel(a, b, c, d, time)
    y, last = run_system(a, b, c, d, impulse, None)
    close(kernel.permute(2, 0, 1), y[0], "kernel, answers")  # (T, D, M)
    close(columns[..., -1], last[0], "last column, last state")
