"""What every layer promises, as plain functions that raise AssertionError where a promise is broken.

    ON_SEQUENCES   check(layer, x) for a layer with parameters in general position (`generic`) and any x
                   (B, T, inputs) in float64
    ON_BUILDING    check(make) for a class, or for a `functools.partial` of it: make(width, inputs=inputs)

`check_layer` runs all of them, those on sequences with a few shapes.
"""

from collections.abc import Callable, Iterator
from functools import partial

from wavetrain.testing import building, company, maps, precision, transforms
from wavetrain.testing.promise import Promise, keep
from wavetrain.testing.tools import Make, generic, normal

ON_SEQUENCES = (
    maps.check_step_is_forward,
    maps.check_begin,
    maps.check_state_carries,
    maps.check_operator,
    maps.check_causal,
    maps.check_gradients,
    maps.check_every_parameter_learns,
    maps.check_against_differences,
    company.check_batch,
    company.check_ragged,
    company.check_keeps_nothing,
    company.check_any_layout,
)
ON_BUILDING = (
    building.check_builds,
    building.check_annotations,
    building.check_seed,
    building.check_save_and_load,
    building.check_dtype,
    building.check_device,
    building.check_bad_sizes,
    building.check_bad_input,
    transforms.check_second_derivatives,
    transforms.check_per_sample_gradients,
    transforms.check_forward_mode,
    transforms.check_no_sequence,
    transforms.check_outputs_changed_in_place,
    transforms.check_export,
    transforms.check_trace,
    transforms.check_compile,
    precision.check_half_precision,
    precision.check_autocast,
    precision.check_default_type,
    precision.check_loads_into_garbage,
)
CASES = ((1, 1, 1, 1), (7, 3, 2, 11), (4, 2, 3, 8))  # width, inputs, sequences, steps


def promises(make: Make) -> Iterator[Promise]:
    """All promises of a layer that is built as make(width, inputs=inputs)."""
    for build in ON_BUILDING:
        yield Promise(build.__name__.removeprefix("check_"), partial(build, make))
    for check in ON_SEQUENCES:
        yield Promise(check.__name__.removeprefix("check_"), partial(_on_all, check, make))


def _on_all(check: Callable[..., None], make: Make) -> None:
    for seed, (width, inputs, batch, time) in enumerate(CASES):
        check(generic(make, width, inputs, seed), normal(batch, time, inputs, seed=seed))


def check_layer(make: Make) -> None:
    """Hold a layer to the contract: a class, or a `functools.partial` of it.

    >>> from wavetrain.layers import Elman
    >>> from wavetrain.testing import check_layer
    >>> check_layer(Elman)  # says nothing where all is well
    """
    keep(make, promises(make))
