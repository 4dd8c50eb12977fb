"""engine: what `auto` stands for, what is announced, and what stops the run."""

import sys
from pathlib import Path

import pytest
from conftest import BACKBONE, KERAS_WARNS
from either_engine import FAILED, chosen, machine, must_not_trace, not_convertible
from huskies import cache_file
from huskies.backbone import common_engine, engine, openvino_engine, openvino_setup
from huskies.errors import HuskyError

pytestmark = [KERAS_WARNS, pytest.mark.usefixtures("in_project")]


def refusal(**asked: str) -> str:
    with pytest.raises(HuskyError) as error:
        chosen(**asked)
    return str(error.value)


@pytest.mark.parametrize(
    ("kind", "asked", "expected"),
    [
        ({}, {"engine": "auto", "precision": "auto"}, ("openvino", "bfloat16")),
        ({"native": False}, {"engine": "auto", "precision": "auto"}, ("openvino", "float32")),
        ({}, {"engine": "auto", "precision": "float32"}, ("openvino", "float32")),
        ({}, {"engine": "openvino", "precision": "auto"}, ("openvino", "bfloat16")),
        ({}, {"engine": "tensorflow", "precision": "auto"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "auto"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "float32"}, ("tensorflow", "float32")),
        ({"gpu": True}, {"engine": "auto", "precision": "bfloat16"}, ("openvino", "bfloat16")),
        ({"gpu": True}, {"engine": "openvino", "precision": "auto"}, ("openvino", "bfloat16")),
    ],
)
def test_auto_is_the_faster_one_that_the_machine_has_and_says_nothing(monkeypatch, capsys, kind, asked, expected):
    machine(monkeypatch, **kind)
    assert chosen(**asked) == expected
    assert capsys.readouterr().err == ""


def test_what_is_named_is_used_without_a_measurement(monkeypatch):
    machine(monkeypatch)
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: pytest.fail("it was measured"))
    assert chosen(engine="openvino", precision="float32") == ("openvino", "float32")
    assert chosen(engine="openvino", precision="bfloat16") == ("openvino", "bfloat16")


@pytest.mark.parametrize(
    ("cosines", "asked", "expected", "said"),
    [
        (
            {"bfloat16": 0.99899},
            {"engine": "auto", "precision": "auto"},
            ("openvino", "float32"),
            ["OpenVINO in bfloat16 is not used: it changes features (cosine 0.99899, at least 0.999)"],
        ),
        (
            {"bfloat16": 0.5},
            {"engine": "openvino", "precision": "auto"},
            ("openvino", "float32"),
            ["OpenVINO in bfloat16 is not used: it changes features (cosine 0.50000, at least 0.999)"],
        ),
        (
            {"float32": 0.99},
            {"engine": "auto", "precision": "float32"},
            ("tensorflow", "float32"),
            ["OpenVINO in float32 is not used: it changes features (cosine 0.99000, at least 0.9999)"],
        ),
        (
            {"bfloat16": float("nan"), "float32": 0.99},
            {"engine": "auto", "precision": "auto"},
            ("tensorflow", "float32"),
            [
                "OpenVINO in bfloat16 is not used: it changes features (cosine nan, at least 0.999)",
                "OpenVINO in float32 is not used: it changes features (cosine 0.99000, at least 0.9999)",
            ],
        ),
    ],
)
def test_what_is_not_faithful_is_announced_and_not_used(monkeypatch, capsys, cosines, asked, expected, said):
    machine(monkeypatch, **cosines)
    assert chosen(**asked) == expected
    assert capsys.readouterr().err == "".join(f"backbone: {line}\n" for line in said)


def test_where_openvino_is_missing_tensorflow_is_used_and_it_is_announced(monkeypatch, capsys):
    monkeypatch.setattr(engine, "_sees_gpu", lambda: False)
    monkeypatch.setattr(engine, "_has_openvino", lambda: False)
    openvino_setup.core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert chosen(engine="auto", precision="auto") == ("tensorflow", "float32")
    assert capsys.readouterr().err == "backbone: OpenVINO is not installed, and TensorFlow is used\n"
    for precision in ("auto", "float32", "bfloat16"):
        assert refusal(engine="openvino", precision=precision).startswith("backbone.engine: OpenVINO failed: ")


@pytest.mark.parametrize("asked", ["auto", "openvino"])
def test_an_engine_that_is_there_and_fails_stops_the_run_and_nothing_is_remembered(monkeypatch, asked):
    machine(monkeypatch, bfloat16=0.9995)
    with monkeypatch.context() as failing:
        failing.setattr(openvino_engine, "fidelity", not_convertible)
        assert refusal(engine=asked, precision="auto") == FAILED
    assert chosen(engine=asked, precision="auto") == ("openvino", "bfloat16")
    monkeypatch.setattr(openvino_engine, "load", not_convertible)
    with pytest.raises(HuskyError) as error:
        engine.load(BACKBONE, 1, must_not_trace, 32)
    assert str(error.value) == FAILED


def test_what_auto_comes_to_is_settled_once_for_a_machine_and_a_backbone(monkeypatch, capsys):
    machine(monkeypatch, bfloat16=0.5)
    assert chosen(engine="auto", precision="auto") == ("openvino", "float32")
    said = capsys.readouterr().err
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: pytest.fail("it was measured again"))
    assert chosen(engine="auto", precision="auto") == ("openvino", "float32")
    assert capsys.readouterr().err == said != ""
    for other in ({"input_size": 64}, {"precision": "float32"}):
        with pytest.raises(pytest.fail.Exception, match="it was measured again"):
            engine.settle({**BACKBONE, "engine": "auto", "precision": "auto", **other}, must_not_trace)
    monkeypatch.setattr(openvino_engine, "processor", lambda: {"name": "another", "capabilities": []})
    with pytest.raises(pytest.fail.Exception, match="it was measured again"):
        chosen(engine="auto", precision="auto")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settled": {"engine": "openvino"}, "said": []}', "\x00"])
def test_a_damaged_memory_of_what_was_settled_is_measured_again(monkeypatch, content):
    machine(monkeypatch)
    for _ in range(2):
        assert chosen(engine="auto", precision="auto") == ("openvino", "bfloat16")
        [kept] = (cache_file.cache_folder() / "settled").iterdir()
        kept.write_text(content)


def test_a_job_computes_with_what_its_command_has_settled_whatever_its_own_machine_would_choose(monkeypatch):
    monkeypatch.setenv(common_engine.VARIABLE, "")
    machine(monkeypatch)
    left_open = {"engine": "auto", "precision": "auto"}
    for engine_of_all, precision in (("openvino", "float32"), ("tensorflow", "float32"), ("openvino", "bfloat16")):
        common_engine.tell({**BACKBONE, **left_open}, {"engine": engine_of_all, "precision": precision})
        assert chosen(**left_open) == (engine_of_all, precision)
    machine(monkeypatch, native=False)
    monkeypatch.setattr(engine.platform, "node", lambda: "node7")
    assert refusal(**left_open) == (
        "backbone.precision: the run computes in bfloat16, which the processor of node7 does not have. Set it to "
        "float32, or let jobs run on processors of one kind (docs/cluster.md)."
    )
    # Another backbone's choice is nothing to go by.
    settled = engine.settle({**BACKBONE, **left_open, "input_size": 64}, must_not_trace)
    assert settled["precision"] == "float32"


def test_bfloat16_by_name_is_refused_where_the_processor_has_none(monkeypatch):
    machine(monkeypatch, native=False)
    for asked in ("auto", "openvino"):
        assert refusal(engine=asked, precision="bfloat16") == (
            "backbone.precision: this processor has no bfloat16. Set it to auto or float32."
        )


def test_a_mistake_in_the_parameters_is_no_reason_for_another_engine(monkeypatch, capsys):
    machine(monkeypatch)
    monkeypatch.setattr(openvino_engine, "fidelity", lambda *_: must_mend())
    for asked in ("auto", "openvino"):
        assert refusal(engine=asked, precision="auto") == "Fix it."
    assert capsys.readouterr().err == ""


def must_mend():
    raise HuskyError("Fix it.")


def test_tensorflow_is_not_imported_to_look_for_a_gpu_without_a_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setattr(engine, "_DRIVERS", (Path("/nowhere"),))
    assert not engine._sees_gpu()
