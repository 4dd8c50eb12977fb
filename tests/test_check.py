"""check: what comes out of nothing has the bytes that are there, or is named."""

import shutil

import pytest
from conftest import do
from huskies import receipt


@pytest.mark.long
def test_everything_is_made_again_from_nothing_and_only_what_differs_is_named(built):
    data = built.folder / "data"
    # Neither the store nor what DVC has recorded may help: this would be taken over by whoever asked them.
    store = built.folder.parent / "cache/two-huskies"
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if not path.name.startswith(".")}
    said = do(built, "snakemake", "--cores", "2", "check")
    assert "check: 13 stages made again from nothing: all " in said
    assert " files have the same bytes\n" in said
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*") if not path.name.startswith(".")} == before
    assert not (data / ".check").exists()
    assert not store.exists() or not list(store.glob("*.check"))

    history = data / "train_baseline/history.csv"
    history.write_text(history.read_text().replace("0.", "0.1", 1))
    [old] = (data / "train_baseline").glob("receipt-*")
    receipt.write(data / "train_baseline", receipt.read(data / "train_baseline")["plan"])
    assert old.exists()
    # What lies below is missing, so that it is not made again.
    shutil.rmtree(data / "augment")
    shutil.rmtree(data / "bottlenecks_test")
    done = built.run("snakemake", "--cores", "2", "check")
    assert done.returncode != 0
    assert (
        "ERROR: made again from nothing, 1 of 5 stages have other bytes: data/train_baseline: history.csv."
        in done.stderr
    )


@pytest.mark.long
def test_nothing_built_is_nothing_to_check(clone):
    done = clone.run("snakemake", "--cores", "2", "check")
    assert done.returncode != 0
    assert "ERROR: there is nothing to check. Make it first: snakemake --cores all metrics" in done.stderr
