"""converted: a backbone is made once, and the last few used are kept."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from huskies import cache_file
from huskies.backbone import converted


def test_two_that_want_one_backbone_make_it_once(monkeypatch, tmp_path):
    monkeypatch.setattr(cache_file, "cache_folder", lambda: tmp_path)
    started, made = threading.Barrier(2), []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        time.sleep(0.5)
        return {"xml": np.arange(3)}

    def want(_: int) -> list[int]:
        started.wait()
        return converted.kept("wanted", make)["xml"].tolist()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(want, range(2))) == [[0, 1, 2]] * 2
    assert made == [1]
    assert [path.name for path in (tmp_path / "backbones").iterdir()] == ["wanted.npz"]


def test_the_backbones_that_were_not_used_for_longest_are_forgotten(tmp_path):
    for number in range(12):
        converted._keep(tmp_path / f"{number}.npz", {"xml": np.zeros(1)})
        os.utime(tmp_path / f"{number}.npz", (number, number))
    converted._keep(tmp_path / "new.npz", {"xml": np.zeros(1)})
    assert {path.stem for path in tmp_path.iterdir()} == {"new", *map(str, range(3, 12))}
