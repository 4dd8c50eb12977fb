"""gate: it goes by the lower end of the interval, names each shortfall, and says where there is nothing to hold."""

import json
import re

import pytest
from conftest import Clone, bare_job, do
from huskies.errors import HuskyError
from huskies.steps import gate

NUMBERS = {
    "head": "augmented",
    "leaks": 0,
    "out_of_fold": {"accuracy": 0.95, "low": 0.9, "high": 0.98},
    "per_class": [
        {"label": "ash", "images": 20, "recall": 1.0, "low": 0.84, "high": 1.0},
        {"label": "elm", "images": 20, "recall": 0.9, "low": 0.7, "high": 0.97},
    ],
}


def ask(folder, accuracy: float = 0.0, per_class: float = 0.0, action: str = "fail", **changed) -> str:
    (folder / "final").mkdir()
    (folder / "final/final.json").write_text(json.dumps({**NUMBERS, **changed}))
    (folder / "gate").mkdir()
    wanted = {"accuracy": accuracy, "per_class": per_class, "action": action}
    return gate.run(bare_job("gate", folder / "gate", params={"gate": wanted}, inputs={"final": folder / "final"}))


def test_the_lower_end_passes_and_the_point_does_not_count(tmp_path):
    assert ask(tmp_path, accuracy=0.9, per_class=0.7) == "passed: 95.0% out of fold, at least 90.0%"
    found = json.loads((tmp_path / "gate/gate.json").read_text())
    assert found["holds"]
    assert found["gate"] == {"accuracy": 0.9, "per_class": 0.7, "action": "fail"}
    assert found["shortfalls"] == []


def test_each_shortfall_is_named(tmp_path):
    with pytest.raises(HuskyError) as error:
        ask(tmp_path, accuracy=0.94, per_class=0.8)
    assert str(error.value) == (
        "the augmented head does not pass the gate: the accuracy is 95.0%, and may be as low as 90.0%, 4.0 points "
        "short of gate.accuracy: 94.0%, the recall of 'elm' is 90.0%, and may be as low as 70.0%, 10.0 points short of "
        "gate.per_class: 80.0%. These are out-of-fold intervals, which more photos narrow "
        "(snakemake --cores all budget)."
    )
    assert list((tmp_path / "gate").iterdir()) == []


def test_with_a_warning_it_goes_on_and_the_shortfall_is_kept(tmp_path):
    said = ask(tmp_path, accuracy=0.94, action="warn")
    assert said.startswith("WARNING: the augmented head does not pass the gate: the accuracy is 95.0%, ")
    [kept] = json.loads((tmp_path / "gate/gate.json").read_text())["shortfalls"]
    assert kept in said


def test_without_a_value_there_is_nothing_to_hold(tmp_path):
    assert ask(tmp_path) == gate.NOTHING
    assert not json.loads((tmp_path / "gate/gate.json").read_text())["holds"]


def test_false_numbers_hold_nothing(tmp_path):
    with pytest.raises(HuskyError, match=re.escape("the gate holds nothing by false numbers. These numbers are false")):
        ask(tmp_path, accuracy=0.5, leaks=3)


@pytest.mark.long
def test_the_command_fails_with_the_shortfall_and_passes_without_a_value(built: Clone):
    built.set(final__head="baseline")
    assert gate.NOTHING in do(built, "snakemake", "--cores", "2", "gate")
    built.set(gate__accuracy=1.0)
    done = built.run("snakemake", "--cores", "2", "gate")
    assert done.returncode != 0
    assert "the baseline head does not pass the gate: the accuracy is " in done.stderr
    built.set(gate__accuracy=0.01)
    assert "gate: passed: " in do(built, "snakemake", "--cores", "2", "gate")
