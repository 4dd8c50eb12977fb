"""Packs: what jobs read and write that share a bucket with the command, and no folder.

Each stage makes one archive, its folder with the receipt, named by the same hash. What else a job needs is sent as
files in the same way: its plan, the weights, and the backbone, converted once for all of them. The hashes, the
parameters and the number of images stand in the environment of the jobs.
"""

import base64
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huskies import receipt
from huskies.backbone import common_engine
from huskies.planning.flow import Flow

FOLDER = "packs"
VARIABLE = "HUSKIES_PACKS"
# Archives that are no stage's.
WEIGHTS, BACKBONE = "weights", "backbone"
# Stages that read the user's images, or write the ledger: they are made by the command itself, beside these.
AT_HOME = ("convert", "group", "test", "preview")
# The stage by whose plan the backbone is converted.
_OF_BACKBONE = "bottlenecks_original"


@dataclass(frozen=True)
class Packs:
    """The archives of a flow, by their paths in the bucket."""

    flow: Flow

    def archive(self, stage: str) -> str:
        """Return the path of a stage's archive."""
        return archive(stage, self.flow.hashes[stage])

    def sent(self, stage: str) -> list[str]:
        """Return what a job of the stage needs beside the archives of the stages above."""
        return list(self.flow.sent[stage] if self.flow.told else sent(stage, self.flow.plans))

    def weights(self, digest: str) -> list[str]:
        """Return the files and folders of weights whose archive is named by this hash."""
        of_plans = map(_weights, self.flow.plans.values())
        return next(list(each) for each in of_plans if _hash(each) == digest)

    def backbone(self) -> list[str]:
        """Return what the job that converts the backbone needs: a plan that has its parameters, and its weights."""
        return [each for each in self.sent(_OF_BACKBONE) if f"/{BACKBONE}-" not in each]


def digest(path: Path) -> str:
    """Return the hash by which a file in the bucket is named."""
    return path.stem.rpartition("-")[2]


def used(workflow: Any) -> bool:
    """Tell whether a command's files are in a bucket, by its option --default-storage-provider."""
    settings = workflow.storage_settings
    return settings is not None and settings.default_storage_provider is not None


def begin(workflow: Any, flow: Flow) -> Packs | None:
    """Return the archives of a flow where its files are in a bucket, else None; tell the jobs of this command of them.

    workflow: Snakemake's, when it begins to read the Snakefile.
    """
    if not used(workflow):
        return None
    if not flow.told:
        tell(flow)
    return Packs(flow)


def tell(flow: Flow) -> None:
    """Tell the jobs of this command what it knows, by their environment; the engine, too, once it is settled."""
    told = {stage: sent(stage, flow.plans) for stage in flow.plans}
    content = {"params": flow.params, "images": flow.images, "plans": flow.hashes, "sent": told}
    content |= {"shards": dict(flow.shards), "engine": os.environ.get(common_engine.VARIABLE, "")}
    # In letters that no shell takes for anything else, since some executors write it into a command.
    os.environ[VARIABLE] = base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()


def heard() -> Flow | None:
    """Return the flow of the command whose job this is, without its plans, or None where the environment has none.

    The engine that the command has settled is then in the environment of this process, for what it starts.
    """
    if not (content := os.environ.get(VARIABLE)):
        return None
    found = json.loads(zlib.decompress(base64.b64decode(content)))
    os.environ[common_engine.VARIABLE] = found["engine"]
    told = {"told": found["plans"], "sent": found["sent"], "shards": found["shards"]}
    return Flow(found["params"], {}, counted=found["images"], **told)


def archive(name: str, digest: str) -> str:
    """Return the path in the bucket of the archive of a stage or a shard; digest: the hash of its plan."""
    return f"{FOLDER}/{name}-{digest}.tar"


def of_plan(digest: str) -> str:
    """Return the path of a plan in the bucket; digest: its hash."""
    return f"{FOLDER}/plan-{digest}.json"


def sent(stage: str, plans: dict[str, dict[str, Any]]) -> list[str]:
    """Return the files that a job of the stage is sent; none where the command itself makes it."""
    if stage in AT_HOME:
        return []
    planned = plans[stage]
    found = [of_plan(receipt.plan_hash(planned))]
    if weights := _weights(planned):
        found.append(f"{FOLDER}/{WEIGHTS}-{_hash(weights)}.tar")
    if BACKBONE in planned["params"]:
        # Not by its whole plan: another image changes nothing of the backbone.
        of_backbone = {key: plans[_OF_BACKBONE][key] for key in ("params", "files", "libraries", "code")}
        found.append(f"{FOLDER}/{BACKBONE}-{receipt.plan_hash(of_backbone)}.tar")
    return found


def _weights(planned: dict[str, Any]) -> dict[str, str]:
    """Return the digests of the weights that a plan names, by path."""
    return {path: digest for path, digest in planned["files"].items() if path.startswith("backbones/")}


def _hash(weights: dict[str, str]) -> str:
    return receipt.plan_hash(weights)
