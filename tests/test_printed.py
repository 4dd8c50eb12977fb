"""printed: the same answers as a table, as CSV and as JSON lines; whatever a file is called, it stays on its line."""

import csv
import io
import json

import pytest
from huskies.model import printed
from huskies.model.answers import Answer

CAT = Answer("a.png", {"cat": 0.91, "dog": 0.0891, "elk": 0.0009}, True, 0.1, [("cat/1.png", "cat", 0.01)])
STRANGER = Answer("b,c.png", {"dog": 0.5, "cat": 0.5}, False, 0.9)
BROKEN = Answer("d\n.png", reason="the file is empty")


def lines(wanted: str, *given: Answer) -> str:
    head, line = printed.printer(wanted, ["cat", "dog"])
    return head + "".join(map(line, given))


def test_a_table_says_none_of_these_and_why_what_is_not_read():
    assert lines("table", CAT, STRANGER, BROKEN).splitlines() == [
        "label          probability  file",
        "cat                  91.0%  a.png  (dog 8.9%)",
        "                            like cat/1.png, at 0.0100",
        "none of these               b,c.png  (dog 50.0%, cat 50.0%)",
        "not read                    'd\\n.png': the file is empty",
    ]


def test_json_lines_have_the_keys_that_other_programs_read():
    cat, stranger, broken = map(json.loads, lines("jsonl", CAT, STRANGER, BROKEN).splitlines())
    assert list(cat) == ["file", "label", "probability", "accepted", "labels", "nearest"]
    assert cat["nearest"] == [{"file": "cat/1.png", "label": "cat", "distance": 0.01}]
    assert stranger == {
        "file": "b,c.png",
        "label": "dog",
        "probability": 0.5,
        "accepted": False,
        "labels": {"dog": 0.5, "cat": 0.5},
    }
    assert broken == {
        "file": "d\n.png",
        "label": None,
        "probability": None,
        "accepted": False,
        "labels": {},
        "reason": "the file is empty",
    }


def test_csv_has_a_row_for_each_photo():
    cat, stranger, broken = csv.DictReader(io.StringIO(lines("csv", CAT, STRANGER, BROKEN)))
    assert cat["labels"] == "cat 0.910000; dog 0.089100; elk 0.000900"
    assert cat["nearest"] == "cat/1.png"
    assert (cat["accepted"], stranger["accepted"], broken["accepted"]) == ("true", "false", "")
    assert stranger["file"] == "b,c.png"
    assert (broken["file"], broken["label"], broken["probability"]) == ("d\n.png", "", "")
    assert broken["reason"] == "the file is empty"


@pytest.mark.parametrize("wanted", printed.FORMATS)
def test_an_answer_without_more_is_printed_in_every_format(wanted):
    assert lines(wanted, Answer("x", {"cat": 1.0}, True)).count("\n") == (1 if wanted == "jsonl" else 2)
