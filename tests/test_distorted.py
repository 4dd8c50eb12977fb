"""distorted: retrain.py's four distortions, drawn anew in every step, and what a step then costs."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TRAIN, Clone, bare_job, do, stages_run
from huskies import outputs
from huskies.backbone import identity, inference
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.job import Job
from huskies.steps import distorted
from huskies.training import fit
from hypothesis import given
from hypothesis import strategies as st

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

OFF = {"flip_left_right": False, "random_crop": 0.0, "random_scale": 0.0, "random_brightness": 0.0}
LABELS = ["left", "right"]
# The side of the input of the tests' backbone, in pixels.
SIDE = 8
PARAMETERS = {**TRAIN, "steps": 2000, "batch_size": 6, "keep": "last"}


def distort(pixels: np.ndarray, side: int, seed: int, **settings: Any) -> np.ndarray:
    return distorted.distort(pixels, np.random.default_rng(seed), {**OFF, **settings}, side)


def coloured(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def test_with_everything_off_an_image_of_the_right_size_stays_as_it_is():
    pixels = coloured(6)
    assert (distort(pixels, 6, seed=1) == pixels).all()


def test_an_image_of_another_size_is_resized_bilinearly_and_its_aspect_is_not_kept():
    pixels = np.zeros((1, 2, 3), np.uint8)
    pixels[:, 1] = 100
    assert distort(pixels, 4, seed=1)[..., 0].tolist() == [[0, 25, 75, 100]] * 4


def test_half_of_the_images_are_mirrored_and_none_upside_down():
    pixels = coloured(3)
    seen = Counter(distort(pixels, 3, seed, flip_left_right=True).tobytes() for seed in range(400))
    assert seen.keys() == {pixels.tobytes(), pixels[:, ::-1].tobytes()}
    assert seen[pixels.tobytes()] == pytest.approx(200, abs=40)


def test_a_crop_is_taken_anywhere_from_an_image_enlarged_by_so_many_percent():
    # Twice a side of 2 is 4, the image's own: so nothing is interpolated.
    pixels = coloured(4)
    windows = {pixels[row : row + 2, column : column + 2].tobytes() for row in range(3) for column in range(3)}
    seen = Counter(distort(pixels, 2, seed, random_crop=100).tobytes() for seed in range(900))
    assert seen.keys() == windows
    assert all(count == pytest.approx(100, abs=40) for count in seen.values())


@pytest.fixture
def enlarged(monkeypatch) -> list[int]:
    """The sides that images are resized to."""
    sides, resize = [], codec.resize
    monkeypatch.setattr(
        distorted.codec,
        "resize",
        lambda pixels, side, kernel: sides.append(side) or resize(pixels, side, kernel),
    )
    return sides


@pytest.mark.parametrize(("percent", "side"), [(15, 115), (10, 110), (14.9, 114), (0.5, 100)])
def test_a_crop_enlarges_to_whole_pixels_below_as_retrain_py_does(enlarged, percent, side):
    distort(coloured(5), 100, seed=1, random_crop=percent)
    assert enlarged == [side]


def test_a_scale_is_drawn_between_none_and_so_many_percent_on_top_of_the_crop(enlarged):
    for seed in range(400):
        distort(coloured(5), 100, seed, random_crop=50, random_scale=20)
    assert min(enlarged) in (150, 151)
    assert max(enlarged) in (178, 179)
    assert np.mean(enlarged) == pytest.approx(165, abs=2)


def test_brightness_multiplies_all_pixels_of_an_image_by_one_number():
    pixels = np.full((3, 3, 3), 100, np.uint8)
    seen = [distort(pixels, 3, seed, random_brightness=50) for seed in range(400)]
    assert all(len(np.unique(each)) == 1 for each in seen)
    values = [int(each[0, 0, 0]) for each in seen]
    assert 50 <= min(values) < 55
    assert 145 < max(values) <= 150
    assert np.mean(values) == pytest.approx(100, abs=5)


def test_pixels_stay_between_black_and_white():
    pixels = np.array([[[0, 200, 255]]], np.uint8)
    for seed in range(50):
        factor = 1 + (2 * np.random.default_rng(seed).random(5)[4] - 1)
        expected = [0, min(255, round(200 * factor)), min(255, round(255 * factor))]
        assert distort(pixels, 1, seed, random_brightness=100)[0, 0].tolist() == expected


SETTINGS = st.fixed_dictionaries(
    {"flip_left_right": st.booleans()}
    | {name: st.floats(0, 100) for name in ("random_crop", "random_scale", "random_brightness")}
)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12), SETTINGS, st.integers(0, 2**32 - 1))
def test_what_comes_out_has_the_size_of_the_input_and_is_the_same_for_a_seed(height, width, side, settings, seed):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    first, second = (distort(pixels, side, seed, **settings) for _ in range(2))
    assert (first.shape, first.dtype) == ((side, side, 3), np.uint8)
    assert (first == second).all()


@given(st.integers(1, 12), SETTINGS, st.integers(0, 255), st.integers(0, 2**32 - 1))
def test_an_image_of_one_colour_stays_so_whatever_moves(side, settings, value, seed):
    pixels = np.full((5, 7, 3), value, np.uint8)
    moved = distort(pixels, side, seed, **{**settings, "random_brightness": 0.0})
    assert (moved == value).all()


@given(SETTINGS, st.integers(0, 2**32 - 1))
def test_each_distortion_is_drawn_as_if_it_were_alone(settings, seed):
    pixels = coloured(9)
    moved = distort(pixels, 6, seed, **{**settings, "random_brightness": 0.0})
    factor = 1 + settings["random_brightness"] / 100 * (2 * np.random.default_rng(seed).random(5)[4] - 1)
    assert (distort(pixels, 6, seed, **settings) == np.clip(np.rint(moved * factor), 0, 255)).all()
    mirrored = {flip: distort(pixels, 6, seed, **{**settings, "flip_left_right": flip}) for flip in (False, True)}
    assert any((mirrored[True] == each).all() for each in (mirrored[False], mirrored[False][:, ::-1]))


def bright(side: str, number: int) -> bytes:
    """Return a JPEG that is bright on the side that its label says, until it is mirrored."""
    pixels = np.full((24, 32, 3), 40 + number, np.uint8)
    pixels[:, slice(0, 16) if side == "left" else slice(16, 32)] = 200 - number
    return codec.encode(pixels, 95)


def seen(pixels: np.ndarray) -> np.ndarray:
    """Return what the tests' backbone sees of an image: how bright it is at the left and at the right."""
    half = pixels.shape[1] // 2
    return np.array([pixels[:, :half].mean(), pixels[:, half:].mean()], np.float32) / 255


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """A backbone of two features in place of a network, in batches of 4; returns the files that it is asked for."""
    asked = []

    def compute(
        _: Any, files: Sequence[tuple[Path, str]], cores: int, split: Path, fit: Callable
    ) -> Iterator[tuple[range, np.ndarray]]:
        for start in range(0, len(files), 4):
            positions = range(start, min(start + 4, len(files)))
            asked.extend(files[each][0].name for each in positions)
            decoded = [codec.decode_jpeg(codec.read_checked(*files[each])) for each in positions]
            yield positions, np.stack([seen(fit(*each)) for each in zip(decoded, [SIDE] * 4, positions, strict=False)])

    monkeypatch.setattr(inference, "compute", compute)
    monkeypatch.setattr(inference, "settle", lambda parameters, _: parameters)
    return asked


def make_job(data: Path, found: int = 0, steps: int = 30, seed: int = 1, **settings: Any) -> Job:
    """Return a job with nine training images of each class; of those held out there are features and no bytes."""
    rows, features = [], []
    for label in LABELS:
        (data / "split" / label).mkdir(parents=True)
        for split, numbers in (("train", range(9)), ("val", range(9, 13)), ("test", range(13, 15))):
            for number in numbers:
                file, jpeg = f"{label}/{split}_{number}.jpg", bright(label, number)
                if split == "train":
                    (data / "split" / file).write_bytes(jpeg)
                rows.append({"file": file, "label": label, "split": split, "sha256": codec.sha256(jpeg)})
    listed = manifest.make([{**row, "source_sha256": f"source of {row['file']}"} for row in rows])
    manifest.write(listed, data / "split" / manifest.NAME)
    index = manifest.read(data / "split" / manifest.NAME)
    index = index[index["split"] != "test"]
    features = [
        seen(codec.decode(bright(row.label, int(re.findall(r"\d+", row.file)[0])))) for row in index.itertuples()
    ]
    (data / "bottlenecks_original").mkdir()
    np.save(data / "bottlenecks_original" / outputs.FEATURES, np.stack(features))
    index.to_csv(data / "bottlenecks_original" / outputs.INDEX, index=False)
    (data / "leaks").mkdir()
    (data / "leaks" / outputs.LEAKS).write_text(json.dumps({"leaks": found}))
    (data / "out").mkdir()
    job = bare_job(
        stage="distorted",
        params={
            "backbone": {"name": "two features", "weights": "none"},
            "distort": {**OFF, "steps": steps, **settings},
            "train": {**PARAMETERS, "seed": seed},
        },
        inputs={name: data / name for name in ("split", "bottlenecks_original", "leaks")},
        output=data / "out",
    )
    (data / "bottlenecks_original" / identity.NAME).write_text(identity.of(job, job.params["backbone"]))
    return job


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != outputs.COST}


def scores(job: Job) -> dict[str, float]:
    return json.loads((job.output / outputs.SCORES).read_text())


def test_a_head_learns_from_distorted_images_what_distortions_leave(tmp_path, computed):
    job = make_job(tmp_path, random_crop=10, random_scale=10, random_brightness=10)
    said = distorted.run(job)
    assert scores(job) == {
        "step": 30,
        "images": 18,
        "val_images": 8,
        "train_accuracy": 1.0,
        "train_cross_entropy": pytest.approx(0, abs=0.2),
        "val_accuracy": 1.0,
        "val_cross_entropy": pytest.approx(0, abs=0.2),
        "leaks": 0,
    }
    assert re.fullmatch(
        r"18 training images distorted anew in each step, kept step 30 of 30: train 100\.0%, validation 100\.0%; "
        r"[\de.-]+ s a step, \d+ times one on bottlenecks",
        said,
    )


def test_a_head_cannot_learn_what_a_distortion_takes_away(tmp_path, computed):
    # Mirroring turns left into right.
    job = make_job(tmp_path, flip_left_right=True, steps=100)
    distorted.run(job)
    assert scores(job)["val_cross_entropy"] == pytest.approx(np.log(2), abs=0.2)


def test_only_training_images_are_opened_and_as_many_as_there_are_steps_and_places_in_a_batch(tmp_path, computed):
    distorted.run(make_job(tmp_path, random_crop=10))
    assert len(computed) == 30 * 6
    assert set(computed) == {f"train_{number}.jpg" for number in range(9)}


def test_the_classes_are_drawn_alike_and_the_images_as_in_the_trainings_on_bottlenecks(tmp_path, computed):
    job = make_job(tmp_path, random_crop=10)
    distorted.run(job)
    labels = np.repeat([0, 1], 9)
    drawn = fit.draw_batches(labels, 30, 6, balanced=True, seed=1)
    rows = manifest.read(job.output / outputs.ROWS)
    assert rows["label"].tolist() == ["left"] * 9 + ["right"] * 9
    assert computed == [Path(rows["file"][each]).name for each in drawn.ravel()]


def test_there_is_all_that_a_training_on_bottlenecks_leaves_and_what_a_step_costs(tmp_path, computed):
    job = make_job(tmp_path, random_crop=10, steps=250)
    distorted.run(job)
    assert contents(job.output).keys() == {
        "head.keras",
        "history.csv",
        "labels.txt",
        "rows.csv",
        "scores.json",
        "validation.csv",
        "validation_cross_entropy.npy",
        "validation_right.npy",
    }
    history = manifest.read(job.output / outputs.HISTORY)
    assert history["step"].tolist() == [str(step) for step in [*range(3, 250, 3), 250]]
    cost = json.loads((job.output / outputs.COST).read_text())
    assert cost.keys() == {
        "seconds_per_step_distorted",
        "seconds_per_step_bottlenecks",
        "ratio",
        "steps",
        "batch_size",
        "cores",
    }
    assert (cost["steps"], cost["batch_size"], cost["cores"]) == (250, 6, 1)
    assert cost["ratio"] == pytest.approx(
        cost["seconds_per_step_distorted"] / cost["seconds_per_step_bottlenecks"], rel=0.05
    )
    assert cost["ratio"] > 1


def test_all_but_the_cost_is_the_same_in_another_run_and_other_with_another_seed(tmp_path, computed):
    jobs = [make_job(tmp_path / name, random_crop=20, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for job in jobs:
        distorted.run(job)
    first, again, other = (contents(job.output) for job in jobs)
    assert first == again
    assert first["history.csv"] != other["history.csv"]


def test_an_image_is_distorted_otherwise_in_each_step_and_at_each_place_whatever_is_beside_it(tmp_path, computed):
    job = make_job(tmp_path)
    files = [(job.inputs["split"] / file, codec.sha256(bright("left", 0))) for file in ["left/train_0.jpg"]]
    files.append((job.inputs["split"] / "left/train_1.jpg", codec.sha256(bright("left", 1))))

    def steps(*drawn: list[int], seed: int = 1) -> list[np.ndarray]:
        settings = {**OFF, "random_brightness": 50.0}
        return list(distorted.features_of_steps(job, files, np.array(drawn), settings, seed))

    first, second = steps([0, 0, 0], [0, 0, 0])
    assert first.shape == second.shape == (3, 2)
    assert len({row.tobytes() for row in np.concatenate([first, second])}) == 6
    [mixed] = steps([0, 1, 0])
    assert (mixed[[0, 2]] == first[[0, 2]]).all()
    assert (mixed[1] != first[1]).any()
    assert (steps([0, 0, 0], seed=2)[0] != first).all()


def test_with_all_distortions_off_it_says_which_there_are(tmp_path, computed):
    with pytest.raises(HuskyError) as error:
        distorted.run(make_job(tmp_path))
    assert str(error.value) == (
        "no distortion is on: distort.flip_left_right, distort.random_crop, distort.random_scale, "
        "distort.random_brightness are all off in params.yaml. Set one there, or for one run: "
        "snakemake --cores all distorted --config distort='{random_crop: 10}'"
    )
    assert computed == []


def test_leaks_that_the_gate_let_pass_stand_beside_the_number(tmp_path, computed):
    job = make_job(tmp_path, found=3, random_crop=10)
    assert distorted.run(job).endswith(". WARNING: 3 leaks: see data/leaks")
    assert scores(job)["leaks"] == 3


def test_an_image_that_is_not_what_the_split_lists_is_refused(tmp_path, computed):
    job = make_job(tmp_path, random_crop=10)
    spoilt = job.inputs["split"] / "left/train_0.jpg"
    spoilt.write_bytes(bright("left", 1))
    with pytest.raises(HuskyError, match=r"left/train_0\.jpg is not the file its manifest lists"):
        distorted.run(job)


@pytest.mark.long
def test_it_runs_when_asked_for_by_name_with_the_same_bytes_on_any_number_of_cores(built: Clone):
    on = "distort={flip_left_right: true, random_crop: 10, steps: 12}"
    assert stages_run(do(built, "snakemake", "--cores", "1", "distorted", "--config", on)) == ["distorted"]
    one = built.bytes_of("distorted")
    assert json.loads(one[f"distorted/{outputs.COST}"])["steps"] == 12
    built.set(distort__flip_left_right=True, distort__random_crop=10, distort__steps=12)
    assert "Nothing to be done" in do(built, "snakemake", "--cores", "1", "distorted")
    do(built, "snakemake", "--cores", "1", "audit")
    shutil.rmtree(built.folder / "data/distorted")
    do(built, "snakemake", "--cores", "2", "distorted")
    two = built.bytes_of("distorted")
    assert one.keys() == two.keys()
    # The receipt has the digest of what was measured.
    different = {name for name in one if one[name] != two[name]}
    assert all(name == f"distorted/{outputs.COST}" or name.startswith("distorted/receipt-") for name in different)


@pytest.mark.long
def test_with_all_off_nothing_is_replaced_and_the_error_is_shown(built: Clone):
    done = built.run("snakemake", "--cores", "2", "distorted")
    assert done.returncode != 0
    assert "ERROR: no distortion is on: distort.flip_left_right, " in done.stderr
    assert not (built.folder / "data/distorted").exists()
