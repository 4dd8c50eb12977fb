"""collect: what comes from a bucket is as if it had been made here."""

from pathlib import Path

from huskies import receipt
from huskies.planning import pack_file
from huskies.steps import collect
from huskies.training import head


def packed(folder: Path, stage: str) -> Path:
    """Return the archive of a stage that has made one file."""
    planned = {"stage": stage, "params": {}, "inputs": {}}
    (folder / stage).mkdir(parents=True)
    (folder / stage / "history.csv").write_text("step,val_accuracy\n0,0.5\n")
    receipt.write(folder / stage, planned)
    archive = folder / f"packs/{stage}-{receipt.plan_hash(planned)}.tar"
    pack_file.write(archive, pack_file.below(folder / stage, stage))
    return archive


def test_folders_are_brought_once_and_trainings_have_their_curves_in_tensorboard(tmp_path, monkeypatch):
    curves = []
    monkeypatch.setattr(head, "write_events", lambda history, root, stage: curves.append((len(history), root, stage)))
    archives = [packed(tmp_path / "bucket", stage) for stage in ("split", "train_baseline")]
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    assert collect.run(archives) == "split, train_baseline brought into data"
    assert curves == [(1, Path("data"), "train_baseline")]
    assert all(receipt.damage(Path("data", stage)) == [] for stage in ("split", "train_baseline"))
    assert collect.run(archives) == "all is there already"
    Path("data/split/history.csv").unlink()
    assert collect.run(archives) == "split brought into data"
    assert len(curves) == 1
