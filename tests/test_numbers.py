"""numbers: how the article's page writes what it has found."""

from huskies.article import numbers


def test_a_span_of_equal_numbers_is_one_number():
    assert numbers.span([42, 42]) == "42"
    assert numbers.span([47, 34, 40]) == "34 to 47"
