"""experiments: the table of the settings, and that they run through the flow as one run and share what they can."""

import io
import shutil
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pytest
from conftest import Clone, bare_job, do
from huskies import receipt
from huskies.experiments import experiments, setting_flows, setting_table
from huskies.planning import stage_list
from setting_results import write_settings

TABLE = """\
4 images, each held out in turn (2 times), and beside them the validation images alone, with 95 % intervals.

| setting | without copies | with copies | gain | behind the best | validation images, with copies | their gain | \
experiment |
| --- | --- | --- | --- | --- | --- | --- | --- |
| good | 50.0% (40.0% to 60.0%) | 87.5% (77.5% to 97.5%) | +37.5 (+27.5 to +47.5) |  | 75.0% (65.0% to 85.0%) | \
+50.0 (+40.0 to +60.0) | run-1 |
| aug.factor=2 | 50.0% (40.0% to 60.0%) | 50.0% (40.0% to 60.0%) | +0.0 (-10.0 to +10.0) | +37.5 (-100.0 to +100.0) | \
75.0% (65.0% to 85.0%) | +50.0 (+40.0 to +60.0) | run-2 |

With copies, 'good' has the highest accuracy of 2 settings, 87.5%; the other cannot be told from it.
"""


@pytest.fixture
def _two_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    setting_table.PATH.write_text("name,aug.factor,train.l2\n,2,\ngood,,0.1\n")


@pytest.mark.usefixtures("_two_settings")
def test_the_table_has_each_setting_from_the_best_to_the_worst_and_what_cannot_be_told_apart(tmp_path):
    inputs = write_settings(tmp_path / "data", {"aug.factor=2": "1100 1100", "good": "1111 1110"})
    (tmp_path / "out").mkdir()
    said = experiments.run(bare_job("experiments", tmp_path / "out", inputs=inputs))
    text = (tmp_path / "out/table.md").read_text()
    assert said == f"\n{text.rstrip()}"
    names = {
        name: f"run-{next(inputs[f'{name}/metrics'].glob('receipt-*')).name[8:16]}" for name in ("good", "aug.factor=2")
    }
    expected = TABLE.replace("run-1", names["good"]).replace("run-2", names["aug.factor=2"])
    assert text.startswith(expected)
    assert "\nIt leads the mean by 18.8 points; by luck alone, the best of 2 leads by up to " in text
    table = pd.read_csv(tmp_path / "out/experiments.csv", keep_default_na=False)
    assert list(table.columns[:4]) == ["name", "aug.factor", "train.l2", "experiment"]
    assert table[["name", "aug.factor", "train.l2"]].values.tolist() == [["good", "", "0.1"], ["aug.factor=2", "2", ""]]
    assert table["augmented"].tolist() == [0.875, 0.5]
    assert table["level"].tolist() == [True, True]


@pytest.mark.long
def test_without_a_table_or_with_a_bad_one_nothing_is_run_and_the_status_is_2(clone: Clone):
    command = ("snakemake", "--cores", "2", "--dry-run", "experiments")
    (clone.folder / "experiments.csv").unlink(missing_ok=True)
    done = clone.run(*command)
    assert done.returncode == 2
    assert "ERROR: there is no experiments.csv. Write names of parameters in its first line, and " in done.stderr
    (clone.folder / "experiments.csv").write_text("aug.factor\n-1\n")
    done = clone.run(*command)
    assert done.returncode == 2
    assert "ERROR: experiments.csv, line 2: aug.factor is -1, but must be at least 0.\n" in done.stderr


ROWS = "name,aug.factor,train.l2\nnow,,\n,3,\nboth,3,0.1\n"
# Of three settings, of which two have the same copies, and one has other heads.
TIMES = {"convert": 1, "group": 1, "split": 1, "bottlenecks_original": 1, "bottlenecks_test": 1, "train_baseline": 2}
TIMES |= {"augment": 2, "bottlenecks_augmented": 2, "train_augmented": 3, "leaks": 3, "cross_validation": 3}
TIMES |= {"metrics": 3, "report": 3, "experiments": 1}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("converted_before")
def test_settings_are_one_run_and_each_is_what_a_run_of_its_own_makes(clone: Clone):
    (clone.folder / "experiments.csv").write_text(ROWS)
    before = (clone.folder / "params.yaml").read_bytes()
    said = do(clone, "snakemake", "--cores", "2", "experiments")
    assert {stage: said.count(f"\n{stage}: ") for stage in TIMES} == TIMES
    table = pd.read_csv(clone.folder / "data/experiments/experiments.csv").set_index("name")
    assert (clone.folder / "data/experiments/table.md").read_text() in said
    names = sorted(table["experiment"])
    # The first is the run of the present parameters, too.
    saved = [line for line in said.splitlines() if line.startswith("saved as experiments: ")]
    assert [len(line.split(", ")) for line in saved] == [2]
    assert (clone.folder / "params.yaml").read_bytes() == before
    assert do(clone, "git", "status", "--porcelain").split("\n") == ["?? dvc.lock", "?? experiments.csv", ""]
    lock, kept = (clone.folder / "dvc.lock").read_bytes(), stage_folders(clone)

    again = do(clone, "snakemake", "--cores", "2", "experiments")
    assert "Nothing to be done" in again
    assert f"all settings are experiments of DVC's already: {table.loc['now', 'experiment']}, " in again
    assert do(clone, "git", "for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").split() == names

    # DVC lists them with their parameters and numbers, and brings back what they made.
    shown = pd.read_csv(io.StringIO(clone.run("dvc", "exp", "show", "--csv").stdout))
    both = shown[shown["Experiment"] == table.loc["both", "experiment"]].squeeze()
    assert (both["aug.factor"], both["train.l2"]) == (3, 0.1)
    assert float(both["cross_validation.augmented"]) == pytest.approx(table.loc["both", "augmented"], abs=1e-5)
    do(clone, "dvc", "exp", "apply", table.loc["both", "experiment"])
    assert "Data and pipelines are up to date." in do(clone, "dvc", "status")
    applied = in_data(clone)
    assert all(folder == kept[next(filter(receipt.is_name, folder))] for folder in applied)

    # The same, run as the user's own flow.
    (clone.folder / "params.yaml").write_bytes(before)
    (clone.folder / "dvc.lock").write_bytes(lock)
    for stage in stage_list.tracked():
        shutil.rmtree(clone.folder / "data" / stage)
    do(clone, "snakemake", "--cores", "2", "--config", "aug={factor: 3}", "train={l2: 0.1}", "--", "metrics")
    assert in_data(clone, stage_list.tracked().keys() - {"report"}) == applied[:-1]


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, by path below it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stage_folders(clone: Clone) -> dict[str, dict[str, bytes]]:
    """Return what is in the folder of each of DVC's stages in data/, and of each that a setting has of its own."""
    data = [clone.folder / "data" / stage for stage in stage_list.tracked()]
    own = [path.parent for path in (clone.folder / setting_flows.ROOT).glob("*/*/receipt-*")]
    return {next(folder.glob("receipt-*")).name: content(folder) for folder in data + own}


def in_data(clone: Clone, stages: Collection[str] = ()) -> list[dict[str, bytes]]:
    """Return what is in the folders of all or some of DVC's stages in data/, in their order."""
    return [content(clone.folder / "data" / stage) for stage in stage_list.tracked() if stage in stages or not stages]
