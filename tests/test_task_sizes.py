"""The least sizes of tasks: one less is refused in one line, and nothing is drawn; other arguments as usual.

No sequence without steps, no alphabet of one symbol among which to choose, no grid too small for what is
shown on it. And what other sizes than the usual ones make of inputs, outputs and the level of chance, worked
out by hand: a fact that only holds at the usual size is none.
"""

from typing import Any

import pytest
import torch

from wavetrain import find
from wavetrain.errors import BadInput

LEAST: dict[str, dict[str, int]] = {
    "adding": dict(length=2),
    "associative_recall": dict(pairs=1),
    "binary_logic": dict(bits=1),
    "bucket_sort": dict(length=1, symbols=2),
    "compose_copy": dict(size=1, horizon=1),
    "copying": dict(delay=0),
    "cyclic_navigation": dict(length=1, places=2),
    "delayed_answer": dict(classes=2, channels=1, cue=2, silence=0, call=1, samples=1),
    "delayed_discrimination": dict(channels=1, shortest=0),
    "dyck": dict(length=2, kinds=1),
    "even_pairs": dict(length=1),
    "family_tree": dict(levels=1, length=2, labels=2),
    "graph_walks": dict(length=2, labels=2),
    "grid_world": dict(side=2, length=2),
    "group_words": dict(length=1),
    "hierarchical_cycles": dict(length=2, labels=2),
    "high_order_sequences": dict(endings=1, noise=1),
    "kuramoto_sivashinsky": dict(window=1),
    "labelled_strokes": dict(classes=2, time=2, first=0),
    "laps": dict(places=2, laps=2, rounds=2, labels=2),
    "latency_classes": dict(classes=2, channels=1, time=2, samples=1),
    "line_drawing": dict(length=2, lines=1, every=1),
    "long_addition": dict(digits=1),
    "loop_closure": dict(labels=2),
    "lorenz96": dict(window=1),
    "majority": dict(length=1, symbols=2),
    "majority_count": dict(length=2, symbols=2),
    "modular_arithmetic": dict(length=1, modulus=2),
    "moving_bump": dict(side=2, time=1, period=1),
    "n_bit_flipflop": dict(bits=1, length=1),
    "n_delayed_match": dict(shortest=2, longest=2),
    "n_parity": dict(shortest=2, longest=2),
    "paired_associates": dict(pairs=1, keys=8, values=8, width=16),
    "parity": dict(length=1),
    "path_integration": dict(length=1, axes=2),
    "pavlovian": dict(first=0, delay=1, lasting=1),
    "pattern_completion": dict(cues=1, wrong=0, hidden=0),
    "prototype_stream": dict(length=1, channels=1),
    "random_walks": dict(time=1, cells=1, ahead=0),
    "reaching_network": dict(length=2, conditions=2, cue=1, neurons=4),
    "repeat_copy": dict(width=1, history=1, horizon=1),
    "repetition": dict(length=1, symbols=2),
    "reverse_string": dict(length=1, symbols=2),
    "rotating_images": dict(images=1, time=1, turn=1, ahead=0),
    "selective_copying": dict(count=1),
    "sine_generation": dict(length=2, frequencies=1, channels=1),
    "solve_equation": dict(length=1, modulus=2),
    "spatial_integration": dict(most_moved=1),
    "spatial_memory_updating": dict(updates=0),
    "spatial_task_switching": dict(frames=1),
    "spike_adding": dict(gap=0, duration=1, channels=1, digits=2),
    "stack_manipulation": dict(length=2),
    "stretchy_birds": dict(watched=2, imagined=1),
    "temporal_flipflop": dict(length=1, period=2),
    "timed_automaton": dict(length=1),
    "timed_compose_copy": dict(size=1, horizon=1),
    "tomita": dict(language=1, length=2),
    "transitive_inference": dict(length=2, labels=2),
    "translation": dict(clauses=2, nouns=1, verbs=2),
    "vector_logic": dict(width=1, repeats=0),
    "visual_item_recognition": dict(differ=2),
    "xor_copy": dict(width=1, history=2, horizon=1),
}
CASES = [(name, argument) for name, sizes in LEAST.items() for argument in sizes]


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_the_least_size_is_taken_and_one_less_refused(name: str, argument: str) -> None:
    make, least = find.named(name, ("tasks",)).load(), LEAST[name][argument]
    make(**{argument: least})
    with pytest.raises(BadInput) as caught:
        make(**{argument: least - 1})
    assert "\n" not in str(caught.value)


# arguments; of one sequence the shape of x; inputs, outputs, and chance where it is one fraction
OTHERWISE: dict[str, tuple[dict[str, Any], tuple[int, ...], int, int, float | None]] = {
    "associative_recall": (dict(pairs=2, length=9, keys=5, values=7), (9,), 1 + 5 + 7, 1 + 7, 1 / 7),
    "binary_logic": (dict(bits=3), (2 * 3 + 2 + 3 * 3 + 1, 6), 6, 1, 1 / 2),
    "bucket_sort": (dict(length=1, symbols=4), (2,), 4 + 1, 4 + 1, 1 / 4),
    "change_detection": (dict(sets=(3, 5), retentions=(2,)), (1 + 2 + 1, 4 * 5 + 1), 21, 3, 1 / 2),
    "compose_copy": (dict(size=4, horizon=5), (4 + 5, 4), 4, 4, 1 / 2),
    "copying": (dict(delay=3), (10 + 3 + 10, 10), 10, 10, 1 / 8),
    "cyclic_navigation": (dict(length=1, places=6), (1,), 3, 6, 1 / 3),
    "delay_memory": (dict(length=20, delays=(3, 9)), (20, 1), 1, 2, 0),
    "delayed_answer": (
        dict(classes=3, channels=4, cue=5, silence=6, call=2),
        (5 + 6 + 2, 4 + 1),
        5,
        3,
        1 / 3,
    ),
    "delayed_discrimination": (dict(channels=3, shortest=1, longest=4), (1 + 4 + 5, 3), 3, 3, 1 / 2),
    "dyck": (dict(length=6, kinds=3), (6,), 2 * 3, 1 + 3, None),
    "even_pairs": (dict(length=4), (4,), 2, 2, 5 / 8),
    "grid_world": (dict(side=3, length=7), (7,), 9, 1, None),
    "high_order_sequences": (dict(length=30, noise=7), (30,), 10 + 7, 1 + 10, None),
    "induction_heads": (dict(length=6, vocabulary=9), (6,), 9, 8, 1 / 8),
    "laps": (dict(places=3, laps=5, rounds=2, labels=7), (2 * 5 * 3, 2 + 7), 9, 3, 4 / 5),
    "labelled_strokes": (dict(classes=4, time=7, first=3), (7, 2), 2, 4, 1 / 4),
    "latency_classes": (dict(classes=4, channels=7, time=9), (9, 7), 7, 4, 1 / 4),
    "line_drawing": (dict(length=3, lines=4), (3, 1), 1, 2, None),
    "loop_closure": (dict(loops=(4,), labels=7), (4, 1 + 7 + 4), 12, 1 + 7, 1 / 7),
    "majority": (dict(length=6, symbols=9), (6,), 9, 9, 1 / 9),
    "majority_count": (dict(length=6, symbols=9), (6,), 9, 1 + 6, None),
    "modular_arithmetic": (dict(length=1, modulus=3), (1,), 3 + 3, 3, 1 / 3),
    "moving_bump": (dict(side=4, time=6), (6, 16), 16, 16, 0),
    "n_bit_flipflop": (dict(bits=2, length=7), (7, 2), 2, 2, 0),
    "paired_associates": (dict(pairs=3, keys=4, values=5, width=9), (3 + 1, 9), 9, 5, 1 / 5),
    "path_integration": (dict(length=7, axes=3), (7, 2 * 3 + 1), 7, 3, 0),
    "pavlovian": (dict(time=9, first=1, last=2, delay=4, felt=True), (9, 2), 2, 1, None),
    "pattern_completion": (dict(size=9, cues=2, patterns=3, wrong=1, hidden=2), (3 + 2, 9 + 1), 10, 9, 1 / 2),
    "prototype_stream": (dict(length=6, channels=3, shares=(0.25, 0.75)), (6, 3 + 2), 5, 2, 1 / 2),
    "random_walks": (dict(time=6, cells=9), (6, 9), 9, 9, 0),
    "reaching_network": (dict(length=60, conditions=3, cue=5, neurons=6), (60, 3), 3, 2, None),
    "repeat_copy": (dict(width=3, history=2, horizon=5), (2 + 5, 3), 3, 3, 1 / 2),
    "repetition": (dict(length=3, symbols=4), (3 + 3,), 4 + 1, 1 + 4, 1 / 4),
    "reverse_string": (dict(length=3, symbols=4), (3 + 3,), 4 + 1, 1 + 4, 1 / 4),
    "selective_copying": (dict(length=12, count=3, vocabulary=9), (12 + 3,), 9, 1 + 7, 1 / 7),
    "sine_generation": (dict(length=9, frequencies=2, channels=3), (9, 3), 3, 3, None),
    "solve_equation": (dict(length=6, modulus=3), (6 + 2,), 3 + 7, 3, 1 / 3),
    "spatial_coordination": (dict(lists=(4,), offsets=(2,), side=8), (4 + 1, 8 * 8 + 1), 65, 3, 1 / 2),
    "spatial_free_recall": (dict(lists=(2, 4), side=4), (4 + 1, 4 * 4 + 1), 17, 16, 3 / 16),
    "spatial_integration": (dict(sizes=(2, 3), pattern=6, side=4), (6 // 2 + 1, 24 + 1), 25, 3, 1 / 2),
    "spatial_memory_updating": (dict(sets=(2, 3), updates=0), (1 + 3, 18 * 3), 54, 10, 1 / 9),
    "spike_adding": (dict(gap=2, duration=3, channels=6, digits=4), (3 + 2 + 3, 6), 6, 4 + 4 - 1, 1 / 4),
    "timed_compose_copy": (dict(size=4, horizon=5), (4 + 5, 4), 4, 4, 1 / 2),
    "transitive_inference": (dict(items=5, length=9, labels=7), (9, 1 + 7 + 2 * (5 - 2)), 14, 1 + 7, None),
    "vector_logic": (dict(width=4, repeats=2), (3 + 4 * (1 + 2), 4 + 1), 5, 5, 1 / 2),
    "visual_item_recognition": (dict(lists=(2,), retentions=(3,), side=4), (2 + 3 + 1, 48), 48, 3, 1 / 2),
    "visual_serial_recall": (dict(lists=(2, 3), symbols=9), (3 + 3, 9 + 1), 10, 1 + 9, 1 / 9),
    "visual_serial_recognition": (dict(lists=(3,), side=4, differ=(2,)), (3 + 3, 48), 48, 3, 1 / 2),
    "xor_copy": (dict(width=3, history=2, horizon=5), (2 + 5, 3), 3, 3, 1 / 2),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_other_sizes_have_their_own_facts(name: str) -> None:
    arguments, shape, inputs, outputs, chance = OTHERWISE[name]
    task = find.named(name, ("tasks",)).load()(**arguments)
    assert task.draw(2, torch.Generator().manual_seed(0)).x.shape == (2, *shape)
    assert (task.inputs, task.outputs) == (inputs, outputs)
    assert chance is None or task.chance == pytest.approx(chance, rel=1e-12)


# the largest sizes that fit beside others, and by how much more they no longer do
MOST: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("visual_item_recognition", dict(side=3, differ=8), dict(side=3, differ=10)),
    ("visual_item_recognition", dict(side=4, differ=16), dict(side=4, differ=18)),
    ("spatial_coordination", dict(lists=(2,), offsets=(2,), side=2), dict(lists=(4,), offsets=(2,), side=2)),
    ("spatial_free_recall", dict(lists=(3,), side=2), dict(lists=(4,), side=2)),
    (
        "spatial_integration",
        dict(sizes=(6,), pattern=6, most_moved=6),
        dict(sizes=(6,), pattern=6, most_moved=7),
    ),
    ("spatial_integration", dict(pattern=36), dict(pattern=48)),
    ("high_order_sequences", dict(length=9, endings=4), dict(endings=5)),
    ("induction_heads", dict(length=3, vocabulary=3), dict(length=2)),
    ("associative_recall", dict(pairs=2, length=6), dict(pairs=2, length=5)),
    ("associative_recall", dict(pairs=2, length=6, keys=2), dict(pairs=3, length=9, keys=2)),
    ("delay_memory", dict(length=9, delays=(8, 0)), dict(length=9, delays=(9,))),
    ("selective_copying", dict(length=3, count=3), dict(length=3, count=4)),
    ("pattern_completion", dict(patterns=3, cues=3), dict(patterns=3, cues=4)),
    ("labelled_strokes", dict(warp=0.318), dict(warp=0.319)),
    ("pavlovian", dict(delay=44), dict(delay=45)),
    ("pavlovian", dict(probability=1.0), dict(probability=1.001)),
    ("temporal_flipflop", dict(none=0.999), dict(none=1.0)),
    ("n_bit_flipflop", dict(pulse=1.0), dict(pulse=1.001)),
    ("translation", dict(embed=1.0), dict(embed=1.001)),
]


@pytest.mark.parametrize(("name", "fits", "larger"), MOST)
def test_the_most_that_fits_is_drawn_and_more_is_refused(
    name: str, fits: dict[str, Any], larger: dict[str, Any]
) -> None:
    make = find.named(name, ("tasks",)).load()
    make(**fits).draw(2, torch.Generator().manual_seed(0))
    with pytest.raises(BadInput) as caught:
        make(**larger)
    assert "\n" not in str(caught.value)
