"""The least sizes of tasks: one less is refused in one line, and nothing is drawn; other arguments as usual.

No sequence without steps, no alphabet of one symbol among which to choose, no grid too small for what is
shown on it.
"""

import pytest

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
    "delayed_discrimination": dict(channels=1, shortest=0),
    "dyck": dict(length=2, kinds=1),
    "even_pairs": dict(length=1),
    "family_tree": dict(levels=1, length=2, labels=2),
    "graph_walks": dict(length=2, labels=2),
    "group_words": dict(length=1),
    "hierarchical_cycles": dict(length=2, labels=2),
    "high_order_sequences": dict(endings=1, noise=1),
    "kuramoto_sivashinsky": dict(window=1),
    "laps": dict(places=2, laps=2, rounds=2, labels=2),
    "long_addition": dict(digits=1),
    "loop_closure": dict(labels=2),
    "lorenz96": dict(window=1),
    "majority": dict(length=1, symbols=2),
    "majority_count": dict(length=2, symbols=2),
    "modular_arithmetic": dict(length=1, modulus=2),
    "n_bit_flipflop": dict(bits=1, length=1),
    "n_delayed_match": dict(shortest=2, longest=2),
    "n_parity": dict(shortest=2, longest=2),
    "parity": dict(length=1),
    "path_integration": dict(length=1, axes=2),
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
