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


@pytest.mark.parametrize("name", ["InceptionV3", "MobileNetV2"])
def test_the_own_side_of_an_architecture_is_known_without_keras(name):
    import keras

    architecture = getattr(keras.applications, name)
    assert architectures.own_side(name) == architecture(weights=None).input_shape[1]


class _AskedFor(Exception):
    """Ends the building of an architecture as soon as it says which side its input has by default."""


def _asked_for(name: str) -> int:
    """Return the side that an architecture asks for, or 224 where its input has no fixed size."""
    import keras

    try:
        model = getattr(keras.applications, name)(weights=None)
    except _AskedFor as asked:
        return asked.args[0]
    assert model.input_shape[1] is None, name
    return 224


def test_the_own_side_of_every_architecture_is_known_without_keras(monkeypatch):
    from keras.src.applications import imagenet_utils

    def obtain_input_shape(input_shape, default_size, **more):
        raise _AskedFor(default_size)

    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", obtain_input_shape)
    for name in architectures.modules():
        assert architectures.own_side(name) == _asked_for(name), name
