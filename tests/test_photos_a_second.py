"""photos_a_second: what the benchmark prints on any machine."""

import re

import photos_a_second
import pytest
from conftest import KERAS_WARNS

pytestmark = [KERAS_WARNS, pytest.mark.long]


def test_it_prints_a_line_for_each_engine(in_project, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["photos_a_second.py", "--photos", "8"])
    photos_a_second.main()
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"\d+ photos", "N photos", line).split(":")[1] for line in lines] == [
        f" N photos a second with {len(photos_a_second.os.sched_getaffinity(0))} cores"
    ] * len(lines)
    assert {line.split()[0] for line in lines} == {"tensorflow", "openvino"}
