"""Consolidation: plain backpropagation where nothing is kept, and what rehearsal adds to the gradient."""

import copy

import pytest
import torch

from tests.networks.test_cortical_columns import batch, network
from wavetrain.core import TOKENS
from wavetrain.errors import BadInput
from wavetrain.networks._rehearsal import Rehearsal
from wavetrain.networks.cortical_columns import BALANCE, CorticalColumns
from wavetrain.rules.backpropagation import Backpropagation
from wavetrain.rules.consolidation import Consolidation


def test_rehearsal_at_no_weight_changes_no_gradient():
    rehearsing, plain = network(Rehearsal(8, slots=3, each=2)), network()
    rule = Consolidation()
    rule.learn(rehearsing, batch(), TOKENS.loss)
    rule.learn(plain, batch(), TOKENS.loss)
    for model in (rehearsing, plain):
        model.zero_grad()
    assert rehearsing.rehearsal is not None and int(rehearsing.rehearsal.seen) == 3
    for weight, same in ((0.0, True), (1.0, False)):
        one, other = copy.deepcopy(rehearsing), copy.deepcopy(plain)
        one.rehearsal.weight.fill_(weight)  # type: ignore[union-attr]
        rule.learn(one, batch(), TOKENS.loss)
        rule.learn(other, batch(), TOKENS.loss)
        pairs = zip(one.parameters(), other.parameters(), strict=True)
        assert all(torch.allclose(a.grad, b.grad) for a, b in pairs) is same  # type: ignore[arg-type]


def test_rehearsal_adds_the_loss_of_what_is_kept_and_its_balance():
    """The gradients with rehearsal, less those without, are those of the weighted loss of the chunks."""
    model = network(Rehearsal(8, slots=3, each=2))
    rule, kept = Consolidation(), model.rehearsal
    rule.learn(model, batch(), TOKENS.loss)
    assert kept is not None
    kept.weight.fill_(0.7)
    without, again = copy.deepcopy(model), copy.deepcopy(model)
    without.rehearsal = None
    chunks = kept.chunks[kept.draw()]
    bare = again.run(chunks[:, :-1], bare=True)
    told = torch.nn.functional.cross_entropy(bare.logits.mT, chunks[:, 1:])
    (0.7 * (told + BALANCE * bare.balance)).backward()
    for one in (model, without):
        one.zero_grad()
        rule.learn(one, batch(), TOKENS.loss)
    for name, part in again.named_parameters():
        added = torch.zeros_like(part) if part.grad is None else part.grad
        grads = [dict(one.named_parameters())[name].grad for one in (model, without)]
        first, second = (torch.zeros_like(part) if grad is None else grad for grad in grads)
        torch.testing.assert_close(first - second, added, msg=name)


def test_columns_alone_learn_as_by_backpropagation():
    model = CorticalColumns(11, 8, 2, 2, experts=0, thalamus=False, slots=0).double()
    other = copy.deepcopy(model)
    one = Consolidation().learn(model, batch(), TOKENS.loss)
    assert torch.equal(one, Backpropagation().learn(other, batch(), TOKENS.loss))
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad) for a, b in pairs)  # type: ignore[arg-type]


def test_events_and_chunks_are_kept_after_the_backward_pass():
    """The first batch is learned as by a network that keeps nothing, and is kept then."""
    one, two = network(Rehearsal(8, slots=3, each=2)), network()
    for model in (one, two):
        Consolidation().learn(model, batch(), TOKENS.loss)
    for (name, mine), other in zip(one.named_parameters(), two.parameters(), strict=True):
        assert (mine.grad is None) == (other.grad is None), name
        assert mine.grad is None or torch.equal(mine.grad, other.grad), name
    assert one.rehearsal is not None and int(one.rehearsal.seen) == len(batch().x)


def test_another_network_is_refused():
    with pytest.raises(BadInput, match="expected CorticalColumns, got Linear"):
        Consolidation().learn(torch.nn.Linear(1, 1), batch(), TOKENS.loss)
