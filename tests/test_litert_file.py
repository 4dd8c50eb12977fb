"""litert_file: LiteRT says what the classifier says; in int8 about that, and its distance stays in float32."""

import numpy as np
import pytest
from conftest import USES_KERAS
from exported import DESCRIPTION, METHODS, PIXELS, described, expected, whole
from huskies.exports import ask, litert_file, saved_model
from tensorflow.lite.python import schema_py_generated as schema

pytestmark = [
    *USES_KERAS,
    # TensorFlow says this of the interpreter that its own quantizer uses.
    pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected:UserWarning"),
]


def save(folder, method: str, photos=None):
    saved_model.save(whole(method), DESCRIPTION, folder / "saved")
    litert_file.save(folder / "saved", DESCRIPTION, folder / "a.tflite", photos)
    answer = ask.litert(str(folder / "a.tflite"))
    found = [answer(PIXELS[number : number + 1]) for number in range(len(PIXELS))]
    return [np.concatenate([each[name] for each in found]) for name in ("probabilities", "distance")]


@pytest.mark.parametrize("method", METHODS)
def test_it_says_what_the_classifier_says(tmp_path, method):
    for found, wanted in zip(save(tmp_path, method), expected(method), strict=True):
        assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_in_int8_it_says_about_that_and_only_convolutions_are_in_int8(tmp_path, method):
    found = save(tmp_path, method, [each[None] for each in PIXELS])
    for mine, wanted in zip(found, expected(method), strict=True):
        assert mine == pytest.approx(wanted, abs=0.05)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs((tmp_path / "a.tflite").read_bytes(), 0))
    [graph] = model.subgraphs
    in_int8 = {
        model.operatorCodes[each.opcodeIndex].builtinCode
        for each in graph.operators
        if graph.tensors[each.outputs[0]].type == schema.TensorType.INT8
    }
    assert in_int8 == {schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.CONV_2D}


def test_it_takes_one_photo_and_leaves_no_number_open(tmp_path):
    save(tmp_path, "neighbours")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs((tmp_path / "a.tflite").read_bytes(), 0))
    tensors = model.subgraphs[0].tensors
    assert tensors[model.subgraphs[0].inputs[0]].shape.tolist() == [1, *PIXELS.shape[1:]]
    assert all(each.shapeSignature is None for each in tensors)


def test_the_description_is_in_its_metadata(tmp_path):
    save(tmp_path, "neighbours")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs((tmp_path / "a.tflite").read_bytes(), 0))
    [entry] = [each for each in model.metadata if each.name == b"two_huskies"]
    assert described(bytes(model.buffers[entry.buffer].data).decode())
