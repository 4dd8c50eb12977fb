"""A bucket on loopback, clones that have nothing else in common, and empty machines for their jobs."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import executors
from project import Clone, clone_project
from servers import Server

SECRET = "secret-of-tests"


@dataclass(frozen=True)
class Bucket:
    """A bucket that a server keeps below a folder, and the address by which clones reach it."""

    server: Server
    endpoint: str
    nodes: Path

    def variables(self) -> dict[str, str]:
        """Return what a command has in its environment: where the bucket is, with its keys, and where nodes lie."""
        keys = {"ENDPOINT_URL": self.endpoint, "ACCESS_KEY": "tester", "SECRET_KEY": SECRET}
        found = {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in keys.items()}
        return {**found, "NODES": str(self.nodes), "PYTHONPATH": str(executors.HERE)}

    def run(self, clone: Clone, *asked: str, executor: str = "nodes", **more: str) -> subprocess.CompletedProcess:
        """Run Snakemake in a clone with its files in the bucket, as docs/cluster.md says."""
        where = ("--executor", executor, "--default-storage-prefix", self.server.address)
        cores = ("--max-threads", "1", "--jobs", "2", "--seconds-between-status-checks", "1")
        command = ("snakemake", "--workflow-profile", "profiles/kubernetes", *where, *cores, *asked)
        return clone.run(*command, variables={**self.variables(), **more})

    def names(self) -> list[str]:
        """Return the names of the archives in the bucket, without their hashes."""
        return sorted({path.name.rpartition("-")[0] for path in (self.server.folder / "packs").iterdir()})


def bare_clone(folder: Path) -> Clone:
    """Return a clone in whose repository is what jobs need, so that little is sent to each of them."""
    clone = clone_project(folder)
    for command in (
        ("git", "rm", "-r", "--quiet", "--cached", "docs", "tests", "tools", "benchmarks"),
        ("git", "commit", "--quiet", "--message", "What jobs need"),
    ):
        done = clone.run(*command)
        assert done.returncode == 0, done.stderr
    return clone
