"""Recurrences as JAX computes them: a process of its own, without wavetrain and without torch.

    python -m beside.jaxed FOLDER THREADS

FOLDER/NAME.npz holds the arguments of a recurrence and a gradient for what it gives. Each recurrence is
written with `lax.scan`, and with `lax.associative_scan` where it is linear; both are compiled. The result and
the gradients go to FOLDER/NAME--FORM.npz, so that their errors are known before anything is timed.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

if sys.argv[2:] == ["1"]:  # XLA takes all cores that it may run on
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from beside.answering import answer

Walk = Callable[..., Any]
jax.config.update("jax_platforms", "cpu")


def linear(a: Any, b: Any) -> Any:
    """h_t = a_t h_(t-1) + b_t of (B, T, D), one step after another."""

    def step(h: Any, now: Any) -> Any:
        h = now[0] * h + now[1]
        return h, h

    _, h = lax.scan(step, jnp.zeros_like(b[:, 0]), (a.swapaxes(0, 1), b.swapaxes(0, 1)))
    return h.swapaxes(0, 1)


def linear_in_parallel(a: Any, b: Any) -> Any:
    """The same as a tree of pairs."""
    return lax.associative_scan(lambda one, two: (two[0] * one[0], two[0] * one[1] + two[1]), (a, b), axis=1)[
        1
    ]


def selective(x: Any, dt: Any, a: Any, b: Any, c: Any, *, scan: Walk) -> Any:
    """h_t = exp(dt_t a) h_(t-1) + dt_t x_t b_t, y_t = c_t h_t; x and dt (B, T, D), b and c (B, T, N)."""
    decay = jnp.exp(dt[..., None] * a)
    drive = (dt * x)[..., None] * b[:, :, None]
    size = x.shape
    flat = (*size[:2], size[2] * a.shape[1])
    h = scan(decay.reshape(flat), drive.reshape(flat)).reshape(*size, a.shape[1])
    return jnp.einsum("btdn,btn->btd", h, c)


def selective_by_steps(x: Any, dt: Any, a: Any, b: Any, c: Any) -> Any:
    """The same with the states of one step alone, as one would write it for long sequences."""

    def step(h: Any, now: Any) -> Any:
        x, dt, b, c = now
        h = jnp.exp(dt[..., None] * a) * h + (dt * x)[..., None] * b[:, None]
        return h, jnp.einsum("bdn,bn->bd", h, c)

    first = jnp.zeros((x.shape[0], *a.shape), x.dtype)
    _, y = lax.scan(step, first, tuple(one.swapaxes(0, 1) for one in (x, dt, b, c)))
    return y.swapaxes(0, 1)


def wave(drive: Any, kernel: Any, first: Any) -> Any:
    """h_t = relu(kernel * h_(t-1) + drive_t) on rings (B, T, C, N)."""
    half = kernel.shape[-1] // 2

    def step(h: Any, now: Any) -> Any:
        ring = jnp.concatenate([h[..., -half:], h, h[..., :half]], -1)
        h = jax.nn.relu(lax.conv_general_dilated(ring, kernel, (1,), "VALID") + now)
        return h, h

    _, h = lax.scan(step, first, drive.swapaxes(0, 1))
    return h.swapaxes(0, 1)


FORMS: dict[str, dict[str, Walk]] = {
    "linear": {"lax.scan": linear, "associative_scan": linear_in_parallel},
    "linear, complex": {"lax.scan": linear, "associative_scan": linear_in_parallel},
    "selective": {
        "lax.scan": selective_by_steps,
        "associative_scan": partial(selective, scan=linear_in_parallel),
    },
    "wave": {"lax.scan": wave},
    "wave, small": {"lax.scan": wave},
}


def lesson(walk: Walk) -> Walk:
    """Forward and backward, compiled; of complex numbers with the gradients that torch means."""

    def learn(inputs: Any, grad: Any) -> Any:
        y, pull = jax.vjp(walk, *inputs)
        return y, *(one.conj() for one in pull(grad.conj()))

    return jax.jit(learn)


def main() -> None:
    folder = Path(sys.argv[1])
    there: dict[str, Callable[[], object]] = {}
    for name, forms in FORMS.items():
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            *inputs, grad = (jnp.asarray(file[key]) for key in file.files)
        for form, walk in forms.items():
            forward, both = jax.jit(walk), lesson(walk)
            np.savez(folder / f"{name}--{form}.npz", *map(np.asarray, both(inputs, grad)))

            def ahead(forward: Walk = forward, inputs: Any = inputs) -> object:
                return jax.block_until_ready(forward(*inputs))

            def learned(both: Walk = both, inputs: Any = inputs, grad: Any = grad) -> object:
                return jax.block_until_ready(both(inputs, grad))

            there |= {f"{name}, {form}, forward": ahead, f"{name}, {form}, forward + backward": learned}
    answer(there, {"there": {name: {"version": jax.__version__} for name in there}, "skipped": []})


if __name__ == "__main__":
    main()
