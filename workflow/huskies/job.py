"""What a stage is given: its parameters, the folders above it, and the folder to fill."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One execution of one stage, as its plan describes it.

    params: the sections of params.yaml that dvc.yaml lists for the stage, by section name.
    inputs: the folder of each stage above, by stage name; locked and checked against its receipt.
    files: the other declared data files (weights), by path, with the sha256 of each.
    code: the digest of each declared code file, by path.
    libraries: the pinned version of each library that shapes the stage's bytes.
    raw_digest: the digest of the raw images; None in stages that read none, and where a control has made them.
    provenance: digests of the raw images, split, policy, backbone and code above, as plan.provenance has them.
    output: the empty folder to fill. It becomes data/<stage> only when the stage has succeeded.
    previous: the stage's last output, or None. Its bytes are not to be trusted unchecked.
    cores: how many processes or threads may be busy at once.
    anew: take nothing over from what DVC has recorded of the stage.
    """

    stage: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    files: dict[str, str]
    code: dict[str, str]
    libraries: dict[str, str]
    raw_digest: str | None
    provenance: dict[str, str]
    output: Path
    previous: Path | None
    cores: int
    anew: bool = False
