"""encoder: the choice of the contest goes into params.yaml, whose comments stay, or it is said why not."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import PROJECT
from huskies import receipt
from huskies.errors import HuskyError
from huskies.planning import encoder, params, plan
from ruamel.yaml import YAML


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    for name in ("params.yaml", "dvc.yaml", "pairs.csv", "corrections.csv", "ledger.csv"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    for name in ("workflow", "backbones"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "data/digits/0").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(
        text.replace("  candidates: []", "  candidates:\n    - layer:\n    - {name: MobileNetV2, input_size: 224}")
    )
    return tmp_path


def contest() -> None:
    """Leave a contest of the present parameters, whose choice is the second candidate, standardised."""
    rows = [{"name": f"net {number}", "candidate": number, "scaling": "standardise"} for number in range(3)]
    folder = Path("data/encoders")
    folder.mkdir(exist_ok=True)
    planned = plan.all_plans(params.load())["encoders"]
    (folder / receipt.name(receipt.plan_hash(planned))).write_text("{}")
    (folder / "encoders.json").write_text(json.dumps({"entrants": rows, "chosen": "net 2"}))


def test_the_choice_is_written_line_by_line_and_comments_stay(workspace):
    contest()
    before = Path("params.yaml").read_text()
    lines = encoder.run(None)
    assert lines == [
        "backbone.name: MobileNetV2",
        "backbone.arguments: {}",
        "backbone.weights: imagenet",
        "backbone.input_size: 224",
        "train.scaling: standardise",
    ]
    after = Path("params.yaml").read_text()
    comments = [line for line in before.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in after.splitlines() if line.lstrip().startswith("#")] == comments
    # The arguments took two lines.
    assert len(after.splitlines()) == len(before.splitlines()) - 1
    assert YAML(typ="safe").load(after)["backbone"]["input_size"] == 224
    params.load()


def test_another_may_be_taken_by_its_place_in_the_table(workspace):
    contest()
    assert encoder.run(2) == ["backbone.layer:", "train.scaling: standardise"]
    contest()
    assert encoder.run(2) == []


def test_a_place_that_is_not_in_the_table_is_refused(workspace):
    contest()
    for number in (0, 4, -1):
        with pytest.raises(HuskyError) as error:
            encoder.run(number)
        assert str(error.value) == (f"there is no encoder {number}: data/encoders/table.txt has 1 to 3. Choose one.")


def test_without_a_contest_of_the_present_parameters_nothing_is_written(workspace):
    contest()
    text = Path("params.yaml").read_text().replace("factor: 5", "factor: 6")
    Path("params.yaml").write_text(text)
    with pytest.raises(HuskyError) as error:
        encoder.run(None)
    assert str(error.value) == (
        "data/encoders has no contest of the present parameters. Run it first: snakemake --cores all encoders"
    )
    assert Path("params.yaml").read_text() == text
