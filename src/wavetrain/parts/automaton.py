"""A finite automaton as two tables: where each symbol leads from each state, and what each state answers.

It starts in state 0. Answers are classes, so that an acceptor is the case of two: 0 rejects, 1 accepts.
What is not known is UNKNOWN, -1: a transition that was never seen, or the answer of a state that never gave
one. Behind an unknown transition everything is unknown. That is no rejection: `complete(0)` makes it one.

    states, answers   run words
    complete          the unknown state, or a rejecting one, written out
    minimise          the fewest states, Hopcroft 1971, numbered in the order in which words reach them
    difference        the shortest word to which two automata answer differently, or None
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from wavetrain.errors import BadInput

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Automaton:
    """`after[q, a]` is the state that symbol a leads to from state q, `answer[q]` the class of state q.

    >>> from wavetrain.parts.automaton import Automaton
    >>> parity = Automaton([[0, 1], [1, 0]], [0, 1])  # is the number of ones odd?
    >>> parity.answers([[1, 0, 1]]).tolist()  # of no bits, of 1, 10 and 101
    [[0, 1, 1, 0]]
    """

    after: Int[np.ndarray, "states symbols"]
    answer: Int[np.ndarray, "states"]

    def __post_init__(self) -> None:
        after, answer = np.array(self.after), np.array(self.answer)
        if after.ndim != 2 or not after.size or answer.shape != after.shape[:1]:
            raise BadInput(
                "automaton: expected after (states, symbols) and answer (states), "
                f"got {after.shape} and {answer.shape}"
            )
        for name, table, end in (("after", after, len(after)), ("answer", answer, None)):
            if table.dtype.kind not in "iu":
                raise BadInput(f"automaton: expected {name} of whole numbers, got {table.dtype}")
            if table.min() < UNKNOWN or (end is not None and table.max() >= end):
                most = "" if end is None else f" to {end - 1}"
                raise BadInput(
                    f"automaton: expected {name} from {UNKNOWN} (unknown){most}, "
                    f"got {table.min()} to {table.max()}"
                )
        object.__setattr__(self, "after", after.astype(int))
        object.__setattr__(self, "answer", answer.astype(int))

    def __len__(self) -> int:
        return len(self.after)

    @property
    def symbols(self) -> int:
        """How many symbols there are."""
        return self.after.shape[1]

    def states(self, words: Int[np.ndarray, "batch time"]) -> Int[np.ndarray, "batch steps"]:
        """The states before the first symbol of each word and after each symbol: steps = time + 1."""
        words = np.array(words)
        if words.ndim != 2 or (words.size and not 0 <= words.min() <= words.max() < self.symbols):
            raise BadInput(
                f"automaton: expected words (batch, time) of symbols from 0 to {self.symbols - 1}, "
                f"got {words.shape}" + (f", {words.min()} to {words.max()}" if words.size else "")
            )
        after = np.vstack([self.after, np.full(self.symbols, UNKNOWN)])  # from the unknown, -1, to itself
        states = np.zeros((len(words), words.shape[1] + 1), dtype=int)
        for step, symbol in enumerate(words.T.astype(int)):
            states[:, step + 1] = after[states[:, step], symbol]
        return states

    def answers(self, words: Int[np.ndarray, "batch time"]) -> Int[np.ndarray, "batch steps"]:
        """The answers before the first symbol of each word and after each symbol."""
        return np.append(self.answer, UNKNOWN)[self.states(words)]

    def complete(self, answer: int = UNKNOWN) -> "Automaton":
        """The same with one more state, of this answer, where unknown transitions lead for ever."""
        if (self.after != UNKNOWN).all():
            return self
        trap = np.full((1, self.symbols), UNKNOWN)
        after = np.vstack([self.after, trap])
        return Automaton(np.where(after == UNKNOWN, len(self), after), np.append(self.answer, answer))

    def minimise(self) -> "Automaton":
        """The automaton with the fewest states that gives the same answers, the unknown ones included."""
        return self.merged()[0]

    def merged(self) -> tuple["Automaton", Int[np.ndarray, "states"]]:
        """The minimal automaton, and which of its states each state became: UNKNOWN where none is reached."""
        reached = _reached(self.after)
        whole = self.complete()
        trap = len(self) if len(whole) > len(self) else None  # has no number below: it is what is unknown
        keep = reached if trap is None else np.append(reached, trap)
        number = np.full(len(whole), UNKNOWN)
        number[keep] = np.arange(len(keep))
        block = _hopcroft(number[whole.after[keep]], whole.answer[keep])  # of each state that is kept
        first = np.unique(block, return_index=True)[1]
        after, answer = block[number[whole.after[keep]]][first], whole.answer[keep][first]
        if trap is not None:
            after = np.where(after == block[-1], UNKNOWN, after)
        order = _reached(after, block[0])
        name = np.full(len(first) + 1, UNKNOWN)  # the last for UNKNOWN itself
        name[order] = np.arange(len(order))
        became = np.full(len(self), UNKNOWN)
        became[reached] = name[block[: len(reached)]]
        return Automaton(name[after[order]], answer[order]), became


def acceptor(after: Sequence[Sequence[int]], accept: Collection[int]) -> Automaton:
    """An automaton that answers 1 in the states of `accept` and 0 in all others.

    >>> from wavetrain.parts.automaton import acceptor
    >>> acceptor([(0, 1), (1, 1)], {0}).answers([[0, 0, 1, 0]]).tolist()  # no one so far
    [[1, 1, 1, 0, 0]]
    """
    return Automaton(np.array(after), np.array([int(state in accept) for state in range(len(after))]))


def difference(one: Automaton, two: Automaton) -> tuple[int, ...] | None:
    """The shortest word to which two automata answer differently, the first of them in the order of symbols.

    None where they answer alike. An answer that one of them does not know differs from any that it knows.

    >>> from wavetrain.parts.automaton import acceptor, difference
    >>> ones, even = acceptor([(1, 0), (1, 1)], {0}), acceptor([(1, 0), (0, 1)], {0})
    >>> difference(ones, even)  # 1*, and an even number of zeros
    (0, 0)
    """
    if one.symbols != two.symbols:
        raise BadInput(f"automata: expected two over the same symbols, got {one.symbols} and {two.symbols}")
    tables = [np.vstack([each.after, np.full(each.symbols, UNKNOWN)]) for each in (one, two)]
    answers = [np.append(each.answer, UNKNOWN) for each in (one, two)]
    waiting: deque[tuple[int, int]] = deque([(0, 0)])
    words: dict[tuple[int, int], tuple[int, ...]] = {(0, 0): ()}
    while waiting:
        pair = waiting.popleft()
        if answers[0][pair[0]] != answers[1][pair[1]]:
            return words[pair]
        for symbol in range(one.symbols):
            onward = int(tables[0][pair[0], symbol]), int(tables[1][pair[1], symbol])
            if onward not in words:
                words[onward] = (*words[pair], symbol)
                waiting.append(onward)
    return None


def _reached(after: Int[np.ndarray, "states symbols"], start: int = 0) -> Int[np.ndarray, "reached"]:
    """The states that words lead to, shortest words first."""
    found, seen = [start], {start}
    for state in found:  # grows while it is walked
        for onward in after[state].tolist():
            if onward != UNKNOWN and onward not in seen:
                seen.add(onward)
                found.append(onward)
    return np.array(found)


def _hopcroft(
    after: Int[np.ndarray, "states symbols"], answer: Int[np.ndarray, "states"]
) -> Int[np.ndarray, "states"]:
    """The number of the block of each state: two states are in one where all words have the same answers.

    Every transition must be known. Hopcroft 1971: blocks are split by those that lead into a block, and of
    the two halves the smaller one is enough to split by later.
    """
    states, symbols = after.shape
    before: list[list[list[int]]] = [[[] for _ in range(states)] for _ in range(symbols)]
    for state, row in enumerate(after.tolist()):
        for symbol, onward in enumerate(row):
            before[symbol][onward].append(state)
    block = np.unique(answer, return_inverse=True)[1].reshape(-1)
    members = [set(np.flatnonzero(block == one).tolist()) for one in range(block.max() + 1)]
    waiting = {(one, symbol) for one in range(len(members)) for symbol in range(symbols)}
    while waiting:
        splitter, symbol = waiting.pop()
        into = {state for onward in members[splitter] for state in before[symbol][onward]}
        for touched in dict.fromkeys(block[sorted(into)].tolist()):
            inside = members[touched] & into
            outside = members[touched] - into
            if not outside:
                continue
            small, large = sorted((inside, outside), key=len)
            members[touched] = large
            block[sorted(small)] = len(members)
            waiting |= {(len(members), one) for one in range(symbols)}
            members.append(small)
    return block
