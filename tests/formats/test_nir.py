"""NIR graphs: times in seconds, the gain of an input, and layers that come back as they were."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from wavetrain.errors import BadInput
from wavetrain.parts.delays import Delayed
from wavetrain.parts.firing import Firing, Reset
from wavetrain.spiking.alif import ALIF
from wavetrain.spiking.lif import LIF
from wavetrain.spiking.recurrent_lif import RecurrentLIF

nir = pytest.importorskip("nir")
from wavetrain.formats.nir import graph_of, layers_of, load, save  # noqa: E402

ZERO = Firing(reset=Reset.ZERO)


def said(layers: list[nn.Module], x: Tensor) -> Tensor:
    """What comes out of layers, one after the other."""
    for layer in layers:
        if isinstance(layer, Delayed):
            x = layer.along(x, layer.begin(len(x)))[0]
        else:
            x = layer(x) if isinstance(layer, nn.Linear) else layer(x)[0]
    return x


def unit(steps: int, current: float, node: Any, dt: float) -> tuple[list[int], Tensor]:
    """The steps, from 1 on, in which a unit fires under a current, and its potential in each."""
    shape = np.array([1])
    nodes = {"input": nir.Input(shape), "unit": node, "output": nir.Output(shape)}
    [layer] = layers_of(nir.NIRGraph(nodes, [("input", "unit"), ("unit", "output")]), dt)
    layer.double()
    state, spikes, potential = layer.begin(1), [], []
    for step in range(1, steps + 1):
        y, state = layer.step(torch.full((1, 1), current, dtype=torch.float64), state)
        potential.append(state[0].detach().flatten())
        spikes += [step] if y.any() else []
    return spikes, torch.cat(potential)


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_an_integrator_fires_in_step_17() -> None:
    """0.0625 a step: the threshold of 1 is reached in step 16, and crossed in the next one."""
    node = nir.IF(r=one(1.0), v_threshold=one(1.0))
    spikes, potential = unit(40, 0.0625, node, dt=1000.0)  # 1 s, so that r dt is 1
    assert spikes == [17, 34]
    assert potential[:16].tolist() == [t / 16 for t in range(1, 17)] and potential[16] == 0
    finer, _ = unit(80, 0.0625, node, dt=500.0)  # 33 / 32 is the first above 1
    assert finer == [33, 66]


def test_a_leak_goes_to_r_times_the_current() -> None:
    """tau is in seconds: 0.8 for r = 20 and a current of 0.04, in steps of whatever length."""
    node = nir.LIF(tau=one(0.02), r=one(20.0), v_leak=one(0.0), v_threshold=one(math.inf))
    for dt, steps in ((1.0, 400), (0.1, 4000), (5.0, 80)):
        spikes, potential = unit(steps, 0.04, node, dt)
        assert not spikes and abs(float(potential[-1]) - 0.8) < 1e-4
        now = torch.arange(1, steps + 1, dtype=torch.float64) * dt
        torch.testing.assert_close(potential, 0.8 * (1 - torch.exp(-now / 20.0)), rtol=0, atol=1e-12)


def test_what_is_written_has_tau_in_seconds_and_the_gain_of_an_exact_decay() -> None:
    """A gain of 1 and exp(-1 / 20) = 0.951229: r = 20.504, and 0.820 for 0.04."""
    node = graph_of([LIF(3, 2, tau=20.0, firing=ZERO)]).nodes["units_0"]
    assert node.tau.tolist() == [0.02] * 3 and node.v_threshold.tolist() == [1.0] * 3
    np.testing.assert_allclose(node.r, 20.504, atol=5e-4)
    assert abs(node.r[0] * 0.04 - 0.820) < 5e-4
    assert not node.v_leak.any() and not node.v_reset.any()


def scattered() -> Tensor:
    return 0.5 * (1.0 + torch.arange(25.0).view(5, 5) * 7 % 4)


NETWORKS: dict[str, list[nn.Module]] = {}


def networks() -> dict[str, list[nn.Module]]:
    """Made once, under a seed."""
    if not NETWORKS:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            learned = RecurrentLIF(5, 4, delay=scattered(), firing=ZERO, dt=0.5, learned=True)
            learned.tau.log.data.add_(torch.randn(5))  # type: ignore[operator]
            sources = torch.tensor([0.0, 1.5, 3.0])
            NETWORKS["two and a read-out"] = [
                LIF(7, 3, firing=ZERO),
                LIF(5, 7, tau=7.3, firing=ZERO),
                nn.Linear(5, 2),
            ]
            NETWORKS["recurrent"] = [RecurrentLIF(5, 3, tau=13.7, firing=ZERO)]
            NETWORKS["delays of one"] = [
                RecurrentLIF(5, 3, delay=4.0, firing=ZERO),
                nn.Linear(5, 4, bias=False),
            ]
            NETWORKS["learned, scattered"] = [nn.Linear(3, 4), learned]
            NETWORKS["late"] = [Delayed(3, 4, sources, dt=0.5), LIF(6, 4, firing=ZERO, dt=0.5)]
            NETWORKS["no leak"] = [LIF(6, 3, tau=math.inf, firing=Firing(threshold=2.5, reset=Reset.ZERO))]
            NETWORKS["never"] = [LIF(6, 3, firing=Firing(threshold=math.inf))]
            NETWORKS["doubles"] = [RecurrentLIF(5, 3, delay=2.0, firing=ZERO).double()]
            for layers in NETWORKS.values():
                for layer in layers:
                    if isinstance(layer, LIF | RecurrentLIF):
                        layer.encode.weight.data.mul_(4)
    return NETWORKS


@pytest.mark.parametrize("name", networks())
def test_there_and_back(name: str, tmp_path: Path) -> None:
    """Every parameter is equal to the last bit, and so is what comes out over 200 steps."""
    layers = networks()[name]
    save(tmp_path / "net.nir", layers)
    back = load(tmp_path / "net.nir")
    assert [type(layer) for layer in back] == [type(layer) for layer in layers]
    for old, new in zip(layers, back, strict=True):
        expected, found = old.state_dict(), new.state_dict()
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert torch.equal(found[key], value) and found[key].dtype == value.dtype, key
    x = (torch.rand(2, 200, 3, generator=torch.Generator().manual_seed(0)) < 0.3).to(
        next(layers[0].parameters()).dtype
    )
    with torch.no_grad():
        y, again = said(layers, x), said(back, x)
    assert torch.equal(y, again) and (y.any() or name == "never")
    assert [path.name for path in tmp_path.iterdir()] == ["net.nir"]


def test_in_another_step_currents_have_the_effect_that_they_had() -> None:
    """Under steady currents the times of spikes are the same, to the longer step."""
    [coarse] = networks()["no leak"]
    [fine] = layers_of(graph_of([coarse]), dt=0.125)
    assert fine.dt == 0.125
    x = torch.ones(1, 200, 3)
    with torch.no_grad():
        slow, fast = coarse(x)[0][0], fine(x.repeat(1, 8, 1))[0][0]
    fired = [unit for unit in range(6) if slow[:, unit].any()]
    assert len(fired) > 1
    for unit in fired:
        first, again = (int(spikes[:, unit].nonzero()[0, 0] + 1) for spikes in (slow, fast))
        assert 0 <= first - again / 8 < 1


def lif(units: int = 2, **changes: np.ndarray) -> Any:
    plain = {"tau": 0.02, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return nir.LIF(**{key: np.full(units, value) for key, value in plain.items()} | changes)


def chain(*nodes: Any) -> Any:
    return nir.NIRGraph.from_list(*nodes)


def test_units_with_numbers_of_their_own() -> None:
    """tau, r and thresholds differ; a leak that is not 0 moves threshold and reset with it."""
    tau, r, leak = np.array([0.01, 0.04]), np.array([2.0, 3.0]), np.array([-0.5, 0.25])
    threshold = np.array([0.5, 2.25])  # 1 and 2 above the leak
    node = lif(tau=tau, r=r, v_leak=leak, v_threshold=threshold, v_reset=leak)
    [layer] = layers_of(chain(nir.Affine(np.eye(2), np.zeros(2)), node), dt=1.0)
    x = torch.full((1, 400, 2), 0.9, dtype=torch.float64)
    with torch.no_grad():
        y = layer(x)[0][0]
    for unit in range(2):  # v - v_leak = r I (1 - exp(-t / tau)), above threshold - v_leak at t
        crossed = -tau[unit] * math.log(1 - (threshold[unit] - leak[unit]) / (r[unit] * 0.9))
        assert int(y[:, unit].nonzero()[0, 0]) + 1 == math.ceil(crossed * 1000)


def test_a_loop_without_a_delay_takes_one_step_and_with_one_that_time() -> None:
    """Two units that fire by turns: the second hears the first a step later, or after 3 ms."""
    weight = np.array([[0.0, 0.0], [9.0, 0.0]])
    for late, steps in ((None, 1), (0.003, 3)):
        nodes = {"in": nir.Input(np.array([2])), "n": lif(r=1 / -np.expm1(-np.full(2, 0.05)))}
        nodes |= {"back": nir.Linear(weight), "out": nir.Output(np.array([2]))}
        edges = [("in", "n"), ("n", "out"), ("back", "n")]
        if late is None:
            edges.append(("n", "back"))
        else:
            nodes["late"] = nir.Delay(np.full(2, late))
            edges += [("n", "late"), ("late", "back")]
        [layer] = layers_of(nir.NIRGraph(nodes, edges), dt=1.0)
        x = torch.zeros(1, 12, 2, dtype=torch.float64)
        x[0, 2, 0] = 5.0
        y = layer(x)[0][0].nonzero().tolist()
        assert y == [[2, 0], [2 + steps, 1]]


def wide(firing: Firing) -> LIF:
    return LIF(4, 3, firing=firing)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([], "NIR: expected a layer or more, got none"),
        (
            [LIF(4, 3)],
            "NIR: expected LIF with Reset.ZERO, as a graph can say no other reset, got Reset.SUBTRACT",
        ),
        ([wide(Firing(reset=Reset.NONE))], "no other reset, got Reset.NONE"),
        (
            [wide(Firing(reset=Reset.ZERO, refractory=2.0))],
            "without a refractory time, which a graph cannot say, got 2",
        ),
        ([ALIF(4, 3)], "NIR: expected LIF, RecurrentLIF, Linear or Delayed, got ALIF"),
        ([nn.ReLU()], "got ReLU"),
        ([LIF(3, firing=ZERO), LIF(3, firing=ZERO, dt=0.5)], "NIR: expected layers of one dt, got"),
        ([Delayed(3, 3, 2.0)], "NIR: expected dt in ms, as the delays of a graph are in seconds"),
    ],
)
def test_what_a_graph_cannot_say_is_refused(layers: list[nn.Module], says: str) -> None:
    with pytest.raises(BadInput) as error:
        graph_of(layers)
    assert says in str(error.value) and "\n" not in str(error.value)


def forked() -> Any:
    """Two ways from the input that come to different ends."""
    nodes = {"in": nir.Input(np.array([2])), "a": nir.Linear(np.eye(2)), "b": nir.Linear(np.eye(2))}
    nodes |= {"out": nir.Output(np.array([2])), "more": nir.Output(np.array([2]))}
    return nir.NIRGraph(nodes, [("in", "a"), ("in", "b"), ("a", "out"), ("b", "more")])


def twice() -> Any:
    """Two connections from a unit to another, with different delays."""
    nodes = {
        "in": nir.Input(np.array([2])),
        "a": nir.Linear(np.ones((2, 2))),
        "b": nir.Linear(np.ones((2, 2))),
    }
    nodes |= {"late": nir.Delay(np.full(2, 0.002)), "out": nir.Output(np.array([2]))}
    return nir.NIRGraph(nodes, [("in", "a"), ("in", "late"), ("late", "b"), ("a", "out"), ("b", "out")])


@pytest.mark.parametrize(
    ("graph", "dt", "says"),
    [
        (lambda: chain(lif()), None, "NIR: expected dt in ms, as the graph has noted none"),
        (lambda: chain(lif()), 0.0, "NIR: expected dt above 0 ms, got 0.0"),
        (
            lambda: chain(lif(v_reset=one(0.5).repeat(2))),
            1.0,
            "units of lif that are reset to v_leak, got [0.5 0.5]",
        ),
        (
            lambda: chain(lif(v_threshold=np.zeros(2))),
            1.0,
            "expected thresholds above v_leak, got [0. 0.] in lif",
        ),
        (lambda: chain(lif(tau=np.zeros(2))), 1.0, "NIR: expected tau above 0 s, got [0. 0.] in lif"),
        (
            lambda: chain(nir.Scale(np.ones(2))),
            1.0,
            "expected nodes LIF, IF, Affine, Linear and Delay, got Scale",
        ),
        (
            lambda: chain(nir.Delay(np.full(2, 0.0015)), nir.Linear(np.eye(2))),
            1.0,
            "whole steps of 1 ms, from 0 on, got 1.5",
        ),
        (lambda: chain(nir.Delay(np.full(2, -0.001)), nir.Linear(np.eye(2))), 1.0, "from 0 on, got -1"),
        (lambda: chain(nir.Delay(np.full(2, 0.001)), lif()), 1.0, "expected a Linear behind delay, got LIF"),
        (forked, 1.0, "NIR: expected one layer after the other, got 2 ways from in"),
        (twice, 1.0, "NIR: expected one delay from a unit to another, got two"),
    ],
)
def test_what_is_no_layer_here_is_refused(graph: Any, dt: float | None, says: str) -> None:
    with pytest.raises(BadInput) as error:
        layers_of(graph(), dt)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.nir").write_text("no graph")
    for name in ("a.nir", "gone.nir"):
        with pytest.raises(BadInput, match="must be a file of NIR"):
            load(tmp_path / name)
