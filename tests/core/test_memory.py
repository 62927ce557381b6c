"""What every memory refuses: patterns of another shape, batch or type, and what is no number."""

import math

import pytest
import torch
from torch import Tensor

from wavetrain.core import Memory
from wavetrain.core.memory import check_numbers, check_pairs, check_patterns
from wavetrain.errors import BadInput


class Written(Memory):
    """Keeps count of each sequence's writes, then the last value: the parts of its state differ in length.

    The count comes first and is whole numbers: the type is that of the first part that is not.
    """

    def empty(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.zeros(batch, dtype=torch.int64),
            self.place.new_zeros(batch, self.values),
            torch.zeros(0, dtype=torch.float16),
        )

    def store(self, state, key: Tensor, value: Tensor):
        return state[0] + value.shape[1], value[:, -1], state[2]

    def fetch(self, state, cue: Tensor) -> Tensor:
        return state[1][:, None].expand(-1, cue.shape[1], -1) * state[0][:, None, None]


MEMORY = Written(3, values=2)
STATE = MEMORY.empty(4)
KEY, VALUE = torch.zeros(4, 5, 3), torch.zeros(4, 5, 2)


def test_values_are_as_large_as_keys_unless_told() -> None:
    assert (Written(3).size, Written(3).values) == (3, 3) and (MEMORY.size, MEMORY.values) == (3, 2)
    for sizes in ({"size": 0}, {"size": 3, "values": 0}):
        with pytest.raises(BadInput, match="Written"):
            Written(**sizes)
    assert Written(1, values=1).values == 1


def test_a_sequence_is_written_before_it_is_read_step_by_step() -> None:
    """After t writes the last value counts t times; the second half goes on where the first ended."""
    value = torch.arange(40.0).reshape(4, 5, 2)
    read, state = MEMORY.along(STATE, KEY, value, KEY)
    torch.testing.assert_close(read, value * torch.arange(1, 6.0)[:, None])
    assert state[0].tolist() == [5] * 4
    torch.testing.assert_close(MEMORY.read(state, KEY[:, :1]), 5 * value[:, -1:])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": KEY[0]}, "Written: expected key (batch, many, 3), got (5, 3)"),
        ({"key": VALUE}, "Written: expected key (batch, many, 3), got (4, 5, 2)"),
        ({"cue": VALUE}, "Written: expected cue (batch, many, 3), got (4, 5, 2)"),
        ({"pattern": VALUE}, "Written: expected pattern (batch, many, 3), got (4, 5, 2)"),
        ({"value": KEY}, "Written: expected value (batch, many, 2), got (4, 5, 3)"),
        (
            {"value": VALUE[:1]},
            "Written: expected value (4, many, 2) for a state of 4 sequences, got (1, 5, 2)",
        ),
        ({"cue": KEY.double()}, "expected cue of torch.float32, as the memory is, got torch.float64"),
        (
            {"key": KEY, "value": VALUE.int()},
            "expected value of torch.float32, as the memory is, got torch.int32",
        ),
    ],
)
def test_patterns_that_do_not_fit_are_named(given: dict[str, Tensor], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_patterns(MEMORY, STATE, **given)
    assert said in str(caught.value)


def test_patterns_that_fit_pass() -> None:
    check_patterns(MEMORY, STATE, key=KEY, value=VALUE, cue=KEY[:, :0], pattern=KEY[:, :1])
    check_patterns(MEMORY, (STATE[0],), key=KEY.double())  # a state of whole numbers has no type to keep
    check_pairs(MEMORY, STATE, KEY, VALUE)


def test_keys_and_values_are_as_many() -> None:
    with pytest.raises(BadInput) as caught:
        check_pairs(MEMORY, STATE, KEY, VALUE[:, :4])
    assert str(caught.value) == (
        "Written: expected as many values as keys, got key (4, 5, 3) and value (4, 4, 2)"
    )


@pytest.mark.parametrize("what", ["key", "value", "cue"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named(what: str, wrong: float) -> None:
    pattern = torch.zeros(2, 3, 2)
    check_numbers(MEMORY, **{what: pattern})
    pattern[1, 2, 0] = wrong
    with pytest.raises(BadInput) as caught:
        check_numbers(MEMORY, **{what: pattern})
    assert str(caught.value) == f"Written: expected finite {what}, got {wrong:g} in (2, 3, 2)"
    check_numbers(MEMORY, **{what: pattern.to("meta")})  # no numbers to look at


def test_writing_and_reading_refuse_what_is_no_number_and_a_whole_sequence_lets_it_through() -> None:
    bad = torch.full_like(VALUE, math.nan)
    with pytest.raises(BadInput, match="finite value"):
        MEMORY.write(STATE, KEY, bad)
    with pytest.raises(BadInput, match="finite key"):
        MEMORY.write(STATE, KEY + math.inf, VALUE)
    with pytest.raises(BadInput, match="finite cue"):
        MEMORY.read(STATE, KEY + math.inf)
    assert MEMORY.along(STATE, KEY, bad, KEY)[0].isnan().all()
    with pytest.raises(BadInput, match="expected cue"):
        MEMORY.along(STATE, KEY, VALUE, VALUE)
    with pytest.raises(BadInput, match="as many values"):
        MEMORY.along(STATE, KEY, VALUE[:, :1], KEY)
