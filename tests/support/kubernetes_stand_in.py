"""A stand-in for the few calls of Kubernetes' API that Snakemake's plug-in makes; each job runs in an empty folder.

It shows what the plug-in asks for, and that jobs need nothing else; what a cluster makes of it, it cannot show.
"""

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# Of an image that has all that is needed, in which the plug-in installs it again.
PIP = '#!/bin/sh\necho "$@" >> {installed}\n'


class Cluster:
    """What was asked of the API: the specifications of jobs and secrets, by name, and what was deleted."""

    def __init__(self, folder: Path):
        """Jobs lie below a folder while they run, and their logs in it."""
        self.folder, self.jobs, self.secrets, self.deleted = folder, {}, {}, []
        self._running: dict[str, subprocess.Popen] = {}
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/pip").write_text(PIP.format(installed=folder / "installed"))
        (folder / "bin/pip").chmod(0o755)

    def container(self, name: str) -> dict[str, Any]:
        """Return the specification of a job's only container."""
        [found] = self.jobs[name]["spec"]["template"]["spec"]["containers"]
        return found

    def log(self, name: str) -> Path:
        """Return the file with what a job has said."""
        return self.folder / f"{name}.log"

    def start(self, name: str, described: dict[str, Any]) -> None:
        """Start a job, with nothing in its environment but what its specification says."""
        self.jobs[name] = described
        container, workdir = self.container(name), self.folder / name
        workdir.mkdir()
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"PATH": path, "LANG": "C.UTF-8", "HOME": str(workdir), "XDG_CACHE_HOME": str(workdir / "cache")}
        for each in container["env"]:
            at = each["valueFrom"]["secretKeyRef"]
            environment[each["name"]] = base64.b64decode(self.secrets[at["name"]]["data"][at["key"]]).decode()
        with open(self.log(name), "w") as log:
            command = [*container["command"], *container["args"]]
            self._running[name] = subprocess.Popen(command, cwd=workdir, env=environment, stdout=log, stderr=log)

    def phase(self, name: str) -> str:
        """Return Running, Succeeded or Failed."""
        status = self._running[name].poll()
        return "Running" if status is None else "Failed" if status else "Succeeded"

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Return the pod of a job, if there is such a job."""
        if name not in self.jobs:
            return []
        phase = self.phase(name)
        state = {"running": {}} if phase == "Running" else {"terminated": {"exitCode": int(phase == "Failed")}}
        container = {
            "name": "snakemake",
            "image": "i",
            "imageID": "i",
            "ready": True,
            "restartCount": 0,
            "state": state,
        }
        return [{"metadata": {"name": name}, "status": {"phase": phase, "containerStatuses": [container]}}]

    def end(self) -> None:
        """End the jobs that still run."""
        for process in self._running.values():
            process.kill()
            process.wait()


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def log_message(self, *given: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = body["metadata"]["name"]
        if "/secrets" in self.path:
            self.cluster.secrets[name] = body
        else:
            self.cluster.start(name, body)
        self._answer(body, 201)

    def do_GET(self) -> None:
        if found := re.search(r"/jobs/([\w-]+)/status", self.path):
            state = {"Running": "active", "Succeeded": "succeeded", "Failed": "failed"}[self.cluster.phase(found[1])]
            self._answer({**self.cluster.jobs[found[1]], "status": {state: 1}})
        elif found := re.search(r"/pods/([\w-]+)/log", self.path):
            self._send(self.cluster.log(found[1]).read_bytes(), "text/plain")
        else:
            [name] = re.findall(r"job-name(?:=|%3D)([\w-]+)", self.path)
            self._answer({"kind": "PodList", "apiVersion": "v1", "items": self.cluster.pods(name)})

    def do_DELETE(self) -> None:
        self.cluster.deleted.append(self.path.partition("?")[0].rpartition("/")[2])
        self._answer({"kind": "Status", "status": "Success"})

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(body).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[Cluster, Path]]:
    """Serve the API on loopback until the end; yield what is asked of it, and a file for KUBECONFIG."""
    running = Cluster(folder)
    handler = type("Handler", (_Handler,), {"cluster": running})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        named = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "none"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
        (folder / "config").write_text(json.dumps({**named, "current-context": "x"}))
        try:
            yield running, folder / "config"
        finally:
            server.shutdown()
            running.end()
