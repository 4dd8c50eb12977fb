"""head: a saved head has the same bytes everywhere, and TensorBoard reads how it was trained."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import TRAIN, USES_KERAS
from huskies.steps import tensorboard, train
from huskies.training import head
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util
from trainings import CURVES, table

pytestmark = USES_KERAS


@pytest.mark.long
def test_a_saved_head_has_the_same_bytes_in_other_processes(tmp_path):
    script = """
import json, sys
from pathlib import Path
import numpy as np
from huskies import outputs
from huskies.training import fit
from huskies.steps import train
from huskies.backbone.features import load_features

ballast = [object() for _ in range(int(sys.argv[2]))]
rows = np.eye(6, dtype=np.float32), np.arange(6) % 3
model, *_ = fit.fit(rows, rows, 3, json.loads(sys.argv[3]), "train_baseline")
model.save(Path(sys.argv[1]))
"""
    for name, ballast in (("one.keras", 0), ("other.keras", 100_000)):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name), str(ballast), json.dumps({**TRAIN, "l1": 0.1})],
            env={**os.environ, "PYTHONPATH": str(Path(train.__file__).parents[2])},
            check=True,
        )
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()


def test_a_saved_head_carries_no_time(trained):
    content = (trained["train_baseline"].output / head.NAME).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as saved:
        assert {each.date_time for each in saved.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert saved.namelist() == sorted(saved.namelist())
        assert json.loads(saved.read("metadata.json"))["date_saved"] == ""
        assert saved.testzip() is None


def read_events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def test_tensorboard_reads_the_curves(trained):
    job = trained["train_baseline"]
    history = table(job, "history.csv").astype(float)
    for split in ("train", "val"):
        events = read_events(job.output.parent / "tensorboard/train_baseline" / split)
        assert sorted(events.Tags()["tensors"]) == ["accuracy", "cross_entropy"]
        for name in ("accuracy", "cross_entropy"):
            read = [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(name)]
            assert [step for step, _ in read] == history["step"].tolist()
            assert [value for _, value in read] == pytest.approx(history[f"{split}_{name}"].tolist(), abs=2e-6)


def test_events_of_a_new_run_replace_those_of_the_last(tmp_path):
    for steps in (5, 3):
        history = pd.DataFrame([(step, 0.5, 0.5, 0.5, 0.5) for step in range(1, steps + 1)], columns=CURVES)
        head.write_events(history, tmp_path, "train_baseline")
    folder = tmp_path / "tensorboard/train_baseline"
    assert [len(list((folder / split).iterdir())) for split in ("train", "val")] == [1, 1]
    assert [event.step for event in read_events(folder / "val").Tensors("accuracy")] == [1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tensorboard"]


def test_events_of_a_new_run_take_away_the_images_of_the_last(tmp_path):
    images_shown = tmp_path / "tensorboard" / tensorboard.RUN
    images_shown.mkdir(parents=True)
    head.write_events(pd.DataFrame([(1, 0.5, 0.5, 0.5, 0.5)], columns=CURVES), tmp_path, "train_baseline")
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == ["train_baseline"]
