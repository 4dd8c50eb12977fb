"""The backbones of the article's rows: the best of those that lie there, fetched at most once, and said in a line."""

import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT
from huskies.article import backbone_files
from huskies.backbone import architectures
from huskies.errors import HuskyError
from huskies.planning import params
from ruamel.yaml import YAML

BACKBONES = {
    path.stem: YAML(typ="safe").load(path.read_text(encoding="utf-8"))["backbone"]
    for path in (PROJECT / backbone_files.FOLDER).glob("*.yaml")
}
INCEPTION = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
MIXED8 = "inception_v3_notop_to_mixed8.weights.h5"
MOBILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


@pytest.fixture(autouse=True)
def nothing_there(tmp_path, monkeypatch):
    """A folder without weights, where Keras has fetched none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(backbone_files.CHOSEN, raising=False)
    monkeypatch.setattr(backbone_files, "FOLDER", PROJECT / backbone_files.FOLDER)


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The architectures whose weights Keras is asked for, none of which can be had."""
    asked = []
    monkeypatch.setattr(backbone_files, "fetch", lambda backbone: asked.append(backbone["name"]))
    return asked


def put(tmp_path, *files: str) -> None:
    for file in files:
        folder = tmp_path / ("backbones" if file == MIXED8 else "keras/models")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()


def test_every_backbone_has_a_file_that_params_yaml_could_hold(monkeypatch):
    monkeypatch.chdir(PROJECT)
    assert set(BACKBONES) == {"InceptionV3", "InceptionV3_mixed8", "MobileNetV2", "MobileNet"}
    for name, backbone in BACKBONES.items():
        merged = params.load(overrides={"backbone": backbone})
        assert merged["backbone"] == {
            **backbone,
            **dict.fromkeys(("preprocessing", "output", "pooling")),
            "engine": "auto",
            "precision": "auto",
        }
        assert backbone["name"] == name.removesuffix("_mixed8")
        assert backbone["name"] in architectures.modules()


@pytest.mark.parametrize(
    ("there", "chosen", "missing"),
    [
        ([INCEPTION, MIXED8, MOBILE], ["InceptionV3", "MobileNetV2"], []),
        ([MIXED8, MOBILE], ["InceptionV3_mixed8", "MobileNetV2"], ["InceptionV3"]),
        ([INCEPTION], ["InceptionV3"], ["MobileNetV2"]),
        ([MOBILE], ["MobileNetV2"], ["InceptionV3", "InceptionV3_mixed8"]),
        ([], ["MobileNet"], ["InceptionV3", "InceptionV3_mixed8", "MobileNetV2"]),
    ],
)
def test_the_first_that_lies_there_is_taken_and_the_bundled_one_where_none_does(
    there, chosen, missing, asked, tmp_path
):
    put(tmp_path, *there)
    names, said = backbone_files.choose(BACKBONES, may_fetch=True)
    assert names == chosen
    places = [f"{name} ({backbone_files.weights(BACKBONES[name])})" for name in missing]
    assert said == f"article: backbones {', '.join(chosen)}" + (
        f"; not to be had: {', '.join(places)}" if missing else ""
    )


@pytest.mark.parametrize(
    ("there", "expected"), [([MIXED8, MOBILE], []), ([MIXED8], ["MobileNetV2"]), ([], ["InceptionV3", "MobileNetV2"])]
)
def test_keras_is_asked_only_where_nothing_of_the_kind_lies_there(there, expected, asked, tmp_path):
    put(tmp_path, *there)
    backbone_files.choose(BACKBONES, may_fetch=True)
    assert asked == expected


def test_what_keras_could_fetch_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(backbone_files, "fetch", lambda backbone: backbone["name"] == "InceptionV3")
    assert backbone_files.choose(BACKBONES, may_fetch=True)[0] == ["InceptionV3"]


def test_who_only_looks_downloads_nothing_and_sees_what_a_download_would_give(asked, capsys):
    assert backbone_files.settle(may_fetch=False) == ["InceptionV3", "MobileNetV2"]
    assert asked == []
    assert capsys.readouterr().err == "article: backbones InceptionV3, MobileNetV2\n"


def test_the_processes_that_snakemake_starts_choose_alike_and_say_nothing(asked, tmp_path, capsys):
    put(tmp_path, MOBILE)
    assert backbone_files.settle(may_fetch=True) == ["MobileNetV2"]
    assert capsys.readouterr().err.startswith("article: backbones MobileNetV2; not to be had: InceptionV3 (")
    put(tmp_path, INCEPTION)
    asked.clear()
    assert backbone_files.settle(may_fetch=True) == ["MobileNetV2"]
    assert asked == []
    assert capsys.readouterr().err == ""


def test_a_backbone_that_is_none_is_refused_with_the_nearest(monkeypatch):
    monkeypatch.setenv(backbone_files.CHOSEN, "MobileNetV3")
    with pytest.raises(HuskyError) as error:
        backbone_files.settle(may_fetch=True)
    assert str(error.value) == (
        "HUSKIES_ARTICLE_BACKBONES: there is no backbone 'MobileNetV3'. Did you mean 'MobileNetV2'?"
    )


def test_fetching_ends_without_weights_where_keras_takes_too_long_or_cannot(monkeypatch):
    def too_long(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", too_long)
    assert backbone_files.fetch(BACKBONES["MobileNetV2"]) is False
    refused = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(subprocess, "run", lambda command, **options: refused)
    assert backbone_files.fetch(BACKBONES["MobileNetV2"]) is False


def test_keras_keeps_the_weights_under_these_names():
    import keras

    folder = Path(keras.__file__).parent / "src/applications"
    assert f'"{INCEPTION}"' in (folder / "inception_v3.py").read_text()
    text = (folder / "mobilenet_v2.py").read_text()
    assert (
        '"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"\n                f"{float(alpha)}_{rows}_no_top.h5"' in text
    )
    assert backbone_files.weights(BACKBONES["InceptionV3"]).name == INCEPTION
    assert backbone_files.weights(BACKBONES["MobileNetV2"]).name == MOBILE


def write_as_keras_does(env: dict[str, str], content: bytes) -> None:
    place = Path(env["KERAS_HOME"], "models", MOBILE)
    place.parent.mkdir()
    place.write_bytes(content)


def test_what_was_cut_off_while_it_was_fetched_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def cut_off(command, env, **_):
        write_as_keras_does(env, b"half of it")
        raise subprocess.TimeoutExpired(command, 120)

    monkeypatch.setattr(backbone_files.subprocess, "run", cut_off)
    assert not backbone_files.fetch(BACKBONES["MobileNetV2"])
    assert not list(tmp_path.rglob("*.h5"))


def test_what_was_fetched_lies_where_keras_looks_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def fetched(command, env, **_):
        write_as_keras_does(env, b"all of it")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(backbone_files.subprocess, "run", fetched)
    assert backbone_files.fetch(BACKBONES["MobileNetV2"])
    assert backbone_files.weights(BACKBONES["MobileNetV2"]).read_bytes() == b"all of it"
