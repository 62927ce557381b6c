"""The language model: the backbone by hand, one map in all its forms, published sizes, generation."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.promises import close, normal
from wavetrain.core import Layer, leaves, map_state
from wavetrain.errors import BadInput
from wavetrain.layers.attention.mega import MEGA
from wavetrain.layers.attention.softmax_attention import SoftmaxAttention
from wavetrain.layers.gate.gru import GRU
from wavetrain.layers.gate.lstm import LSTM
from wavetrain.layers.recurrence.elman import Elman
from wavetrain.layers.state_space.mamba import Mamba
from wavetrain.layers.state_space.mamba2 import Mamba2
from wavetrain.networks.language_model import LanguageModel, Predictor
from wavetrain.parts import ragged, saved
from wavetrain.parts.sampling import Sampling
from wavetrain.scan import unroll

VOCABULARY = 11


def model(
    mlp: int = 6, positions: int | None = 20, seed: int = 0, make: Callable[[], list[Layer]] | None = None
):
    """A small model in float64 with no special parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [Mamba(4, states=3), SoftmaxAttention(4, heads=2), LSTM(4)] if make is None else make()
        network = LanguageModel(layers, VOCABULARY, mlp, positions).double()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


VARIANTS = pytest.mark.parametrize(("mlp", "positions"), [(0, None), (6, None), (0, 20), (6, 20)])


@VARIANTS
def test_is_the_formula(mlp: int, positions: int | None):
    network, tokens = model(mlp, positions), drawn(2, 7)

    def norm(x: Tensor, weight: Tensor) -> Tensor:
        return weight * x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()

    x = network.embeddings.weight[tokens]
    if positions:
        x = x + network.positions.weight[:7]
    for block in network.layers:
        x = x + block.mixer(norm(x, block.norm.weight))[0]
        if mlp:
            before, up, _, down = block.mlp
            hidden = norm(x, before.weight) @ up.weight.T + up.bias
            hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
            x = x + hidden @ down.weight.T + down.bias
    logits = norm(x, network.norm_f.weight) @ network.embeddings.weight.T
    close(network(tokens)[0], logits, "forward, written out")


@pytest.mark.parametrize("mlp", [0, 6])
def test_a_layer_with_a_residual_of_its_own_gets_no_second_one(mlp: int):
    network, tokens = model(mlp, make=lambda: [MEGA(4, rates=2, chunk=3)]), drawn(2, 7)
    (block,) = network.layers
    x = network.embeddings.weight[tokens] + network.positions.weight[:7]
    x = block.mixer(block.norm(x))[0]
    x = x + block.mlp(x) if mlp else x
    close(network.through(tokens)[0], network.norm_f(x), "forward, written out")


@VARIANTS
def test_steps_are_forward_and_the_state_carries(mlp: int, positions: int | None):
    network, tokens = model(mlp, positions), drawn(2, 9)
    expected = network(tokens)
    close(unroll(network.step, tokens, network.begin(2)), expected, "steps, forward")
    for cut in range(1, 9):
        head, state = network(tokens[:, :cut])
        assert state[1].tolist() == [cut, cut]
        tail, last = network(tokens[:, cut:], state)
        close((torch.cat([head, tail], 1), last), expected, f"cut at {cut}, whole")
        close(unroll(network.step, tokens[:, cut:], state), (tail, last), f"steps from {cut}, forward")


def test_the_future_changes_nothing():
    network, tokens = model(), drawn(2, 9)
    later = torch.cat([tokens[:, :5], drawn(2, 4, seed=1)], 1)
    assert not torch.equal(tokens, later)
    close(network(later)[0][:, :5], network(tokens)[0][:, :5], "another future, as it was")


def test_positions_tell_the_order_apart():
    """A bag of states sees no order without positions; with them it does."""
    tokens = torch.tensor([[1, 2, 3]])
    for positions, alike in ((None, True), (20, False)):
        network = model(0, positions, make=lambda: [SoftmaxAttention(4, heads=2, rotary=False)])
        one, two = network(tokens)[0][0, -1], network(tokens[:, [1, 0, 2]])[0][0, -1]
        assert torch.allclose(one, two, rtol=1e-9) == alike


def test_ragged_rows_go_as_by_themselves():
    network, tokens, more, lengths = model(), drawn(3, 8), drawn(3, 4, seed=1), [8, 3, 5]
    y, state = ragged.padded(network, tokens, lengths)
    assert state[1].tolist() == lengths
    on, _ = network(more, state)
    for row, length in enumerate(lengths):
        alone, own = network(tokens[row : row + 1, :length])
        close(y[row : row + 1, :length], alone, f"row {row}, alone")
        close(on[row : row + 1], network(more[row : row + 1], own)[0], f"row {row} going on, alone")


def test_gradients_reach_all_in_both_forms():
    network, tokens = model(), drawn(2, 6)
    _, warm = network(drawn(2, 3, seed=2))

    def slopes(form: Callable) -> list[Tensor]:
        first = map_state(lambda part: part.detach().clone().requires_grad_(part.is_floating_point()), warm)
        logits, last = form(first)
        ends = [part for part in leaves(last) if part.requires_grad]
        total = (logits * normal(*logits.shape)).sum() + sum(part.square().sum() for part in ends)
        starts = [part for part in leaves(first) if part.requires_grad]
        return list(torch.autograd.grad(total, [*network.parameters(), *starts]))

    close(
        slopes(lambda first: network(tokens, first)),
        slopes(lambda first: unroll(network.step, tokens, first)),
        "gradients of forward, of steps",
    )


@pytest.mark.parametrize(
    ("size", "layers", "width", "parameters"), [("130M", 24, 768, 129_135_360), ("370M", 48, 1024, None)]
)
def test_published_sizes(size: str, layers: int, width: int, parameters: int | None):
    """The 130M model with its tied head, counted from the shapes of its checkpoint; and the 370M model."""
    with torch.device("meta"):
        network = LanguageModel([Mamba(width) for _ in range(layers)], vocabulary=50_280)
    count = sum(part.numel() for part in network.parameters())
    if parameters:
        assert count == parameters
    assert round(count, -7) == round(float(size[:-1]) * 1e6, -7)
    assert set(network.state_dict()) >= {
        "embeddings.weight",
        "layers.0.norm.weight",
        f"layers.{layers - 1}.mixer.A_log",
        "norm_f.weight",
    }


def test_start():
    torch.manual_seed(0)
    network = LanguageModel([GRU(64)], vocabulary=500, positions=300, mlp=32)
    assert abs(network.embeddings.weight.std() - 0.02) < 2e-4
    assert abs(network.positions.weight.std() - 0.02) < 4e-4
    assert all((part.weight == 1).all() for part in network.modules() if isinstance(part, nn.RMSNorm))
    logits = network(torch.randint(500, (2, 30)))[0].detach()
    loss = F.cross_entropy(logits.flatten(0, 1), torch.randint(500, (60,)))
    assert abs(float(loss) - math.log(500)) < 0.05  # at the start all tokens are about equally likely


def test_on_other_devices_and_types():
    network = model().float().to("meta")
    state = network.begin(3)
    assert {part.device.type for part in leaves(state)} == {"meta"}
    assert {part.dtype for part in leaves(state)} == {torch.float32, torch.bool, torch.long}


def test_what_is_saved_is_loaded(tmp_path: Path):
    network, tokens = model(), drawn(2, 5)
    saved.save(tmp_path / "model.safetensors", network.state_dict(), {})
    other = model(seed=1)
    other.load_state_dict(saved.load(tmp_path / "model.safetensors")[0])
    torch.testing.assert_close(other(tokens), network(tokens), rtol=0, atol=0)


def test_predictor_answers_at_every_step_or_at_the_last():
    network, tokens = model(), drawn(2, 5)
    logits = network(tokens)[0]
    close(Predictor(network)(tokens), logits, "every step")
    close(Predictor(network, every_step=False)(tokens), logits[:, -1], "the last step")
    assert set(Predictor(network).state_dict()) == {f"model.{name}" for name in network.state_dict()}


def test_learns_a_sequence_by_heart():
    """A period of five tokens that cannot be told from the last token alone."""
    torch.manual_seed(0)
    text = torch.tensor([1, 1, 2, 1, 3]).repeat(8)[None]
    network = Predictor(LanguageModel([GRU(16)], 5, mlp=16))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        loss = F.cross_entropy(network(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
        loss.backward()
        optimiser.step()
    told = torch.stack(list(network.model.generate(text[:, :7], 12)), 1)
    assert told.equal(text[:, 7:19])


# --- generation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [None, lambda: [Mamba(4)], lambda: [Mamba2(4), Elman(4)]])
def test_greedy_is_the_likeliest_token_of_the_parallel_form(make: Callable[[], list[Layer]] | None):
    network, prompt = model(make=make), drawn(3, 4)
    text = prompt
    for _ in range(9):
        text = torch.cat([text, network(text)[0][:, -1].argmax(-1, keepdim=True)], 1)
    told = list(network.generate(prompt, 9))
    assert torch.stack(told, 1).equal(text[:, 4:])
    assert not any(token.requires_grad for token in told)
    assert list(network.generate(prompt, 0)) == []


def test_generation_is_lazy_and_leaves_gradients_on():
    network = model(positions=None)
    told = network.generate(drawn(1, 3), 10**12)
    assert len(list(itertools.islice(told, 5))) == 5
    assert torch.is_grad_enabled()


def test_draws_have_the_models_chances():
    network, count = model(), 4000
    prompt = drawn(1, 3).expand(count, -1)
    generator = torch.Generator().manual_seed(3)
    logits = network(prompt[:1])[0][0, -1]
    for temperature, top in ((1.0, None), (0.5, None), (2.0, 4)):
        sampling = Sampling(temperature=temperature, top_k=top)
        (token,) = network.generate(prompt, 1, sampling, generator)
        scaled = logits / temperature
        if top is not None:
            kept = scaled.argsort(descending=True)[:top]
            scaled = torch.full_like(scaled, -torch.inf).index_copy(0, kept, scaled[kept])
        expected = scaled.softmax(-1)
        share = token.bincount(minlength=VOCABULARY) / count
        assert (share[expected == 0] == 0).all()
        assert ((share - expected).abs() <= 4 * (expected * (1 - expected) / count).sqrt()).all()


def test_draws_repeat_with_the_generator():
    network = model()

    def told(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.stack(list(network.generate(drawn(2, 3), 15, Sampling(temperature=1.0), generator)), 1)

    assert told(1).equal(told(1)) and not told(1).equal(told(2))


def test_top_one_is_greedy():
    network, prompt = model(), drawn(2, 3)
    first = Sampling(temperature=1.0, top_k=1)
    drawn_ = torch.stack(list(network.generate(prompt, 10, first, torch.Generator().manual_seed(0))))
    assert drawn_.equal(torch.stack(list(network.generate(prompt, 10))))


@pytest.mark.parametrize("penalty", [1.0, 1.7])
@pytest.mark.parametrize("make", [None, lambda: [Mamba(4), MEGA(4, rates=2, chunk=3)]])
def test_prompts_of_unequal_length_go_on_as_by_themselves(
    make: Callable[[], list[Layer]] | None, penalty: float
):
    """Neither the prompts beside a prompt nor the padding behind it change what follows, or count as said."""
    network, prompts, lengths = model(make=make), drawn(3, 6), [6, 1, 4]
    sampling = Sampling(repetition_penalty=penalty)
    told = torch.stack(list(network.generate(prompts, 8, sampling, lengths=lengths)), 1)
    for row, length in enumerate(lengths):
        alone = network.generate(prompts[row : row + 1, :length], 8, sampling)
        assert told[row].equal(torch.cat(list(alone)))
    assert not told.equal(torch.stack(list(network.generate(prompts, 8, sampling)), 1))


def test_a_text_is_over_where_it_ends():
    """Behind its end a row says nothing but its end; when all have ended nothing more comes."""
    network, prompt = model(), drawn(3, 4)
    whole = torch.stack(list(network.generate(prompt, 12)), 1)
    ended = 0
    for end in range(VOCABULARY):
        told = torch.stack(list(network.generate(prompt, 12, end=end)), 1)
        places = [row.index(end) if end in row else 12 for row in whole.tolist()]
        ended += min(places) < 12
        assert told.shape[1] == min(12, max(places) + 1)
        for row, place in enumerate(places):
            assert told[row, :place].equal(whole[row, :place]) and (told[row, place:] == end).all()
    assert ended


def test_repetition_penalty_knows_prompt_and_answer():
    differ = 0
    for seed in range(4):
        network, prompt = model(seed=seed), torch.tensor([[3, 1, 4]])
        plain = [int(token) for token in network.generate(prompt, 8)]
        said, expected = [3, 1, 4], []
        for _ in plain:
            with torch.no_grad():
                logits = network(torch.tensor([said]))[0][0, -1]
            seen = sorted(set(said))
            logits[seen] = torch.where(logits > 0, logits / 1e6, logits * 1e6)[seen]
            expected.append(int(logits.argmax()))
            said.append(expected[-1])
        told = [int(token) for token in network.generate(prompt, 8, Sampling(repetition_penalty=1e6))]
        assert told == expected
        differ += told != plain
    assert differ


def test_logits_that_are_no_numbers_choose_nothing():
    network = model()
    network.norm_f.weight.data[0] = torch.nan
    refused(lambda: list(network.generate(drawn(1, 3), 1)), "finite logits")


def test_a_head_of_its_own():
    torch.manual_seed(0)
    network = LanguageModel([GRU(4)], VOCABULARY, tied=False)
    stream, _ = network.through(drawn(2, 5))
    close(network(drawn(2, 5))[0], stream @ network.lm_head.weight.T, "logits, by the head")
    assert network.lm_head.weight.shape == (VOCABULARY, 4)
    assert "lm_head.weight" in network.state_dict() and "lm_head.weight" not in model().state_dict()


def test_the_state_does_not_grow():
    """What is carried from token to token has the same size at token 2 and at token 200."""
    network = model(positions=None, make=lambda: [Mamba(4), Mamba2(4), LSTM(4)])
    _, state = network(drawn(1, 2))
    sizes = [part.shape for part in leaves(state)]
    _, state = network(drawn(1, 198), state)
    assert [part.shape for part in leaves(state)] == sizes


# --- bad input ------------------------------------------------------------------------------------------


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_more_tokens_than_positions_are_refused():
    network = model(positions=8)
    _, state = network(drawn(1, 8))  # just fits
    refused(lambda: network(drawn(1, 9)), "8", "9")
    refused(lambda: network.step(drawn(1), state), "8", "9")
    refused(lambda: list(network.generate(drawn(1, 5), 5)), "8", "9")
    assert len(list(network.generate(drawn(1, 5), 4))) == 4


def test_bad_tokens_are_refused():
    network = model()
    refused(lambda: network(torch.tensor([[3, 11]])), "0 to 10", "11")
    refused(lambda: network(torch.tensor([[3, -1]])), "0 to 10", "-1")
    refused(lambda: network.step(torch.tensor([11]), network.begin(1)), "0 to 10", "11")
    refused(lambda: network(torch.tensor([[0.0, 1.0]])), "float32")
    refused(lambda: network(torch.tensor([[True, False]])), "bool")
    refused(lambda: network(torch.zeros(2, 0, dtype=torch.long)), "at least one", "(2, 0)")
    refused(lambda: network(drawn(4)), "(4,)")
    refused(lambda: network.step(drawn(2, 1), network.begin(2)), "(2, 1)")


def test_bad_sizes_are_refused():
    refused(lambda: LanguageModel([Elman(4), Elman(5)], 3), "[4, 5]")
    refused(lambda: LanguageModel([Elman(4, inputs=3)], 3), "[3, 4]")
    refused(lambda: LanguageModel([], 3), "one width")
    refused(lambda: LanguageModel([Elman(4)], 0), "vocabulary", "0")
    refused(lambda: LanguageModel([Elman(4)], 3, mlp=-1), "mlp", "-1")
    refused(lambda: LanguageModel([Elman(4)], 3, positions=0), "positions", "0")


def test_bad_wishes_are_refused():
    """At the call, before a token is asked for."""
    network, prompt = model(positions=8), drawn(2, 3)
    for count in (-1, 2.5, True):
        refused(lambda: network.generate(prompt, count), "count", f"{count}")  # noqa: B023
    refused(lambda: network.generate(prompt, 1, Sampling(temperature=1.0)), "generator")
    refused(lambda: network.generate(prompt, 1, Sampling(temperature=1.0, top_k=12)), "top_k", "11", "12")
    refused(lambda: network.generate(prompt, 7), "8", "9")
    assert len(list(network.generate(prompt, 6))) == 6
    assert len(list(network.generate(prompt, 7, lengths=[2, 2]))) == 7
    refused(lambda: network.generate(drawn(2, 0), 1), "at least one token", "(2, 0)")
    refused(lambda: network.generate(drawn(3), 1), "at least one token", "(3,)")
    refused(lambda: network.generate(torch.tensor([[11]]), 1), "0 to 10", "11")
    for lengths in ([3], [0, 3], [3, 4]):
        refused(lambda: network.generate(prompt, 1, lengths=lengths), "lengths", f"{lengths}")  # noqa: B023
    for end in (-1, 11):
        refused(lambda: network.generate(prompt, 1, end=end), "end", f"{end}")  # noqa: B023


def test_a_state_of_another_batch_is_refused():
    """One of a single sequence would be taken for all of them."""
    network = model()
    _, state = network(drawn(1, 3))
    refused(lambda: network(drawn(2, 3), state), "2 sequences", "1")
    refused(lambda: network.step(drawn(2), state), "2 sequences", "1")
