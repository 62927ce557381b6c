"""The memory network: what a read is made of; and what comes back through a cut, predicted or not."""

import functools

import pytest
import torch
from torch import Tensor, nn

from tests.promises import ON_SEQUENCES, close, generic, normal
from wavetrain.errors import BadInput
from wavetrain.networks.neural_memory import Feedback, NeuralMemory, Place, agreement
from wavetrain.parts.reader import Reader
from wavetrain.tasks.streams.prototype_stream import PrototypeStream


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
    of_a_slot = sum(one.numel() for one in layer.cuts["memory"].parameters())
    assert of_a_slot == 4_192 + 4 * 32 * 64  # and what it sees beside: two inputs, and two states


# --- the gradient -------------------------------------------------------------------------------------------


def test_a_share_of_zero_is_backpropagation():
    plain, cut = network(), network(Feedback(None, 0.0, tuple(Place)))
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


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_predictions_of_zero_are_truncated_backpropagation(share: float):
    """The first step of every training, as predictors start at zero."""
    cut, plain = fresh(Feedback(3, share, ())), network()
    alike(cut, plain)
    x = normal(3, 8, 3)
    close(slopes(cut, x), truncated(plain, x, 3), "cut, truncated")
    assert not torch.allclose(
        slopes(cut, x)["writer.cell.weight_hh_l0"], slopes(plain, x)["writer.cell.weight_hh_l0"]
    )


def test_a_share_of_zero_in_chunks_is_truncated_backpropagation():
    """Whatever the predictors say."""
    cut, plain = network(Feedback(3, 0.0, tuple(Place))), network()
    alike(cut, plain)
    for one in cut.cuts.values():
        one.size.fill_(2.0)  # type: ignore[operator]
    close(slopes(cut, normal(3, 8, 3)), truncated(plain, normal(3, 8, 3), 3), "cut, truncated")


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_over_a_border_goes_a_share_of_the_prediction_alone(share: float):
    """Against two chunks by hand: the second truncated, and the prediction pulls on what the first leaves."""
    cut, plain, x = network(Feedback(3, share, ())), network(), normal(2, 6, 3)
    alike(cut, plain)
    sizes = {"memory": 2.0, "reader": 0.5, "writer": 3.0}
    for name, size in sizes.items():
        cut.cuts[name].size.fill_(size)  # type: ignore[operator]
    got = slopes(cut, x)
    want = truncated(plain, x, 3)
    plain.zero_grad()
    _, (memory, reading, writing) = plain(x[:, :3])
    e = plain.encode(x).detach()
    context = torch.cat([e[:, 3], e[:, 4], reading[0], writing[0]], -1).detach()
    rows = context[:, None].expand(-1, 5, -1)
    parts = {"memory": memory, "reader": torch.cat(reading, -1), "writer": torch.cat(writing, -1)}
    pull = x.new_zeros(())
    for name, part in parts.items():
        guess = cut.cuts[name].guess(part.detach(), rows if name == "memory" else context).detach()
        pull = pull + share * float(cut.cuts[name].size) * (guess * part).sum()
    pull.backward()
    want = {name: slope + plain.get_parameter(name).grad for name, slope in want.items() if name in got}
    close({name: got[name] for name in want}, want, "cut, by hand")


def test_context_is_what_brings_the_answer():
    """At o, m and c the next input; at what is read a step later, and at borders, the next two."""
    cut, x, seen = network(Feedback(3, 1.0, tuple(Place))), normal(2, 8, 3), {}
    for name, one in cut.cuts.items():

        def note(module: nn.Module, given: tuple[Tensor, Tensor], name: str = name) -> None:
            seen.setdefault(name, []).append(given[1])

        one.register_forward_pre_hook(note)
    cut(x)
    e = torch.cat([cut.encode(x), torch.zeros(2, 2, 4).double()], 1)
    close(torch.cat(seen["READ"], 1), e[:, 1:9], "context of o")
    for name in ("RECALL", "COMPOSE"):
        close(torch.stack(seen[name], 1), e[:, 1:9], f"context of {name}")
    close(torch.stack(seen["WRITE"], 1), torch.cat([e[:, 1:9], e[:, 2:10]], -1), "context of h")
    for name in ("reader", "writer"):
        both = torch.stack(seen[name], 1)[..., :8]
        close(both, torch.cat([e[:, [3, 6]], e[:, [4, 7]]], -1), f"context of the {name} at borders")
    close(seen["memory"][1][:, 2, :8], seen["reader"][1][:, :8], "context of a slot, of the states")


def test_below_a_full_cut_nothing_moves_at_first():
    got = slopes(fresh(Feedback(None, 1.0, (Place.WRITE,))), normal(3, 7, 3))
    assert not any(slope.any() for name, slope in got.items() if name.startswith("writer"))
    assert all(slope.any() for name, slope in got.items() if not name.startswith("writer"))
    got = slopes(fresh(Feedback(None, 1.0, (Place.COMPOSE,))), normal(3, 7, 3))
    assert not any(slope.any() for slope in got.values())  # all there is lies below


def test_agreement_is_of_all_steps_and_leaves_the_layer_as_it_was():
    for training in (True, False):
        layer = network(Feedback(3, 1.0, (Place.WRITE, Place.READ))).train(training)
        found = agreement(layer, normal(2, 7, 3), lambda y: y.square().sum())
        assert set(found) == {"WRITE", "READ", "memory", "reader", "writer"}
        assert all(-1 <= one <= 1 for one in found.values())
        assert layer.training is training and all(cut.seen is None for cut in layer.cuts.values())
    short = agreement(layer, normal(2, 3, 3), lambda y: y.square().sum())  # no border, so nothing to compare
    assert all((short[name] != short[name]) == (name not in ("WRITE", "READ")) for name in short)


def test_agreement_is_the_cosine_with_the_true_gradient():
    """At the memory of a border and at h, against the gradients that automatic differentiation gives."""
    cut, plain, x = network(Feedback(2, 1.0, (Place.WRITE,))), network(), normal(2, 4, 3)
    alike(cut, plain)

    def loss(y: Tensor) -> Tensor:
        return y.sub(normal(2, 4, 4, seed=7)).square().mean()

    got = agreement(cut.eval(), x, loss)
    assert not cut.training and all(one.grad is None for one in cut.parameters())
    first, (memory, reading, writing) = plain(x[:, :2])
    second, _ = plain(x[:, 2:], (memory, reading, writing))
    true = torch.autograd.grad(loss(torch.cat([first, second], 1)), memory)[0]
    e = plain.encode(x)
    context = torch.cat([e[:, 2], e[:, 3], reading[0], writing[0]], -1)
    guess = cut.cuts["memory"].guess(memory, context[:, None].expand(-1, 5, -1))
    cosine = torch.nn.functional.cosine_similarity(guess.flatten(), true.flatten(), 0)
    assert got["memory"] == pytest.approx(float(cosine.detach()))
    assert set(got) == {"memory", "reader", "writer", "WRITE"} and all(-1 <= one <= 1 for one in got.values())


def test_predictors_with_context_come_to_agree_with_true_gradients():
    """On a network at rest, whose gradients hang on labels that only the inputs ahead bring."""
    task = PrototypeStream(6, (0.5, 0.5), 3, 0.2)
    torch.manual_seed(0)
    reader = Reader(NeuralMemory(8, task.inputs, 4, Feedback(1, 1.0, ())), task.outputs, every_step=True)
    layer, generator = reader.layer, torch.Generator().manual_seed(0)
    assert isinstance(layer, NeuralMemory)
    for name, parameter in reader.named_parameters():
        parameter.requires_grad_("cuts" in name)
    layer.memory.requires_grad_()  # so that gradients go back as far as the first memory
    optimiser = torch.optim.Adam(layer.cuts.parameters(), 3e-3)
    for _ in range(150):
        optimiser.zero_grad()
        x, y = task.draw(32, generator)
        task.objective.loss(reader(x), y).backward()
        optimiser.step()
    x, y = task.draw(200, generator)
    found = agreement(layer, x, lambda out: task.objective.loss(reader.read(out), y))
    assert min(found["memory"], found["reader"]) > 0.4, found


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


def test_shares_from_nothing_to_all_are_taken():
    for share in (0.0, 1.0):
        NeuralMemory(4, feedback=Feedback(1, share))
    for share in (-0.001, 1.001):
        with pytest.raises(BadInput, match=f"share must lie between 0 and 1, got {share}"):
            NeuralMemory(4, feedback=Feedback(1, share))


def test_bad_input_is_refused():
    with pytest.raises(BadInput, match="share must lie between 0 and 1"):
        NeuralMemory(4, feedback=Feedback(share=1.5))
    with pytest.raises(BadInput, match="horizon must be a whole number"):
        NeuralMemory(4, feedback=Feedback(horizon=0))
    with pytest.raises(BadInput, match="slots must be a whole number"):
        NeuralMemory(4, slots=0)
