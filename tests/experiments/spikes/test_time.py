"""Times of the processor."""

from wavetrain.experiments.spikes._time import taken


def test_times_are_of_the_processor_and_the_least():
    calls: list[int] = []
    assert 0 <= taken(lambda: calls.append(sum(range(1000))), 3) < 1
    assert len(calls) == 3
