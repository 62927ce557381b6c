"""The defaults of tasks: what the source prints, as arguments, and what a drawn batch then looks like.

Sizes of batches are worked out from the protocols by hand, steps and channels of input, and classes or
channels of the answer. Where a source gives no size, the default is ours, and stands under `OURS`.
"""

import inspect

import pytest
import torch

from wavetrain import find
from wavetrain.core import Generated
from wavetrain.parts.trials import TrialTask
from wavetrain.tasks.dynamics.rotating_images import RotatingImages
from wavetrain.tasks.maps.random_walks import RandomWalks
from wavetrain.tasks.working_memory.change_detection import Change
from wavetrain.tasks.working_memory.spatial_task_switching import SpatialTaskSwitching

TWO_TO_NINE = (2, 3, 4, 5, 6, 7, 8, 9)

PUBLISHED = {
    # Keller et al. 2023: the shortest delays and lengths of their sweeps
    "adding": {"length": 100},
    "copying": {"delay": 10},
    # Delétang et al. 2023, alphabets
    "bucket_sort": {"symbols": 5},
    "cyclic_navigation": {"places": 5},
    "modular_arithmetic": {"modulus": 5, "brackets": False},
    "reverse_string": {"symbols": 2},
    "solve_equation": {"modulus": 5},
    # Karuvally et al. 2025
    "majority": {"symbols": 63},
    "majority_count": {"symbols": 63},
    "repetition": {"symbols": 10},
    # Karuvally, Sejnowski and Siegelmann 2024; the second horizon of the curriculum
    "compose_copy": {"size": 8, "horizon": 20, "order": (), "flipped": ()},
    "repeat_copy": {"width": 8, "history": 8, "horizon": 20},
    "timed_compose_copy": {"size": 8, "horizon": 20},
    # Pemberton et al. 2021, in their code; without the noise, which is optional
    "line_drawing": {"length": 10, "lines": 6, "radius": 10.0, "every": 2, "noise": 0.0},
    # Gu and Dao 2023
    "induction_heads": {"vocabulary": 16},
    "selective_copying": {"vocabulary": 16},
    # Sikarwar and Zhang 2023
    "change_detection": {
        "sets": (2, 4, 6, 8, 10, 12),
        "retentions": (0, 6, 12, 18),
        "change": Change.CONJUNCTION,
    },
    "complex_span": {"loads": (0, 1, 3, 5)},
    "spatial_coordination": {"lists": (10, 12, 14, 16, 18), "offsets": (2, 4, 6, 8), "side": 10},
    "spatial_free_recall": {"lists": (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18), "side": 10},
    "spatial_integration": {"sizes": (1, 2, 3, 4, 6, 12), "pattern": 12, "most_moved": 4, "side": 5},
    "spatial_memory_updating": {"sets": (1, 2, 3, 4, 5, 6, 7, 8), "updates": 8},
    "spatial_task_switching": {"frames": 20, "switch": 0.2},
    "visual_item_recognition": {
        "lists": (4, 6, 8, 10),
        "retentions": (0, 2, 4, 5, 6),
        "side": 6,
        "differ": 4,
    },
    "visual_serial_recall": {"lists": TWO_TO_NINE},
    "visual_serial_recognition": {"lists": TWO_TO_NINE, "differ": (2, 4, 6, 8, 10), "side": 6},
    # Whittington et al. 2020 and what they take up
    "laps": {"laps": 4},
    "loop_closure": {"loops": (4, 6, 8, 12)},
    "transitive_inference": {"items": 6, "jump": None},
    # dynamics: Lorenz 1996, Vlachas et al. 2020; the domain of length 22
    "kuramoto_sivashinsky": {"domain": 22.0, "points": 64, "step": 0.25},
    "lorenz96": {"sites": 40, "forcing": 8.0, "step": 0.01},
    # Benigno et al. 2023, their code
    "moving_bump": {"side": 30, "period": 100, "spread": 0.2},
    # Golub and Sussillo 2018, the released demonstration; Huang et al. 2024; DelMastro et al. 2023
    "n_bit_flipflop": {"bits": 3, "length": 64, "pulse": 0.5},
    "delayed_discrimination": {"shortest": 5, "longest": 20},
    "temporal_flipflop": {"length": 60, "period": 10, "early": ((0, 0), (0, 0)), "late": ((1, 0), (1, 0))},
    # Torre et al. 2025: the chain of three states, which is passed in two steps with a chance of 0.05
    "hidden_markov": {
        "moves": ((0.776393, 0.223607, 0.0), (0.223607, 0.552786, 0.223607), (0.0, 0.223607, 0.776393)),
        "emits": ((0.99, 0.01, 0.0), (0.495, 0.01, 0.495), (0.0, 0.01, 0.99)),
    },
    # Khajehabdollahi et al. 2024: their curricula begin at 2
    "n_delayed_match": {"shortest": 2},
    "n_parity": {"shortest": 2},
    # Chen et al. 2024, steps in a square of side 2; Santoro et al. 2016, five classes in fifty samples
    "random_walks": {"step": 0.1},
    "prototype_stream": {"length": 50, "shares": (0.2,) * 5},
    # Chateau-Laurent and VanRullen 2025, digits; Karuvally et al. 2023, their code
    "addition": {"largest": 9},
    "timed_automaton": {"none": 0.1},
}

OURS = {
    "associative_recall": {"pairs": 8, "length": 48, "keys": 16, "values": 16},
    "binary_logic": {"bits": 5},
    "bucket_sort": {"length": 10},
    "cyclic_navigation": {"length": 20},
    "delayed_answer": {
        "classes": 10,
        "channels": 50,
        "cue": 20,
        "silence": 80,
        "call": 10,
        "samples": 200,
    },
    "delayed_discrimination": {"channels": 1},
    "delay_memory": {"length": 256, "delays": (64,), "band": 0.05},
    "dyck": {"length": 20, "kinds": 2},
    "even_pairs": {"length": 20},
    "family_tree": {"levels": 3, "length": 64, "labels": 20},
    "graph_walks": {"length": 64, "labels": 20, "straight": 1.0},
    "group_words": {"length": 20},
    "grid_world": {"side": 5, "length": 100, "discount": 0.95},
    "hidden_markov": {"length": 30},
    "hierarchical_cycles": {"periods": (2, 3, 2), "length": 64, "labels": 20},
    "high_order_sequences": {"length": 100, "endings": 1, "swap": None, "noise": 50},
    "induction_heads": {"length": 64},
    "kuramoto_sivashinsky": {"trajectories": 200, "samples": 97, "window": 32, "transient": 75.0},
    "latency_classes": {"classes": 10, "channels": 50, "time": 100, "samples": 200},
    "labelled_strokes": {
        "classes": 100,
        "time": 20,
        "first": 0,
        "jitter": 0.05,
        "warp": 0.1,
        "noise": 0.05,
    },
    "laps": {"places": 4, "rounds": 4, "labels": 20},
    "long_addition": {"digits": 10},
    "loop_closure": {"labels": 20},
    "lorenz96": {"trajectories": 40, "samples": 200, "window": 32, "transient": 10.0},
    "majority": {"length": 40},
    "majority_count": {"length": 40},
    "modular_arithmetic": {"length": 15},
    "moving_bump": {"time": 50},
    "n_delayed_match": {"longest": 6},
    "n_parity": {"longest": 6},
    "paired_associates": {"pairs": 8, "keys": 8, "values": 8, "width": 32},
    "parity": {"length": 20},
    "path_integration": {"length": 50, "axes": 2},
    "pavlovian": {
        "time": 60,
        "first": 5,
        "last": 15,
        "delay": 30,
        "lasting": 5,
        "probability": 1.0,
        "discount": 0.95,
        "felt": False,
    },
    "pattern_completion": {"size": 64, "patterns": 16, "cues": 4, "wrong": 6, "hidden": 16},
    "prototype_stream": {"channels": 16, "noise": 0.5},
    "random_walks": {"time": 50, "cells": 50, "ahead": 1},
    "reaching_network": {"conditions": 4, "length": 600, "cue": 50, "neurons": 40, "circuit": 0},
    "repetition": {"length": 10},
    "reverse_string": {"length": 20},
    "rotating_images": {"images": 40, "time": 18, "turn": 20, "ahead": 1},
    "selective_copying": {"length": 64, "count": 8},
    "sine_generation": {"length": 100, "frequencies": 5, "channels": 1},
    "solve_equation": {"length": 15},
    "spike_adding": {"gap": 80, "duration": 30, "channels": 64, "digits": 5},
    "stack_manipulation": {"length": 12},
    "stretchy_birds": {"watched": 8, "imagined": 8, "noise": 0.01, "far": 0.3},
    "temporal_flipflop": {"wait": None, "none": 0.0},
    "timed_automaton": {"length": 24},
    "tomita": {"language": 5, "length": 16},
    "transitive_inference": {"length": 24, "labels": 20},
    "translation": {"clauses": 4, "nouns": 4, "verbs": 8, "embed": 0.5},
    "vector_logic": {"width": 7, "repeats": 4},
    "visual_serial_recall": {"symbols": 16},
    "xor_copy": {"width": 8, "history": 2, "horizon": 20},
}

# of one sequence of the default task: shape of x, inputs, outputs
SIZES = {
    "adding": ((100, 2), 2, 1),
    "addition": ((2,), 10, 9 + 9 + 1),
    "associative_recall": ((48,), 16 + 16 + 1, 1 + 16),
    "binary_logic": ((2 * 5 + 2 + 3 * 5 + 1, 6), 6, 1),
    "bucket_sort": ((10 + 10,), 5 + 1, 1 + 5),
    "change_detection": ((1 + 18 + 1, 12 * 4 + 1), 49, 1 + 2),
    "complex_span": ((2 * (1 + 5) + 2, 305), 305, 21),
    "compose_copy": ((8 + 20, 8), 8, 8),
    "copying": ((10 + 10 + 10, 10), 10, 10),
    "cyclic_navigation": ((20,), 3, 5),
    "delayed_answer": ((20 + 80 + 10, 50 + 1), 51, 10),
    "delayed_discrimination": ((1 + 20 + 5, 1), 1, 1),
    "delay_memory": ((256, 1), 1, 1),
    "dyck": ((20,), 2 * 2, 1 + 2),
    "even_pairs": ((20,), 2, 2),
    "grid_world": ((100,), 5 * 5, 1),
    "group_words": ((20,), 6, 6),
    "hidden_markov": ((30,), 3, 3),
    "high_order_sequences": ((100,), 10 + 50, 1 + 10),
    "induction_heads": ((64,), 16, 16 - 1),
    "kuramoto_sivashinsky": ((32, 64), 64, 64),
    "labelled_strokes": ((20, 2), 2, 100),
    "latency_classes": ((100, 50), 50, 10),
    "line_drawing": ((10, 1), 1, 2),
    "long_addition": ((10 + 1,), 10 * 10, 10),
    "loop_closure": ((12, 20 + 4 + 1), 25, 1 + 20),
    "lorenz96": ((32, 40), 40, 40),
    "majority": ((40,), 63, 63),
    "majority_count": ((40,), 63, 1 + 40),
    "modular_arithmetic": ((15,), 5 + 3, 5),
    "moving_bump": ((50, 900), 900, 900),
    "paired_associates": ((8 + 1, 32), 32, 8),
    "parity": ((20,), 2, 2),
    "n_bit_flipflop": ((64, 3), 3, 3),
    "path_integration": ((50, 2 + 1 + 2), 5, 2),
    "pavlovian": ((60, 1), 1, 1),
    "pattern_completion": ((16 + 4, 64 + 1), 65, 64),
    "prototype_stream": ((50, 16 + 5), 21, 5),
    "random_walks": ((50, 50), 50, 50),
    "reaching_network": ((600, 4), 4, 2),
    "repeat_copy": ((8 + 20, 8), 8, 8),
    "repetition": ((10 + 10,), 10 + 1, 1 + 10),
    "reverse_string": ((20 + 20,), 2 + 1, 1 + 2),
    "rotating_images": ((18, 8 * 8), 64, 64),
    "selective_copying": ((64 + 8,), 16, 16 - 1),
    "sine_generation": ((100, 1), 1, 1),
    "spatial_coordination": ((18 + 1, 10 * 10 + 1), 101, 1 + 2),
    "spatial_free_recall": ((18 + 1, 10 * 10 + 1), 101, 100),
    "spatial_integration": ((12 + 1, 40 + 1), 41, 1 + 2),
    "spatial_memory_updating": ((1 + 8 + 8, 144), 144, 1 + 9),
    "spatial_task_switching": ((20, 2 + 4), 6, 1 + 3),
    "spike_adding": ((30 + 80 + 30, 64), 64, 4 + 4 + 1),
    "stack_manipulation": ((12 + 12 + 1,), 6, 4),
    "stretchy_birds": ((8 + 8, 2), 2, 3),
    "temporal_flipflop": ((60,), 2, 2),
    "timed_automaton": ((24,), 3 + 1, 3),
    "timed_compose_copy": ((8 + 20, 8), 8, 8),
    "tomita": ((16,), 2, 2),
    "transitive_inference": ((24, 20 + 2 * (6 - 2) + 1), 29, 1 + 20),
    "vector_logic": ((3 + 4 * (1 + 4), 7 + 1), 8, 8),
    "visual_item_recognition": ((10 + 6 + 1, 3 * 6 * 6), 108, 1 + 2),
    "visual_serial_recall": ((9 + 9, 16 + 1), 17, 1 + 16),
    "visual_serial_recognition": ((9 + 9, 3 * 6 * 6), 108, 1 + 2),
    "xor_copy": ((2 + 20, 8), 8, 8),
}


@pytest.mark.parametrize("found", find.members("tasks"), ids=lambda found: found.name)
def test_arguments_are_the_published_ones(found: find.Found) -> None:
    defaults = {name: one.default for name, one in inspect.signature(found.load()).parameters.items()}
    expected = PUBLISHED.get(found.name, {}) | OURS.get(found.name, {})
    assert expected and {name: defaults[name] for name in expected} == expected
    choices = {"seed", "split", "world", "group", "unique", "everywhere"}  # of a kind, not sizes
    assert set(defaults) - set(expected) <= choices


@pytest.mark.parametrize("name", SIZES)
def test_a_batch_has_the_size_of_the_protocol(name: str) -> None:
    task = find.named(name, ("tasks",)).load()()
    shape, inputs, outputs = SIZES[name]
    assert task.draw(2, torch.Generator().manual_seed(0)).x.shape == (2, *shape)
    assert (task.inputs, task.outputs) == (inputs, outputs)


def test_held_out_are_a_thousand_sequences_and_twice_as_many_trials() -> None:
    """Enough to tell conditions apart; of random walks and of films, of many steps or pixels each, fewer."""
    few, trials, found = {"random_walks": 200, "moving_bump": 20}, 0, find.members("tasks")
    for one in found:
        task = one.load()
        if isinstance(task, type) and issubclass(task, TrialTask):
            trials += 1
            assert task.held_out == 2000, one.name
        elif isinstance(task, type) and issubclass(task, Generated):
            assert task.held_out == few.get(one.name, 1000), one.name
    assert trials == 10
    drawn = SpatialTaskSwitching(frames=1)
    assert len(drawn.valid().x) == len(drawn.test().x) == len(drawn.tested().x) == 2000
    assert len(drawn.tested(3).x) == 3 and len(RandomWalks(time=2).valid().x) == 200
    assert len(RotatingImages(time=1).valid().x) == len(RotatingImages(time=1).test().x) == 300
