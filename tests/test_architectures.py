"""architectures: they are those of Keras."""

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
