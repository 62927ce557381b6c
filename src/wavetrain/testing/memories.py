"""What every memory promises, as plain functions that raise AssertionError where a promise is broken.

Each takes a memory in float64, for keys and values of 8 entries. `check_memory` runs all of them.
"""

import functools
import inspect
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from wavetrain.core import Memory, State, leaves, map_state
from wavetrain.testing import shapes
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import close, normal, refused


def patterns(batch: int, many: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Keys and values of +1 and -1, (B, M, 8) each, which every memory takes."""
    return normal(batch, many, 8, seed=seed).sign(), normal(batch, many, 8, seed=seed + 1).sign()


def forms(memory: Memory) -> Iterator[Callable[[State, Tensor], Tensor]]:
    """All that a memory says of cues: what they bring back, where they end, and their energy."""
    yield memory.read
    for name in ("settle", "energy"):
        form = getattr(memory, name, None)
        if form is not None and "d" in inspect.signature(form).parameters:  # a second, delayed state
            yield functools.wraps(form)(lambda state, cue, form=form: form(state, cue, torch.zeros_like(cue)))
        elif form is not None:
            yield form


def check_shapes(memory: Memory) -> None:
    """M patterns may be written and other cues read; what is given is left as it is."""
    state = memory.empty(3)
    assert all(len(part) == 3 for part in leaves(state)), "the empty state is not batch first"
    for many in (1, 5):
        key, value = patterns(3, many)
        kept = [part.clone() for part in leaves(state)]
        after = memory.write(state, key, value)
        close(list(leaves(state)), kept, "the state after a write from it, before")
        for cues in (1, 4):
            out = memory.read(after, patterns(3, cues, seed=9)[0])
            assert out.shape == (3, cues, 8), f"expected to read (3, {cues}, 8), got {tuple(out.shape)}"
            assert out.isfinite().all(), "what is read is not finite"
            assert out.dtype == torch.float64, f"a memory of float64 reads {out.dtype}"


def check_annotations(memory: Memory) -> None:
    """What is given and returned has the shapes of the annotations: its own, and those of `Memory`."""
    key, value = patterns(3, 2)
    with shapes.held(type(memory)):
        state = memory.write(memory.empty(3), key, value)
        for form in forms(memory):
            form(state, key[:, :1])
        memory.along(memory.empty(3), key, value, key)


def check_recalls(memory: Memory) -> None:
    """One pattern that is written and cued by its own key comes back nearer than any other."""
    key, value = patterns(3, 1)
    out = memory.read(memory.write(memory.empty(3), key, value), key)
    like = torch.cosine_similarity(out, value, dim=-1)
    unlike = torch.cosine_similarity(out, patterns(3, 1, seed=20)[1], dim=-1)
    assert (like > unlike).all() and (like > 0.5).all(), "the only pattern written is not recalled"


def check_gradient(memory: Memory) -> None:
    """Gradients of what is read are finite, and reach the values that were written."""
    key, value = (part.requires_grad_() for part in patterns(3, 5))
    out = memory.read(memory.write(memory.empty(3), key, value), key)
    of_key, of_value = torch.autograd.grad((out * normal(*out.shape)).sum(), [key, value], allow_unused=True)
    reached = of_value is not None and of_value.isfinite().all() and of_value.any()
    assert reached, "no finite gradient reaches the values"
    assert of_key is None or of_key.isfinite().all(), "the gradient of the keys is not finite"


def check_batch(memory: Memory) -> None:
    """No sequence's memory is disturbed by another's."""
    (key, value), (cue, _) = patterns(3, 5), patterns(3, 4, seed=9)
    out = memory.read(memory.write(memory.empty(3), key, value), cue)
    for row in range(3):
        one = slice(row, row + 1)
        alone = memory.read(memory.write(memory.empty(1), key[one], value[one]), cue[one])
        close(out[one], alone, f"row {row} in the batch, alone")


def check_order(memory: Memory) -> None:
    """Where the order of writes, or writing all at once, matters, the docstring speaks of the order."""
    (key, value), (cue, _) = patterns(2, 5), patterns(2, 4, seed=9)
    at_once = memory.read(memory.write(memory.empty(2), key, value), cue)
    answers = []
    for order in (range(5), range(4, -1, -1)):
        state = memory.empty(2)
        for place in order:
            state = memory.write(state, key[:, place : place + 1], value[:, place : place + 1])
        answers.append(memory.read(state, cue))
    if not all(torch.allclose(at_once, answer) for answer in answers):
        words = f"{inspect.getmodule(memory).__doc__} {inspect.getdoc(type(memory))}"
        assert "order" in words, "the order of writes makes a difference that the docstring does not name"


def check_nothing(memory: Memory) -> None:
    """Where nothing was written nothing is read, by itself or beside a full row; none may be written or read.

    What settles in time has its cue fade to nothing, so that a thousandth of it is allowed. Alone as beside
    others and no NaN: that holds of energies and of all ways to settle that a memory has, too.
    """
    (key, value), (cue, _) = patterns(1, 5), patterns(2, 3, seed=9)
    full, none = memory.write(memory.empty(1), key, value), memory.empty(1)
    beside = map_state(lambda part: torch.cat([torch.zeros_like(part), part]), full)
    for form in forms(memory):
        alone, both = form(none, cue[:1]), form(beside, cue)
        close(both[:1], alone, f"{form.__name__} of an empty row beside a full one, alone")
        close(both[1:], form(full, cue[1:]), f"{form.__name__} of a full row beside an empty one, alone")
        assert not alone.isnan().any(), f"{form.__name__} of an empty memory"
    assert memory.read(none, cue[:1]).abs().max() < 1e-3, "something is read where nothing was written"
    for rows, many in ((0, 5), (0, 0), (2, 0)):
        state = memory.write(memory.empty(rows), *patterns(rows, many))
        assert all(len(part) == rows for part in leaves(state)), f"a state for {rows} sequences has others"
        for form in forms(memory):
            for cues in (0, 2):
                assert form(state, patterns(rows, cues)[0]).shape[:2] == (rows, cues), form.__name__


def check_nothing_learns(memory: Memory) -> None:
    """An empty row adds no NaN to the gradients of the values, keys and cues beside it."""
    key, value, cue = (part.requires_grad_() for part in (*patterns(2, 5), patterns(2, 3, seed=9)[0]))
    state = map_state(
        lambda part: torch.cat([torch.zeros_like(part[:1]), part[1:]]),
        memory.write(memory.empty(2), key, value),
    )
    slopes = torch.autograd.grad(memory.read(state, cue).sum(), [key, value, cue], allow_unused=True)
    finite = all(slope is None or slope.isfinite().all() for slope in slopes)
    assert finite, "an empty row spoils the gradients of the rows beside it"


def check_pairs(memory: Memory) -> None:
    """Keys without a value, other batches, other types and what is not a number are refused by name."""
    (key, value), state = patterns(2, 3), memory.write(memory.empty(2), *patterns(2, 3, seed=5))
    kept = [part.clone() for part in leaves(state)]
    name, ill = type(memory).__name__, key.clone()
    for keys, values, about in (
        (key, value[:, :2], r"as many values as keys, got key \(2, 3, 8\) and value \(2, 2, 8\)"),
        (key, value[:, :1], r"as many values as keys"),
        (key[:, :1], value, r"as many values as keys"),
        (key[:1], value[:1], r"key \(2, many, 8\) for a state of 2 sequences, got \(1, 3, 8\)"),
        (key, value[:1], r"value \(2, many, 8\) for a state of 2 sequences, got \(1, 3, 8\)"),
        (
            key.repeat(2, 1, 1),
            value.repeat(2, 1, 1),
            r"key \(2, many, 8\) for a state of 2 sequences, got \(4, 3, 8\)",
        ),
        (key[0], value, r"key \(batch, many, 8\), got \(3, 8\)"),
        (key, value[..., :7], r"value \(batch, many, 8\), got \(2, 3, 7\)"),
        (key.float(), value, r"key of torch.float64, as the memory is, got torch.float32"),
        (key, value.half(), r"value of torch.float64, as the memory is, got torch.float16"),
        (key, value.long(), r"value of torch.float64, as the memory is, got torch.int64"),
    ):
        with refused(f"{name}: expected {about}"):
            memory.write(state, keys, values)
    for poison in (torch.nan, torch.inf, -torch.inf):
        ill[1, 2, 3] = poison
        with refused(rf"{name}: expected finite key, got {poison} in \(2, 3, 8\)"):
            memory.write(state, ill, value)
        with refused(rf"{name}: expected finite value, got {poison}"):
            memory.write(state, key, ill)
        with refused(rf"{name}: expected finite cue, got {poison}"):
            memory.read(state, ill)
    close(list(leaves(state)), kept, "the state after writes that were refused, before")
    for form in forms(memory):
        for cue in (key[:1], key.repeat(2, 1, 1), key[0], key[..., :7], key.float()):
            with refused(f"{name}: expected (cue|pattern) "):
                form(state, cue)


OF_VARIANTS = (
    check_shapes,
    check_annotations,
    check_gradient,
    check_batch,
    check_nothing,
    check_nothing_learns,
    check_pairs,
)
PROMISES = (*OF_VARIANTS, check_recalls, check_order)


def built(make: Callable[[int], Memory]) -> Memory:
    """A memory for keys and values of 8 entries, in float64, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(8).double()


def promises(make: Callable[[int], Memory]) -> Iterator[Promise]:
    """All promises of a memory that is built as make(size)."""
    for check in PROMISES:
        yield Promise(check.__name__.removeprefix("check_"), functools.partial(_on_new, check, make))


def _on_new(check: Callable[[Memory], None], make: Callable[[int], Memory]) -> None:
    check(built(make))


def check_memory(make: Callable[[int], Memory]) -> None:
    """Hold a memory to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.memories import CorrelationMatrix
    >>> from wavetrain.testing import check_memory
    >>> check_memory(CorrelationMatrix)  # says nothing where all is well
    """
    keep(make, promises(make))
