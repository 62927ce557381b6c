"""Cortical columns: no leak from the future, streaming, the plain transformer in them, and what is kept."""

import copy
import math

import pytest
import torch
from torch import Tensor

from wavetrain.core import TOKENS, Batch, map_state
from wavetrain.errors import BadInput
from wavetrain.networks._rehearsal import Rehearsal
from wavetrain.networks.cortical_columns import (
    Column,
    CorticalColumns,
    Experts,
    Gated,
    Hippocampus,
    Thalamus,
    normalised,
)
from wavetrain.parts.rotary import rotary
from wavetrain.rules.consolidation import Consolidation


def network(rehearsal: Rehearsal | None = None, **parts: int) -> CorticalColumns:
    """All parts, with hints that count and events to read."""
    torch.manual_seed(1)
    model = CorticalColumns(11, 8, 3, 2, experts=4, rank=8, slots=12, rehearsal=rehearsal, **parts).double()
    for name, value in model.named_parameters():
        if "hint" in name:
            torch.nn.init.normal_(value)
    memory = model.hippocampus
    if memory is not None:
        memory.keys.normal_()
        memory.values.normal_()
        memory.critics.normal_()
        memory.strength.uniform_()
    return model


def tokens(batch: int = 3, time: int = 9) -> Tensor:
    return torch.randint(11, (batch, time), generator=torch.Generator().manual_seed(2))


def batch() -> Batch:
    x = tokens()
    return Batch(x[:, :-1], x[:, 1:])


def test_causality_to_the_bit():
    model, x = network(), tokens()
    logits = model(x)
    for time in range(9):
        other = x.clone()
        other[:, time] = (x[:, time] + 1) % 11
        moved = (model(other) != logits).flatten(2).any(2).any(0)
        assert not moved[:time].any() and moved[time]


@pytest.mark.parametrize("sizes", [[1] * 9, [4, 5], [9]])
def test_streaming_is_the_whole(sizes: list[int]):
    model, x = network(), tokens()
    whole = model.run(x)
    state, parts = model.begin(3), []
    for part in x.split(sizes, 1):
        run = model.run(part, state)
        state = run.state
        parts.append(run.logits)
    assert torch.allclose(torch.cat(parts, 1), whole.logits, atol=1e-12)
    map_state(
        lambda one, other: torch.testing.assert_close(one, other, atol=1e-12, rtol=0), state, whole.state
    )


def test_every_part_is_heard_and_none_is_the_plain_columns():
    model, x = network(), tokens()
    bare = model.run(x, bare=True).logits
    assert not torch.allclose(model(x), bare)
    assert model.hippocampus is not None
    forgotten = copy.deepcopy(model)
    forgotten.hippocampus.strength.zero_()  # type: ignore[union-attr]
    assert not torch.allclose(forgotten(x), model(x)) and not torch.allclose(forgotten(x), bare)
    for name, value in model.named_parameters():
        if "hint" in name:
            torch.nn.init.zeros_(value)
    assert torch.equal(model(x), bare)
    plain = CorticalColumns(11, 8, 3, 2, experts=4, thalamus=False, slots=0).double()
    plain.load_state_dict({name: model.state_dict()[name] for name in plain.state_dict()})
    assert torch.equal(plain(x), bare)


def test_the_past_of_the_first_step_is_nothing():
    """So that all that the thalamus says there comes through the near filter."""
    thalamus = network().thalamus[0]  # type: ignore[index]
    stream = torch.randn(2, 5, 8).double()
    state = stream.new_zeros(2, 3, 8), stream.new_zeros(2, 8), torch.zeros(2, dtype=torch.long)
    with torch.no_grad():
        thalamus.near.zero_()  # type: ignore[operator]
    said, after = thalamus(stream, stream.new_zeros(2, 5, 1), state)
    assert not said[:, 0].any() and said[:, 1].any()
    assert torch.allclose(after[1], thalamus.compress(stream).sum(1)) and after[2].tolist() == [5, 5]


@torch.no_grad()
def test_the_thalamus_written_out():
    """Step by step, for each channel: a filter of four steps and the mean of what is over, by their gates."""
    torch.manual_seed(2)
    thalamus, stream, surprise = (
        Thalamus(5, 8).double(),
        torch.randn(2, 7, 5).double(),
        torch.randn(2, 7, 1).double(),
    )
    none = stream.new_zeros(2, 3, 8), stream.new_zeros(2, 8), torch.zeros(2, dtype=torch.long)
    said, _ = thalamus(stream, surprise, none)
    c = stream @ thalamus.compress.weight.T
    for b in range(2):
        for t in range(7):
            near = sum(thalamus.near[:, 0, k] * c[b, t - k] for k in range(4) if t >= k)
            past = sum(c[b, :t]) / max(t, 1)
            gates = thalamus.gate(torch.cat([c[b, t], surprise[b, t]])).sigmoid()
            z = gates[:8] * near + gates[8:] * past
            assert torch.allclose(said[b, t], z / (1 + (sum(z**2) / 8) ** 0.5), rtol=1e-9, atol=1e-12)


def test_divisive_normalisation_of_each_eight():
    """3 in all of one group, 4 and 0 in turn in the other: over 1 + 3, and over 1 + the root of 8."""
    z = torch.tensor([3.0] * 8 + [4.0, 0.0] * 4).double()
    expected = torch.tensor([0.75] * 8 + [4 / (1 + 8**0.5), 0.0] * 4, dtype=torch.float64)
    assert torch.allclose(normalised(z), expected, rtol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize(("heads", "shared"), [(1, 1), (2, 1), (4, 2)])
def test_a_column_written_out(heads: int, shared: int):
    """Position by position and head by head; heads two by two read the same keys and values."""
    torch.manual_seed(3)
    width, size = 8, 8 // heads
    column = Column(width, heads, 0, 5).double()
    torch.nn.init.normal_(column.hint.weight)  # type: ignore[union-attr]
    stream, hint = torch.randn(2, 4, width).double(), torch.randn(2, 4, 5).double()
    none = stream.new_zeros(2, shared, 0, size)
    after, balance, (keys, values) = column(stream, hint, (none, none))
    assert balance == 1 and keys.shape == values.shape == (2, shared, 4, size)

    def turned(vector: Tensor, place: int) -> Tensor:
        return rotary(vector[None, None, None], torch.tensor([[place]]))[0, 0, 0]

    for b in range(2):
        u = column.before(stream[b])
        q = u @ column.query.weight.T + hint[b] @ column.hint.weight.T  # type: ignore[union-attr]
        k, v = (u @ column.memory.weight.T).chunk(2, -1)
        for t in range(4):
            read = []
            for h in range(heads):
                group = slice(h // 2 * size, (h // 2 + 1) * size)
                mine = turned(q[t, h * size : (h + 1) * size], t)
                fit = torch.stack([mine @ turned(k[s, group], s) / size**0.5 for s in range(t + 1)])
                read.append(fit.softmax(0) @ v[: t + 1, group])
            x = stream[b, t] + column.out.weight @ torch.cat(read)
            up, value = (column.mlp.up.weight @ column.after(x)).chunk(2)  # type: ignore[operator]
            assert len(up) == 3 * width
            x = x + column.mlp.down.weight @ (up * up.sigmoid() * value)  # type: ignore[operator]
            assert torch.allclose(after[b, t], x, rtol=1e-9, atol=1e-12)


@torch.no_grad()
def test_parts_in_their_order():
    """Column, what events bring behind it, its thalamus, and the next; the balance is the mean of all."""
    model, x = network(read_at=2), tokens()
    first, second, third = model.columns
    near_first, near_second = model.thalamus  # type: ignore[misc]
    memory, run, state = model.hippocampus, model.run(x), model.begin(3)
    assert memory is not None
    embedded = model.embed(x)
    stream = embedded / (embedded.square().mean(-1, keepdim=True) + torch.finfo(torch.float64).eps).sqrt()
    stream, one, _ = first(stream, None, state[0][0])
    hint, _ = near_first(stream, stream.new_zeros(3, 9, 1), state[0][1])
    stream, two, _ = second(stream, hint, state[1][0])
    events = stream / (stream.square().mean(-1, keepdim=True) + torch.finfo(torch.float64).eps).sqrt()
    fast, slow = (events @ memory.critics.T).split(1, -1)
    hint, _ = near_second(stream, fast - slow, state[1][1])
    stream, three, _ = third(stream, hint + memory(events), state[2][0])
    assert torch.allclose(run.stream, events, rtol=1e-9, atol=1e-12)
    assert torch.allclose(run.logits, model.norm(stream) @ model.embed.weight.T, rtol=1e-9, atol=1e-12)
    assert torch.allclose(run.balance, (one + two + three) / 3, rtol=1e-9)


@torch.no_grad()
def test_only_the_nearest_events_that_are_there_are_read():
    """Two of those with a strength, by their cosine: a long key is no nearer."""
    torch.manual_seed(3)
    memory = Hippocampus(2, 8, slots=5, nearest=2, each=2).double()
    memory.open.fill_(1.0)
    memory.strength.copy_(torch.tensor([1.0, 0, 0.5, 2, 1]))
    memory.keys.copy_(torch.tensor([[1.0, 1], [1, 0], [9, 9.5], [0, 1], [-1, 0]]))
    memory.values.normal_()
    stream = torch.tensor([[[3.0, 0.0]]]).double()
    fits = torch.tensor([0.5**0.5, 9 / (9**2 + 9.5**2) ** 0.5], dtype=torch.float64)  # of 0 and 2
    read = (2**0.5 * fits).softmax(0) @ memory.values[[0, 2]]
    gate = memory.gate(torch.cat([stream[0, 0], read])).sigmoid()
    expected = memory.bring(gate * read) / (1 + torch.tensor(-1.0, dtype=torch.float64).exp())
    assert torch.allclose(memory(stream)[0, 0], expected, rtol=1e-9)


@torch.no_grad()
def test_balance_of_experts():
    """All go to the first two of four, each with 3/8: four times the sum of half of that."""
    experts = Experts(2, 3, 4)
    experts.choose.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]]).mul(math.log(3)))
    balance = experts(torch.tensor([[1.0, 1.0], [1.0, 1.0]]))[1]
    assert float(balance) == pytest.approx(4 * (0.5 * 3 / 8 + 0.5 * 3 / 8))


@torch.no_grad()
def test_a_gated_unit_by_hand():
    gated = Gated(1, 1)
    gated.up.weight.copy_(torch.tensor([[2.0], [3.0]]))
    gated.down.weight.fill_(5.0)
    assert float(gated(torch.tensor([1.0]))) == pytest.approx(5 * 2 / (1 + math.exp(-2)) * 3)


def test_divisive_normalisation_saturates():
    z = torch.randn(4, 16).double()
    large = normalised(1e9 * z).unflatten(-1, (2, 8)).norm(dim=-1)
    assert torch.allclose(large, torch.full((4, 2), 8**0.5).double(), atol=1e-6)
    assert (normalised(z).unflatten(-1, (2, 8)).norm(dim=-1) < large).all()


def test_reading_all_slots_is_a_hopfield_update():
    torch.manual_seed(3)
    memory = Hippocampus(8, 8, slots=5, nearest=5, each=2).double()
    memory.strength.fill_(1)
    memory.keys.normal_()
    memory.values.normal_()
    stream = torch.randn(2, 3, 8).double()
    cosine = torch.nn.functional.cosine_similarity(stream.unsqueeze(2), memory.keys, dim=-1)
    read = (cosine * 8**0.5).softmax(-1) @ memory.values
    gate = memory.gate(torch.cat([stream, read], -1)).sigmoid()
    assert torch.allclose(memory(stream), 0.5 * memory.bring(gate * read))


def test_two_experts_and_the_shared_one():
    torch.manual_seed(1)
    experts, x = Experts(6, 5, 4).double(), torch.randn(7, 6).double()
    y, balance = experts(x)
    share = experts.choose(x).softmax(-1)
    for row, out, one in zip(x, y, share, strict=True):
        top = one.topk(2)
        chosen = sum(w * experts.each[int(i)](row) for w, i in zip(*top, strict=True)) / top.values.sum()
        assert torch.allclose(out, experts.shared(row) + chosen)
    assert balance > 0
    torch.nn.init.zeros_(experts.choose.weight)
    assert torch.allclose(experts(x)[1], torch.ones(()).double())


def test_events_are_written_after_the_pass_and_only_then():
    model, given = network(), batch()
    assert torch.equal(model(given.x), model(given.x))
    before = model.state_dict()["hippocampus.keys"].clone()
    old = model(given.x)
    model.hippocampus.strength.mul_(1e-3)  # type: ignore[union-attr]
    unwritten = model(given.x)
    assert torch.equal(old, unwritten)  # how strong an event is does not change how it is read
    Consolidation().learn(model, given, TOKENS.loss)  # no optimiser follows
    assert not torch.equal(model.state_dict()["hippocampus.keys"], before)
    assert not torch.equal(model(given.x), old)


def test_the_critic_learns_the_discounted_loss():
    """A stream that is always the same, with loss 2 a step: 2 / (1 - 0.9), reached at each one's rate."""
    memory = Hippocampus(4, 8, slots=2, nearest=1, each=1).double()
    stream, loss = torch.ones(1, 50, 4).double(), 2 * torch.ones(1, 50).double()
    for _ in range(200):
        memory.write(stream, loss)
    fast, slow = (memory.critics @ stream[0, 0]).tolist()
    assert fast == pytest.approx(20 * (1 - 0.95**200)) and slow == pytest.approx(20 * (1 - 0.995**200))
    assert torch.allclose(memory.surprise(stream), torch.full((1, 50, 1), fast - slow).double())


def test_the_least_surprising_event_gives_way():
    memory = Hippocampus(3, 8, slots=3, nearest=1, each=2).double()
    memory.strength.copy_(torch.tensor([5.0, 1.0, 3.0]))
    memory.critics[1, 0] = -1.0  # the slow critic expects 0, 2, 1 and 9, so that it errs by 1.8, -1.1 and 7.1
    stream = torch.tensor([[[0, 0, 0], [-2, 1, 0], [-1, 0, 1], [-9, 9, 9]]]).double()
    memory.write(stream, torch.zeros(1, 4).double())
    fade = 0.5 ** (2 / (4 * 3))  # two events of three: half in four fillings
    assert torch.allclose(memory.strength, torch.tensor([5.0 * fade, 1.1, 3.0 * fade]).double())
    assert torch.equal(memory.keys[1], stream[0, 1]) and torch.equal(memory.values[1], stream[0, 2])
    assert not memory.keys[[0, 2]].any()


def surprising(by: float) -> tuple[Hippocampus, Tensor]:
    """A hippocampus of four slots, and a stream whose first step surprises by as much, where no loss is."""
    memory = Hippocampus(2, 8, slots=4, nearest=1, each=1).double()
    memory.critics[1, 0] = -by  # the slow critic expects so much less of the first step
    return memory, torch.tensor([[[-1.0, 0.0], [0.0, 0.0]]]).double()


def test_an_old_surprise_gives_way_in_the_end():
    """8 against 1: after three halvings, 48 writes of one event into four slots; and not before."""
    memory, stream = surprising(1.0)
    memory.strength.fill_(8.0)
    memory.keys.fill_(7.0)
    critics = memory.critics.clone()
    for write in range(1, 53):
        memory.critics.copy_(critics)  # as if they had learned nothing
        memory.write(stream, torch.zeros(1, 2).double())
        new = (memory.keys == stream[0, 0]).all(1)
        assert int(new.sum()) == max(0, write - 48)
    assert torch.allclose(memory.strength.max(), torch.ones(()).double())  # the last


def test_what_surprises_less_replaces_nothing():
    memory, stream = surprising(1.0)
    memory.strength.copy_(torch.tensor([9.0, 2.0, 5.0, 3.0]))
    memory.write(stream, torch.zeros(1, 2).double())
    assert not memory.keys.any()
    memory.strength[1] = 0.0  # but an empty slot takes anything
    memory.write(stream, torch.zeros(1, 2).double())
    assert (memory.keys == stream[0, 0]).all(1).tolist() == [False, True, False, False]


def test_what_fades_is_not_lost():
    """A strength of 0 would mean an empty slot: halved in each write, it would come after 150."""
    memory, _ = surprising(1.0)
    memory.each = 16
    memory.strength[:2] = 1e-280
    for _ in range(200):
        memory.write(torch.zeros(1, 2, 2).double(), torch.zeros(1, 2).double())
    assert ((memory.strength > 0) == torch.tensor([True, True, False, False])).all()


@pytest.mark.parametrize("tokens", [torch.zeros(2, 5), torch.zeros(2, 5, 1).long(), torch.zeros(2, 0).long()])
def test_what_is_no_batch_of_tokens_is_refused(tokens: torch.Tensor):
    with pytest.raises(BadInput, match=r"expected tokens \(batch, time\), got"):
        network().run(tokens)


def test_the_sample_is_fair():
    """After 40 chunks each is among 10 with chance 1/4: 200 rehearsals, 5 deviations."""
    held = torch.zeros(40)
    for first in range(200):
        rehearsal = Rehearsal(1, slots=10, each=2)
        rehearsal.seen += 0
        number = torch.arange(40)[torch.randperm(40, generator=torch.Generator().manual_seed(first))]
        rehearsal.keep(Batch(number[:, None], number[:, None]))
        assert rehearsal.chunks[:10, 0].sort().values.equal(number[-10:].sort().values)  # the latest
        held[rehearsal.chunks[10:, 0]] += 1
    assert held.sum() == 2000
    assert ((held - 50).abs() < 5 * (200 * 0.25 * 0.75) ** 0.5).all()


def test_the_weight_follows_forgetting():
    rehearsal = Rehearsal(2, slots=4, each=2, target=0.5, gain=0.1)
    which = torch.tensor([0, 4])
    rehearsal.told(which, torch.tensor([1.0, 3.0]))  # nothing is forgotten at first: 0.5 less than the target
    assert float(rehearsal.weight) == pytest.approx(0.95)
    rehearsal.told(which, torch.tensor([2.0, 3.0]))  # 0.5 on average: as the target
    assert float(rehearsal.weight) == pytest.approx(0.95)
    rehearsal.told(which, torch.tensor([9.0, 9.0]))
    assert float(rehearsal.weight) == 1.0 and rehearsal.best[which].tolist() == [1.0, 3.0]


def test_root_mean_squares_are_softened_by_a_millionth():
    """Of a row of thousandths the mean square is a millionth too: what is left is one over the root of 2."""
    norms = [part for part in network().modules() if isinstance(part, torch.nn.RMSNorm)]
    assert len(norms) > 4
    for norm in norms:
        row = torch.full((norm.weight.numel(),), 1e-3, dtype=torch.float64)
        torch.testing.assert_close(norm(row) / norm.weight, torch.full_like(row, 0.5**0.5))


def test_bad_input():
    with pytest.raises(BadInput, match="from 0 to 10, got 0 to 11"):
        network()(torch.tensor([[0, 11]]))
    with pytest.raises(BadInput, match=r"tokens \(batch, time\), got \(2, 3, 4\)"):
        network()(torch.zeros(2, 3, 4))
    with pytest.raises(BadInput, match="rank a multiple of 8"):
        CorticalColumns(11, rank=12)
    for wrong in (dict(heads=3), dict(width=9, heads=3), dict(experts=1), dict(experts=-1), dict(heads=5)):
        with pytest.raises(BadInput, match="1 or an even number of heads"):
            CorticalColumns(11, **{"width": 8, "rank": 8, **wrong})
    for right in (dict(heads=1), dict(heads=2), dict(heads=4), dict(experts=0), dict(experts=2)):
        CorticalColumns(11, **{"width": 8, "rank": 8, **right})
    with pytest.raises(BadInput, match="read_at from 1 to 2"):
        network(read_at=3)
