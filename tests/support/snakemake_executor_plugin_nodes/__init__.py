"""An executor for tests of jobs that share no file system: each in an empty folder, which is its home, too.

NODES names the folder in which all this lies: <rule>-<number>/ while a job runs, <rule>-<number>.log, <rule>.pid.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    job_deploy_sources=True,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    pass_envvar_declarations_to_cmd=False,
    auto_deploy_default_storage_provider=False,
    init_seconds_before_status_checks=0,
)


class Executor(RemoteExecutor):
    """Runs jobs as processes of this machine that have nothing of the command's but what Snakemake hands to them."""

    def __post_init__(self):
        self._nodes, self._running = Path(os.environ["NODES"]), {}

    def run_job(self, job):
        number = len(self._running)
        name = f"{job.name}-{number}"
        folder = self._nodes / name
        folder.mkdir()
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        environment = {**kept, **self.envvars(), "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
        with open(self._nodes / f"{name}.log", "w") as log:
            command = ["bash", "-c", self.format_job_exec(job)]
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        (self._nodes / f"{job.name}.pid").write_text(str(process.pid))
        self._running[str(number)] = process, folder
        info = SubmittedJobInfo(job, external_jobid=str(number))
        self.report_job_submission(info)

    async def check_active_jobs(self, active_jobs):
        for info in active_jobs:
            process, folder = self._running[info.external_jobid]
            if process.poll() is None:
                yield info
                continue
            shutil.rmtree(folder, ignore_errors=True)
            if process.returncode:
                self.report_job_error(info, aux_logs=[f"{folder}.log"])
            else:
                self.report_job_success(info)

    def cancel_jobs(self, active_jobs):
        for info in active_jobs:
            os.killpg(self._running[info.external_jobid][0].pid, signal.SIGTERM)
