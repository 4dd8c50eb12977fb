"""A classifier whose backbone is a network in a file, in OpenVINO's format, which reads all such networks."""

from typing import Any

import numpy as np

from huskies.backbone import network_file, openvino_setup
from huskies.exports.head_weights import MAHALANOBIS, NEIGHBOURS, PROBABILITY, HeadWeights
from huskies.exports.keras_model import INPUT, OUTPUTS
from huskies.model.folder import Model


def assemble(model: Model, head: HeadWeights) -> Any:
    """Return an OpenVINO model from one photo, float32 1 × side × side × 3, to what keras_model.assemble gives.

    A network in a file need not take more than one at once. Raises HuskyError as network_file.assemble does.
    """
    openvino = openvino_setup.load_openvino()
    found, _ = network_file.assemble(model.backbone, 1)
    features = found.output(0).get_node().input_value(0)
    logits = _dense(features, head.kernel, head.bias)
    operations = openvino.opset15
    sure = operations.softmax(operations.divide(logits, operations.constant(np.float32(head.temperature))), 1)
    results = []
    for name, tensor in zip(OUTPUTS, (sure, _distance(features, logits, head)), strict=True):
        tensor.output(0).get_tensor().set_names({name})
        results.append(operations.result(tensor.output(0)))
    whole = openvino.Model(results, found.get_parameters(), "two_huskies")
    prepared = openvino.preprocess.PrePostProcessor(whole)
    prepared.input(0).tensor().set_element_type(openvino.Type.f32)
    whole = prepared.build()
    whole.input(0).get_tensor().set_names({INPUT})
    return whole


def _dense(given: Any, kernel: Any, bias: Any = None) -> Any:
    operations = openvino_setup.load_openvino().opset15
    product = operations.matmul(given, operations.constant(kernel), False, False)
    return product if bias is None else operations.add(product, operations.constant(bias))


def _distance(features: Any, logits: Any, head: HeadWeights) -> Any:
    operations = openvino_setup.load_openvino().opset15
    last = operations.constant([1])
    if head.method == NEIGHBOURS:
        direction = operations.normalize_l2(features, last, 1e-12, "max")
        nearest = operations.reduce_max(_dense(direction, head.known), last, False)
        return operations.subtract(operations.constant(np.float32(1)), nearest)
    if head.method == MAHALANOBIS:
        among = operations.unsqueeze(_dense(features, head.whitened, head.offset), last)
        apart = operations.subtract(among, operations.constant(head.means[None]))
        squares = operations.reduce_sum(operations.multiply(apart, apart), operations.constant([2]), False)
        return operations.sqrt(operations.reduce_min(squares, last, False))
    if head.method == PROBABILITY:
        surest = operations.reduce_max(operations.softmax(logits, 1), last, False)
        return operations.subtract(operations.constant(np.float32(1)), surest)
    # The largest is taken out first, so that nothing overflows.
    largest = operations.reduce_max(logits, last, True)
    summed = operations.reduce_sum(operations.exp(operations.subtract(logits, largest)), last, False)
    return operations.negative(operations.add(operations.log(summed), operations.squeeze(largest, last)))
