"""kill -9 at the worst moments, two runs at once, a full disk and a read-only one: nothing is lost or mixed."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from huskies import receipt
from huskies.planning import plan, stage_list
from ruamel.yaml import YAML

# Loaded by every Python of the run, before the stage: it kills the whole process group at the swap of its folders.
ASSASSIN = """
import os, signal, sys
stage = os.environ["KILL_STAGE"]
def watch(event, arguments):
    first = str(arguments[0]) if arguments else ""
    building = f"/.{stage}-" in first or first.startswith(f"data/.{stage}-")
    if event == "os.rename" and building and "receipt-" not in first:
        os.killpg(0, signal.SIGKILL)
sys.addaudithook(watch)
"""


def kill_in(clone, stage: str, assassin: Path) -> int:
    """Run snakemake up to `stage`, killed with everything it started at the swap; return the exit status."""
    environment = {
        **clone.environment(),
        "PYTHONPATH": str(assassin),
        "KILL_STAGE": stage,
    }
    return subprocess.run(
        ["snakemake", "--cores", "2", stage],
        cwd=clone.folder,
        env=environment,
        capture_output=True,
        start_new_session=True,
    ).returncode


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("converted_before")
def test_a_run_killed_in_every_stage_ends_as_if_undisturbed(first_build, clone, tmp_path):
    assassin = tmp_path / "assassin"
    assassin.mkdir()
    (assassin / "sitecustomize.py").write_text(ASSASSIN)
    for stage in stage_list.tracked(clone.folder):
        # What was killed before is made again on the way. At other moments, and by other signals, `make reliability`
        # kills.
        assert kill_in(clone, stage, assassin) == -signal.SIGKILL, stage
        assert receipt.read(clone.folder / "data" / stage) is None
    stages = list(stage_list.tracked(clone.folder))
    done = clone.run("snakemake", "--cores", "2", "report")
    assert done.returncode == 0, done.stderr
    undisturbed = first_build[0].bytes_of(*stages)
    assert clone.bytes_of(*stages) == undisturbed
    leftovers = [path.name for path in (clone.folder / "data").glob(".*") if path.name[:6] != ".lock-"]
    assert leftovers == [".gitignore"]


@pytest.mark.long
def test_a_run_killed_between_the_two_renames_keeps_the_earlier_result(built, tmp_path):
    assassin = tmp_path / "assassin"
    assassin.mkdir()
    (assassin / "sitecustomize.py").write_text(ASSASSIN)
    built.set(aug__factor=1)
    assert kill_in(built, "augment", assassin) == -signal.SIGKILL
    assert (built.folder / "data/.replaced-augment").is_dir()
    done = built.run("snakemake", "--cores", "2", "augment")
    assert done.returncode == 0, done.stderr
    assert not (built.folder / "data/.replaced-augment").exists()


def expected_receipts(clone, factor: int) -> dict[str, str]:
    """Return the name of every stage's receipt for a factor, by the clone's own files."""
    params = YAML(typ="safe").load((clone.folder / "params.yaml").read_text())
    params["aug"]["factor"] = factor
    plans = plan.all_plans(params, clone.folder)
    return {name: receipt.name(receipt.plan_hash(planned)) for name, planned in plans.items()}


@pytest.mark.long
def test_two_runs_with_different_parameters_at_once_never_mix(built):
    started = [
        subprocess.Popen(
            ["snakemake", "--cores", "1", "report", "--config", f"aug={{factor: {factor}}}"],
            cwd=built.folder,
            env=built.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for factor in (3, 4)
    ]
    outputs = [each.communicate()[0] for each in started]
    statuses = [each.returncode for each in started]
    for status, output in zip(statuses, outputs, strict=True):
        # Snakemake itself says so where the other run replaces a folder before it has looked for the receipt.
        assert status == 0 or "ERROR: " in output or "missing locally" in output
        assert "Traceback" not in output
    found = {path.parent.name: path.name for path in (built.folder / "data").glob("*/receipt-*.json")}
    metrics = json.loads((built.folder / "data/metrics/metrics.json").read_text())
    [factor] = [each for each in (2, 3, 4) if expected_receipts(built, each)["metrics"] == found["metrics"]]
    assert metrics["augmented"]["images"] == (1 + factor) * metrics["baseline"]["images"]
    last = built.run("snakemake", "--cores", "2", "report")
    assert last.returncode == 0, last.stderr
    metrics = json.loads((built.folder / "data/metrics/metrics.json").read_text())
    assert metrics["augmented"]["images"] == 3 * metrics["baseline"]["images"]


def mounted(clone, options: str, command: str) -> subprocess.CompletedProcess:
    """Run a shell command in the clone with data/ on a small file system of its own, which ends with the command."""
    script = f"set -e; cp -a data kept; mount -t tmpfs -o {options} tmpfs data; cp -a kept/. data/; {command}"
    return clone.run("unshare", "--mount", "--map-root-user", "bash", "-c", script)


@pytest.mark.long
def test_a_full_disk_is_named_and_earlier_results_stay(built):
    before = built.bytes_of("convert", "split", "metrics")
    used = sum(path.stat().st_size + 4096 for path in (built.folder / "data").rglob("*")) // 1024
    command = "snakemake --cores 2 metrics --config 'aug={factor: 400}'; echo status $?; cp -a data/. kept/"
    done = mounted(built, f"size={used + 1500}k", command)
    assert "status 0" not in done.stdout
    assert "the disk is full. Free some space, then run the same command again." in done.stderr
    (built.folder / "kept").rename(built.folder / "data-after")
    (built.folder / "data").rename(built.folder / "data-before")
    (built.folder / "data-after").rename(built.folder / "data")
    assert built.bytes_of("convert", "split", "metrics") == before


@pytest.mark.long
def test_a_read_only_data_folder_is_named(built):
    command = "mount -o remount,ro data; snakemake --cores 2 metrics --config 'aug={factor: 1}'"
    done = mounted(built, "size=200m", command)
    assert done.returncode == 2
    assert "ERROR: the folder data is not writable. Make it writable" in done.stderr
    assert os.access(built.folder / "data", os.W_OK)


# OpenVINO turns whatever happens in its conversion, an interrupt too, into an error of its own.
INTERRUPTED_CONVERSION = """
import os, signal, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "openvino":
            sys.meta_path.remove(self)
            import openvino
            openvino.convert_model = interrupted
        return None

def interrupted(*given, **more):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait([], 1)
    except KeyboardInterrupt as error:
        raise RuntimeError("Exception happened during conversion of operation") from error

if os.environ.get("INTERRUPT_IN") in sys.orig_argv:
    sys.meta_path.insert(0, Watch())
"""


@pytest.mark.long
def test_an_interrupt_within_openvino_ends_the_run_and_no_other_engine_takes_over(first_build, clone, tmp_path):
    (tmp_path / "sitecustomize").mkdir()
    (tmp_path / "sitecustomize/sitecustomize.py").write_text(INTERRUPTED_CONVERSION)
    clone.set(backbone__engine="auto")
    environment = {
        **clone.environment(),
        "PYTHONPATH": str(tmp_path / "sitecustomize"),
        "INTERRUPT_IN": "bottlenecks_original",
    }
    command = ["snakemake", "--cores", "2", "bottlenecks_original"]
    done = subprocess.run(command, cwd=clone.folder, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    assert not (clone.folder / "data/bottlenecks_original").exists()
    again = clone.run(*command)
    assert again.returncode == 0, again.stderr
    assert clone.bytes_of("bottlenecks_original") == first_build[0].bytes_of("bottlenecks_original")
