"""The engine that all machines of a run compute with: the command settles it, and tells its jobs by their environment.

Left to each machine, `auto` may come to another precision where processors differ, and their features do not mix.
"""

import json
import os
from typing import Any

VARIABLE = "HUSKIES_ENGINE"


def tell(backbone: dict[str, Any], settled: dict[str, str]) -> None:
    """Tell the jobs of this command what `auto` stands for.

    backbone: that section of params.yaml. settled: `engine` and `precision`.
    """
    os.environ[VARIABLE] = json.dumps({"backbone": backbone, "settled": settled})


def heard(backbone: dict[str, Any]) -> dict[str, str]:
    """Return the `engine` and the `precision` that the command has settled for this section; nothing if it has not."""
    if not (content := os.environ.get(VARIABLE)):
        return {}
    found = json.loads(content)
    return found["settled"] if found["backbone"] == backbone else {}
