"""The real Snakemake and DVC in temporary clones: what a user types, and what comes of it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import BELOW_AUGMENT, CONTRACT, clone_project, edit_unseen, stages_run
from huskies.images import manifest
from huskies.planning import stage_list


def comments_of(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip().startswith("#")]


def test_one_command_makes_everything_up_to_metrics(first_build):
    clone, done = first_build
    assert done.returncode == 0, done.stderr
    assert stages_run(done.stderr) == list(stage_list.tracked(clone.folder))
    metrics = json.loads((clone.folder / "data/metrics/metrics.json").read_text())
    for name in ("baseline", "augmented"):
        assert metrics[name].keys() >= CONTRACT
        assert metrics[name]["val_accuracy_low"] <= metrics[name]["val_accuracy"] <= metrics[name]["val_accuracy_high"]
    assert metrics["gain"].keys() >= {"val_accuracy", "low", "high"}
    assert metrics["leaks"] == 0
    assert metrics["augmented"]["images"] == 3 * metrics["baseline"]["images"]
    assert (clone.folder / "data/metrics/table.txt").read_text() in done.stderr
    asked = json.loads((clone.folder / "data/cross_validation/cross_validation.json").read_text())
    assert metrics["sentence"] == asked["sentence"]
    for name in ("baseline", "augmented"):
        assert asked[name]["low"] <= asked[name]["accuracy"] <= asked[name]["high"]


@pytest.mark.long
def test_test_images_are_looked_at_only_when_asked_for_by_name(first_build, built):
    assert "test" not in stages_run(first_build[1].stderr)
    assert not (built.folder / "data/test").exists()
    done = built.run("snakemake", "--cores", "2", "test")
    assert done.returncode == 0, done.stderr
    assert stages_run(done.stderr) == ["test"]
    assert len((built.folder / "ledger.csv").read_text().splitlines()) == 2
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    test = json.loads((built.folder / "data/test/test.json").read_text())
    assert test["ledger"] == {"looks": 1, "models": 1}
    assert test["baseline"]["test_images"] == test["augmented"]["test_images"] > 0


def test_a_second_run_does_nothing(built):
    done = built.run("snakemake", "--cores", "2", "report")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stderr + done.stdout
    assert stages_run(done.stderr) == []


@pytest.mark.long
def test_a_correction_reaches_everything_below_the_raw_images(built):
    (built.folder / "corrections.csv").write_text("file,label\n0/0000.png,6\n")
    done = built.run("snakemake", "--cores", "2", "split")
    assert done.returncode == 0, done.stderr
    assert stages_run(done.stderr) == ["convert", "group", "split"]
    rows = manifest.read(built.folder / "data/split/manifest.csv")
    assert rows.loc[rows["source"] == "0/0000.png", "label"].tolist() == ["6"]
    (built.folder / "corrections.csv").write_text("file,label\n0/none.png,6\n")
    refused = built.run("snakemake", "--cores", "2", "split")
    assert refused.returncode != 0
    assert "ERROR: corrections.csv, line 2: there is no image 0/none.png." in refused.stderr


def test_snakemake_leaves_dvc_with_nothing_to_say(built):
    done = built.run("dvc", "status")
    assert done.stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_an_experiment_runs_only_what_lies_below_the_changed_parameter(built):
    comments = comments_of(built.folder / "params.yaml")
    assert not list((built.folder.parent / "cache").rglob("bottlenecks*"))
    done = built.run("dvc", "exp", "run", "-S", "aug.factor=3")
    assert done.returncode == 0, done.stderr
    assert comments_of(built.folder / "params.yaml") == comments
    assert re.findall(r"^Running stage '(\w+)'", done.stdout, re.MULTILINE) == BELOW_AUGMENT
    metrics = json.loads((built.folder / "data/metrics/metrics.json").read_text())
    images = metrics["baseline"]["images"]
    assert metrics["augmented"]["images"] == 4 * images
    # Taken over from what DVC recorded: there is no store.
    assert f"bottlenecks_augmented: computed {images}, reused {2 * images} bottlenecks of 512 features" in done.stderr
    assert "nothing taken over" not in done.stdout + done.stderr
    assert not [path.name for path in (built.folder / "data").glob(".bottlenecks*")]
    shown = json.loads(built.run("dvc", "exp", "show", "--json").stdout)
    text = json.dumps(shown)
    assert '"name": "run-' in text
    assert '"factor": 2' in text
    assert '"factor": 3' in text
    after = built.run("snakemake", "--cores", "2", "report")
    assert stages_run(after.stderr) == []


@pytest.mark.long
def test_an_experiment_with_a_bad_value_says_what_is_wrong_and_how_to_go_back(built):
    done = built.run("dvc", "exp", "run", "-S", "aug.factor=-1")
    assert done.returncode != 0
    assert "ERROR: params.yaml: aug.factor is -1, but must be at least 0." in done.stderr
    assert "git checkout params.yaml && dvc checkout" in done.stderr
    before = built.bytes_of("metrics") if (built.folder / "data/metrics").exists() else None
    assert built.run("git", "checkout", "params.yaml").returncode == 0
    assert built.run("dvc", "checkout").returncode == 0
    assert before is None or built.bytes_of("metrics") == before
    assert stages_run(built.run("snakemake", "--cores", "2", "report").stderr) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "aug={factr: 3}"], "unknown key 'aug.factr'. Did you mean 'factor'?"),
        (["--config", "aug={factor: many}"], 'aug.factor is "many", but must be of type integer.'),
        (["--config", "backbone={name: MobileNetV9}"], "there is no architecture 'MobileNetV9'."),
        (["--config", "augment={factor: 3}"], "unknown key 'augment'. Did you mean 'aug'?"),
        (["--config", "aug={policy: [{transform: Rotat}]}"], "there is no transform 'Rotat'. Did you mean 'Rotate'?"),
        (["--config", "backbone={weights: none.h5}"], "there is no file backbones/none.h5."),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(built, arguments, message):
    before = built.bytes_of(*stage_list.tracked(built.folder))
    done = built.run("snakemake", "--cores", "2", "report", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("ERROR: ") == 1
    assert "Traceback" not in done.stderr
    assert built.bytes_of(*stage_list.tracked(built.folder)) == before


def test_overridden_parameters_are_used_and_not_recorded(built):
    recorded = (built.folder / "dvc.lock").read_text()
    done = built.run("snakemake", "--cores", "2", "augment", "--config", "aug={factor: 1}")
    assert done.returncode == 0, done.stderr
    assert "factor 1" in done.stderr
    assert (built.folder / "dvc.lock").read_text() == recorded


def test_absent_images_fail_in_convert_and_leave_earlier_results(built):
    before = built.bytes_of(*stage_list.tracked(built.folder))
    (built.folder / "data/digits").rename(built.folder / "data/elsewhere")
    done = built.run("snakemake", "--cores", "2", "report")
    assert done.returncode != 0
    assert "ERROR: there is no data/digits. Put your images there, or set 'raw' in params.yaml" in done.stderr
    assert "logs/convert.log" in done.stderr
    assert built.bytes_of(*stage_list.tracked(built.folder)) == before


@pytest.mark.long
def test_a_run_of_some_stages_records_those_alone(built):
    recorded = (built.folder / "dvc.lock").read_text()
    built.set(aug__factor=1)
    done = built.run("snakemake", "--cores", "2", "augment")
    assert "recorded in dvc.lock: convert, group, split, augment, bottlenecks_original, bottlenecks_test" in done.stderr
    assert "experiment" not in done.stderr
    status = built.run("dvc", "status", "augment", "train_augmented").stdout
    assert "train_augmented:" in status
    assert not re.search(r"^augment:", status, re.MULTILINE)
    assert (built.folder / "dvc.lock").read_text() != recorded


@pytest.mark.long
def test_an_image_overwritten_by_hand_is_neither_recorded_nor_used(built):
    image = next((built.folder / "data/augment").glob("*/*.jpg"))
    image.write_bytes(b"not what the receipt says")
    recorded = (built.folder / "dvc.lock").read_text()
    done = built.run("python", "-m", "huskies", "record")
    told, _, left_out = done.stderr.partition("; left out: ")
    assert "augment" not in told
    assert "split" in told
    assert left_out.startswith(f"augment (data/augment is not as its receipt says: {image.parent.name}/{image.name}. ")
    shutil.rmtree(built.folder / "data/bottlenecks_augmented")
    command = ["snakemake", "--cores", "2", "bottlenecks_augmented"]
    done = built.run(*command)
    assert done.returncode != 0
    assert "ERROR: data/augment is not as its receipt says: " in done.stderr
    assert "Delete the folder and run the same command again." in done.stderr
    assert (built.folder / "dvc.lock").read_text() == recorded
    shutil.rmtree(built.folder / "data/augment")
    assert built.run(*command).returncode == 0
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_a_comment_in_the_code_costs_no_stage_and_is_recorded(built):
    path = built.folder / "workflow/huskies/steps/leaks.py"
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert "leaks" in built.run("dvc", "status").stdout
    done = built.run("snakemake", "--cores", "2", "report")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stderr + done.stdout
    assert stages_run(done.stderr) == []
    assert "recorded in dvc.lock: convert, " in done.stderr
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    again = built.run("snakemake", "--cores", "2", "report")
    assert "dvc.lock" not in again.stderr


@pytest.mark.long
def test_what_a_killed_run_left_unrecorded_is_recorded_by_the_next(built):
    (built.folder / "dvc.lock").unlink()
    (built.folder / ".snakemake/recorded").unlink()
    for command in (["--dry-run", "metrics"], ["metrics", "--config", "aug={factor: 2}"]):
        assert built.run("snakemake", "--cores", "2", *command).returncode == 0
        assert not (built.folder / "dvc.lock").exists()
    done = built.run("snakemake", "--cores", "2", "report")
    assert stages_run(done.stderr) == []
    recorded = r"^recorded in dvc\.lock: convert, .*, metrics, report; saved as experiment run-\w{8}$"
    assert re.search(recorded, done.stderr, re.MULTILINE)
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_metrics_say_what_they_came_from(built):
    metrics = json.loads((built.folder / "data/metrics/metrics.json").read_text())
    [planned] = (built.folder / "data/metrics").glob("receipt-*.json")
    assert metrics["provenance"] == json.loads(planned.read_text())["plan"]["provenance"]
    assert metrics["provenance"].keys() == {"raw", "code", "split", "policy", "backbone"}
    assert (built.folder / f"data/split/receipt-{metrics['provenance']['split']}.json").is_file()


@pytest.mark.long
def test_an_edit_with_size_and_mtime_restored_is_recorded_as_what_it_is(built):
    images = sorted((built.folder / "data/digits/3").glob("*.png"), key=lambda path: path.stat().st_size)
    # So that its content is known, as after any run that is not the first.
    assert stages_run(built.run("snakemake", "--cores", "2", "report").stderr) == []
    before = built.run("dvc", "status").stdout.strip()
    assert before == "Data and pipelines are up to date."
    recorded = (built.folder / "dvc.lock").read_text()
    edit_unseen(images[-1], images[0])
    done = built.run("snakemake", "--cores", "2", "convert")
    assert stages_run(done.stderr) == ["convert"]
    assert "recorded in dvc.lock: convert" in done.stderr

    def raw_of(lock: str) -> str:
        return re.search(r"- path: data/digits\n +hash: md5\n +md5: (\w+)", lock)[1]

    assert raw_of((built.folder / "dvc.lock").read_text()) != raw_of(recorded)
    # And not: the old images give the new results.
    assert re.search(r"^convert:", built.run("dvc", "status").stdout, re.MULTILINE) is None


@pytest.mark.long
def test_a_stale_output_that_dvc_does_not_see_is_refused_with_the_reason_and_the_next_command_renews_it(built):
    images = sorted((built.folder / "data/digits/3").glob("*.png"), key=lambda path: path.stat().st_size)
    # So that both know the images, as after any run that is not the first.
    for command in (["snakemake", "--cores", "2", "report"], ["dvc", "status"]):
        assert built.run(*command).returncode == 0
    edit_unseen(images[-1], images[0])
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    done = built.run("dvc", "repro", "--force", "--single-item", "augment")
    assert done.returncode != 0
    assert (
        "ERROR: data/convert is stale, which DVC did not see: the raw images changed. "
        "Fix and record it, then run the same dvc command again: snakemake --cores all metrics"
    ) in done.stderr
    again = built.run("dvc", "repro", "augment")
    assert again.returncode == 0, again.stderr
    assert "Running stage 'convert'" in again.stdout
    status = built.run("dvc", "status", "augment").stdout
    assert status.strip() == "Data and pipelines are up to date."


@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_one_broken_image_of_each_kind_stops_nothing(clone):
    folder = clone.folder / "data/digits/0"
    good = sorted(folder.glob("*.png"))[0].read_bytes()
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes(good[: len(good) // 2])
    (folder / "text.jpg").write_text("not a picture")
    done = clone.run("snakemake", "--cores", "2", "split")
    assert done.returncode == 0, done.stderr
    rejected = (clone.folder / "data/convert/rejected.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in rejected[1:]] == ["0/empty.png", "0/text.jpg", "0/truncated.png"]


@pytest.mark.long
def test_bytes_are_the_same_on_one_core_and_in_another_workspace(first_build, tmp_path):
    other = clone_project(tmp_path / "a place with blanks and ümlauts")
    done = other.run("snakemake", "--cores", "1", "report")
    assert done.returncode == 0, done.stderr
    stages = list(stage_list.tracked(other.folder))
    mine, theirs = other.bytes_of(*stages), first_build[0].bytes_of(*stages)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []


@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_an_experiment_in_a_fresh_clone_gives_what_snakemake_gives(first_build, clone):
    done = clone.run("dvc", "exp", "run")
    assert done.returncode == 0, done.stderr
    stages = list(stage_list.tracked(clone.folder))
    assert clone.bytes_of(*stages) == first_build[0].bytes_of(*stages)
    assert clone.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_no_augmentation_is_no_special_case(built):
    built.set(aug__factor=0)
    done = built.run("snakemake", "--cores", "2", "report", "final")
    assert done.returncode == 0, done.stderr
    tables = [(built.folder / f"data/train_{name}/validation.csv").read_bytes() for name in ("baseline", "augmented")]
    assert tables[0] == tables[1]
    metrics = json.loads((built.folder / "data/metrics/metrics.json").read_text())
    assert metrics["augmented"] == metrics["baseline"]
    assert metrics["gain"]["val_accuracy"] == 0
