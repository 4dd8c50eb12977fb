"""network: a backbone is built up to the layers that are named, with its own preprocessing and size."""

import os
from pathlib import Path

import numpy as np
import pytest
from bottleneck_inputs import (
    flowers,
    make_job,
    plain_keras,
    refusal,
    some_images,
    write_images,
)
from conftest import BACKBONE, USES_KERAS
from huskies import outputs
from huskies.backbone import inference, network
from huskies.steps import bottlenecks

pytestmark = [*USES_KERAS, pytest.mark.usefixtures("weights_here")]


def test_the_bottleneck_can_be_taken_at_a_layer(tmp_path):
    files = some_images(3)
    job = make_job(write_images(tmp_path / "split", files), layer="conv_pw_6_relu")
    assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 256 features"
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(plain_keras(files, "conv_pw_6_relu"), abs=1e-5)


def test_the_bottlenecks_of_several_layers_stand_one_after_the_other(tmp_path):
    files, layers = some_images(3), ["conv_pw_13_relu", "conv_pw_6_relu"]
    job = make_job(write_images(tmp_path / "split", files), layer=layers)
    assert bottlenecks.run(job) == "computed 3, reused 0 bottlenecks of 768 features"
    expected = np.concatenate([plain_keras(files, layer) for layer in layers], axis=1)
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(expected, abs=1e-5)


def test_a_list_of_one_layer_is_that_layer(tmp_path):
    source = write_images(tmp_path / "split", some_images(3))
    one, listed = (make_job(source, str(layer), layer=layer) for layer in ("conv_pw_6_relu", ["conv_pw_6_relu"]))
    bottlenecks.run(one)
    assert bottlenecks.run(listed) == "computed 3, reused 0 bottlenecks of 256 features"
    assert np.array_equal(*(np.load(job.output / outputs.FEATURES) for job in (one, listed)))


def test_weights_that_end_at_the_layer_fit_too(tmp_path):
    import keras

    whole = keras.applications.MobileNet(alpha=0.5, weights=None, include_top=False, input_shape=(32, 32, 3))
    whole.load_weights("backbones/mini.weights.h5")
    keras.Model(whole.input, whole.get_layer("conv_pw_6_relu").output).save_weights("backbones/lower.weights.h5")
    files = some_images(2)
    source = write_images(tmp_path / "split", files)
    job = make_job(source, layer="conv_pw_6_relu", weights="lower.weights.h5")
    bottlenecks.run(job)
    assert np.load(job.output / outputs.FEATURES) == pytest.approx(plain_keras(files, "conv_pw_6_relu"), abs=1e-5)
    assert refusal(make_job(source, "whole", weights="lower.weights.h5")).startswith(
        "backbone.weights: backbones/lower.weights.h5 does not fit MobileNet as params.yaml describes it: "
    )


@pytest.mark.parametrize(
    ("layer", "nearest"),
    [("conv_pw_6_rely", " Did you mean 'conv_pw_6_relu'?"), ("mixed8", "")],
)
def test_an_unknown_layer_is_refused_with_the_nearest_one(tmp_path, layer, nearest):
    job = make_job(write_images(tmp_path / "split", some_images(1)), layer=layer)
    assert refusal(job) == f"backbone.layer: MobileNet has no layer '{layer}'.{nearest}"


@pytest.mark.parametrize("input_size", [32, None])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"alfa": 0.5}, "MobileNet() got an unexpected keyword argument 'alfa'"),
        ({"weights": "x"}, "got multiple values for keyword argument 'weights'"),
        ({"include_top": True}, "got multiple values for keyword argument 'include_top'"),
    ],
)
def test_arguments_that_do_not_fit_the_architecture_are_refused(tmp_path, arguments, reason, input_size):
    job = make_job(write_images(tmp_path / "split", some_images(1)), arguments=arguments, input_size=input_size)
    message = refusal(job)
    assert message.startswith("backbone: MobileNet cannot be built: ")
    assert message.endswith(f"{reason}. Fix 'backbone' in params.yaml.")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MobileNet", [-1.0, 0.0, 1.0]),
        ("InceptionV3", [-1.0, 0.0, 1.0]),
        ("DenseNet121", [(0 - 0.406) / 0.225, (0.5 - 0.406) / 0.225, (1 - 0.406) / 0.225]),
        ("EfficientNetB0", [0.0, 127.5, 255.0]),
        ("ResNet50", [0 - 123.68, 127.5 - 123.68, 255 - 123.68]),
    ],
)
def test_each_architecture_has_its_own_preprocessing(name, expected):
    pixels = np.array([0.0, 127.5, 255.0], np.float32)[None, :, None, None].repeat(3, axis=3)
    done = network.preprocessing(name)(pixels)
    assert done.dtype == np.float32
    blue = done[0, :, 0, 2]
    assert blue == pytest.approx(np.array(expected), abs=1e-3)


def test_the_side_of_the_input_is_the_architectures_own_unless_given():
    model, side = network.build({**BACKBONE, "input_size": None})
    assert side == 224
    assert model.input_shape == (None, 224, 224, 3)
    assert network.build(BACKBONE)[1] == 32


@pytest.mark.shared
@pytest.mark.long
def test_inception_is_cut_at_mixed8_with_weights_that_end_there(tmp_path):
    import keras

    shared = Path(os.environ["HUSKIES_SHARED"])
    name = "inception_v3_notop_to_mixed8.weights.h5"
    (tmp_path / "backbones" / name).symlink_to(shared / "weights" / name)
    files, pixels = flowers(shared, tmp_path, 299)
    network = {"name": "InceptionV3", "arguments": {}, "weights": name, "layer": "mixed8", "input_size": None}
    parameters = {**network, "engine": "auto", "precision": "float32"}
    features = np.concatenate([each for _, each in inference.compute(parameters, files, 2)])

    base = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(299, 299, 3))
    plain = keras.Model(base.input, base.get_layer("mixed8").output)
    plain.load_weights(shared / "weights" / name)
    expected = plain.predict(keras.applications.inception_v3.preprocess_input(pixels), verbose=0).mean(axis=(1, 2))
    assert features.shape == (4, 1280)
    assert features == pytest.approx(expected, abs=1e-4)


def test_the_weights_that_keras_offers_are_written_for_a_machine_without_them(monkeypatch, tmp_path):
    import keras

    built = {}

    def offered(parameters, imagenet):
        assert imagenet == "imagenet"
        keras.utils.set_random_seed(1)
        return built.setdefault("first", network._base({**BACKBONE, "layer": "auto"}, None))

    with monkeypatch.context() as patch:
        patch.setattr(
            network, "_base", lambda *given, base=network._base: offered(*given) if given[1] else base(*given)
        )
        for name in ("one", "two"):
            network.save_weights({**BACKBONE, "weights": "imagenet"}, tmp_path / f"{name}.weights.h5")
    assert (tmp_path / "one.weights.h5").read_bytes() == (tmp_path / "two.weights.h5").read_bytes()
    for layer in (None, "auto"):
        read, _ = network.build({**BACKBONE, "layer": layer, "weights": str(tmp_path / "one.weights.h5")})
        expected = {each.path: each.numpy() for each in built["first"][0].weights}
        assert all((each.numpy() == expected[each.path]).all() for each in read.weights)
