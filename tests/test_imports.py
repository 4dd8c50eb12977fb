"""imports: what shapes features is found by what is imported, and an edit of any of it is seen."""

import importlib.metadata
import shutil
from pathlib import Path

import pytest
from conftest import PROJECT, bare_job
from huskies import backbone, descriptor, identity, imports, openvino_engine

ROOTS = ("backbone", "descriptor")


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """Return a copy of the package that takes its place for whoever asks what is imported."""
    copied = shutil.copytree(imports.PACKAGE, tmp_path / "huskies", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(imports, "PACKAGE", copied)
    return copied


def edit(path: Path, line: str = "_EDITED = True\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")


def test_imports_are_found_wherever_they_stand_and_through_others(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "PACKAGE", tmp_path)
    (tmp_path / "one.py").write_text("import os\nfrom huskies import two\n\ndef f():\n    import huskies.four, cv2\n")
    (tmp_path / "two.py").write_text(
        "from huskies.three import name\nimport numpy.linalg as la\nfrom huskies import one"
    )
    (tmp_path / "three.py").write_text("from PIL.Image import Image\n")
    (tmp_path / "four.py").write_text("from collections import abc\n")
    (tmp_path / "five.py").write_text("import keras\n")
    assert imports.modules("one") == ["four", "one", "three", "two"]
    assert imports.modules("three") == ["three"]
    found = imports.libraries("one")
    assert found == {name: importlib.metadata.version(name) for name in ("numpy", "opencv-python-headless", "pillow")}


def test_a_library_that_is_not_installed_has_no_version(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "PACKAGE", tmp_path)
    (tmp_path / "one.py").write_text("import a_library_that_nobody_has\n")
    assert imports.libraries("one") == {"a_library_that_nobody_has": None}


def test_every_library_of_the_package_is_known_by_its_name():
    distributions = importlib.metadata.packages_distributions()
    for module in {each for root in ROOTS for each in imports.modules(root)}:
        source = (imports.PACKAGE / f"{module}.py").read_text(encoding="utf-8")
        for name in imports.parsed(source).libraries & distributions.keys():
            assert imports.IMPORTED_AS.get(name, name) in {each.lower() for each in distributions[name]}


@pytest.mark.parametrize("module", imports.modules("backbone"))
def test_an_edit_of_any_module_that_shapes_features_is_another_identity(package, tmp_path, module):
    job = bare_job("bottlenecks_original", tmp_path)
    before = identity.of(job, {}), openvino_engine.key(descriptor.NETWORK)
    edit(package / f"{module}.py", "# A remark.\n")
    assert (identity.of(job, {}), openvino_engine.key(descriptor.NETWORK)) == before
    edit(package / f"{module}.py")
    assert identity.of(job, {}) != before[0]
    assert openvino_engine.key(descriptor.NETWORK) != before[1]


@pytest.mark.parametrize("module", imports.modules("descriptor"))
def test_an_edit_of_any_module_that_shapes_descriptors_is_another_identity(package, tmp_path, monkeypatch, module):
    monkeypatch.setattr(backbone, "settle", lambda network: network)
    job = bare_job("group", tmp_path)
    before = descriptor.identity(job)
    edit(package / f"{module}.py")
    assert descriptor.identity(job) != before


def test_the_engine_shapes_both_and_the_page_neither():
    for root in ROOTS:
        assert {"engine", "openvino_engine", "quantization", "images", "weights"} <= set(imports.modules(root))
        assert not {"report", "metrics", "runner", "record"} & set(imports.modules(root))
