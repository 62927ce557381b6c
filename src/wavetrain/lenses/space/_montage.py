"""Where channels lie, and the phase maps that waves over them would have.

Positions have two coordinates, x to the right and y to the front, or three on a sphere around the origin; a
sphere is laid flat with distances and directions from its top kept (azimuthal equidistant). A wave of phase
2 pi f t - k x travels along k, so its phase falls along its way:

    plane     -k (q - mean q)     for wave vectors k up to half a turn over two spacings
    rotating  -+ theta            the polar angle about a centre that channels surround
    radial    -+ kappa |q - c|    from, or into, such a centre

The spacing is the median distance to the nearest channel. A shorter wave than four spacings is not looked
for: with many free wave vectors, noise looks like a plane wave.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Real
from scipy.spatial import Delaunay, QhullError, cKDTree
from torch import Tensor

from wavetrain.errors import BadInput

LEAST = 6  # channels
SURROUNDED = 0.35  # largest mean of exp(i theta) about a centre
FINE = 1.5  # steps of wave vectors in half a turn over the whole array
AROUND = 12  # channels of the loop on which a winding number is counted


class Montage(NamedTuple):
    """Channels in the plane, and their phase maps as weights: a wave's mean over its own weights is 1."""

    place: Float[np.ndarray, "channels 2"]  # in the unit of the positions
    middle: Float[np.ndarray, "2"]
    sphere: Float[np.ndarray, "channels 3"] | None  # directions, where positions have three coordinates
    wave: Float[np.ndarray, "waves 2"]  # of plane waves, rad per unit
    centre: Float[np.ndarray, "centres 2"]  # by centre, phases that rise with the angle, then those that fall
    rate: Float[np.ndarray, "rates"]  # kappa, rad per unit; centre by centre all of them
    waves: tuple[np.ndarray, np.ndarray, np.ndarray]  # (C, waves) each: plane, rotating, radial
    mirrors: tuple[np.ndarray, np.ndarray, np.ndarray]  # (waves,) each: the same wave the other way


def montage(
    lens: str, positions: Real[Tensor, "channels axes"] | Real[np.ndarray, "channels axes"], channels: int
) -> Montage:
    """The montage of so many channels."""
    place, sphere = flat(lens, positions, channels)
    spacing = float(np.median(cKDTree(place).query(place, 2)[0][:, 1]))
    extent = float(np.linalg.norm(np.ptp(place, axis=0)))
    highest, step = np.pi / (2 * spacing), np.pi / (FINE * extent)
    axis = step * np.arange(-int(highest / step), int(highest / step) + 1)
    wave = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    wave = wave[np.linalg.norm(wave, axis=1) <= highest + 1e-9 * highest]
    middle = place.mean(0)
    centre = _surrounded(lens, place, _gaps(place, spacing))
    theta = polar(place, centre)
    distance = np.linalg.norm(place[:, None] - centre, axis=-1)
    rate = np.pi / extent * np.arange(1, max(int(highest * extent / np.pi), 1) + 1)
    rate = np.concatenate([rate, -rate])
    first = np.arange(len(centre) * len(rate)) // len(rate) * len(rate)
    turns, beams = np.arange(2 * len(centre)), np.arange(len(first)) - first
    return Montage(
        place=place,
        middle=middle,
        sphere=sphere,
        wave=wave,
        centre=centre,
        rate=rate,
        waves=(
            _turn((place - middle) @ wave.T),
            np.concatenate([_turn(-theta), _turn(theta)], 1),
            _turn((distance[:, :, None] * rate).reshape(len(place), -1)),
        ),
        mirrors=(
            np.arange(len(wave))[::-1],
            (turns + len(centre)) % len(turns),
            first + (beams + len(rate) // 2) % len(rate),
        ),
    )


def flat(
    lens: str, positions: Real[Tensor, "channels axes"] | Real[np.ndarray, "channels axes"], channels: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions (C, 2) in a plane, and directions (C, 3) where they lie on a sphere."""
    given = positions.detach().cpu() if isinstance(positions, Tensor) else positions
    place = np.array(np.asarray(given), dtype=float)
    if place.ndim != 2 or place.shape[0] != channels or place.shape[1] not in (2, 3):
        raise BadInput(
            f"{lens}: expected positions ({channels}, 2), or ({channels}, 3) on a sphere, one row for each "
            f"channel, got {place.shape}"
        )
    if channels < LEAST:
        raise BadInput(f"{lens}: expected {LEAST} channels or more, got {channels}")
    wrong = np.flatnonzero(~np.isfinite(place).all(1))
    if len(wrong):
        raise BadInput(
            f"{lens}: expected a position for each channel, got none for {len(wrong)} of {channels}, the "
            f"first of them channel {wrong[0]}; leave those channels out"
        )
    sphere = None
    if place.shape[1] == 3:
        radius = np.linalg.norm(place, axis=1)
        if radius.min() < 0.7 * radius.max() or _rank(place) < 3:
            raise BadInput(
                f"{lens}: expected positions on a sphere around (0, 0, 0), got them {radius.min():.3g} to "
                f"{radius.max():.3g} away from it, in {_rank(place)} of 3 dimensions"
            )
        sphere = place / radius[:, None]
        angle = np.arccos(np.clip(sphere[:, 2], -1, 1)) * np.mean(radius)
        place = angle[:, None] * _unit(sphere[:, :2])
    nearest = cKDTree(place).query(place, 2)[0][:, 1]
    if nearest.min() <= 1e-9 * np.ptp(place):
        raise BadInput(f"{lens}: expected a place of its own for each channel, got two channels at one place")
    if _rank(place - place.mean(0)) < 2:
        raise BadInput(f"{lens}: expected positions that span a plane, got them on one line")
    return place, sphere


def polar(place: Float[np.ndarray, "channels 2"], centre: Float[np.ndarray, "centres 2"]) -> np.ndarray:
    """The angle (C, centres) at which each channel is seen from a centre."""
    way = place[:, None] - centre
    angle: np.ndarray = np.arctan2(way[..., 1], way[..., 0])
    return angle


def loops(montage: Montage) -> Int[np.ndarray, "centres loop"]:
    """The nearest channels around each centre, in the order of their angle."""
    _, near = cKDTree(montage.place).query(montage.centre, min(AROUND, len(montage.place)))
    angle = np.take_along_axis(polar(montage.place, montage.centre).T, near, 1)
    return np.take_along_axis(near, np.argsort(angle, 1), 1)


def rotations(sphere: Float[np.ndarray, "channels 3"], draws: int, seed: int) -> np.ndarray:
    """For each draw the channel (C,) that comes to each place when the montage is turned on its sphere.

    Channels are taken one after the other, those that find a near place first, to the nearest free place; so
    most neighbours stay neighbours.
    """
    dice = np.random.default_rng(seed)
    found = np.empty((draws, len(sphere)), int)
    for draw in found:
        turn, upper = np.linalg.qr(dice.standard_normal((3, 3)))
        turn = turn * np.sign(np.diag(upper))
        turn[:, 0] *= np.sign(np.linalg.det(turn))
        far = -(sphere @ turn) @ sphere.T  # (moved channel, place)
        for _ in sphere:
            channel, place = np.unravel_index(far.argmin(), far.shape)
            draw[place] = channel
            far[channel], far[:, place] = np.inf, np.inf
    return found


def _turn(angle: np.ndarray) -> np.ndarray:
    """exp(i angle): phases that fall by `angle` come to stand still."""
    turned: np.ndarray = np.exp(1j * angle).astype(np.complex64)
    return turned


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _rank(place: np.ndarray) -> int:
    values = np.linalg.svd(place, compute_uv=False)
    return int((values > 1e-6 * values[0]).sum()) if values[0] > 0 else 0


def _gaps(place: np.ndarray, spacing: float) -> np.ndarray:
    """The places between channels: middles of the circles through the corners of Delaunay triangles."""
    try:
        corners = place[Delaunay(place).simplices]
    except QhullError as error:
        raise BadInput(f"positions: {len(place)} channels span no triangles") from error
    a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    size_b, size_c = (b**2).sum(1), (c**2).sum(1)
    circle = np.stack([c[:, 1] * size_b - b[:, 1] * size_c, b[:, 0] * size_c - c[:, 0] * size_b], 1)
    fat = np.abs(twice) > 0.1 * spacing**2
    middle = a[fat] + circle[fat] / twice[fat, None]
    _, first = np.unique(np.round(middle / (1e-3 * spacing)), axis=0, return_index=True)
    return middle[np.sort(first)]


def _surrounded(lens: str, place: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The points with channels in all directions around them; of few channels, those nearest to that."""
    way = _unit(place[:, None] - points)
    lopsided = np.linalg.norm(way.mean(0), axis=-1)
    if not len(points) or lopsided.min() > 2 * SURROUNDED:
        raise BadInput(f"{lens}: expected positions that surround a place between them, got none such")
    kept: np.ndarray = points[lopsided <= max(SURROUNDED, lopsided.min() + 1e-6)]
    return kept
