"""The translator: what it sees of the source, its limits, its alignment, and saying the likeliest word."""

import pytest
import torch
from torch import Tensor

from wavetrain.core import leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.networks.translator import Reading, Translator

ALL = [(attention, reading) for attention in (True, False) for reading in Reading]
either = pytest.mark.parametrize(("attention", "reading"), ALL)


def translator(attention: bool = True, reading: Reading = Reading.BOTH, layer: type = LSTM) -> Translator:
    torch.manual_seed(1)
    return Translator(7, 12, 6, attention, reading, layer).double()


def tokens(batch: int = 3, source: int = 5, target: int = 4, seed: int = 1) -> Tensor:
    """Source words from 6 on, END = 1, target words from 2 to 5."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(6, 12, (batch, source), generator=generator)
    y = torch.randint(2, 6, (batch, target - 1), generator=generator)
    return torch.cat([x, torch.ones(batch, 1, dtype=torch.long), y], 1)


@pytest.mark.parametrize("layer", [LSTM, GRU, Elman])
@either
def test_shapes_and_gradients(attention: bool, reading: Reading, layer: type):
    network, x = translator(attention, reading, layer), tokens()
    scores = network(x)
    assert scores.shape == (3, 9, 6) and (scores[:, :5] == 0).all()
    scores.sin().sum().backward()
    assert all(part.grad is not None and part.grad.any() for part in network.parameters())
    assert torch.equal(network(x[1:2]), scores[1:2]) or torch.allclose(network(x[1:2]), scores[1:2])


@pytest.mark.parametrize(("layer", "gates"), [(LSTM, 4), (GRU, 3), (Elman, 1)])
def test_parameters_in_closed_form(layer: type, gates: int):
    """Two biases a gate; encoders of 4 and 4 units, or of 8; attention adds 3 matrices of 8 x 8."""

    def cell(width: int) -> int:
        return gates * width * (8 + width + 2)

    common = 20 * 8 + cell(8) + 9 * 10
    for reading, encoders in ((Reading.FORWARD, cell(8)), (Reading.BOTH, 2 * cell(4))):
        for attention in (False, True):
            network = Translator(8, 20, 10, attention, reading, layer)
            count = sum(part.numel() for part in network.parameters())
            assert count == common + encoders + attention * 3 * 64


@either
def test_the_target_is_causal_and_the_source_is_seen_at_once(attention: bool, reading: Reading):
    network, x = translator(attention, reading), tokens()
    other = x.clone()
    other[:, 7] = 2 + (x[:, 7] - 1) % 4
    before, after = network(x), network(other)
    assert torch.allclose(before[:, :7], after[:, :7])
    assert ((before - after)[:, 7:].abs().amax(-1) > 1e-6).all()
    for place in (0, 4):
        other = x.clone()
        other[:, place] = 6 + (x[:, place] - 5) % 6
        assert ((network(other) - before)[:, 5:].abs().amax(-1) > 1e-6).all()


@pytest.mark.parametrize("reading", Reading)
def test_without_attention_the_source_is_its_folded_state(reading: Reading):
    network, x = translator(False, reading), tokens()
    memory, state = network.encode(x[:, :5])
    assert all(part.shape == (3, 7) for part in leaves(state)), "of fixed size"
    scores, _ = network.decode(x[:, 5:], torch.full_like(memory, torch.nan), state)
    assert torch.allclose(scores, network(x)[:, 5:])
    with_attention = translator(True, reading)
    assert with_attention.decode(x[:, 5:], torch.full_like(memory, torch.nan), state)[0].isnan().all()


def test_one_network_that_reads_on():
    """Encoder and decoder of the same weights, forward, are one recurrent network over the whole."""
    network, x = translator(False, Reading.FORWARD), tokens()
    network.encoders[0].load_state_dict(network.decoder.state_dict())
    h, _ = network.decoder(network.embed(x))
    assert torch.allclose(network(x)[:, 5:], network.read(h)[:, 5:])


def test_reading_reversed_is_reading_the_reversed_source():
    x = tokens()
    turned = torch.cat([x[:, :5].flip(1), x[:, 5:]], 1)
    for attention in (True, False):
        forward, backward = (translator(attention, way) for way in (Reading.FORWARD, Reading.REVERSED))
        backward.load_state_dict(forward.state_dict())
        assert torch.allclose(forward(turned), backward(x))


def test_both_with_swapped_encoders_reads_the_reversed_source():
    """The reversed sequence with swapped directions gives the reversed output, with swapped halves."""
    torch.manual_seed(2)
    network = Translator(8, 12, 6).double()
    x = tokens()[:, :5]
    memory, state = network.encode(x)
    network.encoders = torch.nn.ModuleList([network.encoders[1], network.encoders[0]])
    turned, turned_state = network.encode(x.flip(1))

    def swapped(part: Tensor) -> Tensor:
        return part.roll(4, -1)

    assert torch.allclose(turned.flip(1), swapped(memory))
    pairs = zip(leaves(turned_state), leaves(map_state(swapped, state)), strict=True)
    assert all(torch.allclose(one, two) for one, two in pairs)


def test_alignment():
    network, x = translator(), tokens()
    weight = network.align(x)
    assert weight.shape == (3, 4, 5) and torch.allclose(weight.sum(-1), torch.ones(3, 4).double())
    memory, state = network.encode(x[:, :5])
    h = network.decoder(network.embed(x[:, 5:]), state)[0]
    for row in range(3):
        for t in range(4):
            fit = torch.stack([h[row, t] @ network.fit.weight @ m for m in memory[row]])
            assert torch.allclose(weight[row, t], fit.softmax(0))
    with torch.no_grad():
        network.fit.weight.zero_()
    assert torch.allclose(network.align(x), torch.tensor(0.2).double()), "all words alike"
    with pytest.raises(BadInput, match="without attention"):
        translator(False).align(x)


@torch.no_grad()
def test_scores_from_what_is_read_and_the_state():
    """In one step of the target: the context first, then the decoder's output, through tanh."""
    network, x = translator(), tokens()
    memory, state = network.encode(x[:, :5])
    h, _ = network.decoder(network.embed(x[:, 5:]), state)
    context = torch.einsum("bus,bsd->bud", network.align(x), memory)
    mixed = (torch.cat([context, h], -1) @ network.mix.weight.T).tanh()
    assert torch.allclose(network(x)[:, 5:], mixed @ network.read.weight.T + network.read.bias, rtol=1e-9)
    backwards, _ = network.encoders[1](network.embed(x[:, :5]).flip(1))
    assert memory.shape == (3, 5, 7) and torch.allclose(memory[..., 3:], backwards.flip(1), rtol=1e-9)
    assert [encoder.width for encoder in network.encoders] == [3, 4]


@pytest.mark.parametrize("end", [0, 3, 5])
def test_another_end(end: int):
    """The first of them ends the source, and is what the target begins with; the last class may be it."""
    torch.manual_seed(1)
    network = Translator(7, 6, 6, end=end)
    word, other = (end + 1) % 6, (end + 2) % 6
    x = torch.tensor([[word, other, end, other, end], [other, other, end, end, word]])
    assert network(x)[:, :2].abs().sum() == 0 and network(x)[:, 2:].ne(0).all()
    memory, state = network.encode(x[:, :2])
    assert torch.allclose(network(x)[:, 2:], network.decode(x[:, 2:], memory, state)[0])
    with torch.no_grad():
        network.read.weight.zero_()
        network.read.bias.copy_(torch.eye(6)[end])
    assert network.translate(x[:, :2], 4).tolist() == [[end]] * 2
    for wrong in (-1, 6):
        with pytest.raises(BadInput, match=f"got end {wrong}"):
            Translator(7, 6, 6, end=wrong)


@either
def test_a_greedy_translation_is_its_own_likeliest(attention: bool, reading: Reading):
    """Fed back as the target, each word said is the one that scores highest."""
    network, x = translator(attention, reading), tokens(batch=20)
    with torch.no_grad():
        for part in network.parameters():
            part.normal_()  # so that different sources get different words
    source = x[:, :5]
    said = network.translate(source, 6)
    assert said.shape[0] == 20 and said.shape[1] <= 6 and len(said.unique(dim=0)) > 1
    fed = torch.cat([source, torch.ones(20, 1, dtype=torch.long), said[:, :-1]], 1)
    memory, state = network.encode(source)
    scores, _ = network.decode(fed[:, 5:], memory, state)
    assert torch.equal(scores.argmax(-1), said)
    alone = network.translate(source[3:4], 6)
    assert torch.equal(alone, said[3:4, : alone.shape[1]])


def test_translation_stops_where_all_have_ended():
    network, x = translator(), tokens()
    with torch.no_grad():
        network.read.weight.zero_()
        network.read.bias.copy_(torch.tensor([0.0, 1, 0, 0, 0, 0]))
    assert network.translate(x[:, :5], 6).tolist() == [[1]] * 3
    with torch.no_grad():
        network.read.bias.copy_(torch.tensor([0.0, 0, 0, 1, 0, 0]))
    assert network.translate(x[:, :5], 6).tolist() == [[3] * 6] * 3


def test_it_learns_to_say_a_sentence_backwards():
    """Two words of the source from 6 to 11 as 2 to 4 and its reverse order, learned without errors."""
    torch.manual_seed(1)
    network = Translator(16, 9, 6)
    source = torch.cartesian_prod(torch.arange(6, 9), torch.arange(6, 9))
    right = source.flip(1) - 4
    end = torch.ones(9, 1, dtype=torch.long)
    x, y = torch.cat([source, end, right], 1), torch.cat([right, end], 1)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x)[:, 2:].flatten(0, 1), y.flatten()).backward()
        optimiser.step()
    assert torch.equal(network.translate(source, 5), y)


def test_bad_input():
    network, x = translator(), tokens()
    with pytest.raises(BadInput, match=r"tokens \(batch, time\), got \(3, 9, 1\)"):
        network(x[..., None])
    with pytest.raises(BadInput, match="tokens from 0 to 11, got 1 to 12"):
        network(x.where(x > 1, 1).where(x < 11, 12))
    with pytest.raises(BadInput, match="sources of one length"):
        network(x[:, :5])
    with pytest.raises(BadInput, match="sources of one length"):
        network(x[:, 5:])
    uneven = x.clone()
    uneven[1, 2] = 1
    with pytest.raises(BadInput, match=r"got \[2, 5\] words before it"):
        network(uneven)
    with pytest.raises(BadInput, match="most must be"):
        network.translate(x[:, :5], 0)


def test_bad_sizes():
    with pytest.raises(BadInput, match="width must be"):
        Translator(0, 12, 6)
    with pytest.raises(BadInput, match="outputs 13, inputs 12"):
        Translator(8, 12, 13)
    with pytest.raises(BadInput, match="a width for 2 encoders"):
        Translator(1, 12, 6)
    with pytest.raises(BadInput, match="state is vectors, not SoftmaxAttention"):
        Translator(8, 12, 6, layer=SoftmaxAttention)
