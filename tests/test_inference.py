"""inference: what cannot be computed is said at once, and of which files."""

import time

import numpy as np
import pytest
from bottleneck_inputs import make_job, refusal, some_images, write_images
from conftest import BACKBONE, USES_KERAS
from huskies.backbone import (
    engine,
    inference,
    openvino_engine,
)
from huskies.errors import HuskyError
from huskies.images import codec

pytestmark = USES_KERAS


@pytest.mark.usefixtures("in_project")
def test_a_failure_does_not_wait_for_what_is_ahead(tmp_path, monkeypatch):
    done = []

    def infer(batch: np.ndarray) -> np.ndarray:
        time.sleep(0.01)
        done.append(len(batch))
        return np.zeros((len(batch), 3), np.float32)

    monkeypatch.setattr(engine, "load", lambda *_: (infer, 32, 1))
    jpeg = tmp_path / "cat.jpg"
    jpeg.write_bytes(codec.encode(openvino_engine.pictures(32)[0], 95))
    sound = (jpeg, codec.sha256(jpeg.read_bytes()))
    with pytest.raises(HuskyError, match="is not the file its manifest lists"):
        list(inference.compute(BACKBONE, [(jpeg, "of another"), *[sound] * 100], 1))
    assert len(done) < 20
    assert sum(len(features) for _, features in inference.compute(BACKBONE, [sound] * 100, 1)) == 100


@pytest.mark.usefixtures("weights_here")
def test_features_that_are_not_finite_are_refused_with_the_files(tmp_path):
    import keras

    broken = keras.applications.MobileNet(alpha=0.5, weights=None, include_top=False, input_shape=(32, 32, 3))
    broken.set_weights([np.full(each.shape, np.nan, np.float32) for each in broken.get_weights()])
    broken.save_weights("backbones/nan.weights.h5")
    source = write_images(tmp_path / "split", some_images(7))
    named = ", ".join(f"{source}/cat/train_00{number}.jpg" for number in range(5))
    assert refusal(make_job(source, weights="nan.weights.h5", engine="tensorflow")) == (
        f"the backbone gives no finite features for {named} and 2 more. Choose other weights in params.yaml."
    )
    for name in ("openvino", "auto"):
        assert refusal(make_job(source, name, weights="nan.weights.h5", engine=name)) == (
            "the backbone gives no finite features. Choose other weights in params.yaml."
        )
