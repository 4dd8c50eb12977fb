"""setting_table: experiments.csv is read as spreadsheets write it, and what is wrong is named with its line."""

import os
from pathlib import Path

import pytest
from huskies.errors import HuskyError
from huskies.experiments import setting_table
from huskies.experiments.setting_table import PATH, Setting

HOW = (
    "Write names of parameters in its first line, and a setting in each further one, as in\n"
    "aug.factor,train.l2\n2,\n10,0.01"
)
TWO = [
    Setting(2, "aug.factor=2", {"aug.factor": "2"}),
    Setting(3, "strong", {"aug.factor": "10", "train.l2": "0.01"}),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"name,aug.factor,train.l2\n,2,\nstrong,10,0.01\n",
        b"\xef\xbb\xbfname;aug.factor;train.l2;;\r\n;2;;;\r\nstrong;10;0.01;;\r\n;;;;\r\n",
        "name\taug.factor\ttrain.l2\n\t2\t\nstrong\t10\t 0.01 \n".encode("utf-16"),
        b'name, aug.factor ,train.l2\r,2,\r"strong",10,"0.01"',
    ],
    ids=["plain", "Excel's, with semicolons and blanks at the end", "UTF-16 and tabs", "blanks, quotes, old line ends"],
)
def test_a_table_is_read_as_it_is_written(content):
    PATH.write_bytes(content)
    assert setting_table.read() == TWO


def test_excels_line_that_tells_the_separator_counts_as_a_line():
    PATH.write_text("sep=;\nname;aug.factor\na;2\n")
    assert setting_table.read() == [Setting(3, "a", {"aug.factor": "2"})]


def test_a_row_of_empty_cells_beside_its_name_is_what_params_yaml_has_and_a_list_is_quoted():
    PATH.write_text('name,backbone.layer\nas now,\n,"[a, b]"\n')
    first, second = setting_table.read()
    assert (first.name, first.cells) == ("as now", {})
    assert (second.name, second.cells) == ("backbone.layer=[a, b]", {"backbone.layer": "[a, b]"})
    assert second.place == "experiments.csv, line 3"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, f"there is no experiments.csv. {HOW}\nMore is in docs/experiments.md"),
        ("", f"experiments.csv has no setting. {HOW}"),
        ("aug.factor\n\n", f"experiments.csv has no setting. {HOW}"),
        ("name\na\n", f"experiments.csv, line 1: no column is a parameter. {HOW}"),
        (
            "aug.factor,,train.l2\n1,2,3\n",
            "experiments.csv, line 1: column 2 has no name. Write a parameter, or delete the column.",
        ),
        (
            "aug.factor,aug.factor\n1,2\n",
            "experiments.csv, line 1: there are two columns 'aug.factor'. Delete one.",
        ),
        (
            "aug.factor,backbone.layer\n1,2\n1,[a,b]\n",
            "experiments.csv, line 3: the row has 3 values, and the header 2. Leave a cell empty for what is in "
            'params.yaml, and quote a value that has a ,, as in "[a, b]".',
        ),
        (
            "aug.factor;train.l2\n1\n",
            "experiments.csv, line 2: the row has 1 values, and the header 2. Leave a cell empty for what is in "
            'params.yaml, and quote a value that has a ;, as in "[a; b]".',
        ),
        (
            "name,aug.factor\na,1\n\na,2\n",
            "experiments.csv, line 4: the setting 'a' stands in line 2, too. Delete one, or give each a name of its "
            "own in a column 'name'.",
        ),
        (
            "aug.factor\n1\n1\n",
            "experiments.csv, line 3: the setting 'aug.factor=1' stands in line 2, too. Delete one, or give each a "
            "name of its own in a column 'name'.",
        ),
        (
            "name,aug.factor\na|b,1\n",
            "experiments.csv, line 2: 'a|b' is no name for a table. Write up to 60 letters without | in a column "
            "'name'.",
        ),
        ('aug.factor\n"1\n', "experiments.csv is no CSV: unexpected end of data. Save it as CSV (UTF-8)."),
        (b"aug.factor\n\xff\xfe\n", "experiments.csv is not UTF-8 text. Save it as UTF-8."),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, said):
    if text is not None:
        PATH.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(HuskyError) as error:
        setting_table.read()
    assert str(error.value) == said


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_a_pipe_in_place_of_the_table_is_refused(make):
    make(PATH)
    with pytest.raises(
        HuskyError, match=r"^experiments\.csv is no file that can be read: .+ Save it as CSV \(UTF-8\)\.$"
    ):
        setting_table.read()


def test_a_name_that_is_long_or_no_text_is_refused():
    for name in ("a" * 61, "a\x07b"):
        PATH.write_text(f"name,aug.factor\n{name},1\n")
        with pytest.raises(HuskyError, match=r"^experiments\.csv, line 2: '.+' is no name for a table\."):
            setting_table.read()
