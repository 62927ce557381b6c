"""Recoding: the signals in closed form, the step against their gradient, and who is told which word."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavetrain.core import State
from wavetrain.errors import BadInput
from wavetrain.networks._step_sizes import Fixed, Learned, Predicted
from wavetrain.networks._word_model import WordModel
from wavetrain.networks.recoding import Recoding, Signal

VOCABULARY = 7
SIGNALS = pytest.mark.parametrize("signal", Signal)


def model(depth: int = 1, decoders: int = 1, vocabulary: int = VOCABULARY, dropout: float = 0.2) -> WordModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = WordModel(vocabulary, 5, depth, dropout, decoders).double().eval()
        with torch.no_grad():
            for part in made.decoders.parameters():
                part.mul_(3)  # so that it is sure of something
    return made


def drawn(*shape: int, seed: int = 0, vocabulary: int = VOCABULARY) -> Tensor:
    return torch.randint(vocabulary, shape, generator=torch.Generator().manual_seed(seed))


def logits(*shape: int) -> Tensor:
    return torch.randn(*shape, VOCABULARY, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def at(p: float) -> tuple[Tensor, Tensor]:
    """Logits (1, 1, 2) that give the second word a chance of p, and that word."""
    odds = math.log(p) - math.log1p(-p)
    return torch.tensor([[[0.0, odds]]], dtype=torch.float64), torch.tensor([1])


# --- the signals ----------------------------------------------------------------------------------------


def test_the_printed_signal_is_largest_at_a_chance_of_one_in_e():
    of = {p: float(Signal.PRINTED.of(*at(p))) for p in (1e-9, 0.1, 1 / math.e, 0.8, 1 - 1e-9)}
    assert of[1e-9] < 1e-7 and of[1 - 1e-9] < 1e-7
    assert of[1 / math.e] == pytest.approx(math.exp(1 / math.e) - 1) == pytest.approx(0.4447, abs=1e-4)
    assert max(of.values()) == of[1 / math.e]
    for p, value in of.items():
        assert value == pytest.approx(p**-p - 1, rel=1e-6)


def test_the_slope_of_the_printed_signal():
    o, words = logits(1, 4).requires_grad_(), drawn(4)
    (slope,) = torch.autograd.grad(Signal.PRINTED.of(o, words).sum(), o)
    p, one = o[0].softmax(-1), F.one_hot(words, VOCABULARY)
    said = p.gather(-1, words[:, None])
    torch.testing.assert_close(slope[0], -(1 + said.log()) * said ** (1 - said) * (one - p))


@pytest.mark.parametrize(("p", "rises"), [(0.2, False), (0.36, False), (0.38, True), (0.7, True)])
def test_below_one_in_e_its_descent_makes_the_word_less_likely(p: float, rises: bool):
    o, words = at(p)
    o.requires_grad_()
    (slope,) = torch.autograd.grad(Signal.PRINTED.of(o, words).sum(), o)
    assert bool((o - 0.01 * slope).softmax(-1)[0, 0, 1] > p) == rises


def test_surprisal_and_entropy_are_those_of_their_definition():
    o, words = logits(1, 4), drawn(4)
    torch.testing.assert_close(Signal.SURPRISAL.of(o, words), F.cross_entropy(o[0], words, reduction="none"))
    p = o[0].softmax(-1)
    torch.testing.assert_close(Signal.ENTROPY.of(o, words), torch.special.entr(p).sum(-1))
    likeliest = Signal.SURPRISAL.of(o, None)
    torch.testing.assert_close(likeliest, -p.max(-1).values.log())


def test_the_entropy_of_several_readings_is_that_of_their_mean():
    o = logits(3, 4)
    p = o.softmax(-1).mean(0)
    torch.testing.assert_close(Signal.ENTROPY.of(o, None), torch.special.entr(p).sum(-1))
    torch.testing.assert_close(
        Signal.ENTROPY.of(o[:1].expand(3, -1, -1), None), Signal.ENTROPY.of(o[:1], None)
    )


@SIGNALS
def test_slopes_are_finite_and_zero_where_all_is_sure(signal: Signal):
    """The release puts ones where a slope is not a number."""
    o = torch.tensor([[[0.0, -900.0, -900.0]]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(signal.of(o, torch.tensor([0])).sum(), o)
    assert not slope.any()


def test_descent_of_entropy_keeps_the_likeliest_word_and_makes_it_likelier():
    o = logits(1, 50).requires_grad_()
    (slope,) = torch.autograd.grad(Signal.ENTROPY.of(o, None).sum(), o)
    moved = (o - 1e-4 * slope).detach()
    assert torch.equal(moved.argmax(-1), o.argmax(-1))
    assert (moved.softmax(-1).max(-1).values > o.softmax(-1).max(-1).values).all()
    even = torch.zeros(1, 1, 4, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(Signal.ENTROPY.of(even, None).sum(), even)
    assert slope.abs().max() < 1e-15


# --- the step -------------------------------------------------------------------------------------------


@SIGNALS
@pytest.mark.parametrize("depth", [1, 2])
def test_a_step_of_zero_is_the_word_model_to_the_last_bit(signal: Signal, depth: int):
    words, tokens = model(depth), drawn(3, 6)
    told, state = Recoding(words, signal, size=0.0).recode(tokens), words.begin(3)
    for time, token in enumerate(tokens.unbind(1)):
        y, state = words.step(token, state)
        assert torch.equal(told.before[:, time], y) and torch.equal(told.after[:, time], y)
    torch.testing.assert_close(told.state, state, rtol=0, atol=0)
    torch.testing.assert_close(told.after, words(tokens), rtol=1e-10, atol=1e-12)


@SIGNALS
def test_a_signal_that_is_constant_moves_nothing(signal: Signal):
    words, tokens = model(vocabulary=1), drawn(3, 6, vocabulary=1)  # the one word there is, is sure
    told = Recoding(words, signal, size=5.0).recode(tokens, tokens)
    assert torch.equal(told.before, told.after) and not told.signal.any()
    torch.testing.assert_close(told.state, words.carry(tokens)[1], rtol=1e-12, atol=0)


@SIGNALS
def test_the_signal_falls_by_the_square_of_its_gradient(signal: Signal):
    """delta(s') = delta(s) - a |G|^2, up to the square of a: ten times smaller steps, a hundredth of it.

    With one layer the cell has no part in what is said at once, so its share does not count.
    """
    words, tokens, next_ones = model(), drawn(40, 1), drawn(40, 1, seed=1)
    off = {}
    for size in (1e-3, 1e-4):
        network = Spy(words, signal, size=size)
        with torch.no_grad():
            told = network.recode(tokens, next_ones)
        squares = network.seen[0].square().sum(-1)
        assert (told.signal_after < told.signal).float().mean() >= 0.95
        off[size] = float((told.signal_after - told.signal + size * squares[:, None]).abs().max())
        assert off[size] < 0.02 * size * float(squares.max())
    assert off[1e-4] < 0.02 * off[1e-3]


class Spy(Recoding):
    """Keeps the directions of its last step."""

    def directions(self, signal: Tensor, states: State) -> list[Tensor]:
        self.seen = super().directions(signal, states)
        return self.seen


def test_the_step_of_surprisal_in_closed_form():
    """h' = h + a W^T (e_w - p) and c' = c + a o (1 - tanh(c)^2) W^T (e_w - p), o the output gate."""
    words, token, word, size = model(), drawn(4), drawn(4, seed=1), 0.3
    ((h, c),) = words.cells(words.see(token), words.begin(4))
    (decoder,) = words.decoders
    toward = (F.one_hot(word, VOCABULARY) - decoder(h).softmax(-1)) @ decoder.weight
    gate = h / c.tanh()
    moment = Recoding(words, Signal.SURPRISAL, size=size).step(token, words.begin(4), word)
    ((moved, cell),) = moment.state
    torch.testing.assert_close(moved, h + size * toward)
    torch.testing.assert_close(cell, c + size * gate * (1 - c.tanh() ** 2) * toward)
    torch.testing.assert_close(moment.after, decoder(moved))
    small = Recoding(words, Signal.SURPRISAL, size=1e-3).step(token, words.begin(4), word)
    said = [part.softmax(-1).gather(-1, word[:, None]) for part in (small.before, small.after)]
    assert (said[1] > said[0]).all()


def test_lower_layers_feel_the_signal_through_those_above():
    """Against differences: h and c of the first layer move what the second hears, in this step alone."""
    words, token, word = model(depth=2), drawn(1), drawn(1, seed=1)
    network = Spy(words, Signal.SURPRISAL)
    begun = words.begin(1)
    network.step(token, begun, word)

    def signal(push: Tensor, cell: bool) -> float:
        with torch.no_grad():
            h, (_, c) = words.layers[0].step(words.see(token), begun[0])
            gate = h / c.tanh()
            h = gate * (c + push).tanh() if cell else h + push
            top, _ = words.layers[1].step(h, begun[1])
            return float(Signal.SURPRISAL.of(words.readings(top), word))

    for index, cell in ((0, False), (1, True)):
        for unit in range(5):
            push = 1e-6 * torch.eye(5, dtype=torch.float64)[unit]
            slope = (signal(push, cell) - signal(-push, cell)) / 2e-6
            assert float(network.seen[index][0, unit]) == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_step_sizes_by_state():
    """Each of h and c has its own: what is learned, or what a perceptron says of the state."""
    words, token, word = model(), drawn(3), drawn(3, seed=1)
    for make in (Learned, Predicted):
        torch.manual_seed(0)
        network = Spy(words, Signal.SURPRISAL, size=make).double()
        moment = network.step(token, words.begin(3), word)
        ((h, c),) = words.cells(words.see(token), words.begin(3))
        for part, moved, size, direction in zip(
            (h, c), moment.state[0], network.sizes, network.seen, strict=True
        ):
            torch.testing.assert_close(moved, part - size(part) * direction)
        assert not torch.equal(network.sizes[0](h), network.sizes[1](h))
    count = sum(one.numel() for one in Predicted(5).parameters())
    assert count == 5 * 300 + 300 + 300 * 100 + 100 + 100 + 1
    assert all(0.6931 <= float(Learned(5)(torch.zeros(1, 5)).detach()) <= 1.3133 for _ in range(20))


def test_training_takes_the_gradient_of_the_signal_for_a_constant():
    """d loss / d a = - sigmoid(a) <d loss / d h', G> for the step size of h, over a single step."""
    words, token, word = model(), drawn(3), drawn(3, seed=1)
    torch.manual_seed(0)
    network = Spy(words, Signal.SURPRISAL, size=Learned).double()
    moment = network.step(token, words.begin(3))
    F.cross_entropy(moment.after, word).backward()
    a, (decoder,) = network.sizes[0].a, words.decoders
    p = moment.after.softmax(-1) - F.one_hot(word, VOCABULARY)
    back = (p @ decoder.weight / 3).detach()
    expected = -a.sigmoid() * (back * network.seen[0]).sum()
    torch.testing.assert_close(a.grad, expected.detach())
    assert network.sizes[1].a.grad is None  # c' has no part in what is said at once


# --- who is told what -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [Signal.PRINTED, Signal.SURPRISAL])
def test_what_is_said_before_knows_no_word_too_early(signal: Signal):
    network, tokens, words = Recoding(model(), signal, size=0.5), drawn(2, 6), drawn(2, 6, seed=1)
    other = words.clone()
    other[:, 3] = (other[:, 3] + 1) % VOCABULARY
    one, two = network.recode(tokens, words), network.recode(tokens, other)
    assert torch.equal(one.before[:, :4], two.before[:, :4])  # step 3 is said before its word is told
    assert torch.equal(one.after[:, :3], two.after[:, :3])
    assert (one.after[:, 3] != two.after[:, 3]).any(-1).all()  # and the word leaks into what comes after
    assert (one.before[:, 4] != two.before[:, 4]).any(-1).all()


def test_without_words_the_likeliest_is_taken():
    network, tokens = Recoding(model(), Signal.SURPRISAL, size=0.5), drawn(2, 1)
    likeliest = network.recode(tokens).before.argmax(-1)
    one, two = network.recode(tokens), network.recode(tokens, likeliest)
    assert torch.equal(one.after, two.after)
    torch.testing.assert_close(network(tokens), one.after)


def test_the_mechanism_is_put_on_a_model_and_taken_off():
    words, tokens = model(), drawn(2, 6)
    kept = copy.deepcopy(words.state_dict())
    network = Recoding(words, Signal.SURPRISAL, size=1.0)
    assert network.model is words
    assert not torch.equal(network(tokens), words(tokens))
    assert all(torch.equal(kept[name], one) for name, one in words.state_dict().items())
    assert {name for name, _ in network.named_parameters()} == {
        f"model.{name}" for name, _ in words.named_parameters()
    }


def test_a_frozen_model_and_no_gradients_are_no_obstacle():
    words, tokens = model(), drawn(2, 4)
    expected = Recoding(words, size=0.5)(tokens)
    with torch.no_grad():
        found = Recoding(words, size=0.5)(tokens)
    assert not found.requires_grad and expected.requires_grad
    torch.testing.assert_close(found, expected.detach(), rtol=0, atol=0)
    frozen = Recoding(copy.deepcopy(words).requires_grad_(False), size=0.5)
    torch.testing.assert_close(frozen(tokens).detach(), expected.detach(), rtol=0, atol=0)


# --- several readings -----------------------------------------------------------------------------------


def test_masks_are_those_of_dropout_and_are_kept_through_the_step():
    words, tokens = model(), drawn(400, 1)
    none = Recoding(words, Signal.ENTROPY, size=0.0, masks=4, masked=0.5)
    torch.manual_seed(0)
    told = none.recode(tokens)
    assert torch.equal(told.signal, told.signal_after)  # the same masks before and after
    plain = Recoding(words, Signal.ENTROPY, size=0.0).recode(tokens)
    assert torch.equal(plain.before, told.before) and not torch.equal(plain.signal, told.signal)
    many = Recoding(words, Signal.ENTROPY, size=1e-3, masks=10, masked=0.3).recode(tokens)
    assert (many.signal_after < many.signal).float().mean() > 0.95


def test_equal_decoders_are_one():
    one, tokens = model(), drawn(2, 5)
    two = model(decoders=2)
    two.load_state_dict(one.state_dict(), strict=False)
    two.decoders[1].load_state_dict(two.decoders[0].state_dict())
    for signal in Signal:
        a, b = (Recoding(words, signal, size=0.5).recode(tokens) for words in (one, two))
        torch.testing.assert_close(a.after, b.after)
        torch.testing.assert_close(a.signal, b.signal)


def test_decoders_are_held_at_anchors_of_their_own():
    words = model(decoders=2).requires_grad_()
    anchors = {name: one for name, one in words.named_buffers() if name.startswith("anchor")}
    assert len(anchors) == 4 and not torch.equal(anchors["anchor_weight_0"], anchors["anchor_weight_1"])
    expected = 0.0
    for index, decoder in enumerate(words.decoders):
        away = (decoder.weight - anchors[f"anchor_weight_{index}"]).norm()
        expected = expected + 0.5 * (1 + away + (decoder.bias - anchors[f"anchor_bias_{index}"]).norm())
    torch.testing.assert_close(words.anchored(3.0), 3 * expected)
    words.anchored(3.0).backward()
    for index, decoder in enumerate(words.decoders):
        away = decoder.weight.detach() - anchors[f"anchor_weight_{index}"]
        torch.testing.assert_close(decoder.weight.grad, 1.5 * away / away.norm())
    with pytest.raises(BadInput, match="several decoders"):
        model().anchored(1.0)


def test_dropout_is_of_training_alone():
    words, tokens = model(dropout=0.5), drawn(2, 5)
    assert torch.equal(words(tokens), words(tokens))
    words.train()
    assert not torch.equal(words(tokens), words(tokens))


# --- bad input ------------------------------------------------------------------------------------------


def test_bad_input():
    words, tokens = model(), drawn(2, 5)
    network = Recoding(words)
    for given in (tokens[0], tokens[:, :0]):
        with pytest.raises(BadInput, match=r"expected tokens \(batch, at least one step\), got"):
            network(given)
    with pytest.raises(BadInput, match="expected tokens from 0 to 6, got 7 to 7"):
        network(torch.full((1, 2), 7))
    with pytest.raises(BadInput, match="expected words from 0 to 6, got -1 to -1"):
        network.recode(tokens, torch.full((2, 5), -1))
    with pytest.raises(BadInput, match=r"a word for each of tokens \(2, 5\), got \(2, 4\)"):
        network.recode(tokens, tokens[:, 1:])
    with pytest.raises(BadInput, match="a finite step size, got nan"):
        Recoding(words, size=math.nan)
    with pytest.raises(BadInput, match="0 masks or more"):
        Recoding(words, masks=-1)
    with pytest.raises(BadInput, match="a rate between 0 and 1, got 3 and 1"):
        Recoding(words, masks=3, masked=1)
    with pytest.raises(BadInput, match="dropout from 0 to below 1, got 1"):
        WordModel(5, dropout=1)
    with pytest.raises(BadInput, match="decoders must be"):
        WordModel(5, decoders=0)
    assert isinstance(Fixed(-0.1), nn.Module)  # below 0 the gradient is climbed
