"""collect: the results of jobs that share a bucket come into data/, as if they had been made here."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from huskies import outputs
from huskies.planning import packed_run
from huskies.training import head


def run(inputs: Sequence[Path]) -> str:
    """Unpack archives into data/ where their folders are not there and sound; return a line on it.

    TensorBoard's curves of trainings are made here, since the archives have the stages' folders alone. Raises
    HuskyError for an archive that is not what its name says.
    """
    before = {path: packed_run.is_sound(path) for path in map(packed_run.receipt_of, inputs)}
    for path in packed_run.unpacked(inputs):
        if path.parent.name.startswith("train_") and not before[path]:
            head.write_events(pd.read_csv(path.parent / outputs.HISTORY), packed_run.ROOT, path.parent.name)
    new = [path.parent.name for path, sound in before.items() if not sound]
    return f"{', '.join(new)} brought into {packed_run.ROOT}" if new else "all is there already"
