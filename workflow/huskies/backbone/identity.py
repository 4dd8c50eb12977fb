"""The identity of bottlenecks: all that features depend on besides the image. Only those of one identity are compared.

A head keeps the identity of the bottlenecks that it was trained on.
"""

import json
from pathlib import Path
from typing import Any

from huskies import imports, receipt
from huskies.errors import HuskyError, some
from huskies.job import Job

NAME = "identity.json"

# The module that turns the bytes of an image into a row; other code of the stages only moves rows about.
_ROOT = "backbone.inference"


def of(job: Job, parameters: dict[str, Any]) -> str:
    """Return, as JSON, all that features depend on besides the image: two equal ones give equal features.

    parameters: the section `backbone` as this machine settles it.
    """
    package = imports.Package()
    used, weights = package.libraries(_ROOT), Path("backbones", parameters["weights"])
    described = {
        "backbone": parameters,
        # A stage that compares backbones has the weights of others, too.
        "weights": {path: digest for path, digest in job.files.items() if Path(path) == weights},
        "libraries": {library: version for library, version in job.libraries.items() if library in used},
        "code": package.code(_ROOT),
    }
    return json.dumps(described, sort_keys=True)


def read(folder: Path) -> str:
    """Return the identity that bottlenecks or a head have in their folder. Raises HuskyError where there is none."""
    try:
        return (folder / NAME).read_text()
    except OSError:
        raise HuskyError(f"{folder / NAME} is missing. Delete {folder} and run the same command again.") from None


def widths(folder: Path) -> list[int] | None:
    """Return how many features each layer has whose bottlenecks lie in a folder, one after the other; None for one."""
    return json.loads(read(folder))["backbone"].get("widths")


def check(*folders: Path, computed: str | None = None) -> None:
    """Raise HuskyError unless all bottlenecks in use are of one identity: those in folders, of heads, and `computed`.

    Receipts are the same wherever `auto` stands for another engine or precision, on another machine or after an
    upgrade of it, and features of two engines in one comparison would make a false number.
    """
    described = {str(folder): read(folder) for folder in folders}
    if computed is not None:
        described["this machine"] = computed
    (first, expected), *others = described.items()
    for name, found in others:
        if found != expected:
            raise HuskyError(
                f"the bottlenecks of {first} and of {name} were not computed alike: "
                f"{some(differences(expected, found))}. Delete them and run the same command again: "
                f"rm -rf {' '.join(map(str, folders))}. Where machines of several kinds share results, set "
                "backbone.engine and backbone.precision in params.yaml to what all of them have."
            )


def differences(one: str, other: str) -> list[str]:
    """Return what differs between two identities, as in "backbone.precision is bfloat16 and float32"."""
    before, after = (receipt.flat(json.loads(each)) for each in (one, other))
    return [
        f"{key} is {before.get(key)} and {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
