"""Fixed points of maps whose points are known, of trained memories, and where there are none."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from tests.promises import normal
from wavetrain.core import leaves
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.lru import LRU
from wavetrain.lenses.dynamics import _map, _roots
from wavetrain.lenses.dynamics._map import Map, Scaled
from wavetrain.lenses.dynamics.fixed_points import _told, fixed_points
from wavetrain.networks.predictive_autoencoder import PredictiveAutoencoder

LINE = torch.linspace(-1, 1, 500)[:, None]


def test_three_points_of_the_hyperbolic_tangent():
    """h = tanh(2 h): 0, of slope 2, and two of slope 2 (1 - h^2); of tanh(h / 2) there is one."""
    found = fixed_points(lambda h: torch.tanh(2 * h), LINE)
    order = np.argsort(found.point[:, 0])
    np.testing.assert_allclose(found.point[order, 0], [-0.957504, 0, 0.957504], atol=1e-6)
    np.testing.assert_allclose(found.eigenvalues[order, 0], [0.166372, 2, 0.166372], atol=1e-6)
    assert found.stable[order].tolist() == [True, False, True]
    assert found.unstable[order].tolist() == [0, 1, 0]
    assert found.fixed.all() and found.starts.sum() == 500 and found.lost == 0
    one = fixed_points(lambda h: torch.tanh(0.5 * h), LINE)
    assert one.point.tolist() == [[0.0]] and one.starts.tolist() == [500]


def test_the_speed_is_that_of_the_point_that_is_returned():
    weight = 1.8 * normal(12, 12) / 12**0.5
    found = fixed_points(lambda h: torch.tanh(h @ weight.T), 0.5 * normal(60, 12, seed=1))
    point = torch.from_numpy(found.point)
    speed = (torch.tanh(point @ weight.T) - point).norm(dim=1)
    np.testing.assert_allclose(found.speed, speed, atol=1e-15)
    assert (found.speed[found.fixed] < 1e-9).all() and (np.diff(found.speed) >= 0).all()
    slope = np.diag(1 - found.point[0] ** 2) @ weight.numpy()
    np.testing.assert_allclose(
        np.sort(np.abs(found.eigenvalues[0])), np.sort(np.abs(np.linalg.eigvals(slope))), atol=1e-10
    )
    gaps = np.linalg.norm(found.point[:, None] - found.point, axis=-1) + np.eye(len(point))
    assert gaps.min() > 1e-3 * 12**0.5 * 0.1, "near copies of a point are counted"


def test_a_linear_map_stands_still_at_zero_alone_or_at_the_answer_of_its_equation():
    matrix = 0.5 * normal(5, 5)
    found = fixed_points(lambda h: h @ matrix.T, normal(30, 5, seed=1))
    np.testing.assert_allclose(found.point, np.zeros((1, 5)), atol=1e-9)
    values = np.linalg.eigvals(matrix.numpy())
    np.testing.assert_allclose(np.abs(found.eigenvalues[0]), np.sort(np.abs(values))[::-1], atol=1e-9)
    moved = fixed_points(lambda h, x: h @ matrix.T + x, normal(30, 5, seed=1), torch.arange(5.0))
    wanted = np.linalg.solve(np.eye(5) - matrix.numpy(), np.arange(5.0))
    np.testing.assert_allclose(moved.point[0], wanted, atol=1e-8)


def test_time_constants_and_frequencies_are_in_the_unit_of_the_rate():
    """0.9 a step is 9.49 steps, 0.99 is 99.5; a turn by 0.3 rad has 0.3 / 2 pi cycles a step."""
    shrink = torch.tensor([0.9, 0.99], dtype=torch.float64)
    for rate in (1.0, 1000.0):
        found = fixed_points(lambda h: shrink * h, normal(9, 2), rate=rate)
        np.testing.assert_allclose(found.time[0] * rate, [99.499, 9.4912], atol=1e-3)
        c, s = 0.8 * np.cos(0.3), 0.8 * np.sin(0.3)
        turn = torch.tensor([[c, -s], [s, c]])
        spun = fixed_points(lambda h, turn=turn: h @ turn.T, normal(9, 2), rate=rate)
        np.testing.assert_allclose(np.sort(spun.frequency[0]), rate * np.array([-0.3, 0.3]) / (2 * np.pi))
    still = fixed_points(lambda h: h * 1.0, normal(3, 2))
    assert np.isinf(still.time).all() and still.fixed.all() and len(still.point) == 3


def test_error_holds_the_true_point():
    """Where the search ends too early the point is off by no more than about what is said."""
    found = fixed_points(lambda h: torch.tanh(2 * h), LINE)
    truth = np.array([-0.9575040240772687, 0.0, 0.9575040240772687])
    off = np.abs(found.point - truth).min(1)
    assert (off <= 2 * found.error + 1e-15).all()


def test_where_nothing_stands_still_no_fixed_point_is_found():
    """h' = h + a + b sin(w h) with a > b moves at a - b and faster: the slow points are there, and slow."""
    wrong = 0
    for seed in range(40):
        dice = np.random.default_rng(seed)
        a, w = 0.1 + dice.random(), 0.5 + dice.random()
        b = a * dice.uniform(0.3, 0.95)
        starts = torch.from_numpy(dice.uniform(-10, 10, (60, 1)))
        found = fixed_points(lambda h, a=a, b=b, w=w: h + a + b * torch.sin(w * h), starts)
        wrong += found.fixed.sum()
        assert len(found.point) and np.isinf(found.error).all()
        np.testing.assert_allclose(found.speed, a - b, rtol=1e-2)
        assert (found.p < 0.1).all(), "slower than nearly all starts"
    assert wrong == 0
    drift = fixed_points(lambda h: h + 1, normal(20, 2))
    assert not drift.fixed.any() and (drift.p == 1).all(), "all is as slow as all else"


def test_a_few_bits_of_memory_have_three_points_each():
    """Independent bistable units: 3^N points, C(N, k) 2^(N - k) of them with k unstable directions."""
    torch.manual_seed(0)
    turn = torch.linalg.qr(normal(3, 3))[0]
    found = fixed_points(lambda h: torch.tanh(2 * h @ turn) @ turn.T, 1.2 * normal(400, 3, seed=2))
    assert found.fixed.sum() == 27
    assert np.bincount(found.unstable[found.fixed]).tolist() == [8, 12, 6, 1]
    corners = 0.957504 * np.array(list(itertools.product([-1, 1], repeat=3)))
    seen = found.point[found.stable] @ turn.numpy()
    assert np.linalg.norm(seen[:, None] - corners, axis=-1).min(1).max() < 1e-5


@pytest.mark.parametrize(
    "system",
    [Elman, GRU, LSTM, LRU, lambda width, inputs: PredictiveAutoencoder(hidden=width, inputs=inputs)],
)
def test_layers_and_networks_are_taken_by_their_step(system):
    """The point, handed to the layer's own step, comes back; also with states in two parts."""
    torch.manual_seed(0)
    layer = system(4, inputs=3)
    state = leaves(layer.begin(1))
    units = sum(part.numel() * (2 if part.is_complex() else 1) for part in state)
    x = normal(3, seed=4).float()
    found = fixed_points(layer, 0.3 * normal(20, units), x)
    assert found.fixed[0] and found.point.shape[1] == units
    row = torch.from_numpy(found.point[:1]).float()
    if isinstance(layer, LRU):
        put = torch.view_as_complex(row.reshape(*state[0].shape, 2))
    else:
        parts = row.split([part.shape[1] for part in state], 1)
        put = parts[0] if len(parts) == 1 else tuple(parts)
    after = layer.step(x[None], put)[1] if not isinstance(layer, PredictiveAutoencoder) else None
    after = layer.carry(x[None, None], put)[1] if after is None else after
    for one, two in zip(leaves(after), leaves(put), strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


def test_what_is_no_map_of_states_is_refused():
    layer = nn.Sequential()  # a function as good as any
    with pytest.raises(BadInput, match="expected a map from"):
        fixed_points(lambda h: h[:, :1], normal(5, 2))
    with pytest.raises(BadInput, match="a layer, a network with a state, or a function"):
        fixed_points(3, normal(5, 2))
    for start in (normal(4), normal(2, 3, 4), normal(0, 4), normal(4, 0)):
        with pytest.raises(BadInput, match=r"expected start \(rows, n\), got \("):
            fixed_points(lambda h: h / 2, start)
    assert fixed_points(layer, normal(3, 2)).fixed.all(), "the map that leaves all where it is"


@pytest.mark.parametrize(
    ("start", "words", "message"),
    [
        (normal(5, 3), {}, r"expected start \(rows, 4\), got \(5, 3\)"),
        (normal(4), {}, r"expected start \(rows, 4\), got \(4,\)"),
        (normal(0, 4), {}, r"expected start"),
        (normal(5, 4) * torch.nan, {}, "finite numbers in start, got 20 of 20"),
        (normal(5, 4) * 1j, {}, "real numbers in start"),
        (normal(5, 4), {"x": normal(2)}, "an input of 3 channels, got 2"),
        (normal(5, 4), {"tolerance": 0.0}, "a tolerance and a rate above 0"),
        (normal(5, 4), {"rate": -1.0}, "a tolerance and a rate above 0"),
        (normal(5, 4), {"descent": -1}, "a descent of 0 steps or more"),
    ],
)
def test_what_does_not_fit_is_refused(start, words, message):
    with pytest.raises(BadInput, match=message):
        fixed_points(Elman(4, inputs=3), start, **words)


def test_maps_that_are_no_numbers_are_refused_and_rows_that_are_lost_are_counted():
    with pytest.raises(BadInput, match="finite at none"):
        fixed_points(lambda h: h / 0, normal(4, 2))
    found = fixed_points(lambda h: torch.where(h > 0, torch.nan, h / 2), LINE)
    assert found.lost > 0 and found.starts.sum() + found.lost == 500


def told(rows: list[list[float]], speed: list[float], slope: list[float]) -> tuple[list[int], list[int]]:
    """Which are points, and to which of them each belongs, from starts of mean distance 1 and size 1."""
    n = len(rows[0])
    starts = torch.tensor([[1.0] * n, [-1.0] * n], dtype=torch.float64) / n**0.5
    at = torch.tensor(rows, dtype=torch.float64)
    found = _roots.Refined(
        at, torch.tensor(speed), torch.eye(n).repeat(len(at), 1, 1), torch.tensor(slope), at
    )
    _, kept, same = _told(found, starts, tolerance=0.01, size=1.0)
    return kept.tolist(), same.tolist()


def test_points_ten_times_further_out_than_the_starts_are_dropped():
    assert told([[9.9], [-10.0], [10.1], [torch.nan]], [0.0] * 4, [1.0] * 4) == ([0, 1], [0, 1, -1, -1])


def test_what_is_neither_fixed_nor_of_least_speed_is_no_point():
    """A speed of a hundredth at most, or a slope below 0.02 over the root of the units."""
    speed, slope = [0.009, 0.011, 0.5, 0.6], [1.0, 0.021, 0.019, 0.0]
    assert told([[0.1], [0.2], [0.3], [0.4]], speed, slope) == ([0, 2, 3], [0, -1, 1, 2])
    rows = [[0.1] * 4, [0.2] * 4]
    assert told(rows, [0.5, 0.5], [0.011, 0.009]) == ([1], [-1, 0])


def test_points_nearer_than_a_thousandth_are_one_and_the_slowest_stands_for_them():
    rows = [[0.0, 0.0], [0.0009, 0.0009], [0.0022, 0.0009], [0.0024, 0.0009]]
    assert told(rows, [0.002, 0.001, 0.003, 0.004], [1.0] * 4) == ([1, 3], [0, 0, 0, 1])


def test_least_speed_and_how_far_a_fixed_point_may_be():
    """h' = h + h^2 + 0.1 moves least at 0; of h' = h / 2 + 1 the point is 2, and one Newton step away."""
    with torch.no_grad():
        start = torch.tensor([[0.5], [-0.3]], dtype=torch.float64)
        least = _roots.refine(Scaled(Map("here", lambda h: h + h**2 + 0.1), start), start / 0.5)
        close = _roots.refine(Scaled(Map("here", lambda h: h / 2 + 1), start), start / 0.5)
    assert least.rows.abs().max() < 1e-3 and least.speed.numpy() == pytest.approx(0.2)
    assert least.slope.max() < 0.02 and (least.jacobian - 1).abs().max() < 2e-3
    assert close.rows.numpy() == pytest.approx(4) and close.jacobian.numpy() == pytest.approx(0.5)
    assert (close.speed < 1e-14).all() and (close.error < 1e-13).all()


@pytest.mark.parametrize("chunk", [1, 8, 2**24])
def test_jacobians_in_pieces(monkeypatch, chunk: int):
    """Of h' = (x h_1 h_2, h_1^2), also where two rows, or one, are taken at once; of a constant it is 0."""
    monkeypatch.setattr(_map, "CHUNK", chunk)
    rows, x = normal(5, 2), normal(5, 1, seed=1)
    system = Map("here", lambda h, x: torch.stack([x[:, 0] * h[:, 0] * h[:, 1], h[:, 0] ** 2], 1), x[0])
    wanted = torch.stack(
        [
            torch.stack([x[:, 0] * rows[:, 1], x[:, 0] * rows[:, 0]], 1),
            torch.stack([2 * rows[:, 0], 0 * x[:, 0]], 1),
        ],
        1,
    )
    scaled = Scaled(system, torch.ones(1, 2).double())
    torch.testing.assert_close(scaled.jacobian(rows, x), wanted)
    still = Scaled(Map("here", lambda h: torch.ones(len(h), 2).double()), rows)
    assert not still.jacobian(rows).any() and still.jacobian(rows).shape == (5, 2, 2)


def test_a_search_in_pieces_is_the_search(monkeypatch):
    rows = normal(7, 3)
    with torch.no_grad():
        map = Scaled(Map("here", lambda h: torch.tanh(2 * h)), rows)
        one = _roots.hasten(map, rows / map.size)
        monkeypatch.setattr(_roots, "HELD", 2 * 9)
        two = _roots.hasten(map, rows / map.size)
    torch.testing.assert_close(one, two)
    gap = (map(one) - one).norm(dim=1)
    assert (gap <= (map(rows / map.size) - rows / map.size).norm(dim=1)).all() and gap.median() < 1e-7


def test_the_system_that_is_given_stays_as_it_was():
    """In single precision, and learning."""
    torch.manual_seed(0)
    layer = Elman(4, inputs=3)
    before = {name: part.clone() for name, part in layer.state_dict().items()}
    fixed_points(layer, normal(3, 4))
    assert layer.training and all(part.requires_grad for part in layer.parameters())
    assert all(torch.equal(part, before[name]) for name, part in layer.state_dict().items())


@pytest.mark.parametrize("unit", [1.0, 1000.0, 1e-160])
def test_all_that_is_told_of_a_linear_map(unit: float):
    """h' = (h_1 / 2, -h_2 / 4) from two starts, of speed 0.5 and 2.5: by hand, at any size."""
    shrink = torch.tensor([0.5, -0.25], dtype=torch.float64)
    start = unit * torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    found = fixed_points(lambda h: shrink * h, start, rate=10.0)
    np.testing.assert_allclose(found.null, unit * np.array([0.5, 2.5]))
    np.testing.assert_allclose(found.eigenvalues, [[0.5, -0.25]])
    np.testing.assert_allclose(found.time, [[0.1 / np.log(2), 0.1 / np.log(4)]])
    np.testing.assert_allclose(np.abs(found.frequency), [[0, 5]])
    assert found.starts.tolist() == [2] and found.lost == 0 and found.unstable.tolist() == [0]
    assert found.p.tolist() == pytest.approx([1 / 3]), "slower than either of two starts"
    np.testing.assert_allclose(found.point, 0, atol=1e-8 * unit)
    assert found.speed[0] <= 1e-8 * unit and found.error[0] <= 1e-8 * unit and found.fixed.all()


def test_what_is_infinite_is_told_to_be():
    """Where all stands still no point is held; and a start that leaves at once is as fast as can be."""
    still = fixed_points(lambda h: h * 1.0, normal(3, 2))
    assert (still.error == np.inf).all() and still.p.tolist() == [1.0] * 3
    away = fixed_points(lambda h: torch.where(h > 1, torch.inf, h / 2), torch.tensor([[0.5], [2.0]]))
    assert away.null.tolist() == [0.25, np.inf] and away.starts.tolist() == [1] and away.lost == 1


def test_points_count_the_starts_that_end_there():
    """tanh(3 h): three starts on one side, one on the other; the slowness among the starts is by rank."""
    start = torch.tensor([[0.2], [-0.4], [0.5], [0.9]], dtype=torch.float64)
    found = fixed_points(lambda h: torch.tanh(3 * h), start)
    wanted = np.abs(np.tanh(3 * start.numpy()) - start.numpy())[:, 0]
    np.testing.assert_allclose(found.null, wanted)
    ends = {round(float(at), 3): int(n) for at, n in zip(found.point[:, 0], found.starts, strict=True)}
    assert sum(ends.values()) == 4 and ends[-0.995] == 1 and ends[0.995] >= 2
    assert found.p.tolist() == pytest.approx([1 / 5] * len(found.p))


class Dropped(Elman):
    """Of which half of the state is lost at random where it learns."""

    def __init__(self):
        super().__init__(4, inputs=3)
        self.lose = nn.Dropout(0.5)

    def step(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().step(x, self.lose(state))


def test_dropout_is_left_out_of_a_network_that_learns():
    torch.manual_seed(0)
    layer, rows, none = Dropped(), normal(2, 4), torch.zeros(2, 3).double()
    found = Map("here", layer)(rows)
    assert layer.training and layer.lose.training
    torch.testing.assert_close(found, layer.double().eval().step(none, rows)[1])
