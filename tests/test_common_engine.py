"""common_engine: what a command has settled is heard by its jobs, for the backbone that it was settled for alone."""

import json

import conftest
from either_engine import machine
from huskies.__main__ import main
from huskies.backbone import common_engine, openvino_engine

BACKBONE = {"name": "MobileNetV2", "engine": "auto", "precision": "auto", "layer": None, "arguments": {"alpha": 1.0}}
BUNDLED = {**conftest.BACKBONE, "engine": "auto", "precision": "auto"}
SETTLED = {"engine": "openvino", "precision": "bfloat16"}


def test_nothing_is_heard_where_nobody_has_told(monkeypatch):
    monkeypatch.delenv(common_engine.VARIABLE, raising=False)
    assert common_engine.heard(BACKBONE) == {}
    monkeypatch.setenv(common_engine.VARIABLE, "")
    assert common_engine.heard(BACKBONE) == {}


def test_what_was_told_is_heard_for_this_backbone_alone(monkeypatch):
    monkeypatch.setenv(common_engine.VARIABLE, "")
    common_engine.tell(BACKBONE, SETTLED)
    assert common_engine.heard(dict(BACKBONE)) == SETTLED
    for other in ({"name": "MobileNet"}, {"engine": "openvino"}, {"arguments": {}}):
        assert common_engine.heard({**BACKBONE, **other}) == {}


def test_the_command_asks_a_process_of_its_own_what_auto_stands_for_here(in_project, monkeypatch, capsys):
    for native, precision in ((True, "bfloat16"), (False, "float32")):
        machine(monkeypatch, native=native)
        monkeypatch.setattr(openvino_engine, "processor", lambda able=precision: {"name": able})
        assert main(["settle_engine", "--backbone", json.dumps(BUNDLED)]) == 0
        assert json.loads(capsys.readouterr().out) == {"engine": "openvino", "precision": precision}


def test_a_precision_that_cannot_be_had_is_refused(in_project, monkeypatch, capsys):
    machine(monkeypatch, native=False)
    assert main(["settle_engine", "--backbone", json.dumps({**BUNDLED, "precision": "bfloat16"})]) == 2
    assert capsys.readouterr().err == (
        "ERROR: backbone.precision: this processor has no bfloat16. Set it to auto or float32.\n"
    )
