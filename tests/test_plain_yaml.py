"""YAML from users: JSON's types, or a message in one line that says in which line, whatever the text, in seconds."""

import json
import math
import time

import pytest
from huskies.errors import HuskyError
from huskies.planning import plain_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

SYNTAX = [*"[]{},:-?&*!|>'\"#%@`=<~. \n\t0123456789abex_\0\x1b\ud800é", ": ", "- ", "? ", "&a ", "*a", "<<: ", "!!int "]
SYNTAX += [
    "!!set ",
    "!!binary ",
    "!!timestamp ",
    "!!omap ",
    "!!bool ",
    "!!float ",
    "!!null ",
    "!!seq ",
    "!!map ",
    "!x ",
]
SYNTAX += [
    "---\n",
    "...\n",
    "%YAML 1.1\n---\n",
    "%TAG ! !!\n---\n",
    "2024-01-02",
    "1e999",
    "-.inf",
    ".nan",
    "null",
    "yes",
]
SYNTAX += ["0x", "0o", "190:20:30", "\n  ", "\n", '"\\ud800"', '"\\0"', "raw: ", "aug: "]


def refusal(text: str) -> str:
    with pytest.raises(HuskyError) as error:
        plain_yaml.read(text, "params.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (
            "a: 1\nb: [1.5, true, null, ~, text, '2024-01-02', \"7\"]",
            {"a": 1, "b": [1.5, True, None, None, "text", "2024-01-02", "7"]},
        ),
        ("a: &x [1, 2]\nb: *x\nc: [*x, *x]", {"a": [1, 2], "b": [1, 2], "c": [[1, 2], [1, 2]]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}),
        ("a: !!str 5\nb: !!float 5\n'5': 6", {"a": "5", "b": 5.0, "5": 6}),
        ("[9223372036854775807, -9223372036854775807]", [(1 << 63) - 1, 1 - (1 << 63)]),
    ],
)
def test_what_json_has_is_read_and_aliases_and_merges_with_it(text, value):
    found = plain_yaml.read(text, "params.yaml")
    assert json.dumps(found) == json.dumps(value)


ALLOWED = "Text, numbers, true, false, null, lists and mappings may stand here; quote what is text."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2024-01-02", f', line 2: "2024-01-02" is of YAML\'s type timestamp. {ALLOWED}'),
        ("a:\n - !!set {x, y}", f', line 2: "{{…}}" is of YAML\'s type set. {ALLOWED}'),
        ("a: !!omap [x: y]", f', line 1: "[…]" is of YAML\'s type omap. {ALLOWED}'),
        ("a: !!binary aGk=", f', line 1: "aGk=" is of YAML\'s type binary. {ALLOWED}'),
        ("a: !mine x", f', line 1: "x" is of YAML\'s type !mine. {ALLOWED}'),
        ("a: !!seq x", f', line 1: "x" is of YAML\'s type seq. {ALLOWED}'),
        ("a: =", f', line 1: "=" is of YAML\'s type value. {ALLOWED}'),
        ("a: !!bool x", " is not valid YAML: 'x'"),
        ("a: 1\n5: 2", ', line 2: the key "5" is not text. Quote it, or choose another.'),
        ("a: 1\nnull: 2", ', line 2: the key "null" is not text. Quote it, or choose another.'),
        ("? [a, b]\n: 2", ', line 1: the key "[…]" is not text. Quote it, or choose another.'),
        ("a: {<<: {5: 2}}", ', line 1: the key "5" is not text. Quote it, or choose another.'),
        ("a: 123456789012345678901234567890", ": a is a whole number of more than 64 bits. Use a smaller one."),
        ("a: [{b: -9223372036854775808}]", ": a.0.b is a whole number of more than 64 bits. Use a smaller one."),
        ('a: "x\\0"', ': a is "x\\u0000", which has a character that no text may have.'),
        ('a: "\\ud800"', ': a is "\N{REPLACEMENT CHARACTER}", which has a character that no text may have.'),
        ('"\\e": 5', ': it is "\\u001b", which has a character that no text may have.'),
        ("a: " + "x" * 100_000, ": it has more than 100000 characters, aliases written out. Shorten it."),
    ],
)
def test_what_json_has_not_is_refused_with_its_place(text, message):
    assert refusal(text) == f"params.yaml{message}"


def bomb() -> str:
    return "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 31))


def merged_bomb() -> str:
    first = "a0: &a0 {x: 1}\n"
    return first + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 31))


HOSTILE = {
    "a bomb of aliases": bomb(),
    "a bomb of merged mappings": merged_bomb(),
    "a bomb of one long text": "a: &a " + "x" * 20_000 + "\nb: [" + "*a, " * 10_000 + "]",
    "a list that holds itself": "a: &a [*a]",
    "a mapping that holds itself": "a: &a {b: {c: *a}}",
    "a mapping merged with itself": "a: &a {<<: *a}",
    "a deep list": "[" * 50_000,
    "a deep list, and much in it": "[" * 30 + "a," * 40_000,
    "a list too deep, and much in it": "[" * 200 + "a," * 40_000 + "]" * 200,
    "deep dashes": "- " * 50_000,
    "deep question marks": "? " * 50_000,
    "deep mappings": "{a: " * 20_000,
    "many keys": "? a\n" * 25_000,
    "many digits": "a: " + "9" * 90_000,
    "many hexadecimal digits": "a: 0x" + "f" * 90_000,
    "many megabytes": "a" * 10_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_ends_in_a_message_in_seconds(text):
    start = time.process_time()
    assert refusal(text).startswith("params.yaml")
    assert time.process_time() - start < 10


def assert_one_line(error: HuskyError) -> None:
    assert len(str(error).splitlines()) == 1
    str(error).encode()


@settings(max_examples=300)
@given(st.lists(st.sampled_from(SYNTAX), max_size=30).map("".join) | st.text())
@example("!!int ''")
@example("- &a\n- *a\n- !!float ''")
def test_any_text_ends_in_plain_values_or_a_message(text):
    try:
        value = plain_yaml.read(text, "params.yaml")
    except HuskyError as error:
        assert_one_line(error)
    else:
        assert equal(json.loads(json.dumps(value).encode()), value)


def equal(one: object, other: object) -> bool:
    """Compare values of JSON's types, in which nan is nan."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other
