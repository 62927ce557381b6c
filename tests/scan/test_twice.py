"""Gradients with a graph of their own: a product of three, by hand, and what asks for none."""

import torch

from wavetrain.scan._twice import again


def number(value: float, wanted: bool = True) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=wanted)


def two(a: torch.Tensor, b: torch.Tensor | None, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """a^2 c, and 3 c."""
    assert b is None
    return a * a * c, 3 * c


def test_gradients_are_those_of_the_plain_form_and_can_be_derived_again():
    a, c, g = number(2.0), number(5.0), number(7.0)
    to_a, to_b, to_c = again(two, (a, None, c), (g, number(11.0, wanted=False)))
    assert to_a is not None and to_b is None and to_c is not None
    assert float(to_a.detach()) == 2 * 2 * 5 * 7 and float(to_c.detach()) == 2**2 * 7 + 3 * 11
    assert [float(part) for part in torch.autograd.grad(to_a, (a, c, g))] == [2 * 5 * 7, 2 * 2 * 7, 2 * 2 * 5]


def test_who_wants_no_gradient_gets_none():
    a, c = number(2.0), number(5.0, wanted=False)
    to_a, _, to_c = again(two, (a, None, c), (number(1.0), number(1.0)))
    assert to_a is not None and float(to_a.detach()) == 20 and to_c is None
    assert again(two, (number(2.0, wanted=False), None, c), (number(1.0), number(1.0))) == (None,) * 3
    assert again(two, (a, None, number(5.0)), (None, None)) == (None,) * 3


def test_an_output_without_a_gradient_counts_for_nothing():
    a, c = number(2.0), number(5.0)
    to_a, _, to_c = again(two, (a, None, c), (None, number(1.0)))
    assert to_a is None and to_c is not None and float(to_c.detach()) == 3


def test_one_output_needs_no_tuple_and_works_where_gradients_are_off():
    a = number(3.0)
    with torch.no_grad():
        (to_a,) = again(lambda a: a**3, (a,), (number(1.0),))
    assert to_a is not None and to_a.requires_grad and float(to_a.detach()) == 27


def test_of_two_inputs_made_of_one_another_each_gets_its_own():
    a = number(3.0)
    b = 2 * a
    to_a, to_b = again(lambda a, b: a * b, (a, b), (number(1.0),))
    assert to_a is not None and to_b is not None and (float(to_a.detach()), float(to_b.detach())) == (6, 3)
