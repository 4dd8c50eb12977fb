"""The flow on machines that share a bucket and no folder: the bytes of one machine, for whoever collects them."""

import contextlib
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import cut_uploads
import pytest
import servers
from buckets import SECRET, Bucket, bare_clone
from conftest import PROJECT
from huskies.planning import packs, stage_list
from project import lend_backbones

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

STAGES = list(stage_list.tracked(PROJECT))


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """A server, and a bucket that nothing has been put into."""
    pytest.importorskip("snakemake_storage_plugin_s3", reason="pip install -r requirements/bucket.txt")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "nodes").mkdir()
    with servers.serve("s3", folder / "served") as server:
        yield Bucket(server, server.settings["endpointurl"], folder / "nodes")


def kill(bucket: Bucket, rule: str) -> None:
    """End the machine on which the job of a rule runs, with all that runs there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int((bucket.nodes / f"{rule}.pid").read_text()), signal.SIGKILL)


def test_a_bucket_is_all_that_machines_share(s3, first_build, tmp_path):
    here = bare_clone(tmp_path / "here/clone")
    lend_backbones(first_build[0], here.folder.parent)
    killed = []

    def cut() -> None:
        kill(s3, "augment")
        killed.append(sorted(path.name for path in (s3.server.folder / "packs").glob("augment-*")))

    with cut_uploads.first(urlsplit(s3.endpoint).port, "/packs/augment-", cut) as port:
        by_way = Bucket(s3.server, f"http://127.0.0.1:{port}", s3.nodes)
        done = by_way.run(here, "report", "test")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # The machine was lost in the middle of its upload, of which the bucket shows nothing, and another one did it.
    assert killed == [[]]
    assert sorted(path.name.rpartition("-")[0] for path in s3.nodes.glob("augment-*.log")) == ["augment"] * 2
    assert s3.names() == sorted(["backbone", "plan", "weights", *STAGES, "test"])

    # Images and ledger stay at home; of the rest, there is what the stages said, and no folder.
    ran = {path.name.rpartition("-")[0] for path in s3.nodes.glob("*.log")}
    assert ran == {*STAGES, "ready_backbone"} - {*packs.AT_HOME}
    assert "bottlenecks_original: computed 21, reused 0 bottlenecks" in said
    assert "gain" in said
    assert len((here.folder / "ledger.csv").read_text().splitlines()) == 2
    assert not (here.folder / "data/metrics").exists()
    assert not (here.folder / "dvc.lock").exists()
    for log in [*s3.nodes.glob("*.log"), *(s3.server.folder / "logs").iterdir()]:
        assert SECRET not in log.read_text()
    assert SECRET not in said

    there = bare_clone(tmp_path / "there/clone")
    again = s3.run(there, "report")
    assert again.returncode == 0, again.stderr
    assert "Nothing to be done" in again.stdout + again.stderr
    brought = s3.run(there, "collect")
    assert brought.returncode == 0, brought.stderr
    assert f"collect: {', '.join(STAGES)} brought into data" in brought.stderr
    assert "recorded in dvc.lock: convert, group" in brought.stderr
    assert there.bytes_of(*STAGES) == first_build[0].bytes_of(*STAGES)
    for training in ("train_baseline", "train_augmented"):
        assert list(Path(there.folder, "data/tensorboard").glob(f"{training}*"))
    assert "Nothing to be done" in there.run("snakemake", "--cores", "1", "report").stderr


def test_other_flows_are_refused_before_anything_is_made(s3, clone):
    done = s3.run(clone, "noise")
    assert done.returncode == 2
    assert "ERROR: noise: by a bucket the main flow alone is made." in done.stderr
    assert not (clone.folder / "data/noise").exists()
