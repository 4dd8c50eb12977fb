"""weights: none of their code runs wherever files come from, and what is no weights is a message."""

import json
import os
import pickle
import random
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from bottleneck_inputs import compute_in_a_process, flowers, make_job, refusal, some_images, write_images
from conftest import BACKBONE, USES_KERAS
from huskies.backbone import architectures, weights
from huskies.errors import HuskyError
from huskies.planning import plan

pytestmark = USES_KERAS
TRIALS = int(os.environ.get("TRIALS", "30"))
MINI = Path(__file__).parent.parent / "backbones/mini.weights.h5"


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return (Path.touch, (self.proof,))


@pytest.fixture
def proof(tmp_path) -> Path:
    """A file that is there only where code ran."""
    return tmp_path / "code ran"


def built(*more: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="dense"), *more])


def load(path: Path) -> str:
    """Return the message that loading a file ends in; the empty string, where its weights were read and are used."""
    model = built()
    try:
        weights.load(model, path, "MobileNet")
    except HuskyError as error:
        return str(error)
    assert model.predict(np.ones((2, 4), np.float32), verbose=0).shape == (2, 3)
    return ""


def does_not_fit(path: Path) -> str:
    return f"backbone.weights: {path} does not fit MobileNet as params.yaml describes it: "


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".hdf5", ".keras", ".pkl", ".npz", ".weights.json", ""])
def test_a_pickle_is_not_unpickled(tmp_path, proof, ending):
    path = tmp_path / f"evil{ending}"
    path.write_bytes(pickle.dumps(Evil(proof)))
    message = load(path)
    if path.name.endswith((".h5", ".hdf5", ".keras")):
        assert message.startswith(does_not_fit(path))
    else:
        assert message == (
            f"backbone.weights: {path} is no file of weights: their names end in .h5, .hdf5, .keras. Choose another."
        )
    pickle.loads(path.read_bytes())
    assert proof.exists()  # what the file was made for, and loading it did not do


def test_a_pickle_is_not_unpickled_inside_an_archive_of_keras_either(tmp_path, proof):
    path = tmp_path / "evil.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("model.weights.npz", "model.weights.h5", "config.json", "metadata.json"):
            archive.writestr(name, pickle.dumps(Evil(proof)))
    assert load(path).startswith(does_not_fit(path))
    array = tmp_path / "array.npy"
    np.save(array, np.array([Evil(proof)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.npz", array.read_bytes())
    assert load(path).startswith(does_not_fit(path))
    assert not proof.exists()


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_lambda_layer_is_not_made_and_its_code_does_not_run(tmp_path, proof, ending):
    touch = f"__import__('pathlib').Path({str(proof)!r}).touch()"
    model = built(keras.layers.Lambda(eval(f"lambda x: ({touch}, x)[1]"), name="evil"))
    path = tmp_path / f"evil{ending}"
    model.save(path)
    proof.unlink(missing_ok=True)
    message = load(path)
    assert message == "" or message.startswith(does_not_fit(path))
    assert not proof.exists()


def test_a_custom_class_is_not_imported(tmp_path, proof, monkeypatch):
    (tmp_path / "evil_module.py").write_text(
        f"import pathlib\npathlib.Path({str(proof)!r}).touch()\nclass Evil: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "evil.keras"
    built().save(path)
    shutil.move(path, tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(path, "w") as evil:
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json":
                content = json.dumps({"module": "evil_module", "class_name": "Evil", "config": {}}).encode()
            evil.writestr(name, content)
    assert load(path) == ""
    assert not proof.exists()


def test_an_archive_writes_nothing_beside_the_folder_it_is_read_in(tmp_path, monkeypatch):
    inner = tmp_path / "a/b/c"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.setenv("TMPDIR", str(inner))
    path = tmp_path / "evil.keras"
    built().save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped", "x")
        archive.writestr(f"{tmp_path}/absolute", "x")
    load(path)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a", "b", "c", "evil.keras"]


def linked(path: Path, other: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["layers"]
        file["layers"] = h5py.ExternalLink(str(other), "layers")


def external(path: Path, other: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        group.create_dataset("0", (4, 3), np.float32, external=[(str(other), 0, 48)])


def virtual(path: Path, other: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        layout = h5py.VirtualLayout((4, 3), np.float32)
        layout[:] = h5py.VirtualSource(str(other), "layers/dense/vars/0", (4, 3))
        group.create_virtual_dataset("0", layout)


@pytest.mark.parametrize("point", [linked, external, virtual])
def test_weights_that_lie_in_another_file_are_refused_since_no_digest_covers_them(tmp_path, point):
    path, other = tmp_path / "pointing.weights.h5", tmp_path / "other.weights.h5"
    built().save_weights(path)
    built().save_weights(other)
    assert load(path) == ""
    point(path, other)
    assert load(path).startswith(does_not_fit(path))


def test_a_few_bytes_that_claim_gigabytes_are_a_message(tmp_path):
    path = tmp_path / "bomb.weights.h5"
    built().save_weights(path)
    with h5py.File(path, "a") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        group.create_dataset("0", (1 << 20, 1 << 16), np.float32, chunks=(1024, 1024))
    assert load(path).startswith(does_not_fit(path))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, MINI.read_bytes()[:100_000], b"\x89HDF\r\n\x1a\n" + b"\xff" * 500],
    ids=["empty", "zeros", "cut short", "only the beginning"],
)
@pytest.mark.parametrize("ending", [".weights.h5", ".h5", ".keras"])
def test_what_is_no_weights_is_a_message(tmp_path, content, ending):
    path = tmp_path / f"bad{ending}"
    path.write_bytes(content)
    message = load(path)
    assert message.startswith(does_not_fit(path))
    assert len(message.splitlines()) == 1


def test_flipped_bytes_end_in_a_message_or_in_features(tmp_path):
    path = tmp_path / "flipped.weights.h5"
    built().save_weights(path)
    content = path.read_bytes()
    read = 0
    for trial in range(TRIALS):
        chance, flipped = random.Random(trial), bytearray(content)
        for _ in range(chance.choice([1, 10, 100])):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        message = load(path)
        assert message == "" or message.startswith(does_not_fit(path)), trial
        read += message == ""
    assert 0 < read < TRIALS


def test_an_error_without_a_text_is_named_by_its_kind(tmp_path):
    class Network:
        def load_weights(self, path: Path) -> None:
            raise MemoryError

    path = tmp_path / "mine.weights.h5"
    with pytest.raises(HuskyError) as error:
        weights.load(Network(), path, "MobileNet")
    assert str(error.value).startswith(f"{does_not_fit(path)}MemoryError. ")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, a_link_to_itself, an_endless_device])
def test_what_is_no_file_is_refused_before_anything_waits_for_it(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    Path("backbones").mkdir()
    path = Path("backbones/mine.weights.h5")
    make(path)
    with pytest.raises(HuskyError) as planned:
        plan._file(path)
    assert str(planned.value) == (
        f"there is no file {path}. Put it there, or choose another backbone.weights in params.yaml."
    )
    with pytest.raises(HuskyError, match=f"^backbone.weights: there is no file {path}. "):
        architectures.weights_file(path.name)


@pytest.mark.usefixtures("weights_here")
def test_missing_weights_are_named(tmp_path):
    job = make_job(write_images(tmp_path / "split", some_images(1)), weights="none.weights.h5")
    assert refusal(job) == (
        "backbone.weights: there is no file backbones/none.weights.h5. Put it there, or choose another in params.yaml."
    )


def weights_of_another_network() -> None:
    import keras

    other = keras.applications.MobileNet(alpha=0.25, weights=None, include_top=False, input_shape=(32, 32, 3))
    other.save_weights("backbones/wrong.weights.h5")


@pytest.mark.parametrize(
    "write",
    [
        weights_of_another_network,
        lambda: Path("backbones/wrong.weights.h5").write_text("no weights"),
        lambda: Path("backbones/wrong.weights.h5").write_bytes(b""),
        lambda: Path("backbones/wrong.weights.h5").write_bytes(Path("backbones/mini.weights.h5").read_bytes()[:99999]),
    ],
    ids=["of another network", "text", "empty", "cut short"],
)
@pytest.mark.usefixtures("weights_here")
def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path, write):
    write()
    message = refusal(make_job(write_images(tmp_path / "split", some_images(1)), weights="wrong.weights.h5"))
    start = "backbone.weights: backbones/wrong.weights.h5 does not fit MobileNet as params.yaml describes it: "
    assert message.startswith(start)
    assert message.endswith(". Choose the weights, name, arguments and layer that belong together.")
    assert "\n" not in message
    assert len(message) > len(start) + 80


@pytest.mark.usefixtures("weights_here")
def test_a_file_of_another_kind_is_refused(tmp_path):
    Path("backbones/weights.txt").write_text("no weights")
    message = refusal(make_job(write_images(tmp_path / "split", some_images(1)), weights="weights.txt"))
    assert message == (
        "backbone.weights: backbones/weights.txt is no file of weights: their names end in .h5, .hdf5, .keras. "
        "Choose another."
    )


@pytest.mark.usefixtures("weights_here")
def test_weights_in_keras_folder_that_are_cut_short_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    path.parent.mkdir()
    path.write_bytes(b"half of it")
    weights.verify("MobileNet")
    with pytest.raises(HuskyError) as refused:
        weights.verify("MobileNetV2")
    assert str(refused.value) == (
        f"backbone.weights: {path} is not what Keras offers: cut short, or another network's. Delete it, and run the "
        "same command again."
    )


@pytest.mark.long
@pytest.mark.usefixtures("weights_here")
def test_imagenet_weights_without_a_network_name_the_file_to_put_where(tmp_path):
    nobody = "http://127.0.0.1:9"
    said = compute_in_a_process(
        {**BACKBONE, "weights": "imagenet", "input_size": 224},
        [],
        KERAS_HOME=str(tmp_path / "keras"),
        https_proxy=nobody,
        HTTPS_PROXY=nobody,
        no_proxy="",
        NO_PROXY="",
    )
    assert said == (
        "backbone.weights: the ImageNet weights of MobileNet could not be downloaded. Put them into "
        f"{tmp_path}/keras/models/mobilenet_5_0_224_tf_no_top.h5 by hand, "
        "or set backbone.weights to a file in backbones/."
    )


@pytest.mark.shared
@pytest.mark.long
@pytest.mark.usefixtures("weights_here")
def test_imagenet_weights_are_taken_from_where_keras_keeps_them(tmp_path):
    import keras

    models = Path(os.environ["HUSKIES_SHARED"]) / "keras/models"
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/models").symlink_to(models)
    files, pixels = flowers(models.parent.parent, tmp_path, 224)
    network = {"name": "MobileNetV2", "arguments": {}, "weights": "imagenet", "layer": None, "input_size": None}
    parameters = {**network, "engine": "auto", "precision": "float32"}
    features = np.array(compute_in_a_process(parameters, files, KERAS_HOME=str(tmp_path / "keras")))

    [weights] = models.glob("mobilenet_v2_*_1.0_224_no_top.h5")
    plain = keras.applications.MobileNetV2(
        weights=str(weights), include_top=False, pooling="avg", input_shape=(224, 224, 3)
    )
    expected = plain.predict(keras.applications.mobilenet_v2.preprocess_input(pixels), verbose=0)
    assert features.shape == (4, 1280)
    assert features == pytest.approx(expected, abs=1e-4)
