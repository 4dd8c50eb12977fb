"""Rows that stay in their files until they are asked for, and are then what one large array would have given."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import PROJECT
from huskies.backbone.features import Rows, chunks
from huskies.training import scaling
from hypothesis import given, settings
from hypothesis import strategies as st


def parts(sizes: list[int], dimensions: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(size, dimensions)).astype(np.float32) for size in sizes]


@settings(deadline=None)
@given(st.data(), st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any))
def test_rows_are_those_of_the_arrays_laid_end_to_end(data, sizes):
    arrays = parts(sizes)
    whole = np.concatenate(arrays)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=20)))
    lazy, plain = Rows(arrays, chosen), whole[chosen]
    assert (len(lazy), lazy.shape) == (len(plain), plain.shape)
    shape = data.draw(st.sampled_from([(0,), (1,), (7,), (3, 4)]))
    which = np.array(data.draw(st.lists(st.integers(0, len(chosen) - 1), min_size=12, max_size=12)))
    which = np.resize(which, shape).astype(np.int32)
    start, stop = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20))
    for each in (which, slice(start, stop), slice(None)):
        assert lazy[each].dtype == np.float32
        assert np.array_equal(lazy[each], plain[each])


def test_a_part_without_rows_may_have_no_dimensions_either():
    arrays = [np.zeros((0, 0), np.float32), *parts([2, 3]), np.zeros((0, 0), np.float32)]
    lazy = Rows(arrays, np.array([4, 0]))
    assert lazy.shape == (2, 3)
    assert np.array_equal(lazy[:], [arrays[2][2], arrays[1][0]])


@pytest.mark.parametrize("together", [1, 8 * 12, 1 << 20])
def test_chunks_are_all_rows_in_order_and_none_is_larger_than_allowed(monkeypatch, together):
    monkeypatch.setattr("huskies.backbone.features._TOGETHER", together)
    arrays = parts([5, 0, 14])
    lazy = Rows(arrays, np.arange(19))
    found = list(chunks(lazy))
    assert np.array_equal(np.concatenate(found), np.concatenate(arrays))
    assert all(len(each) == 1 or each.nbytes <= together for each in found)


def test_mean_and_variance_do_not_depend_on_the_chunks(monkeypatch):
    features = parts([500])[0] * 40 + 7
    at_once = scaling.moments(features)
    monkeypatch.setattr("huskies.backbone.features._TOGETHER", 12 * 33)
    apart = scaling.moments(Rows([features[:123], features[123:]], np.arange(500)))
    for name in ("mean", "variance"):
        assert apart[name] == pytest.approx(at_once[name], rel=1e-12)
    variance = features.astype(float).var(axis=0)
    assert at_once["mean"] == pytest.approx(features.astype(float).mean(axis=0), rel=1e-12)
    assert at_once["variance"] == pytest.approx(variance + 0.01 * variance.mean(), rel=1e-12)


# Prints how far the memory of the process itself, which holds no pages of files, has risen over what it was before.
_TRAINING = """
import sys, threading, time
import numpy as np
from huskies.backbone import network
from huskies.training import fit
from huskies.backbone.features import Rows
from huskies.backbone.features import chunks

def anonymous():
    [line] = [line for line in open("/proc/self/status") if line.startswith("RssAnon")]
    return int(line.split()[1]) << 10

def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.01)

small = np.eye(4, 2048, dtype=np.float32), np.arange(4)
parameters = {"steps": 20, "batch_size": 100, "optimizer": "adam", "learning_rate": 0.003, "dropout": 0.0, "l1": 0.0,
              "l2": 0.01, "mixup": 0.0, "scaling": "standardise",
              "class_balanced": True, "keep": "best", "seed": 1}
fit.fit(small, small, 4, parameters, "train_baseline")
maps = [np.load(path, mmap_mode="r") for path in sys.argv[1:]]
count = sum(map(len, maps))
labels = np.arange(count) % 4
held_out = np.arange(count) % 5 == 0
before = anonymous()
peak = [before]
threading.Thread(target=watch, daemon=True).start()
fit.fit(*((Rows(maps, np.flatnonzero(each)), labels[each]) for each in (~held_out, held_out)), 4,
          {**parameters, "steps": 2}, "train_baseline")
print(peak[0] - before)
"""


@pytest.mark.long
def test_a_training_needs_less_memory_than_its_features(tmp_path):
    gibibyte = 1 << 30
    for name in ("original", "augmented"):
        features = np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", np.float32, (gibibyte // 2 // 8192, 2048))
        features[:, :4] = np.arange(4)
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING, str(tmp_path / "original.npy"), str(tmp_path / "augmented.npy")],
        env={"PYTHONPATH": str(PROJECT / "workflow"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < gibibyte / 2
