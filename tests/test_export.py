"""export: one Keras file that takes pixels and says what train_augmented's head says, without any code of ours."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import BACKBONE, PROJECT, Clone, bare_job, do, stages_run
from huskies import outputs
from huskies.backbone import network, tensorflow_setup
from huskies.images import codec, manifest
from huskies.steps import export
from huskies.training import head

# Keras 3.15 says this of itself when it saves a model with numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

# Saves what models make of saved pixels, in a process that has Keras and nothing of the project.
ELSEWHERE = """
import sys
import keras, numpy as np

pixels = np.load(sys.argv[1])
for path in sys.argv[2:]:
    np.save(f"{path}.npy", keras.models.load_model(path).predict(pixels, verbose=0))
assert not any(name.startswith("huskies") for name in sys.modules)
"""


def predict_elsewhere(pixels: np.ndarray, *models: Path) -> list[np.ndarray]:
    """Return what each model gives for pixels in a process of its own, outside the project."""
    folder = models[0].parent
    np.save(folder / "pixels.npy", pixels)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [sys.executable, "-c", ELSEWHERE, "pixels.npy", *(str(model) for model in models)]
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [np.load(f"{model}.npy") for model in models]


def photos(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, side, side, 3), np.uint8)


@pytest.fixture(scope="module")
def keras():
    tensorflow_setup.load_tensorflow()
    import keras

    return keras


# One for each of Keras' ways: to −1 … 1, by ImageNet's means in BGR, by its means and deviations, and none.
@pytest.fixture(scope="module")
def preprocessed(keras, tmp_path_factory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What a saved model does to pixels before the backbone, by architecture, and what it should do."""
    folder, names = tmp_path_factory.mktemp("models"), ["MobileNet", "ResNet50", "DenseNet121", "EfficientNetB0"]
    for name in names:
        nothing = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Identity()])
        flat = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
        model = export.assemble(nothing, network.preprocessing(name), flat, 4)
        head.save(model, folder / f"{name}.keras")
    found = predict_elsewhere(photos(4), *(folder / f"{name}.keras" for name in names))
    expected = [network.preprocessing(name)(photos(4).astype(np.float32)).reshape(5, -1) for name in names]
    return dict(zip(names, zip(found, expected, strict=True), strict=True))


@pytest.mark.parametrize("name", ["MobileNet", "ResNet50", "DenseNet121", "EfficientNetB0"])
def test_the_preprocessing_of_every_kind_is_part_of_the_file(preprocessed, name):
    found, expected = preprocessed[name]
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.fixture
def exported(keras, tmp_path, monkeypatch):
    """A job that has exported the bundled backbone with a head of two classes."""
    monkeypatch.chdir(PROJECT)
    trained = tmp_path / "train_augmented"
    trained.mkdir()
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(2, activation="softmax")
    head.save(keras.Sequential([keras.Input((512,)), dense], name="head"), trained / head.NAME)
    (trained / outputs.LABELS).write_text("beech\nöak\n", encoding="utf-8")
    (tmp_path / "out").mkdir()
    params, inputs = {"backbone": BACKBONE}, {"train_augmented": trained}
    job = bare_job("export", tmp_path / "out", params=params, inputs=inputs)
    return job, export.run(job)


def test_the_file_holds_preprocessing_backbone_and_head_and_the_labels_lie_beside_it(exported):
    job, said = exported
    assert sorted(path.name for path in job.output.iterdir()) == ["labels.txt", "model.keras"]
    assert (job.output / "labels.txt").read_text(encoding="utf-8") == "beech\nöak\n"
    megabytes = (job.output / "model.keras").stat().st_size / 1e6
    assert said == f"model.keras, {megabytes:.1f} MB: 32 × 32 pixels to 2 classes"
    model, side = network.build(BACKBONE)
    features = model(network.preprocessing("MobileNet")(photos(side).astype(np.float32)), training=False).numpy()
    expected = head.predict_with(job.inputs["train_augmented"] / head.NAME, features)
    [found] = predict_elsewhere(photos(side), job.output / "model.keras")
    assert found == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected) > 0.01


def test_the_file_carries_no_time_and_the_backbone_stays_frozen(exported, keras):
    job, _ = exported
    with zipfile.ZipFile(job.output / export.NAME) as saved:
        assert {each.date_time for each in saved.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(saved.read("metadata.json"))["date_saved"] == ""
    model = keras.models.load_model(job.output / export.NAME)
    assert [weight.path for weight in model.trainable_weights] == [
        weight.path for weight in model.get_layer("head").trainable_weights
    ]


@pytest.mark.long
def test_the_file_says_of_the_validation_images_what_their_table_says_and_has_the_same_bytes_again(built: Clone):
    built.set(backbone__engine="openvino", backbone__precision="float32")
    said = do(built, "snakemake", "--cores", "2", "export")
    assert stages_run(said)[-1] == "export"
    first = built.bytes_of("export")
    data = built.folder / "data"
    labels = (data / "export/labels.txt").read_text().splitlines()
    validated = manifest.read(data / "train_augmented/validation.csv")
    decoded = [codec.decode((data / "split" / file).read_bytes()) for file in validated["file"]]
    pixels = np.stack([codec.resize(each, 96) for each in decoded])
    [found] = predict_elsewhere(pixels, data / "export/model.keras")
    expected = validated[[f"p_{label}" for label in labels]].astype(float).to_numpy()
    assert found == pytest.approx(expected, abs=1e-3)
    assert [labels[each] for each in found.argmax(axis=1)] == validated["predicted"].tolist()

    # In another process.
    for path in (built.folder / "data/export").iterdir():
        path.unlink()
    do(built, "snakemake", "--cores", "2", "export")
    assert built.bytes_of("export") == first
