"""By chunks: what each chunk adds to the gradient, what counts as an iteration, and what is refused."""

import pytest
import torch

from tests.networks.test_tolman_eichenbaum import moving, walk
from wavetrain.core import Batch, map_state
from wavetrain.errors import BadInput
from wavetrain.rules.by_chunks import ByChunks
from wavetrain.tasks._answers import ASKED


def asked(x: torch.Tensor) -> Batch:
    """What is seen next, at every step but the last, which cannot be known."""
    y = torch.cat([x[:, 1:, :16].argmax(-1), torch.zeros(len(x), 1).long()], 1)
    return Batch(x, y)


def test_learning_counts_iterations_and_reaches_every_parameter():
    net = moving(iteration=30).float()
    x = walk(4, 12).float()
    y = torch.cat([x[:, 1:, :16].argmax(-1), torch.ones(4, 1).long()], 1)
    loss = ByChunks(5).learn(net, Batch(x, y), ASKED.loss)
    assert loss > 0 and net.iteration == 31
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_a_gradient_is_the_sum_over_chunks_with_the_state_handed_on():
    net, by_hand, given = moving(iteration=30), moving(iteration=30), asked(walk(2, 7))
    loss, state, total = ByChunks(3).learn(net, given, ASKED.loss), None, 0.0
    known = torch.nn.functional.pad(given.y[:, :-1] > 0, (1, 0))
    for cut in (slice(0, 3), slice(3, 6), slice(6, 7)):
        done, state = by_hand.walk(given.x[:, cut], state)
        state = map_state(torch.Tensor.detach, state)
        if not (given.y[:, cut] > 0).any():
            continue  # the last step asks for nothing
        told = ASKED.loss(done.predicted, given.y[:, cut])
        (told + by_hand.losses(done, given.x[:, cut], known[:, cut])).backward()
        total += float(told.detach())
    assert float(loss) == pytest.approx(total, rel=1e-12)
    for (name, mine), other in zip(net.named_parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, msg=name)


def test_a_batch_that_asks_for_nothing_counts_and_teaches_nothing():
    net, x = moving(iteration=3), walk(2, 5)
    loss = ByChunks().learn(net, Batch(x, torch.zeros(2, 5).long()), ASKED.loss)
    assert loss == 0 and net.iteration == 4 and all(part.grad is None for part in net.parameters())


def test_what_cannot_be_taught_is_refused():
    with pytest.raises(BadInput, match="ByChunks: expected a TolmanEichenbaum, got Linear"):
        ByChunks().learn(torch.nn.Linear(1, 1), asked(walk(1, 3)), ASKED.loss)
    with pytest.raises(BadInput, match="chunk must be a whole number of at least 1, not 0"):
        ByChunks(0)
