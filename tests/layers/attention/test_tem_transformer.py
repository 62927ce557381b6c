"""TEM-transformer: the mapping to TEM's memory, exact places give exact answers, and nothing leaks."""

import functools

import pytest
import torch
from torch import Tensor

from tests.promises import ON_SEQUENCES, close, generic, normal, stepped
from wavetrain.errors import BadInput
from wavetrain.layers.attention.tem_transformer import TemTransformer
from wavetrain.parts import worlds
from wavetrain.scan import Activation
from wavetrain.tasks.maps._shared import Walking
from wavetrain.tasks.maps.graph_walks import graph_walks

TORUS = worlds.square(4, torus=True)


def knowing(task: Walking, sharpness: float = 5.0) -> TemTransformer:
    """A layer that knows a world of permutations: places are one-hot, and actions move them exactly."""
    world = task.world
    layer = TemTransformer(task.outputs, task.inputs, len(world.actions), world.nodes).double()
    with torch.no_grad():
        layer.first.copy_(torch.eye(world.nodes)[0])
        layer.move.copy_(torch.eye(world.nodes)[world.successor.T])
        layer.sharpness.fill_(sharpness)
    return layer


def right(layer: TemTransformer, task: Walking, walked: worlds.Walks) -> Tensor:
    """Whether each step is answered with the label of the next node, (B, T)."""
    y = layer(task.encode(walked).x.double())[0]
    return y[..., 1:].argmax(-1) == walked.label[:, 1:]


@pytest.mark.parametrize("world", [TORUS, worlds.square(3, 5, torus=True), worlds.ring(9, (1, 4))])
def test_who_knows_the_world_is_right_at_every_known_node(world: worlds.World):
    task = graph_walks(world, length=70)
    walked = task.walks(40, torch.Generator().manual_seed(1))
    seen = worlds.steps(world, walked)
    answers = right(knowing(task), task, walked)
    assert seen.zero_shot.sum() > 200 and answers[seen.visited].all()
    assert answers[~seen.visited].double().mean() < 0.15  # 1 in 20


def test_attention_goes_to_earlier_visits_of_the_place_alone():
    task = graph_walks(TORUS)
    walked = task.walks(20, torch.Generator().manual_seed(2))
    weight = knowing(task).operator(task.encode(walked).x.double()).weight[:, 0]  # (B, T, T)
    same = walked.node[:, 1:, None] == walked.node[:, None, :-1]
    visits = (same.tril() * 1.0).double()
    known = visits.sum(-1) > 0
    expected = visits / visits.sum(-1, keepdim=True)
    torch.testing.assert_close(weight[known], expected[known], rtol=0, atol=1e-6)
    close(weight.sum(-1), torch.ones_like(weight[..., 0]), "sum of a row, one")


def test_the_answer_is_not_seen():
    """Another stimulus at the place reached, and all after it, changes no earlier output."""
    layer, x = generic(functools.partial(TemTransformer, actions=2), 5, 7), normal(2, 9, 7)
    other = torch.cat([x[:, :6], normal(2, 3, 7, seed=3)], 1)
    close(layer(other)[0][:, :6], layer(x)[0][:, :6], "outputs with another future, as they were")


def test_is_the_memory_of_tem():
    """Keys and values of unit sum and no softmax: q M of the Hebbian memory M, summed over places."""
    x, g = normal(30, 6).softmax(-1), normal(30, 8, seed=2).softmax(-1)
    q = normal(8, seed=3).softmax(-1)
    p = torch.einsum("tg,tx->tgx", g, x).flatten(1)  # conjunctions, 48 cells
    memory = p.T @ p
    cue = q.repeat_interleave(6)  # the place, whatever the stimulus
    retrieved = (cue @ memory).view(8, 6).sum(0)
    weight = g @ q  # a row of the operator before the softmax
    close(retrieved, weight @ x, "out of M, out of linear attention")


def test_scores_are_symmetric_and_highest_on_the_same_place():
    layer = generic(TemTransformer, 6, 6)
    way = layer.places(normal(3, 20, 3))
    k = torch.nn.functional.normalize(layer.key(way), dim=2)
    score = k @ k.mT
    close(score, score.mT, "scores, transposed")
    close(score.diagonal(dim1=1, dim2=2), torch.ones_like(score[..., 0]), "score with itself, one")
    assert (score <= 1 + 1e-12).all()


def test_a_permutation_of_stimuli_permutes_the_answers():
    layer, order = TemTransformer(6, 8, actions=2).double(), torch.tensor([3, 1, 5, 0, 2, 4])
    x = normal(2, 11, 8)
    moved = torch.cat([x[..., :6][..., order], x[..., 6:]], -1)
    close(layer(moved)[0], layer(x)[0][..., order], "answers to permuted stimuli, permuted answers")


@pytest.mark.parametrize("activation", [Activation.IDENTITY, Activation.RELU])
def test_places_are_of_unit_length_and_no_action_stays(activation: Activation):
    layer = TemTransformer(4, 6, 3, hidden=16, activation=activation).double()
    actions = torch.eye(4, 3, dtype=torch.float64)[None, [0, 1, 3, 2, 3, 3, 0]]  # row 3 is no action
    way = layer.places(actions)
    close(way.norm(dim=2), torch.ones(1, 7, dtype=torch.float64), "lengths, one")
    close(way[:, 4], way[:, 3], "after no action, before")
    close(way[:, 5], way[:, 3], "after no action twice, before")
    assert (way >= 0).all() or activation is Activation.IDENTITY


def test_matrices_start_orthogonal_and_near_the_identity():
    layer = TemTransformer(21, 25, 4, hidden=48).double()
    eye = torch.eye(48, dtype=torch.float64).expand(4, -1, -1)
    torch.testing.assert_close(layer.move @ layer.move.mT, eye, rtol=0, atol=1e-5)  # made in float32
    turn = layer.move.diagonal(dim1=1, dim2=2).mean(1)
    assert (turn > 0.8).all() and (turn < 0.97).all()


@pytest.mark.parametrize("promise", ON_SEQUENCES, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize(("actions", "activation"), [(0, Activation.IDENTITY), (2, Activation.RELU)])
def test_keeps_the_promises(actions: int, activation: Activation, promise):
    make = functools.partial(TemTransformer, actions=actions, hidden=9, activation=activation)
    promise(generic(make, 6, 3), normal(2, 7, 3))


def test_steps_from_a_walk_of_any_length():
    layer, x = generic(TemTransformer, 6, 6), normal(2, 9, 6)
    _, (place, keys, values, seen) = stepped(layer, x)
    assert keys.shape == (2, 9, 32) and values.shape == (2, 9, 3) and seen.all()
    close(place, layer.places(x[..., 3:])[:, -1], "the place carried, the place walked to")


def test_actions_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="actions must be a whole number from 0 to 7, got 8"):
        TemTransformer(8, actions=8)
    with pytest.raises(BadInput, match="hidden must be a whole number"):
        TemTransformer(8, hidden=0)
