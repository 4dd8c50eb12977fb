"""Kubernetes' plug-in of Snakemake's, as profiles/kubernetes has it: what it asks of a cluster for each job."""

import re
import subprocess
import tomllib

import executors
import kubernetes_stand_in
import pytest
import servers
from buckets import SECRET, Bucket, bare_clone
from conftest import PROJECT
from huskies.planning import packs
from project import lend_backbones
from ruamel.yaml import YAML

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

PROFILE = YAML(typ="safe").load((PROJECT / "profiles/kubernetes/config.yaml").read_text(encoding="utf-8"))
IMAGE = PROJECT / "profiles/kubernetes/Dockerfile"


def test_jobs_ask_for_image_and_resources_and_have_keys_by_reference(first_build, tmp_path):
    finding = executors.found("kubernetes")
    clone = bare_clone(tmp_path / "here/clone")
    lend_backbones(first_build[0], clone.folder.parent)
    with (
        servers.serve("s3", tmp_path / "served") as server,
        kubernetes_stand_in.cluster(tmp_path / "cluster") as (cluster, configuration),
    ):
        bucket = Bucket(server, server.settings["endpointurl"], tmp_path)
        done = bucket.run(clone, "augment", executor="kubernetes", KUBECONFIG=str(configuration), **finding)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "augment: 30 copies" in said
    asked = dict(re.findall(r"^rule (\w+):\n(?:.*\n)*?.*(mem_mb=\d+)", said, re.MULTILINE))
    assert list(asked) == ["split", "augment"]

    [secret] = cluster.secrets
    for name, memory in zip(cluster.jobs, asked.values(), strict=True):
        container = cluster.container(name)
        assert container["image"] == PROFILE["container-image"]
        requests = container["resources"]["requests"]
        assert (requests["cpu"], requests["memory"]) == ("950m", f"{memory.removeprefix('mem_mb=')}M")
        variables = {each["name"]: each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"]}
        assert set(variables.values()) == {secret}
        assert {packs.VARIABLE, "SNAKEMAKE_STORAGE_S3_ACCESS_KEY", "SNAKEMAKE_STORAGE_S3_SECRET_KEY"} <= {*variables}
        assert "value" not in {key for each in container["env"] for key in each}
        assert SECRET not in str(cluster.jobs[name])
        assert SECRET not in cluster.log(name).read_text()
    assert {secret, *cluster.jobs} <= {*cluster.deleted}
    assert SECRET not in said
    for log in [*clone.folder.glob(".snakemake/log/*"), *(server.folder / "logs").iterdir()]:
        assert SECRET not in log.read_text()
    # In the image, its answer is the wheel that is there.
    installed = (cluster.folder / "installed").read_text().splitlines()
    assert {line.rpartition(" ")[2] for line in installed} == {"snakemake-storage-plugin-s3"}


def test_a_linter_finds_nothing_wrong_with_the_image():
    done = subprocess.run([servers.program("hadolint"), IMAGE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_has_what_is_pinned_and_nothing_else():
    text = IMAGE.read_text(encoding="utf-8")
    copied = set(re.findall(r"requirements/\w+\.txt", text))
    assert copied == {"requirements/workflow.txt", "requirements/bucket.txt"}
    assert text.count("pip install") == text.count("--require-hashes") == len(copied)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert re.findall(r"--dest \S+ (\S+)", text) == project["optional-dependencies"]["bucket"]
    [python] = re.findall(r"^FROM python:(\d+\.\d+)\.\d+-slim-\w+$", text, re.MULTILINE)
    assert python == re.search(r"(?<=>=)[\d.]+", project["requires-python"])[0]
    assert PROFILE["container-image"].rpartition(":")[2] == project["version"]
    assert f"--tag {PROFILE['container-image']} " in text


def test_the_profile_differs_from_that_for_slurm_where_it_has_to():
    slurm = YAML(typ="safe").load((PROJECT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    both = {key for key in PROFILE.keys() & slurm.keys() if PROFILE[key] == slurm[key]}
    assert {"jobs", "max-threads", "retries", "rerun-triggers", "ignore-incomplete", "nolock", "quiet"} <= both
