"""architectures: they are those of Keras."""

import pytest
from conftest import USES_KERAS
from huskies.backbone import architectures

pytestmark = USES_KERAS


def test_the_architectures_are_those_of_keras():
    import keras

    known = architectures.modules()
    expected = {name for name, each in vars(keras.applications).items() if callable(each) and not name.startswith("_")}
    assert set(known) == expected
    for name, module in known.items():
        assert getattr(keras.applications, module).preprocess_input is not None, name
    assert known["MobileNetV2"] == "mobilenet_v2"


@pytest.mark.parametrize("name", ["EfficientNetB1", "EfficientNetV2B0", "InceptionV3", "MobileNetV2", "NASNetMobile"])
def test_the_own_side_of_an_architecture_is_known_without_keras(name):
    import keras

    architecture = getattr(keras.applications, name)
    assert architectures.own_side(name) == architecture(weights=None).input_shape[1]


@pytest.mark.long
def test_the_own_side_of_every_architecture_is_known_without_keras():
    import keras

    for name in architectures.modules():
        # ConvNeXt has no fixed input, and is trained on 224.
        side = getattr(keras.applications, name)(weights=None).input_shape[1]
        assert architectures.own_side(name) == (side or 224), name
        keras.backend.clear_session()
