"""The predicate of aussm_cyclic_groups knows all three answers."""

from wavetrain.experiments.state_spaces.aussm_cyclic_groups import claim

COUNTS = {"aussm_c3": 0.99, "aussm_c6": 0.95, "mamba_c3": 0.34, "mamba_c6": 0.18}
TRAINED = {"aussm_c3_trained": 1.0, "aussm_c6_trained": 1.0, "mamba_c3_trained": 0.5, "mamba_c6_trained": 0.5}


def test_predicate():
    whole = COUNTS | TRAINED
    assert claim.holds(whole) is True
    assert claim.holds(whole | {"aussm_c6": 0.89}) is False
    assert claim.holds(whole | {"mamba_c3": 0.5}) is False


def test_where_nobody_learns_a_group_nothing_is_told():
    whole = COUNTS | TRAINED | {"aussm_c6_trained": 0.8, "aussm_c6": 0.2}
    assert claim.holds(whole) is None
    assert claim.holds(whole | {"mamba_c6_trained": 0.95}) is False
