"""augment: copies of the training images and of nothing else, the same on any machine, one factor within another."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, bare_job
from huskies.augmentation import copies, policy
from huskies.augmentation.copies import copy_seed
from huskies.errors import HuskyError
from huskies.images import codec, manifest, naming
from huskies.planning import stage_list
from huskies.steps import augment
from sharded import make_shards

POLICY = [
    {"transform": "Rotate", "limit": 20, "p": 0.9},
    {"transform": "RandomBrightnessContrast", "p": 0.5},
    {"transform": "GaussNoise", "p": 0.5},
]
FILES = {
    "cat/train_a.jpg": "train",
    "cat/train_a_1.jpg": "train",
    "cat/val_b.jpg": "val",
    "cat/test_c.jpg": "test",
    "dog/train_d.jpg": "train",
    "dogs%2F🐶/train_e.jpg": "train",
    "dog/val_f.jpg": "val",
}


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (16, 12, 3), dtype=np.uint8)


@pytest.fixture
def split_folder(tmp_path) -> Path:
    """The output of split for FILES, with an extra column of the user's."""
    folder = tmp_path / "split"
    rows = []
    for number, (file, where) in enumerate(FILES.items()):
        jpeg = codec.encode(pixels(number), 95)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(jpeg)
        source = hashlib.sha256(f"source {number}".encode()).hexdigest()
        label = naming.label_of(file.split("/")[0])
        rows.append(
            {"file": file, "label": label, "split": where, "group": source[:16], "source_sha256": source, "weight": "3"}
            | {"sha256": codec.sha256(jpeg)}
        )
    manifest.write(manifest.make(rows, ["weight"]), folder / "manifest.csv")
    return folder


def run(split_folder: Path, name: str = "out", cores: int = 1, quality: int = 90, **aug) -> tuple[Path, str]:
    """Run the stage; return its folder and its summary."""
    output = split_folder.parent / name
    output.mkdir()
    job = bare_job(
        stage="augment",
        params={"aug": {"factor": 3, "seed": 1, "policy": POLICY, **aug}, "convert": {"quality": quality}},
        inputs={"split": split_folder},
        output=output,
        cores=cores,
    )
    return output, augment.run(job)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_training_image_gets_its_copies_and_no_other_image_any(split_folder):
    output, summary = run(split_folder)
    trained = [file.removesuffix(".jpg") for file, where in FILES.items() if where == "train"]
    made = {f"{file}_{k}.jpg" for file in trained for k in range(3)}
    assert contents(output).keys() == made | {"manifest.csv"}
    assert summary == "12 copies of 4 training images, factor 3"


def test_a_copy_s_row_says_what_it_was_made_from_in_the_contract_s_columns_alone(split_folder):
    output, _ = run(split_folder)
    originals = manifest.read(split_folder / "manifest.csv").set_index("file")
    rows = manifest.read(output / "manifest.csv")
    assert list(rows.columns) == manifest.COLUMNS
    assert rows["file"].is_monotonic_increasing
    for row in rows.itertuples():
        label, split, stem, copy = naming.parse_copy(row.file)
        original = originals.loc[f"{naming.class_folder(label)}/{split}_{stem}.jpg"]
        assert (row.label, row.split, row.copy) == (label, "train", str(copy))
        assert (row.group, row.source_sha256) == (original["group"], original["source_sha256"])
        assert row.sha256 == codec.sha256((output / row.file).read_bytes())


def test_a_copy_is_the_policy_s_image_for_its_seed(split_folder):
    output, _ = run(split_folder, quality=80)
    original = (split_folder / "dog/train_d.jpg").read_bytes()
    source = hashlib.sha256(b"source 4").hexdigest()
    augmented = policy.build(POLICY)(codec.decode(original), copy_seed(1, source, 2))
    assert (output / "dog/train_d_2.jpg").read_bytes() == codec.encode(augmented, 80)


def test_the_pixels_of_a_copy_are_golden(split_folder):
    output, _ = run(split_folder)
    decoded = codec.decode((output / "cat/train_a_0.jpg").read_bytes())
    assert (
        hashlib.sha256(decoded.tobytes()).hexdigest()
        == "80c5469934d1c138db6695590bb5b8316a090b2d5a7b7957c456ba4f4cf8b869"
    )


def test_copies_differ_from_the_original_and_from_each_other(split_folder):
    output, _ = run(split_folder, factor=10)
    found = {
        content for name, content in contents(output).items() if name.startswith("cat/train_a_") and "_1_" not in name
    }
    assert len(found | {(split_folder / "cat/train_a.jpg").read_bytes()}) == 11


def test_factor_0_makes_an_empty_manifest_with_its_columns(split_folder):
    output, summary = run(split_folder, factor=0, cores=2)
    header = b"file,label,split,group,source_sha256,copy,sha256\n"
    assert contents(output) == {"manifest.csv": header}
    assert summary == "0 copies of 0 training images, factor 0"


def test_factor_10_holds_the_copies_of_factor_5_byte_for_byte(split_folder):
    five, ten = (contents(run(split_folder, str(factor), factor=factor)[0]) for factor in (5, 10))
    assert len(five) == 4 * 5 + 1
    assert len(ten) == 4 * 10 + 1
    assert {name: ten[name] for name in five if name != "manifest.csv"} == {
        name: content for name, content in five.items() if name != "manifest.csv"
    }
    lines = [set(each["manifest.csv"].decode().splitlines()) for each in (five, ten)]
    assert lines[0] < lines[1]


def test_the_same_bytes_come_from_any_number_of_cores(split_folder):
    one, two = (run(split_folder, str(cores), cores=cores) for cores in (1, 2))
    assert contents(one[0]) == contents(two[0])
    assert one[1] == two[1]


def test_copies_do_not_depend_on_which_other_images_there_are(split_folder):
    before, _ = run(split_folder, "before")
    rows = manifest.read(split_folder / "manifest.csv")
    manifest.write(rows[rows["file"] == "dog/train_d.jpg"], split_folder / "manifest.csv")
    alone, _ = run(split_folder, "alone")
    assert contents(alone).keys() == {f"dog/train_d_{k}.jpg" for k in range(3)} | {"manifest.csv"}
    assert all(
        (before / f"dog/train_d_{k}.jpg").read_bytes() == (alone / f"dog/train_d_{k}.jpg").read_bytes()
        for k in range(3)
    )


def test_another_seed_makes_other_copies(split_folder):
    one, other = (contents(run(split_folder, str(seed), seed=seed)[0]) for seed in (1, 2))
    assert one.keys() == other.keys()
    assert not {one[name] for name in one} & {other[name] for name in other}


@pytest.mark.parametrize("cores", [1, 2])
def test_a_tampered_training_image_is_refused(split_folder, cores):
    path = split_folder / "dog/train_d.jpg"
    path.write_bytes(codec.encode(pixels(99), 95))
    with pytest.raises(HuskyError) as error:
        run(split_folder, cores=cores)
    assert str(error.value) == (
        f"{path} is not the file its manifest lists. Delete {split_folder} and run the same command again."
    )


def test_held_out_images_are_never_opened(split_folder):
    for file, where in FILES.items():
        if where != "train":
            (split_folder / file).unlink()
    assert run(split_folder)[1] == "12 copies of 4 training images, factor 3"


@pytest.mark.parametrize("cores", [1, 2])
def test_a_policy_that_does_not_fit_an_image_is_refused(split_folder, cores):
    with pytest.raises(HuskyError, match=r"^aug\.policy does not work on an image of 12 × 16 pixels: Crop size"):
        run(split_folder, cores=cores, policy=[{"transform": "CenterCrop", "height": 64, "width": 64}])


def test_another_policy_takes_effect_within_one_process(split_folder):
    flipped, _ = run(split_folder, "flip", factor=1, policy=[{"transform": "HorizontalFlip", "p": 1.0}], quality=95)
    upended, _ = run(split_folder, "upend", factor=1, policy=[{"transform": "VerticalFlip", "p": 1.0}], quality=95)
    original = codec.decode((split_folder / "cat/train_a.jpg").read_bytes())
    assert (flipped / "cat/train_a_0.jpg").read_bytes() == codec.encode(original[:, ::-1], 95)
    assert (upended / "cat/train_a_0.jpg").read_bytes() == codec.encode(original[::-1], 95)


def test_no_stage_imports_what_takes_seconds_before_it_is_needed():
    # The report always applies each transform of the policy.
    modules = {stage_list.module_of(stage) for stage in stage_list.tracked(PROJECT)} - {"steps.report"}
    assert {"steps.augment", "steps.bottlenecks", "steps.train"} < modules
    program = (
        f"import sys, {', '.join(f'huskies.{module}' for module in sorted(modules))}\n"
        "print({'albumentations', 'keras', 'openvino', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(PROJECT / "workflow")}, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("cores", [1, 2])
def test_put_together_from_shards_the_bytes_are_the_same(split_folder, tmp_path, count, cores):
    expected, line = run(split_folder)
    job = bare_job(
        stage="augment",
        params={"aug": {"factor": 3, "seed": 1, "policy": POLICY}, "convert": {"quality": 90}},
        inputs={"split": split_folder},
        output=tmp_path / "together",
        cores=cores,
    )
    whole, said = make_shards(job, augment.run, count, tmp_path / "shards")
    assert sum(int(each.split()[0]) for each in said) == 12
    # Nothing is left to be made.
    for path in split_folder.rglob("*.jpg"):
        path.unlink()
    whole.output.mkdir()
    assert augment.run(whole) == line
    assert contents(whole.output) == contents(expected)


def test_a_shard_makes_only_the_copies_that_its_last_output_does_not_have(split_folder, tmp_path, monkeypatch):
    params = {"aug": {"factor": 3, "seed": 1, "policy": POLICY}, "convert": {"quality": 90}}
    job = bare_job("augment", tmp_path / "together", params=params, inputs={"split": split_folder})
    make_shards(job, augment.run, 2, tmp_path / "shards")
    # Another image under a name that there was, and another name for an image that there was.
    rows = manifest.read(split_folder / "manifest.csv")
    new = codec.encode(pixels(99), 95)
    (split_folder / "cat/train_a.jpg").rename(split_folder / "cat/train_z.jpg")
    (split_folder / "cat/train_a.jpg").write_bytes(new)
    first = rows["file"] == "cat/train_a.jpg"
    moved = rows[first].assign(file="cat/train_z.jpg")
    rows.loc[first, ["sha256", "source_sha256"]] = codec.sha256(new)
    manifest.write(pd.concat([rows, moved]), split_folder / "manifest.csv")
    made = []
    ordinary = copies.make_copies
    monkeypatch.setattr(copies, "make_copies", lambda *given: made.append(given[0].name) or ordinary(*given))
    make_shards(job, augment.run, 2, tmp_path / "shards")
    assert made == ["train_a.jpg"]
