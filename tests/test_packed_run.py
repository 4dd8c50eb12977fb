"""packed_run: a stage from archives to an archive, in a folder that has nothing else."""

import fcntl
from pathlib import Path

import pytest
from huskies import cache_file, receipt, stage_folder
from huskies.errors import HuskyError
from huskies.planning import pack_file, packed_run, packs, plan, runner

SPLIT = {"stage": "split", "params": {}, "inputs": {}}
NAME = receipt.plan_hash(SPLIT)
RECEIPT = Path("data/split", receipt.name(NAME))


@pytest.fixture(autouse=True)
def bucket(tmp_path, monkeypatch) -> Path:
    """A folder with the archive of a stage, beside an empty one to work in."""
    folder = tmp_path / "bucket/packs"
    folder.mkdir(parents=True)
    made = tmp_path / "elsewhere/split"
    (made / "3").mkdir(parents=True)
    (made / "3/train_1.jpg").write_bytes(b"pixels")
    receipt.write(made, SPLIT)
    pack_file.write(folder / f"split-{NAME}.tar", pack_file.below(made, "split"))
    (tmp_path / "node").mkdir()
    monkeypatch.chdir(tmp_path / "node")
    return folder


def test_archives_become_folders_and_what_is_sent_lies_where_stages_look_for_it(bucket, tmp_path):
    (tmp_path / "mini.h5").write_bytes(b"weights")
    (tmp_path / "0.npz").write_bytes(b"converted")
    (bucket / "plan-0123456789abcdef.json").write_text("{}")
    pack_file.write(bucket / f"{packs.WEIGHTS}-1.tar", {"backbones/mini.h5": tmp_path / "mini.h5"})
    pack_file.write(bucket / f"{packs.BACKBONE}-2.tar", {"backbones/0.npz": tmp_path / "0.npz"})
    assert packed_run.unpacked(sorted(bucket.iterdir())) == [RECEIPT]
    assert receipt.damage(RECEIPT.parent) == []
    assert Path("data/split/3/train_1.jpg").read_bytes() == b"pixels"
    assert (plan.FOLDER / "0123456789abcdef.json").read_text() == "{}"
    assert Path("backbones/mini.h5").read_bytes() == b"weights"
    assert (cache_file.cache_folder() / "backbones/0.npz").read_bytes() == b"converted"
    assert sorted(path.name for path in Path("data").iterdir()) == [".lock-split", "split"]


def test_a_shard_lies_beside_the_stages_and_not_among_them(bucket, tmp_path):
    planned = {**SPLIT, "shard": [1, 2]}
    made = tmp_path / "elsewhere/split_1_of_2"
    made.mkdir()
    (made / "results.csv").write_text("file\n")
    receipt.write(made, planned)
    archive = bucket / f"split_1_of_2-{receipt.plan_hash(planned)}.tar"
    pack_file.write(archive, pack_file.below(made, made.name))
    [unpacked] = packed_run.unpacked([archive])
    assert unpacked == Path("data/shards/split_1_of_2", receipt.name(receipt.plan_hash(planned)))
    assert packed_run.is_sound(unpacked)
    first = archive.read_bytes()
    assert packed_run.run_stage("split", archive, 1, []) == "here already"
    assert archive.read_bytes() == first


def test_receipts_are_left_as_they_are():
    assert packed_run.unpacked([RECEIPT]) == [RECEIPT]
    assert not packed_run.is_archive(RECEIPT)


def test_a_sound_folder_stays_and_a_damaged_one_or_that_of_another_plan_is_replaced(bucket):
    archive = bucket / f"split-{NAME}.tar"
    packed_run.unpacked([archive])
    before = RECEIPT.stat().st_ino
    packed_run.unpacked([archive])
    assert RECEIPT.stat().st_ino == before
    Path("data/split/3/train_1.jpg").write_bytes(b"others")
    packed_run.unpacked([archive])
    assert packed_run.is_sound(RECEIPT)
    RECEIPT.rename(RECEIPT.with_name("receipt-0123456789abcdef.json"))
    packed_run.unpacked([archive])
    assert [path.name for path in Path("data/split").glob("receipt-*")] == [RECEIPT.name]


@pytest.mark.parametrize("wrong", ["another name", "damage"])
def test_an_archive_that_is_not_what_its_name_says_changes_nothing(bucket, wrong):
    archive = bucket / f"split-{NAME}.tar"
    packed_run.unpacked([archive])
    if wrong == "damage":
        archive.write_bytes(archive.read_bytes().replace(b"pixels", b"pixelz"))
        Path("data/split/3/train_1.jpg").unlink()
    else:
        archive = archive.rename(bucket / "split-0123456789abcdef.tar")
    before = sorted(Path("data").rglob("*"))
    with pytest.raises(HuskyError, match=rf"{archive.name} is not what its name says: .*Delete it from the bucket"):
        packed_run.unpacked([archive])
    assert sorted(Path("data").rglob("*")) == before


def test_a_stage_is_run_on_what_was_unpacked_and_packed(bucket, tmp_path, monkeypatch):
    planned = {"stage": "augment", "params": {}, "inputs": {"split": NAME}}
    asked = []

    def run(stage, made, cores, receipts):
        asked.append((stage, made, cores, receipts))
        made.parent.mkdir(parents=True)
        (made.parent / "manifest.csv").write_text("file\n")
        receipt.write(made.parent, planned)
        return "54 copies"

    monkeypatch.setattr(runner, "run_stage", run)
    archive = tmp_path / f"bucket/packs/augment-{receipt.plan_hash(planned)}.tar"
    assert packed_run.run_stage("augment", archive, 2, [bucket / f"split-{NAME}.tar"]) == "54 copies"
    assert asked == [("augment", packed_run.receipt_of(archive), 2, [RECEIPT])]
    first = archive.read_bytes()
    assert packed_run.run_stage("augment", archive, 2, []) == "here already"
    assert (len(asked), archive.read_bytes()) == (1, first)


def test_a_folder_is_not_packed_while_another_run_replaces_it(bucket, monkeypatch):
    packed_run.unpacked([bucket / f"split-{NAME}.tar"])
    held = []
    monkeypatch.setattr(
        packed_run.stage_folder,
        "lock",
        lambda folder, kind: held.append(kind) or stage_folder.lock_file(folder.with_name(".lock"), kind, folder),
    )
    monkeypatch.setattr(packed_run, "is_sound", lambda made: made.unlink() or True)
    with pytest.raises(HuskyError, match=r"data/split was replaced meanwhile"):
        packed_run.run_stage("split", bucket / f"split-{NAME}.tar", 1, [])
    assert held == [fcntl.LOCK_SH]
