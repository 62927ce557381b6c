"""The predicate of the classical capacity, on the curve of 400 units that was known before."""

from wavetrain.experiments.memories.hopfield_capacity import LOADS, claim

KNOWN = (1.0, 0.998, 0.996, 0.993, 0.990, 0.910, 0.767, 0.70, 0.582, 0.606)
WHOLE = (
    {
        f"overlap_{size}_{load:.2f}": one
        for size in ("few", "middle", "many")
        for load, one in zip(LOADS, KNOWN, strict=True)
    }
    | {f"crossing_{size}": 0.141 for size in ("few", "middle", "many")}
    | {"fall_few": 0.2, "fall_middle": 0.3, "fall_many": 0.4}
)


def test_predicate():
    assert claim.holds(WHOLE) is True
    assert claim.holds(WHOLE | {"overlap_few_0.10": 0.9, "crossing_few": 0.1}) is True
    for wrong in (
        {"overlap_middle_0.10": 0.96},
        {"overlap_many_0.15": 0.86},
        {"crossing_many": 0.151},
        {"crossing_middle": 0.124},
        {"fall_many": 0.2},
    ):
        assert claim.holds(WHOLE | wrong) is False
