"""What every layer promises, as plain functions that raise AssertionError where a promise is broken.

    ON_SEQUENCES   check(layer, x) for a layer with parameters in general position (`generic`) and any x
                   (B, T, inputs) in float64; the contract test generates the shapes
    ON_BUILDING    check(make) for a class, or for a `functools.partial` of it: make(width, inputs=inputs)

The contract test runs all of them on every layer that `find` finds. The test of one layer may run them on
its variants, and the contract test runs them on layers with planted bugs, to see that they can fail.
"""

from tests.promises import building, company, maps, precision, transforms
from tests.promises.tools import Make, close, generic, normal, seeded, stepped, whole

__all__ = ["ON_BUILDING", "ON_SEQUENCES", "Make", "close", "generic", "normal", "seeded", "stepped", "whole"]

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
