"""Automata: the finite automaton that a network's states are, by clusters of states and counted transitions.

Wang, Lawrence and Niepert 2022, arXiv 2212.05178; clusters by k-means as in Omlin and Giles 1996, and the
fewest states by Hopcroft 1971.

    q_t           the cluster of the state after step t; q_0 that of the state before the first step
    counts        how often symbol a led from cluster q to cluster r
    after(q, a)   the r that is counted most often
    answer(q)     the class that is answered most often in cluster q

Every distinct input vector is a symbol. What was never seen, and what two clusters or two answers tie for, is
unknown, -1, and not a rejection: an automaton is equal to a given one only where all is known. States that
no word tells apart are then merged. Clusters are not always states: where a network holds a state as a
mixture, one cluster has several successors for a symbol, and the purity falls below 1. It does so too where
one state is spread over several clusters; the automaton may then still be right, as the agreement says.

The null of the purity exchanges the clusters that transitions of one symbol lead to. p is small where the
next state depends on the state; in a layer without a memory it depends on the symbol alone. A purity near 1
with a large p says that most pairs of cluster and symbol were seen once: give longer words or fewer clusters.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from sklearn.cluster import KMeans
from torch import Tensor

from wavetrain.core import Card, Layer, State, leaves
from wavetrain.errors import BadInput
from wavetrain.lenses._weights import check_finite, check_sequences, magnitude
from wavetrain.parts.automaton import UNKNOWN, Automaton, difference
from wavetrain.parts.nulls import DRAWS, rank

card = Card(
    title="State-regularized recurrent neural networks to extract automata and explain predictions",
    authors="Wang, Cheng and Lawrence, Carolin and Niepert, Mathias",
    year=2022,
    source="IEEE TPAMI, arXiv 2212.05178",
    family="machines",
    topic="Gates",
)


class Automata(NamedTuple):
    """The minimal automaton of a network, which starts in state 0, and how far the network follows it.

    Steps are those behind `skip`; there are steps + 1 states of each sequence, the first before any of them.
    """

    after: Int[np.ndarray, "states symbols"]  # where a symbol leads to; -1 where that is unknown
    answer: Int[np.ndarray, "states"]  # the class that is answered; -1 where there was no answer, or a tie
    symbol: Float[np.ndarray, "symbols inputs"]  # the input vectors, one-hot ones by their index
    cluster: Int[np.ndarray, "batch visits"]  # of each state, numbered as they first come
    merged: Int[np.ndarray, "clusters"]  # the state of the automaton that a cluster is; -1 where unknown
    counts: Int[np.ndarray, "clusters symbols clusters"]  # transitions from the first to the last
    purity: float  # share of the transitions that are the commonest of their cluster and symbol
    null: Float[np.ndarray, "draws"]  # the same with successors exchanged
    p: float  # of the purity against its null
    agreement: float  # share of the steps at which the automaton answers as the network does
    unseen: int  # pairs of a reached cluster and a symbol that never followed
    ties: int  # pairs whose commonest successors are equally common
    equal: int  # whether the automaton answers all words as `truth` does; -1 without one
    counter: Int[np.ndarray, "length"]  # the shortest word on which they differ; empty where they do not


@torch.no_grad()
def automata(
    layer: Layer,
    x: Float[Tensor, "batch time inputs"],
    clusters: int | Callable[[State], Tensor] = 12,
    skip: int = 0,
    read: Callable[[Tensor], Tensor] | None = None,
    truth: Automaton | None = None,
    shuffles: int = DRAWS,
    seed: int = 0,
) -> Automata:
    """The automaton of a layer on sequences x (B, T, inputs) of symbols.

    It answers the class whose channel is largest in the output (B, T, width), or in `read` of the output.
    The first `skip` steps, the same in all sequences, lead to the start: a start symbol, say. States are
    distributed over at most `clusters` by k-means, which begins by `seed` as the null does; instead of a
    number, it may be a function that says the cluster (B,) of each state of B sequences. `truth` is what the
    automaton is compared with, over the same symbols.

    Raises BadInput where x does not fit, where states are not finite or change their size, or where `truth`
    has another number of symbols.

    >>> from wavetrain.layers import StateRegularized
    >>> from wavetrain.lenses import automata
    >>> x = torch.nn.functional.one_hot(torch.randint(2, (100, 20)), 2).float()
    >>> found = automata(StateRegularized(4, inputs=2, states=3, hard=True), x)
    >>> len(found.counts) <= 3, found.purity, found.agreement  # its states are those of an automaton
    (True, 1.0, 1.0)
    """
    check_sequences(layer, x)
    _check_sizes(x, clusters, skip, shuffles)
    y, cluster = _walk(layer, x, skip, clusters, seed)
    said = (y if read is None else read(y)).argmax(-1).cpu().numpy()  # (B, visits), or without the first
    said = np.pad(said, ((0, 0), (cluster.shape[1] - said.shape[1], 0)), constant_values=UNKNOWN)
    vectors = -x[:, skip:].double().cpu().numpy()  # so that one-hot vectors are sorted by their index
    symbol, word = np.unique(vectors.reshape(-1, x.shape[2]), axis=0, return_inverse=True)
    word = word.reshape(vectors.shape[:2])
    count = int(cluster.max()) + 1
    shape = count, len(symbol), count
    transitions = cluster[:, :-1].ravel(), word.ravel(), cluster[:, 1:].ravel()
    counts = _counted(transitions, shape)
    visits = np.zeros((count, int(said.max()) + 1), dtype=int)
    np.add.at(visits, (cluster[said != UNKNOWN], said[said != UNKNOWN]), 1)
    after, tied = _commonest(counts)
    small, merged = Automaton(after, _commonest(visits)[0]).merged()
    null = np.array([_purity(_counted(one, shape)) for one in _exchanged(transitions, shuffles, seed)])
    purity = _purity(counts)
    counter = None if truth is None else difference(small, truth)
    return Automata(
        after=small.after,
        answer=small.answer,
        symbol=0 - symbol,
        cluster=cluster,
        merged=merged,
        counts=counts,
        purity=purity,
        null=null,
        p=float(rank(np.array([purity]), null[:, None])[0]),
        agreement=float((small.answers(word) == said)[:, 1:].mean()),
        unseen=int((counts.sum(-1) == 0)[merged != UNKNOWN].sum()),
        ties=int(tied[merged != UNKNOWN].sum()),
        equal=UNKNOWN if truth is None else int(counter is None),
        counter=np.array(() if counter is None else counter, dtype=int),
    )


def _check_sizes(
    x: Float[Tensor, "batch time inputs"], clusters: int | Callable[[State], Tensor], skip: int, shuffles: int
) -> None:
    for name, given, least in (("clusters", clusters, 1), ("skip", skip, 0), ("shuffles", shuffles, 0)):
        if isinstance(given, int) and given < least:
            raise BadInput(f"automata: {name} must be at least {least}, got {given}")
    if skip >= x.shape[1] or not torch.equal(x[:, :skip], x[:1, :skip].expand(len(x), -1, -1)):
        raise BadInput(
            f"automata: expected {skip} first steps that are the same in all sequences, and more behind "
            f"them, got x {tuple(x.shape)}"
        )


def _walk(
    layer: Layer, x: Tensor, skip: int, clusters: int | Callable[[State], Tensor], seed: int
) -> tuple[Tensor, Int[np.ndarray, "batch visits"]]:
    """The outputs that are looked at, and the cluster of each state: that of the start, then of each step."""
    state, outputs, states = layer.begin(len(x)), [], [layer.begin(len(x))]
    for now in x.unbind(1):
        y, state = layer.step(now, state)
        outputs.append(y)
        states.append(state)
    outputs, states = outputs[max(skip - 1, 0) :], states[skip:]
    if callable(clusters):
        given = [clusters(one) for one in states]
        for one in given:
            if one.shape != (len(x),) or one.is_floating_point() or one.is_complex():
                raise BadInput(
                    f"automata: expected a cluster for each of {len(x)} sequences, whole numbers, "
                    f"got {one.dtype} {tuple(one.shape)}"
                )
        found = torch.stack(given, 1).cpu().numpy()
    else:
        found = _clustered([_row(one) for one in states], layer, clusters, seed)
    return torch.stack(outputs, 1), _in_order(found)


def _row(state: State) -> Tensor:
    """All parts of a state as real numbers, a row for each sequence."""
    parts = [torch.view_as_real(one) if one.is_complex() else one for one in leaves(state)]
    return torch.cat([one.flatten(1).double() for one in parts], 1)


def _clustered(rows: list[Tensor], layer: Layer, clusters: int, seed: int) -> Int[np.ndarray, "batch visits"]:
    if len({one.shape for one in rows}) > 1:
        raise BadInput(
            f"automata: expected states of one size, got a {type(layer).__name__} whose state grows; "
            "give a function that says their clusters"
        )
    visits = torch.stack(rows, 1)  # (B, visits, N)
    check_finite(layer, "states", visits)
    points = (visits / magnitude(visits)).flatten(0, 1).cpu().numpy()
    distinct, found = np.unique(points, axis=0, return_inverse=True)
    if len(distinct) > clusters:
        found = KMeans(clusters, n_init=10, random_state=seed).fit_predict(points)
    return found.reshape(visits.shape[:2])


def _in_order(found: Int[np.ndarray, "batch visits"]) -> Int[np.ndarray, "batch visits"]:
    """The same clusters, numbered as they first come."""
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return first.argsort().argsort()[place].reshape(found.shape)


def _counted(
    transitions: tuple[np.ndarray, ...], shape: tuple[int, ...]
) -> Int[np.ndarray, "clusters symbols _"]:
    return np.bincount(np.ravel_multi_index(transitions, shape), minlength=math.prod(shape)).reshape(shape)


def _commonest(
    counts: Int[np.ndarray, "*axes many"],
) -> tuple[Int[np.ndarray, "*axes"], Bool[np.ndarray, "*axes"]]:
    """Which is counted most often, UNKNOWN where none is or two are tied; and where two are tied."""
    most = counts.max(-1)
    tied = (most > 0) & ((counts == most[..., None]).sum(-1) > 1)
    return np.where(tied | (most == 0), UNKNOWN, counts.argmax(-1)), tied


def _purity(counts: Int[np.ndarray, "clusters symbols clusters"]) -> float:
    return float(counts.max(-1).sum() / counts.sum())


def _exchanged(
    transitions: tuple[np.ndarray, ...], shuffles: int, seed: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Transitions whose successors are exchanged among those of one symbol."""
    start, symbol, end = transitions
    order, dice = np.argsort(symbol, kind="stable"), np.random.default_rng(seed)
    for _ in range(shuffles):
        moved = np.empty_like(end)
        moved[order] = end[np.lexsort((dice.random(len(end)), symbol))]
        yield start, symbol, moved
