"""audit: what is not what it claims to be is named, with the command that fixes it; and that command does."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import BELOW_AUGMENT, Clone, write_identity
from huskies import cache_file, outputs, receipt
from huskies.backbone import identity, inference
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.planning import stage_list
from huskies.steps import audit

Plans = dict[str, dict[str, Any]]

ABOVE = {
    "convert": [],
    "split": ["convert"],
    "augment": ["split"],
    "bottlenecks_original": ["split"],
    "train_baseline": ["split", "bottlenecks_original"],
    "metrics": ["train_baseline", "augment"],
    "test": ["train_baseline"],
}
ROOT = Path("data")


def made_by_hand(**params: Any) -> Plans:
    """Return the plans of some stages; `augment={"factor": 3}` sets the parameters of one."""
    plans: Plans = {}
    for name, above in ABOVE.items():
        plans[name] = {
            "stage": name,
            "params": {name: params.get(name, {"seed": 1}), "backbone": {"name": "a hand-made one"}},
            "code": {},
            "libraries": {},
            "files": {},
            "inputs": {each: receipt.plan_hash(plans[each]) for each in above},
            "raw": None,
            "provenance": {"raw": "0123", "code": "4567"},
        }
    return plans


PLANS = made_by_hand()


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def images_of(name: str) -> list[dict[str, str]]:
    """Return the manifest of a stage: two images of cats, or two copies of the first."""
    first, second = {"convert": ("a.jpg", "b.jpg"), "split": ("train_a.jpg", "val_b.jpg")}.get(
        name, ("train_a_0.jpg", "train_a_1.jpg")
    )
    second_source = "raw a" if name == "augment" else "raw b"
    return [
        {"file": f"cat/{file}", "split": file.split("_")[0], "source_sha256": sha256(source), "sha256": sha256(file)}
        for file, source in ((first, "raw a"), (second, second_source))
    ]


def build(*names: str, plans: Plans = PLANS, root: Path = ROOT) -> None:
    """Make the folders of stages by hand, all of them if none is named."""
    for name in names or ABOVE:
        shutil.rmtree(root / name, ignore_errors=True)
        write(root / name / "made.txt", name)
        if name in ("convert", "split", "augment"):
            for row in images_of(name):
                write(root / name / row["file"], Path(row["file"]).name)
            manifest.write(manifest.make(images_of(name)), root / name / manifest.NAME)
        if name == "bottlenecks_original":
            rows = manifest.make(images_of("split"))
            rows.to_csv(root / name / outputs.INDEX, index=False)
            np.save(root / name / outputs.FEATURES, features_of(list(rows["sha256"])))
        if name in ("metrics", "test"):
            write(root / name / f"{name}.json", json.dumps({"leaks": 0, "provenance": plans[name]["provenance"]}))
        receipt.write(root / name, plans[name])


def features_of(digests: list[str]) -> np.ndarray:
    """Return what the hand-made backbone makes of images: three numbers that follow from the bytes."""
    return np.array(
        [[int(digest[start : start + 4], 16) / 1e3 for start in (0, 4, 8)] for digest in digests], np.float32
    )


@pytest.fixture(autouse=True)
def computed(monkeypatch) -> list[tuple[dict[str, Any], str, int]]:
    """Put a backbone made by hand in the place of TensorFlow; return the list of what it is asked."""
    asked: list[tuple[dict[str, Any], str, int]] = []

    def compute(parameters, files, cores, split):
        assert split.name == "split"
        asked.extend((parameters, str(path), cores) for path, _ in files)
        for start in range(0, len(files), inference.BATCH):
            batch = list(range(start, min(start + inference.BATCH, len(files))))
            yield batch, features_of([files[position][1] for position in batch])

    monkeypatch.setattr(inference, "compute", compute)
    return asked


def vouch(name: str, root: Path = ROOT) -> None:
    """Let the receipt of a folder vouch for the files that are in it now."""
    [path] = (root / name).glob("receipt-*.json")
    planned = json.loads(path.read_text())["plan"]
    receipt.write(root / name, planned)


def said(check: Callable, plans: Plans = PLANS, root: Path = ROOT) -> list[tuple[str, str, str]]:
    return [(each.stage, each.what, each.fix) for each in check(plans, root)]


def rebuild(*names: str, root: str = "data", more: str = "") -> str:
    folders = " ".join(f"{root}/{name}" for name in names)
    # The test images are not looked at again to fix something.
    again = [name for name in names if name != "test"]
    return f"rm -rf {folders}{more}" + (f" && snakemake --cores all {' '.join(again)}" if again else "")


CHECKS = [audit.check_receipts, audit.check_files, audit.check_manifests, audit.check_provenance]


@pytest.mark.parametrize("names", [[], ["convert"], ["split", "metrics"], list(ABOVE)], ids=len)
@pytest.mark.parametrize("check", CHECKS)
def test_what_is_as_it_was_made_is_not_complained_of_and_neither_is_what_is_not_there(check, names):
    if names:
        build(*names)
    assert check(PLANS, ROOT) == []


def test_stages_that_are_there_stand_in_the_order_of_the_flow():
    build("test", "split", "convert")
    (ROOT / "augment").mkdir()
    write(ROOT / "elsewhere/file", "")
    write(ROOT / "metrics", "a file")
    assert audit.present(PLANS, ROOT) == ["convert", "split", "test"]
    assert audit.present(PLANS, Path("nowhere")) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("convert", list(ABOVE)),
        ("augment", ["augment", "metrics"]),
        ("bottlenecks_original", ["bottlenecks_original", "train_baseline", "metrics", "test"]),
        ("metrics", ["metrics"]),
    ],
)
def test_below_a_stage_is_what_is_made_from_it(name, expected):
    assert audit.below(name, PLANS) == expected


def test_a_stale_stage_is_named_with_the_reason_and_the_job_that_renews_it():
    build(plans=made_by_hand(augment={"seed": 2}))
    assert said(audit.check_receipts) == [
        ("augment", "data/augment is stale: augment.seed was 2 and is 1", "snakemake --cores all metrics"),
        ("metrics", "data/metrics is stale: augment is another", "snakemake --cores all metrics"),
    ]


def test_a_stale_page_is_made_again():
    def planned(digest: str) -> Plans:
        return {"report": {**PLANS["metrics"], "stage": "report", "inputs": {}, "files": {"page.css": digest}}}

    build("report", plans=planned("one"))
    assert said(audit.check_receipts, planned("another")) == [
        ("report", "data/report is stale: page.css changed", "snakemake --cores all report")
    ]


def test_a_stale_test_result_is_to_go_and_not_to_be_looked_at_again():
    build(plans=made_by_hand(test={"seed": 2}))
    assert said(audit.check_receipts) == [("test", "data/test is stale: test.seed was 2 and is 1", "rm -rf data/test")]


def test_more_than_five_reasons_are_counted():
    build("convert", plans=made_by_hand(convert=dict.fromkeys("abcdefg", 1)))
    plans = made_by_hand(convert=dict.fromkeys("abcdefg", 2))
    reasons = ", ".join(f"convert.{letter} was 1 and is 2" for letter in "abcde")
    assert said(audit.check_receipts, plans) == [
        ("convert", f"data/convert is stale: {reasons} and 2 more", "snakemake --cores all metrics")
    ]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("{"),
        lambda path: path.write_text(path.read_text().replace('"seed": 1', '"seed": 2')),
        lambda path: path.rename(path.with_name("receipt-0000000000000000.json")),
        lambda path: shutil.copy(path, path.with_name("receipt-0000000000000000.json")),
    ],
    ids=["removed", "cut short", "edited", "renamed", "two of them"],
)
def test_a_folder_without_a_sound_receipt_is_to_be_built_again(harm):
    build()
    harm(next((ROOT / "augment").glob("receipt-*")))
    assert said(audit.check_receipts) == [("augment", "data/augment has no sound receipt", rebuild("augment"))]
    assert audit.check_files(PLANS, ROOT) == []


def test_a_file_that_the_receipt_does_not_vouch_for_is_named():
    build()
    (ROOT / "augment/cat/train_a_0.jpg").write_text("overwritten")
    (ROOT / "augment/cat/train_a_1.jpg").unlink()
    write(ROOT / "augment/dog/foreign.jpg", "foreign")
    (ROOT / "test/made.txt").write_text("overwritten")
    files = "cat/train_a_0.jpg, cat/train_a_1.jpg, dog/foreign.jpg"
    assert said(audit.check_files) == [
        ("augment", f"data/augment is not as its receipt says: {files}", rebuild("augment")),
        ("test", "data/test is not as its receipt says: made.txt", rebuild("test")),
    ]


def test_more_than_five_files_are_counted():
    build("metrics")
    for number in range(8):
        write(ROOT / f"metrics/{number}.txt", "foreign")
    assert said(audit.check_files) == [
        (
            "metrics",
            "data/metrics is not as its receipt says: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more",
            rebuild("metrics"),
        )
    ]


def edit_manifest(name: str, old: str, new: str) -> None:
    path = ROOT / name / manifest.NAME
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


ALL_BELOW_SPLIT = [name for name in ABOVE if name != "convert"]


@pytest.mark.parametrize(
    ("harm", "file"),
    [
        (lambda: write(ROOT / "split/cat/train_a.jpg", "other pixels"), "cat/train_a.jpg"),
        (lambda: (ROOT / "split/cat/train_a.jpg").unlink(), "cat/train_a.jpg"),
        (lambda: write(ROOT / "split/dog/more.jpg", "more"), "dog/more.jpg"),
        (lambda: edit_manifest("split", sha256("val_b.jpg"), sha256("?")), "cat/val_b.jpg"),
        (lambda: edit_manifest("split", "cat/val_b.jpg", "cat/val_c.jpg"), "cat/val_b.jpg, cat/val_c.jpg"),
        (lambda: edit_manifest("split", sha256("raw b"), sha256("raw c")), "cat/val_b.jpg"),
        (lambda: edit_manifest("split", "source_sha256", "source"), "cat/train_a.jpg, cat/val_b.jpg"),
        (lambda: (ROOT / "split" / manifest.NAME).write_text(""), "cat/train_a.jpg, cat/val_b.jpg"),
        (lambda: (ROOT / "split" / manifest.NAME).write_bytes(b"\xff\xfe\xfa"), "cat/train_a.jpg, cat/val_b.jpg"),
        (lambda: (ROOT / "split" / manifest.NAME).write_text('"a\n"b,"c'), "cat/train_a.jpg, cat/val_b.jpg"),
        (lambda: (ROOT / "split" / manifest.NAME).unlink(), "cat/train_a.jpg, cat/val_b.jpg"),
    ],
    ids=[
        "overwritten",
        "removed",
        "one more",
        "another digest",
        "another name",
        "another source",
        "without sources",
        "empty",
        "no text",
        "no table",
        "no manifest",
    ],
)
def test_a_manifest_that_does_not_agree_with_the_images_is_named_even_if_the_receipt_vouches_for_it(harm, file):
    build()
    harm()
    vouch("split")
    assert audit.check_files(PLANS, ROOT) == []
    first, *_ = said(audit.check_manifests)
    assert first == (
        "split",
        f"data/split/manifest.csv does not agree with the images: {file}",
        rebuild(*ALL_BELOW_SPLIT),
    )


def test_copies_of_an_image_that_the_split_does_not_have_are_named():
    build()
    edit_manifest("augment", sha256("raw a"), sha256("of another split"))
    vouch("augment")
    assert said(audit.check_manifests) == [
        (
            "augment",
            "data/augment/manifest.csv does not agree with the images: cat/train_a_0.jpg, cat/train_a_1.jpg",
            rebuild("augment", "metrics"),
        )
    ]


def test_only_stages_that_are_there_are_removed_and_built_again():
    build("split", "augment", "test")
    write(ROOT / "split/cat/train_a.jpg", "other pixels")
    vouch("split")
    assert said(audit.check_manifests) == [
        (
            "split",
            "data/split/manifest.csv does not agree with the images: cat/train_a.jpg",
            rebuild("split", "augment", "test"),
        )
    ]


def test_a_split_without_the_folder_above_it_is_checked_by_itself():
    build("split")
    edit_manifest("split", sha256("raw b"), sha256("raw c"))
    assert audit.check_manifests(PLANS, ROOT) == []


@pytest.mark.parametrize(
    ("said_by_metrics", "wrong"),
    [
        ({"raw": "other", "code": "4567"}, "raw"),
        ({"raw": "0123"}, "code"),
        ({"raw": "0123", "code": "4567", "more": "1"}, "more"),
        ({}, "code, raw"),
        ({"raw": None, "code": 4567}, "code, raw"),
    ],
)
def test_numbers_that_say_another_origin_than_their_receipt_are_named(said_by_metrics, wrong):
    build()
    write(ROOT / "metrics/metrics.json", json.dumps({"leaks": 0, "provenance": said_by_metrics}))
    assert said(audit.check_provenance) == [
        ("metrics", f"data/metrics/metrics.json says that it came from another {wrong}", rebuild("metrics"))
    ]


@pytest.mark.parametrize("content", ["", "[]", "null", '"text"', "{}", '{"provenance": 1}', '{"provenance": null}'])
def test_numbers_that_say_nothing_of_their_origin_are_named(content):
    build()
    write(ROOT / "metrics/metrics.json", content)
    [(_, what, _)] = said(audit.check_provenance)
    assert what == "data/metrics/metrics.json says that it came from another code, raw"


def test_numbers_without_a_file_are_named_and_numbers_without_a_receipt_left_to_the_other_checks():
    build()
    (ROOT / "metrics/metrics.json").unlink()
    assert len(audit.check_provenance(PLANS, ROOT)) == 1
    next((ROOT / "metrics").glob("receipt-*")).unlink()
    assert audit.check_provenance(PLANS, ROOT) == []


def bottlenecks_said(plans: Plans = PLANS, cores: int = 1) -> tuple[list[tuple[str, str, str]], int, int]:
    found, again, kept = audit.check_bottlenecks(plans, ROOT, "bottlenecks_original", cores)
    return [(each.stage, each.what, each.fix) for each in found], again, kept


def fix_of_bottlenecks(*names: str) -> str:
    # The store and dvc.lock would give the same rows again.
    return rebuild(*names, more=f" {cache_file.cache_folder()}/bottlenecks.sqlite dvc.lock")


def test_bottlenecks_that_the_backbone_gives_again_are_not_complained_of(computed):
    build()
    assert bottlenecks_said(cores=3) == ([], 2, 2)
    files = ["data/split/cat/train_a.jpg", "data/split/cat/val_b.jpg"]
    assert computed == [({"name": "a hand-made one"}, file, 3) for file in files]


@pytest.mark.parametrize(("change", "wrong"), [(1.0, True), (0.1, True), (1e-4, False)])
def test_bottlenecks_that_the_backbone_does_not_give_are_named_but_not_the_noise_of_another_processor(change, wrong):
    build()
    path = ROOT / "bottlenecks_original" / outputs.FEATURES
    features = np.load(path)
    features[1, 2] += change
    np.save(path, features)
    stages = ["bottlenecks_original", "train_baseline", "metrics", "test"]
    what = "data/bottlenecks_original has other bottlenecks than the backbone gives: cat/val_b.jpg"
    expected = [("bottlenecks_original", what, fix_of_bottlenecks(*stages))] if wrong else []
    assert bottlenecks_said() == (expected, 2, 2)


def say_precision(precision: str) -> None:
    described = {"backbone": {"engine": "openvino", "precision": precision}}
    write(ROOT / "bottlenecks_original" / identity.NAME, json.dumps(described))


@pytest.mark.parametrize(("factor", "wrong"), [(1.05, False), (1.5, True), (np.nan, True)])
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_bottlenecks_in_bfloat16_and_int8_may_be_rounded_otherwise_here(computed, precision, factor, wrong):
    build()
    say_precision(precision)
    path = ROOT / "bottlenecks_original" / outputs.FEATURES
    np.save(path, np.load(path) * np.array([[1, 1, 1], [1, 1, factor]], np.float32))
    what = "data/bottlenecks_original has other bottlenecks than the backbone gives: cat/val_b.jpg"
    found, again, kept = bottlenecks_said()
    assert ([each[1] for each in found], again, kept) == ([what] if wrong else [], 2, 2)
    assert computed[0][0] == {"name": "a hand-made one"}


def test_bottlenecks_in_float32_are_computed_again_in_float32(computed):
    build()
    say_precision("float32")
    assert bottlenecks_said() == ([], 2, 2)
    assert computed[0][0] == {"name": "a hand-made one", "precision": "float32"}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bottlenecks_that_are_no_numbers_are_named(value):
    build("split", "bottlenecks_original")
    path = ROOT / "bottlenecks_original" / outputs.FEATURES
    features = np.load(path)
    features[0, 0] = value
    np.save(path, features)
    what = "data/bottlenecks_original has other bottlenecks than the backbone gives: cat/train_a.jpg"
    assert bottlenecks_said() == ([("bottlenecks_original", what, fix_of_bottlenecks("bottlenecks_original"))], 2, 2)


def test_bottlenecks_of_other_images_are_named_and_none_is_computed(computed):
    build("split", "bottlenecks_original")
    path = ROOT / "bottlenecks_original" / outputs.INDEX
    path.write_text(path.read_text().replace(sha256("val_b.jpg"), sha256("of last week")))
    what = (
        "data/bottlenecks_original cannot be used: "
        "the bottlenecks in data/bottlenecks_original are not of the images they are to stand for. "
        "Delete data/bottlenecks_original and run the same command again."
    )
    assert bottlenecks_said() == ([("bottlenecks_original", what, fix_of_bottlenecks("bottlenecks_original"))], 0, 2)
    assert computed == []


def many_images(count: int) -> None:
    rows = [
        {"file": f"cat/train_{number:03}.jpg", "split": "train", "sha256": sha256(str(number))}
        for number in range(count)
    ]
    build("split", "bottlenecks_original")
    manifest.write(manifest.make(rows), ROOT / "split" / manifest.NAME)
    manifest.make(rows).to_csv(ROOT / "bottlenecks_original" / outputs.INDEX, index=False)
    np.save(ROOT / "bottlenecks_original" / outputs.FEATURES, features_of([row["sha256"] for row in rows]))


def test_of_many_bottlenecks_two_batches_are_computed_anew_and_others_each_time(computed):
    many_images(500)
    assert bottlenecks_said() == ([], audit.SAMPLE, 500)
    first = {file for _, file, _ in computed}
    assert len(first) == len(computed) == audit.SAMPLE
    computed.clear()
    assert bottlenecks_said() == ([], audit.SAMPLE, 500)
    assert {file for _, file, _ in computed} != first


def test_rows_that_were_moved_about_are_found_among_many():
    many_images(500)
    path = ROOT / "bottlenecks_original" / outputs.FEATURES
    np.save(path, np.roll(np.load(path), 1, axis=0))
    [(_, what, _)], again, _ = bottlenecks_said()
    assert again == audit.SAMPLE
    assert what.endswith(f" and {audit.SAMPLE - 5} more")


def test_no_images_need_no_backbone(computed):
    many_images(0)
    np.save(ROOT / "bottlenecks_original" / outputs.FEATURES, np.zeros((0, 0), np.float32))
    assert bottlenecks_said() == ([], 0, 0)
    assert computed == []


@pytest.mark.parametrize(
    ("root", "quoted"),
    [
        ("with blanks", "'with blanks/{}'"),
        ("$(touch pwned)", "'$(touch pwned)/{}'"),
        ("it's", "'it'\"'\"'s/{}'"),
        ("a;b&c", "'a;b&c/{}'"),
        ("ümlaut", "'ümlaut/{}'"),
        ("plain", "plain/{}"),
    ],
)
def test_odd_paths_are_quoted_for_the_shell(root, quoted):
    build(root=Path(root))
    write(Path(root, "augment/cat/train_a_0.jpg"), "other")
    vouch("augment", Path(root))
    folders = " ".join(quoted.format(name) for name in ("augment", "metrics"))
    [(_, what, fix)] = said(audit.check_manifests, root=Path(root))
    assert what == f"{root}/augment/manifest.csv does not agree with the images: cat/train_a_0.jpg"
    assert fix == f"rm -rf {folders} && snakemake --cores all augment metrics"


def test_a_cache_folder_with_blanks_is_quoted_too(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "my cache"))
    build("split", "bottlenecks_original")
    np.save(ROOT / "bottlenecks_original" / outputs.FEATURES, np.zeros((2, 3), np.float32))
    [(_, _, fix)], _, _ = bottlenecks_said()
    assert f" '{tmp_path}/my cache/two-huskies/bottlenecks.sqlite' dvc.lock && " in fix


def refusal(plans: Plans = PLANS) -> str:
    with pytest.raises(HuskyError) as error:
        audit.run(plans, 1)
    return str(error.value)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ([], "0 stages are what they claim to be; 0 of 0 bottlenecks computed again"),
        (["convert"], "1 stages are what they claim to be; 0 of 0 bottlenecks computed again"),
        (
            ["convert", "split", "bottlenecks_original"],
            "3 stages are what they claim to be; 2 of 2 bottlenecks computed again",
        ),
        (list(ABOVE), "7 stages are what they claim to be; 2 of 2 bottlenecks computed again"),
    ],
    ids=["nothing", "one stage", "bottlenecks and their images", "everything"],
)
def test_an_audit_without_findings_says_what_it_looked_at(names, line):
    if names:
        build(*names)
    assert audit.run(PLANS, 1) == line


@pytest.mark.parametrize("gone", [["bottlenecks_original"], ["convert", "split"], ["augment"]])
def test_what_others_were_made_from_and_is_not_there_is_named_with_the_command_that_makes_it(gone):
    build()
    for name in gone:
        shutil.rmtree(ROOT / name)
    lines = "".join(f"\n  data/{name} is not there" for name in gone)
    assert f"{lines}\n    fix: snakemake --cores all {' '.join(gone)}" in refusal()


def test_what_dvc_has_recorded_and_is_not_there_is_named():
    write(Path("dvc.lock"), "schema: '2.0'\nstages:\n  metrics:\n    cmd: make\n")
    assert refusal() == (
        "1 thing under data is not what it claims to be:\n  data/metrics is not there\n"
        "    fix: snakemake --cores all metrics"
    )
    assert audit.run(PLANS, 1, Path("data/noise")).startswith("0 stages ")


def test_bottlenecks_and_heads_of_different_engines_are_named_once_with_all_that_follows_from_them():
    build()
    write_identity(ROOT / "bottlenecks_original")
    write_identity(ROOT / "train_baseline", engine="tensorflow")
    for name in ("bottlenecks_original", "train_baseline"):
        vouch(name)
    [found] = audit.check_identities(PLANS, ROOT, list(ABOVE))
    assert found.what == (
        "the bottlenecks of data/bottlenecks_original and of data/train_baseline were not computed alike: "
        "backbone.engine is openvino and tensorflow"
    )
    assert found.fix == rebuild("bottlenecks_original", "train_baseline", "metrics", "test")
    write_identity(ROOT / "train_baseline")
    assert audit.check_identities(PLANS, ROOT, list(ABOVE)) == []


def test_an_audit_looks_where_it_is_told_to():
    build(root=Path("data/noise"))
    build(plans=made_by_hand(augment={"seed": 2}))
    assert audit.run(PLANS, 1, Path("data/noise")).startswith("7 stages are what they claim to be; 2 of 2 ")


def test_findings_are_listed_by_the_command_that_mends_them():
    build(plans=made_by_hand(split={"seed": 2}))
    (ROOT / "augment/cat/train_a_0.jpg").write_text("overwritten")
    write(ROOT / "metrics/metrics.json", "{}")
    assert refusal() == (
        "9 things under data are not what they claim to be:\n"
        "  data/augment is not as its receipt says: cat/train_a_0.jpg\n"
        f"    fix: {rebuild('augment')}\n"
        "  data/metrics is not as its receipt says: metrics.json\n"
        "  data/metrics/metrics.json says that it came from another code, raw\n"
        f"    fix: {rebuild('metrics')}\n"
        "  data/split is stale: split.seed was 2 and is 1\n"
        "  data/augment is stale: split is another\n"
        "  data/bottlenecks_original is stale: split is another\n"
        "  data/train_baseline is stale: bottlenecks_original is another, split is another\n"
        "  data/metrics is stale: augment is another, train_baseline is another\n"
        "    fix: snakemake --cores all metrics\n"
        "  data/test is stale: train_baseline is another\n"
        "    fix: rm -rf data/test"
    )


def test_bottlenecks_of_doubtful_images_are_not_computed_again(computed):
    build()
    write(ROOT / "split/cat/train_a.jpg", "other pixels")
    message = refusal()
    assert "data/split is not as its receipt says: cat/train_a.jpg" in message
    assert "bottlenecks than" not in message
    assert computed == []


def test_doubtful_bottlenecks_are_not_computed_again(computed):
    build()
    np.save(ROOT / "bottlenecks_original" / outputs.FEATURES, np.zeros((2, 3), np.float32))
    assert refusal() == (
        "1 thing under data is not what it claims to be:\n"
        "  data/bottlenecks_original is not as its receipt says: features.npy\n"
        f"    fix: {rebuild('bottlenecks_original')}"
    )
    assert computed == []


def test_wrong_bottlenecks_that_a_receipt_vouches_for_fail_the_audit():
    build()
    np.save(ROOT / "bottlenecks_original" / outputs.FEATURES, np.zeros((2, 3), np.float32))
    vouch("bottlenecks_original")
    assert refusal() == (
        "1 thing under data is not what it claims to be:\n"
        "  data/bottlenecks_original has other bottlenecks than the backbone gives: cat/train_a.jpg, cat/val_b.jpg\n"
        f"    fix: {fix_of_bottlenecks('bottlenecks_original', 'train_baseline', 'metrics', 'test')}"
    )


def test_an_audit_changes_nothing():
    build(plans=made_by_hand(split={"seed": 2}))
    (ROOT / "augment/cat/train_a_0.jpg").write_text("overwritten")
    before = {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in ROOT.rglob("*")}
    refusal()
    assert {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in ROOT.rglob("*")} == before


CLEAN = re.compile(
    r"^audit: 13 stages are what they claim to be; (\d+) of \1 bottlenecks computed again$", re.MULTILINE
)


def audited(clone: Clone) -> tuple[bool, str, list[str]]:
    """Run the audit as a user would; return (whether all is well, what it says, the commands that fix)."""
    done = clone.run("snakemake", "--cores", "2", "audit")
    # It builds nothing.
    assert not re.search(r"^\w+: computed", done.stderr, re.MULTILINE)
    commands = re.findall(r"^    fix: (.+)$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) is bool(CLEAN.search(done.stderr)) is not bool(commands), done.stderr
    return done.returncode == 0, done.stderr, commands


def fix(clone: Clone, commands: list[str]) -> None:
    """Type the commands that an audit prints into a shell, one after another."""
    for command in commands:
        done = clone.run("bash", "-c", command)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def vouch_in(clone: Clone, stage: str) -> None:
    vouch(stage, clone.folder / "data")


def overwrite_image(clone: Clone) -> str:
    image = min((clone.folder / "data/augment").glob("*/*.jpg"))
    shutil.copy(max((clone.folder / "data/augment").glob("*/*.jpg")), image)
    return image.relative_to(clone.folder / "data/augment").as_posix()


def image_by_hand(clone: Clone) -> list[str]:
    image = overwrite_image(clone)
    return [
        "ERROR: 1 thing under data is not what it claims to be:",
        f"  data/augment is not as its receipt says: {image}",
        f"    fix: {rebuild('augment')}",
    ]


def image_and_receipt(clone: Clone) -> list[str]:
    image = overwrite_image(clone)
    vouch_in(clone, "augment")
    return [
        "ERROR: 1 thing under data is not what it claims to be:",
        f"  data/augment/manifest.csv does not agree with the images: {image}",
        f"    fix: {rebuild(*BELOW_AUGMENT)}",
    ]


def one_row_of_features(clone: Clone) -> list[str]:
    folder = clone.folder / "data/bottlenecks_augmented"
    features = np.load(folder / outputs.FEATURES)
    features[3] = features[4]
    np.save(folder / outputs.FEATURES, features)
    vouch_in(clone, "bottlenecks_augmented")
    image = manifest.read(folder / outputs.INDEX)["file"][3]
    # Else the rows would be taken over from where they are kept.
    kept = f" {clone.folder.parent}/cache/two-huskies/bottlenecks.sqlite dvc.lock"
    return [
        "ERROR: 1 thing under data is not what it claims to be:",
        f"  data/bottlenecks_augmented has other bottlenecks than the backbone gives: {image}",
        f"    fix: {rebuild(*BELOW_AUGMENT[1:], more=kept)}",
    ]


def origin_of_numbers(clone: Clone) -> list[str]:
    path = clone.folder / "data/metrics/metrics.json"
    numbers = json.loads(path.read_text())
    numbers["provenance"]["split"] = "0123456789abcdef"
    path.write_text(json.dumps(numbers, indent=1) + "\n")
    vouch_in(clone, "metrics")
    return [
        "ERROR: 1 thing under data is not what it claims to be:",
        "  data/metrics/metrics.json says that it came from another split",
        f"    fix: {rebuild('metrics')}",
    ]


@pytest.mark.long
@pytest.mark.parametrize("harm", [image_by_hand, image_and_receipt, origin_of_numbers])
def test_what_an_audit_finds_is_mended_by_the_command_that_it_prints(first_build, built, harm):
    stages = list(stage_list.tracked(built.folder))
    expected = harm(built)
    well, output, commands = audited(built)
    assert not well
    assert "\n".join(expected) in output
    fix(built, commands)
    assert audited(built)[0]
    assert built.bytes_of(*stages) == first_build[0].bytes_of(*stages)
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_wrong_bottlenecks_do_not_come_back_from_the_store_or_from_dvc(first_build, built):
    expected = one_row_of_features(built)
    # As if they had been wrong all along: the store and DVC have them as well.
    assert built.run("python", "-m", "huskies", "record").returncode == 0
    shutil.rmtree(built.folder / "data/bottlenecks_augmented")
    done = built.run("snakemake", "--cores", "2", "bottlenecks_augmented")
    assert "bottlenecks_augmented: computed 0, " in done.stderr
    _, output, commands = audited(built)
    assert "\n".join(expected) in output
    fix(built, commands)
    assert audited(built)[0]
    stages = list(stage_list.tracked(built.folder))
    assert built.bytes_of(*stages) == first_build[0].bytes_of(*stages)
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.long
def test_a_changed_parameter_of_which_only_a_part_was_built_is_stale_and_mended_and_so_is_the_way_back(built):
    for before, now in ((2, 3), (3, 2)):
        built.set(aug__factor=now)
        assert built.run("snakemake", "--cores", "2", "split").returncode == 0
        well, output, commands = audited(built)
        assert not well
        assert f"  data/augment is stale: aug.factor was {before} and is {now}\n" in output
        assert "  data/bottlenecks_augmented is stale: augment is another\n" in output
        assert "data/split" not in output
        assert commands == ["snakemake --cores all report"]
        if now == 3:
            fix(built, commands)
            assert audited(built)[0]


def test_nothing_built_is_nothing_to_complain_of(clone):
    done = clone.run("python", "-m", "huskies", "audit")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "audit: 0 stages are what they claim to be; 0 of 0 bottlenecks computed again\n"
    assert not (clone.folder / ".snakemake").exists()
