"""send_weights: files and folders of weights come out where they were."""

from pathlib import Path

from huskies.planning import pack_file
from huskies.steps import send_weights


def test_weights_lie_below_their_own_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("backbones/mini.h5", "backbones/saved/variables/0", "backbones/other"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    said = send_weights.run([Path("backbones/mini.h5"), Path("backbones/saved")], Path("packs/weights-0.tar"))
    assert said == "backbones/mini.h5, backbones/saved"
    pack_file.extract(Path("packs/weights-0.tar"), Path("out"))
    found = {path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file()}
    assert found == {"backbones/mini.h5", "backbones/saved/variables/0"}
