"""predict: the command, from any folder: answers on standard output, remarks and errors beside them, and its status."""

import json
import sys
from pathlib import Path

import pytest
from bottleneck_inputs import picture
from conftest import USES_KERAS, in_own_cache
from finals import edit, made
from huskies import __main__ as command
from huskies.backbone import openvino_engine
from huskies.model import folder, predict

pytestmark = USES_KERAS


@pytest.fixture(scope="module")
def final(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("predict")
    with in_own_cache(place):
        return made(place, aug={"factor": 0, "seed": 1, "policy": []})[0].output


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch, final):
    monkeypatch.chdir(tmp_path)
    # The backbone that was converted for the classifier.
    monkeypatch.setenv("XDG_CACHE_HOME", str(final.parent / "cache"))
    for number in range(3):
        Path(f"{number}.jpg").write_bytes(picture(number))
    Path("notes.txt").write_text("no picture")


def run(*arguments: object) -> int:
    return command.main(["predict", *map(str, arguments)])


def test_it_answers_outside_the_project_and_a_broken_photo_stops_nothing(final, capsys):
    assert run(final, "0.jpg", "notes.txt", "1.jpg", "--format", "jsonl", "--top", "1", "--explain") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["file"] for each in found] == ["0.jpg", "notes.txt", "1.jpg"]
    assert [len(each["labels"]) for each in found] == [1, 0, 1]
    assert len(found[0]["nearest"]) == 3
    assert found[1]["reason"] == "not a picture of a format that is read"


def test_where_no_photo_can_be_read_the_status_is_2(final, capsys):
    assert run(final, "notes.txt") == 2
    said = capsys.readouterr()
    assert "notes.txt: not a picture of a format that is read" in said.out
    assert said.err.splitlines()[-1] == "ERROR: none of the photos could be read. Each row says why."


@pytest.mark.parametrize(
    ("model", "photo", "said"),
    [
        ("nowhere", "0.jpg", "there is no folder nowhere."),
        (".", "0.jpg", ". is no classifier: it has no final.json."),
        ("FINAL", "none.jpg", "there is no none.jpg."),
    ],
)
def test_what_is_not_there_is_said_before_any_answer(final, capsys, model, photo, said):
    assert run(str(final) if model == "FINAL" else model, "0.jpg", photo) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith(f"ERROR: {said}")


def test_a_processor_without_the_precision_takes_another_and_says_so(final, monkeypatch):
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ["float32"])
    model = folder.read(final)
    model.backbone["precision"] = "bfloat16"
    found, remarks = predict.at_hand(model)
    assert (found.backbone["engine"], found.backbone["precision"]) == ("auto", "auto")
    assert "this processor has no bfloat16, so that probabilities may differ a little" in remarks


def test_other_versions_than_it_was_trained_with_are_named(final):
    model = folder.read(final)
    model.numbers["identity"]["libraries"] = {"numpy": "1.0"}
    [remark] = predict.at_hand(model)[1]
    assert remark.startswith("other versions than those it was trained with: numpy ")
    assert remark.endswith(", not 1.0; probabilities may differ a little")


@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_a_number_of_labels_is_at_least_1(final, capsys, value):
    with pytest.raises(SystemExit) as ended:
        run(final, "0.jpg", "--top", value)
    assert ended.value.code == 2
    assert f"{value} is no number from 1" in capsys.readouterr().err


def test_another_format_is_refused(final, tmp_path, capsys):
    for path in final.iterdir():
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / "other" / path.name).write_bytes(path.read_bytes())
    edit(tmp_path / "other", format=7)
    assert run("other", "0.jpg") == 2
    assert "other is of format 7, and this version reads 1." in capsys.readouterr().err


def test_the_command_is_installed_by_its_name():
    import tomllib

    from conftest import PROJECT

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"huskies": "huskies.__main__:from_shell"}
    assert sys.modules["huskies.__main__"].from_shell is command.from_shell
