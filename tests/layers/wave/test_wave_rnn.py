"""Wave RNN: at the start an exact shift register on rings; the invariants of the paper, one by one."""

import functools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, Make, close, generic, normal
from tests.promises.variants import on_building
from wavetrain.errors import BadInput
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.identity_rnn import IdentityRNN
from wavetrain.layers.wave.wave_rnn import Recurrent, Start, WaveRNN
from wavetrain.lenses.dynamics.space_time_spectrum import space_time_spectrum
from wavetrain.parts.reader import Reader
from wavetrain.scan import Activation

CLEAR = Start(zero_bias=True)


def register(ring: int, channels: int = 1, **options) -> WaveRNN:
    """The exact shift register: the paper's start without the random bias."""
    torch.manual_seed(0)
    return WaveRNN(ring * channels, inputs=1, channels=channels, start=CLEAR, **options).double()


def rings(layer: WaveRNN, x: Tensor) -> Tensor:
    """The activity (B, T, channels, ring)."""
    return layer(x)[0].unflatten(-1, (layer.channels, layer.ring)).detach()


def impulse(time: int) -> Tensor:
    x = torch.zeros(1, time, 1, dtype=torch.float64)
    x[0, 0] = 1
    return x


@pytest.mark.parametrize(("ring", "channels"), [(7, 1), (5, 3), (3, 2), (100, 1)])
@pytest.mark.parametrize("taps", [3, 5])
def test_impulse_sits_at_minus_s_after_s_steps_and_comes_home(ring: int, channels: int, taps: int):
    time = 2 * ring + 2
    h = rings(register(ring, channels, kernel=taps), impulse(time))
    expected = torch.zeros(time, channels, ring, dtype=h.dtype)
    for s in range(time):
        expected[s, :, -s % ring] = 1
    assert torch.equal(h[0], expected)


@pytest.mark.parametrize("ring", [3, 8, 13])
def test_last_inputs_are_recalled_exactly_and_older_ones_pile_up(ring: int):
    """h_t[(-k) mod n] is the sum over m >= 0 of the input at t - k - m n."""
    time = 3 * ring + 2
    x = normal(2, time, 1).abs()
    h = rings(register(ring, channels=2), x)
    for t in range(time):
        for k in range(ring):
            expected = sum((x[:, s, 0] for s in range(t - k, -1, -ring)), torch.zeros(2, dtype=x.dtype))
            close(
                h[:, t, :, -k % ring], expected[:, None].expand(-1, 2), f"place of {k} steps ago at step {t}"
            )


def mixing(ring: int, speed: float, activation: Activation = Activation.RELU) -> WaveRNN:
    """One ring whose kernel is [0, 1 - v, v]: the one-way wave equation, v units a step."""
    layer = register(ring, activation=activation)
    with torch.no_grad():
        layer.kernel.copy_(torch.tensor([[[0, 1 - speed, speed]]], dtype=torch.float64))
    return layer


@pytest.mark.parametrize("speed", [0.0, 0.3, 0.5, 1.0])
def test_circulant_mixture_has_its_eigenvalues(speed: float):
    ring = 12
    layer = mixing(ring, speed)
    rows, _ = layer.step(torch.zeros(ring, 1, dtype=torch.float64), torch.eye(ring, dtype=torch.float64))
    values = torch.linalg.eigvals(rows.detach().T)
    k = 2 * torch.pi * torch.arange(ring, dtype=torch.float64) / ring
    expected = (1 - speed) + speed * torch.exp(1j * k)
    distance = (values[:, None] - expected).abs()
    assert distance.min(0).values.max() < 1e-6 and distance.min(1).values.max() < 1e-6
    close(expected.abs() ** 2, 1 - 2 * speed * (1 - speed) * (1 - k.cos()), "size of an eigenvalue, formula")


@pytest.mark.parametrize("speed", [0.0, 0.25, 0.6, 1.0])
def test_impulse_drifts_by_v_and_spreads_by_v_times_one_minus_v(speed: float):
    """Total activity is conserved; after t steps the mean is v t and the variance t v (1 - v)."""
    ring, time = 64, 40
    h = rings(mixing(ring, speed), impulse(time))[0, :, 0]
    travelled = torch.arange(ring, dtype=h.dtype).neg() % ring  # toward lower index
    steps = torch.arange(time, dtype=h.dtype)
    close(h.sum(1), torch.ones(time, dtype=h.dtype), "total activity, one")
    mean = h @ travelled
    close(mean, speed * steps, "mean displacement, v t")
    close(h @ travelled**2 - mean**2, steps * speed * (1 - speed), "variance, t v (1 - v)")
    if speed in (0, 1):
        assert ((h == 0) | (h == 1)).all(), "a wave that does not disperse has dispersed"


def test_spectrum_lies_on_the_travelling_line_and_that_of_the_control_does_not():
    x = normal(4, 96, 1).abs()
    wave = space_time_spectrum(rings(register(16, 2), x).transpose(1, 2), -1)
    torch.manual_seed(0)
    control = space_time_spectrum(IdentityRNN(32, inputs=1).double()(x)[0], -1)
    assert wave.fraction > 0.5 > 5 * control.fraction
    assert wave.p == 1 / 201 and wave.fraction > 5 * wave.expected and wave.fraction > 5 * wave.standing


def test_exact_shift_has_all_its_power_on_the_line():
    """A pattern that goes round the ring with nothing coming in."""
    layer, pattern = register(16), normal(1, 16).abs()
    h, _ = layer(torch.zeros(1, 64, 1, dtype=torch.float64), pattern)
    close(h[0, 2], pattern[0].roll(-3), "state after three steps, rolled by three")
    found = space_time_spectrum(h, -1, slack=0.5)
    np.testing.assert_allclose(found.fraction, 1, atol=1e-9)


def weights(network: nn.Module) -> int:
    return sum(value.numel() for name, value in network.named_parameters() if "bias" not in name)


WEIGHTS = [  # as printed in the paper, and recomputed; biases are not counted
    ("copy wave RNN", lambda: Reader(WaveRNN(600, 10, channels=6), 10, every_step=True), 12_108),
    ("copy identity RNN 100", lambda: Reader(IdentityRNN(100, 10), 10, every_step=True), 12_000),
    ("copy identity RNN 625", lambda: Reader(IdentityRNN(625, 10), 10, every_step=True), 403_125),
    ("adding wave RNN", lambda: Reader(WaveRNN(2700, 2, channels=27), 1, every_step=False), 10_287),
    ("adding identity RNN", lambda: Reader(IdentityRNN(100, 2), 1, every_step=False), 10_300),
    ("psMNIST identity RNN", lambda: Reader(IdentityRNN(256, 1), 10, every_step=False), 68_352),
    ("noisy CIFAR10 wave RNN", lambda: Reader(WaveRNN(4096, 96, channels=16), 10, every_step=False), 434_944),
    ("noisy CIFAR10 identity RNN", lambda: Reader(IdentityRNN(529, 96), 10, every_step=False), 335_915),
    ("sMNIST wave RNN", lambda: Reader(WaveRNN(4096, 1, channels=16), 10, every_step=False), 45_824),
]


@pytest.mark.parametrize(("make", "count"), [row[1:] for row in WEIGHTS], ids=[row[0] for row in WEIGHTS])
def test_parameter_counts_of_the_paper(make, count: int):
    assert weights(make()) == count


def test_parameter_count_with_an_mlp_and_all_biases():
    network = Reader(WaveRNN(4096, 1, channels=16), 10, every_step=False, hidden=100)
    assert sum(value.numel() for value in network.parameters()) == 419_686


def test_at_the_start_the_field_carries_timing_and_not_identity():
    """Every one-hot token writes the same value at the same place."""
    torch.manual_seed(0)
    layer = WaveRNN(20, inputs=5, channels=2)
    one, two = (nn.functional.one_hot(torch.tensor([tokens]), 5).float() for tokens in ([0, 3, 1], [4, 4, 2]))
    assert torch.equal(layer(one)[0], layer(two)[0])
    silent = torch.cat([one[:, :1], torch.zeros_like(one[:, :1]), one[:, 2:]], 1)
    assert not torch.equal(layer(silent)[0], layer(one)[0])


def test_starts_as_released():
    torch.manual_seed(0)
    layer = WaveRNN(600, inputs=10, channels=6)
    kernel = torch.zeros(6, 6, 3)
    kernel[range(6), range(6), 2] = 1
    assert torch.equal(layer.kernel, kernel)
    assert layer.bias.abs().max() <= 18**-0.5 and len(layer.bias.unique()) == 6
    source = torch.zeros(6, 100, 10)
    source[:, 0] = 1
    assert torch.equal(layer.encode.weight.view(6, 100, 10), source) and not layer.encode.bias.any()


def test_each_part_of_the_start_can_be_switched_off():
    torch.manual_seed(0)
    assert not WaveRNN(600, start=CLEAR).bias.any()
    stay = WaveRNN(600, channels=6, start=Start(recurrent=Recurrent.STAY)).kernel
    assert torch.equal(stay[..., 1], torch.eye(6)) and stay.sum() == 6
    random = WaveRNN(600, channels=6, start=Start(recurrent=Recurrent.RANDOM)).kernel
    assert random.abs().max() <= 18**-0.5 and len(random.unique()) == 108
    encode = WaveRNN(600, inputs=50, start=Start(source=False)).encode.weight
    assert 0.0009 < encode.std() < 0.0011


def test_staying_activity_stays():
    torch.manual_seed(0)
    layer = WaveRNN(9, inputs=1, start=Start(recurrent=Recurrent.STAY, zero_bias=True)).double()
    y = layer(impulse(5))[0]
    assert torch.equal(y[0], torch.eye(9, dtype=y.dtype)[0].expand(5, 9))


def test_kernel_by_hand():
    """out[o, i] = sum over c, k of u[o, c, k] h[c, (i + k - 1) mod n], and both biases."""
    layer = generic(functools.partial(WaveRNN, channels=2), 8, 3)
    x, h = normal(1, 3), normal(1, 8).view(2, 4)
    total = layer.encode(x)[0].view(2, 4) + layer.bias[:, None]
    for o in range(2):
        for i in range(4):
            total[o, i] += sum(
                layer.kernel[o, c, k] * h[c, (i + k - 1) % 4] for c in range(2) for k in range(3)
            )
    close(layer.step(x, h.view(1, 8))[0][0], total.relu().flatten(), "a step, by hand")


def test_linear_tangent_is_block_toeplitz():
    """With the identity for activation, d y_t / d x_s = S^(t - s) V whatever x is."""
    linear = functools.partial(WaveRNN, channels=2, activation=Activation.IDENTITY)
    layer, x = generic(linear, 6, 2), normal(1, 7, 2)
    zero = torch.zeros(1, 2, dtype=x.dtype)
    rest = layer.step(zero, torch.zeros(1, 6, dtype=x.dtype))[0]
    shift = torch.cat([layer.step(zero, unit[None])[0] - rest for unit in torch.eye(6, dtype=x.dtype)]).T
    blocks = layer.operator(x).weight.unflatten(1, (6, 2))  # (1, D, I, T, T)
    for t in range(7):
        for s in range(t + 1):
            expected = torch.linalg.matrix_power(shift, t - s) @ layer.encode.weight
            close(blocks[0, :, :, t, s], expected, f"block {t}, {s}")


def test_untied_kernel_that_is_everywhere_the_same_is_the_shared_kernel():
    shared = generic(functools.partial(WaveRNN, channels=2), 10, 3)
    untied = generic(functools.partial(WaveRNN, channels=2, local=True), 10, 3)
    assert untied.kernel.shape == (2, 2, 5, 3)
    with torch.no_grad():
        for own, other in zip(untied.parameters(), shared.parameters(), strict=True):
            own.copy_(other.unsqueeze(2) if own.ndim == 4 else other)
    x, first = normal(2, 9, 3), normal(2, 10, seed=2)
    close(untied(x, first), shared(x, first), "untied, shared")


def test_untied_kernel_starts_as_the_same_shift():
    torch.manual_seed(0)
    layer = WaveRNN(14, inputs=1, channels=2, local=True, start=CLEAR).double()
    x = normal(2, 20, 1).abs()
    close(layer(x), register(7, channels=2)(x), "untied at the start, shared")


@pytest.mark.parametrize("width", [1, 2])
def test_rings_without_two_neighbours(width: int):
    layer = WaveRNN(width, inputs=1, start=CLEAR)
    assert layer.kernel.shape == (1, 1, 1)
    y, _ = layer(torch.ones(1, 3, 1))
    assert y[0, :, 0].tolist() == [1, 2, 3]


def test_default_channels():
    sizes = {width: WaveRNN(width, inputs=1).channels for width in (1, 7, 16, 64, 256, 600)}
    assert sizes == {1: 1, 7: 1, 16: 1, 64: 2, 256: 4, 600: 6}


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="channels must divide width 10, got 3"):
        WaveRNN(10, channels=3)
    with pytest.raises(BadInput, match="kernel must be odd, got 4"):
        WaveRNN(10, kernel=4)
    for bad in (0, -1, 2.0):
        with pytest.raises(BadInput, match="channels must be a whole number"):
            WaveRNN(10, channels=bad)


@pytest.mark.parametrize("rival", [LSTM, GRU])
def test_rivals_need_more_parameters_for_as_many_units(rival: type):
    assert weights(rival(600, inputs=10)) > 50 * weights(WaveRNN(600, inputs=10))


VARIANTS = {
    "untied": functools.partial(WaveRNN, local=True),
    "wide kernel": functools.partial(WaveRNN, kernel=5, start=Start(recurrent=Recurrent.RANDOM)),
    "tanh": functools.partial(WaveRNN, activation=Activation.TANH),
    "linear": functools.partial(WaveRNN, activation=Activation.IDENTITY, start=Start(source=False)),
}


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_keep_the_promises(variant: str, promise):
    promise(generic(VARIANTS[variant], 7, 3), normal(2, 7, 3))


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("local", [False, True])
def test_rings_beside_each_other_keep_the_promises(local: bool, promise):
    promise(generic(functools.partial(WaveRNN, channels=3, local=local), 15, 2), normal(2, 6, 2))


@on_building(
    VARIANTS,
    graphs={
        "untied, linear": functools.partial(WaveRNN, local=True, activation=Activation.IDENTITY),
        "wide kernel, tanh": functools.partial(
            WaveRNN,
            kernel=5,
            activation=Activation.TANH,
            start=Start(recurrent=Recurrent.RANDOM, source=False),
        ),
    },
)
def test_variants_are_built_as_promised(make: Make, promise):
    promise(make)
