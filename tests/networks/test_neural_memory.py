"""The memory network: what a read is made of; and what comes back through a cut, predicted or not."""

import functools

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.networks.neural_memory import Cut, Feedback, NeuralMemory, Place


def network(feedback: Feedback | None = None, slots: int = 5) -> NeuralMemory:
    layer = generic(functools.partial(NeuralMemory, slots=slots, feedback=feedback), 4, 3)
    assert isinstance(layer, NeuralMemory)
    return layer.train()


def fresh(feedback: Feedback) -> NeuralMemory:
    """Predictors as they start, with a last layer of zeros."""
    torch.manual_seed(0)
    return NeuralMemory(4, 3, slots=5, feedback=feedback).double()


def slopes(layer: NeuralMemory, x: Tensor) -> dict[str, Tensor]:
    """Gradients of a squared error over all steps, of all parameters outside of the predictors."""
    layer.zero_grad()
    layer(x)[0].sub(normal(*x.shape[:2], 4, seed=7)).square().mean().backward()
    return {
        name: torch.zeros_like(one) if one.grad is None else one.grad.clone()
        for name, one in layer.named_parameters()
        if not name.startswith("cuts")
    }


def alike(one: NeuralMemory, other: NeuralMemory) -> None:
    """The same parameters, where both have them."""
    other.load_state_dict(one.state_dict(), strict=False)


# --- the memory ---------------------------------------------------------------------------------------------


@torch.no_grad()
def test_a_read_is_made_of_writes_and_of_the_first_memory():
    layer, x = network(), normal(3, 12, 3)
    reads = layer.recall(x)
    close(reads.read, reads.weight @ reads.written + reads.first @ layer.memory, "read, put together")
    whole = reads.weight.sum(-1) + reads.first.sum(-1)
    close(whole, torch.ones_like(whole), "sum of all weights, one")
    assert (reads.weight >= 0).all() and (reads.first >= 0).all()
    assert not reads.weight.triu().any() and (reads.weight[:, -1, :-1] > 0).all()
    o = layer.reader(layer.encode(x))[0]
    y = layer.out(layer.mix(torch.cat([o, reads.read], -1)).relu())
    close(layer(x)[0], y, "output, composed of what was asked and read")


@torch.no_grad()
def test_weights_by_hand():
    """r_ts = sum over slots of z_t z_s times what the writes between have left."""
    layer, x = network(), normal(1, 5, 3)
    z, state = [], layer.begin(1)
    for t in range(5):
        asked = layer.reader(layer.encode(x[:, : t + 1]))[0][:, -1]
        z.append((layer.sharpness * state[0][0] @ asked[0]).softmax(-1))
        _, state = layer.step(x[:, t], state)
    weight = layer.recall(x).weight[0]
    close(weight[3, 1], (z[3] * z[1] * (1 - z[2])).sum(), "step 3 of step 1")
    close(weight[4, 0], (z[4] * z[0] * (1 - z[1]) * (1 - z[2]) * (1 - z[3])).sum(), "step 4 of step 0")


@torch.no_grad()
def test_a_sharp_address_writes_one_slot_and_reads_it():
    layer, x = network(slots=3), normal(1, 1, 3)
    layer.sharpness.fill_(1e9)
    before, asked = layer.begin(1)[0], layer.reader(layer.encode(x))[0][0, 0]
    place = int((layer.memory @ asked).argmax())
    reads, (after, *_) = layer.recall(x), layer(x)[1]
    close(reads.read[0, 0], layer.memory[place], "read, the slot itself")
    close(after[0, place], reads.written[0, 0], "the slot, what was written")
    others = [slot for slot in range(3) if slot != place]
    close(after[0, others], before[0, others], "the other slots, as they were")


def test_parameters():
    layer = NeuralMemory(32, feedback=Feedback(horizon=5, places=()))
    count = {name: sum(one.numel() for one in part.parameters()) for name, part in layer.named_children()}
    assert count["reader"] + count["writer"] == 16_896
    assert count["mix"] + count["out"] == 3_136
    assert sum(one.numel() for one in layer.cuts["memory"].parameters()) == 4_192


# --- the gradient -------------------------------------------------------------------------------------------


def test_a_share_of_zero_is_backpropagation():
    plain, cut = network(), network(Feedback(2, 0.0, tuple(Place)))
    alike(plain, cut)
    x = normal(3, 7, 3)
    close(slopes(cut, x), slopes(plain, x), "cut, backpropagation")


def test_a_chunk_longer_than_the_sequence_is_backpropagation():
    plain, cut = network(), network(Feedback(7, 1.0, ()))
    alike(plain, cut)
    x = normal(3, 7, 3)
    close(slopes(cut, x), slopes(plain, x), "cut, backpropagation")


def truncated(layer: NeuralMemory, x: Tensor, horizon: int) -> dict[str, Tensor]:
    """Truncated backpropagation, written out: the state is cut off at every border."""
    layer.zero_grad()
    state, y = layer.begin(len(x)), []
    for chunk in x.split(horizon, 1):
        out, state = layer(chunk, state)
        y.append(out)
        memory, reading, writing = state
        state = (
            memory.detach(),
            tuple(one.detach() for one in reading),
            tuple(one.detach() for one in writing),
        )
    torch.cat(y, 1).sub(normal(*x.shape[:2], 4, seed=7)).square().mean().backward()
    return {name: one.grad.clone() for name, one in layer.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("silent", [True, False])
def test_predictions_of_zero_are_truncated_backpropagation(silent: bool):
    """And so is the first step of every training, as predictors start at zero."""
    cut, plain = fresh(Feedback(3, 1.0, (), silent)), network()
    alike(cut, plain)
    x = normal(3, 8, 3)
    close(slopes(cut, x), truncated(plain, x, 3), "cut, truncated")
    assert not torch.allclose(
        slopes(cut, x)["writer.cell.weight_hh_l0"], slopes(plain, x)["writer.cell.weight_hh_l0"]
    )


def test_below_a_full_cut_nothing_moves_at_first():
    got = slopes(fresh(Feedback(None, 1.0, (Place.WRITE,))), normal(3, 7, 3))
    assert not any(slope.any() for name, slope in got.items() if name.startswith("writer"))
    assert all(slope.any() for name, slope in got.items() if not name.startswith("writer"))
    got = slopes(fresh(Feedback(None, 1.0, (Place.COMPOSE,))), normal(3, 7, 3))
    assert not any(slope.any() for slope in got.values())  # all there is lies below


def test_half_a_share_is_half_of_each():
    """g / 2 + prediction / 2, of a gradient known by hand."""
    cut, a, context = Cut(3, 2, 0.5, silent=False).double(), normal(4, 3).requires_grad_(), normal(4, 2)
    nn.init.normal_(cut.net[-1].weight)
    cut.size, guess = torch.tensor(2.0).double(), cut.guess(a, context).detach()
    pull = normal(4, 3, seed=9)
    out = cut(a, context)
    close(out, a, "forwards, as it is")
    (out * pull).sum().backward()
    size = (0.999 * 4 + 0.001 * pull.square().mean()).sqrt()
    close(cut.size, size, "running size, by hand")
    close(a.grad, 0.5 * pull + 0.5 * size * guess, "backwards, the mixture")


def test_predictor_learns_the_squared_error():
    """Its gradient is that of the mean of (guess - g / size)^2, and none of it reaches a or the context."""
    cut, a, context = Cut(3, 2, 0.0, silent=False).double(), normal(4, 3).requires_grad_(), normal(4, 2)
    nn.init.normal_(cut.net[-1].weight)
    pull = normal(4, 3, seed=9)
    (cut(a, context) * pull).sum().backward()
    got = [one.grad.clone() for one in cut.parameters()]
    cut.zero_grad()
    (cut.guess(a.detach(), context) - pull / pull.square().mean().sqrt()).square().mean().backward()
    close(got, [one.grad for one in cut.parameters()], "gradient, of the squared error")
    close(a.grad, pull, "gradient of a, untouched")


def test_a_linear_predictor_becomes_exact_for_a_squared_error():
    """d/da (a - y)^2 / 2 = a - y, linear in a and y; then a full cut gives back what backpropagation does."""
    cut, a, y = Cut(3, 3, 1.0, silent=False).double(), normal(50, 3).requires_grad_(), normal(50, 3, seed=2)
    cut.net = nn.Sequential(nn.Linear(6, 3)).double()
    optimiser = torch.optim.Adam(cut.parameters(), 0.03)
    for _ in range(600):
        optimiser.zero_grad()
        a.grad = None
        (cut(a, y) - y).square().sum().div(2).backward()
        optimiser.step()
    torch.testing.assert_close(a.grad, (a - y).detach(), rtol=0, atol=1e-4)


def test_agreement_tells_the_cosine():
    cut, a = Cut(2, 0, 1.0, silent=False).double(), normal(5, 2).requires_grad_()
    for _ in range(3):
        cut.track(a.detach(), 3 * a.detach())
    assert float(cut.agreement) == pytest.approx(1 - 0.999**3)
    kept = float(cut.agreement)
    cut.track(torch.zeros(5, 2).double(), a.detach())
    assert float(cut.agreement) == kept, "a gradient of nothing has been counted"


def test_outside_of_training_gradients_are_true():
    cut, plain = network(Feedback(2, 1.0, tuple(Place))).eval(), network()
    alike(cut, plain)
    close(slopes(cut, normal(2, 6, 3)), slopes(plain, normal(2, 6, 3)), "in evaluation, without cuts")


# --- fast learning ------------------------------------------------------------------------------------------

FAST = Feedback(None, 0.0, (), fast=True)


def test_a_rate_of_zero_is_the_network_without():
    layer, plain = network(FAST), network()
    alike(layer, plain)
    with torch.no_grad():
        layer.rate.zero_()
    close(layer(normal(2, 6, 3))[0], plain(normal(2, 6, 3))[0], "without a rate, without fast learning")


@torch.no_grad()
def test_the_copy_takes_a_step_against_the_prediction():
    layer, x = network(FAST), normal(2, 3, 3)
    e, (*_, first) = layer.encode(x), layer.begin(2)
    assert not any(part.any() for part in first)
    _, (*_, (moved, said, hidden)) = layer(x[:, :1])
    assert not moved.any(), "there is nothing to learn from before the first answer"
    _, (*_, (moved, *_)) = layer(x[:, :2])
    guess = layer.cuts["COMPOSE"].guess(said, e[:, 1])
    close(moved, -layer.rate * guess[:, :, None] * hidden[:, None], "moved, by hand")


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
def test_fast_learning_keeps_the_promises(promise):
    promise(network(FAST).eval(), normal(2, 5, 3))


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="share must lie between 0 and 1"):
        NeuralMemory(4, feedback=Feedback(share=1.5))
    with pytest.raises(BadInput, match="horizon must be a whole number"):
        NeuralMemory(4, feedback=Feedback(horizon=0))
    with pytest.raises(BadInput, match="slots must be a whole number"):
        NeuralMemory(4, slots=0)
