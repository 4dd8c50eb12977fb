"""dvc_job: the one stage that DVC asks for is made as its rule makes it, without Snakemake, and no other is."""

import shutil

from conftest import Clone, do

VARIABLES = {"PYTHONPATH": "workflow"}


def test_a_stage_is_made_as_its_rule_makes_it_and_not_again_where_it_is_there(built):
    before = built.bytes_of("split", "augment")
    built.set(run__shards=2)
    for stage in ("split", "augment"):
        shutil.rmtree(built.folder / "data" / stage)
        done = built.run("huskies", stage, variables=VARIABLES)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith(f"{stage}: ")
        assert (built.folder / f"logs/{stage}.log").read_text() == done.stderr
    assert built.bytes_of("split", "augment") == before
    assert not (built.folder / "data/shards").exists()

    done = built.run("huskies", "split", variables=VARIABLES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (built.folder / "logs/split.log").read_text().startswith("split: ")


def test_bad_input_ends_with_status_two_and_leaves_what_was_there(built):
    def refused(stage: str, **variables: str) -> str:
        before = built.bytes_of("split", "augment")
        done = built.run("huskies", stage, variables={**VARIABLES, **variables})
        assert (done.returncode, done.stdout) == (2, "")
        assert built.bytes_of("split", "augment") == before
        return done.stderr

    manifest = built.folder / "data/split/manifest.csv"
    manifest.write_bytes(manifest.read_bytes().replace(b"train", b"valid", 1))
    advice = "Delete the folder and run the same command again: rm -rf data/split\n"
    assert refused("split") == f"ERROR: data/split is not as its receipt says: manifest.csv. {advice}"
    shutil.rmtree(built.folder / "data/split")
    shutil.rmtree(built.folder / "data/augment")
    needed = "ERROR: augment needs data/split, which is not there. Get it: dvc checkout, or dvc pull\n"
    back = "To go back to before this dvc command: git checkout params.yaml && dvc checkout\n"
    assert refused("augment", DVC_STAGE="augment") == f"{needed}{back}"
    built.set(aug__factor=-1)
    assert refused("augment").startswith("ERROR: params.yaml: aug.factor")


def test_dvc_repeats_what_snakemake_made_and_runs_nothing(built: Clone):
    assert "Data and pipelines are up to date." in do(built, "dvc", "status")
    assert "Running stage" not in do(built, "dvc", "repro")
