"""errors: a message names what is nearest, or all that there is, and never a list without an end."""

import pytest
from huskies.errors import nearest, some


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("Rotat", ["Rotate", "Affine"], " Did you mean 'Rotate'?"),
        ("ROTATE", ["Affine", "Rotate"], " Did you mean 'Rotate'?"),
        ("quality", ["b", "a"], " Known: a, b."),
        ("quality", [str(number) for number in range(41)], ""),
        ("quality", [], ""),
        (3, ["13"], " Did you mean '13'?"),
    ],
)
def test_the_nearest_name_is_offered_and_else_a_few_that_are_known(name, known, said):
    assert nearest(name, known) == said


def test_the_first_of_many_are_named_and_the_rest_is_counted():
    assert some("abcde") == "a, b, c, d, e"
    assert some(iter("abcdefg")) == "a, b, c, d, e and 2 more"
    assert some("abc", 1) == "a and 2 more"
