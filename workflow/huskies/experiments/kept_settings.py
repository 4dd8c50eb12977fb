"""keep_settings: saves each setting of experiments.csv as an experiment of DVC's, of which its results can be had back.

DVC records what lies in data/, and a setting's stages lie elsewhere. So dvc.lock is made in a workspace below
.snakemake/, which has the setting's parameters and links to its results, and shares DVC's cache: the user's
params.yaml, dvc.lock, data/ and index are not touched. A stage counts only if its folder is what its plan says, as for
record.
"""

import contextlib
import fcntl
import shutil
from pathlib import Path
from typing import Any

from dvc.config import Config
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml

from huskies import atomic, stage_folder
from huskies.errors import HuskyError, some
from huskies.experiments import setting_flows, setting_params
from huskies.experiments.setting_table import Setting
from huskies.planning import experiment, lockfile, params, plan, record, stage_list
from huskies.planning.flow import Flow

WORKSPACE = Path(".snakemake/settings")
_KNOWN = "all settings are experiments of DVC's already: "
_NOT = "settings not saved as experiments: "
# What the workspace has of its own, or does without.
_OWN = {".git", ".dvc", ".snakemake", "data", "logs", str(params.FILE), str(lockfile.PATH)}


def run() -> str:
    """Save the settings that HEAD has no experiment of; return a line on it. A failure is reported, and breaks nothing.

    Raises HuskyError for a table or parameters that have become bad.
    """
    if not Path(".dvc").is_dir():
        return f"{_NOT}this folder is no DVC repository"
    with contextlib.ExitStack() as held:
        try:
            mine = record.alone(held)
        except HuskyError as error:
            return f"{_NOT}{error}"
        return _run() if mine else f"{_NOT}another run is still telling DVC of what it built"


def _run() -> str:
    before = params.read()
    values = params.load()
    flows = setting_flows.flows(Flow(values, plan.all_plans(values)), {})
    names = {setting.name: experiment.name_of(flow.hashes["metrics"]) for setting, flow in flows}
    known = experiment.saved()
    new = [(setting, flow) for setting, flow in flows if names[setting.name] not in known]
    if not new:
        return f"{_KNOWN}{some(names.values(), 20)}"
    if (kept := record.kept_by_dvc(Path(values["raw"]))) and (failure := record.tell_dvc("commit", "--force", *kept)):
        return f"{_NOT}dvc commit failed: {failure}"
    try:
        _make_workspace()
        failures = {names[setting.name]: _save(names[setting.name], setting, flow, before) for setting, flow in new}
    finally:
        shutil.rmtree(WORKSPACE, ignore_errors=True)
    done = [name for name, failure in failures.items() if not failure]
    said = [f"saved as experiments: {some(done, 20)}"] if done else []
    said += [f"not saved as experiment {name}: {failure}" for name, failure in failures.items() if failure]
    return "; ".join(said)


def _make_workspace() -> None:
    """Make a workspace that has all that DVC's stages read, and no results, by links to the user's own."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    (WORKSPACE / "data").mkdir(parents=True)
    (WORKSPACE / ".dvc").mkdir()
    there = [each for each in Path().iterdir() if each.name not in _OWN]
    # Below data/ may be the raw images.
    there += [each for each in Path("data").iterdir() if each.name not in stage_list.tracked() and each.name[0] != "."]
    for each in there:
        if each.is_dir():
            (WORKSPACE / each).symlink_to(each.resolve())
        elif each.is_file():
            atomic.link(each.resolve(), WORKSPACE / each)
    with Repo() as repo:
        cache = repo.cache.local_cache_dir
    for name in ("config", "config.local"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(Path(".dvc", name), WORKSPACE / ".dvc" / name)
    with Config(str(WORKSPACE / ".dvc"), validate=False).edit("local") as config:
        config.setdefault("core", {})["no_scm"] = True
        config.setdefault("cache", {})["dir"] = cache


def _save(name: str, setting: Setting, flow: Flow, before: dict[str, Any]) -> str:
    """Save one setting; return the empty string, or why it cannot be saved. before: params.yaml as it stands."""
    folders = {stage: Path(flow.receipt(stage)).parent for stage in stage_list.tracked()}
    with contextlib.ExitStack() as locks:
        for folder in sorted(folders.values()):
            locks.enter_context(stage_folder.lock(folder, fcntl.LOCK_SH))
        for stage, folder in folders.items():
            if reason := record.reason(flow.plans[stage], folder):
                return f"{stage} ({reason})"
            place = WORKSPACE / "data" / stage
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(folder, place, copy_function=atomic.link)
        _write_parameters(setting, before)
        lock = WORKSPACE / lockfile.PATH
        lock.unlink(missing_ok=True)
        if failure := record.tell_dvc("commit", "--force", "--no-relink", stage_list.TRACKED, folder=WORKSPACE):
            return f"dvc commit failed: {failure}"
        shown = {file: Path(file).relative_to("data").parts for file in stage_list.shown()}
        numbers = {file: folders[stage].joinpath(*below) for file, (stage, *below) in shown.items()}
        described = {str(lockfile.PATH): lock, str(params.FILE): WORKSPACE / params.FILE}
        return experiment.save(name, others={**described, **numbers})


def _write_parameters(setting: Setting, before: dict[str, Any]) -> None:
    """Write the setting's params.yaml as DVC writes one, comments and all."""
    path = WORKSPACE / params.FILE
    shutil.copy2(params.FILE, path)
    with modify_yaml(str(path)) as written:
        for column, value in setting_params.cells(setting, before).items():
            setting_params.put(written, column, value)
