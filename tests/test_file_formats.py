"""file_formats: all that a backbone can have, the same bytes in every process, and a reason for each of the others."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import USES_KERAS
from exported import DESCRIPTION, PIXELS, of_width, whole
from huskies.exports import file_formats, keras_formats
from networks import backbone, put

pytestmark = [*USES_KERAS, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")]

SAVE = """
import sys
from pathlib import Path
from exported import DESCRIPTION, PIXELS, network, whole
from huskies.exports import file_formats

network()
left_out = file_formats.of_keras(whole("neighbours"), DESCRIPTION, [each[None] for each in PIXELS], Path(sys.argv[1]))
assert not left_out, left_out
"""


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
def test_every_format_has_the_same_bytes_in_another_process(tmp_path):
    variables = {"PYTHONPATH": ":".join(each for each in sys.path if each), "PATH": ""}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        # What a library goes through in the order of hashes comes in another order.
        variables["PYTHONHASHSEED"] = "1" if name == "one" else "2"
        command = [sys.executable, "-c", SAVE, name]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = files(tmp_path / "one")
    assert found == files(tmp_path / "two")
    saved = {each for each in found if each.startswith("saved_model/")}
    assert set(found) - saved == {*file_formats.FILES.values(), "model.bin"} - {"saved_model"}
    assert "saved_model/saved_model.pb" in saved


def test_a_format_that_cannot_be_had_is_left_out_with_its_reason_and_the_others_are_made(tmp_path, monkeypatch):
    def fail(given, described, path):
        path.write_bytes(b"half")
        raise ValueError("No conversion rule found for operations: Erfc-15\nand more")

    monkeypatch.setattr(keras_formats, "to_onnx", fail)
    left_out = file_formats.of_keras(whole("neighbours"), DESCRIPTION, [each[None] for each in PIXELS], tmp_path)
    assert left_out == {"onnx": "No conversion rule found for operations: Erfc-15"}
    assert {path.name for path in tmp_path.iterdir()} == {*file_formats.FILES.values(), "model.bin"} - {"model.onnx"}


def test_a_full_disk_is_no_reason_to_leave_a_format_out(tmp_path, monkeypatch):
    def fail(given, described, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras_formats, "to_onnx", fail)
    with pytest.raises(OSError, match="No space left"):
        file_formats.of_keras(whole("neighbours"), DESCRIPTION, [each[None] for each in PIXELS], tmp_path)


def test_a_network_in_a_file_has_the_formats_that_need_no_keras_and_the_others_have_a_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("map.onnx")
    (tmp_path / "backbones/presets.yaml").write_text("{}\n")
    (tmp_path / "out").mkdir()
    classifier, known = of_width("neighbours", 4, **backbone("map.onnx"))
    written = file_formats.write(classifier, known, lambda side: [], tmp_path / "out")
    reason = "its backbone is a network in a file, which Keras does not read"
    assert written.left_out == dict.fromkeys(set(file_formats.FILES) - {"onnx", "openvino"}, reason)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.bin", "model.onnx", "model.xml"]
    assert written.description["pixels"]["shape"] == ["photos", 32, 32, 3]
