"""imports: what shapes features is found by what is imported, and an edit of any of it is seen."""

import ast
import importlib.metadata
import re
import shutil
from pathlib import Path

import pytest
from conftest import PROJECT, bare_job
from huskies import imports
from huskies.backbone import identity, inference, openvino_engine
from huskies.near_duplicates import descriptor

# What computes features, and what computes descriptors.
ROOTS = ("backbone.inference", "near_duplicates.descriptor")


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """Return a copy of the package that takes its place for whoever asks what is imported."""
    copied = shutil.copytree(
        imports.PACKAGE, tmp_path / "huskies", ignore=shutil.ignore_patterns("__pycache__", "onnxruntime_web")
    )
    monkeypatch.setattr(imports, "PACKAGE", copied)
    return copied


def edit(path: Path, line: str = "_EDITED = True\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")


def test_imports_are_found_wherever_they_stand_and_through_others(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room/__init__.py").write_text("")
    (tmp_path / "one.py").write_text(
        "import os\nfrom huskies import two\n\ndef f():\n    import huskies.room.four, cv2\n"
    )
    (tmp_path / "two.py").write_text(
        "from huskies.room.three import name\nimport numpy.linalg as la\nfrom huskies import one"
    )
    (tmp_path / "room/three.py").write_text("from PIL.Image import Image\n")
    (tmp_path / "room/four.py").write_text("from collections import abc\nfrom huskies.room import three\n")
    (tmp_path / "five.py").write_text("import keras\n")
    package = imports.Package(tmp_path)
    assert package.modules("one") == ["one", "room.four", "room.three", "two"]
    assert package.imported("one") == {"two", "room.four"}
    assert package.modules("room.three") == ["room.three"]
    found = imports.versions(package.libraries("one"))
    assert found == {name: importlib.metadata.version(name) for name in ("numpy", "opencv-python-headless", "pillow")}


def test_a_library_that_is_not_installed_has_no_version(tmp_path):
    (tmp_path / "one.py").write_text("import a_library_that_nobody_has\n")
    assert imports.versions(imports.Package(tmp_path).libraries("one")) == {"a_library_that_nobody_has": None}


def canonical(name: str) -> str:
    """Return the one spelling of a library's name that package indexes know."""
    return re.sub("[-_.]+", "-", name.lower())


def test_every_library_of_the_package_is_known_by_its_name():
    distributions, package = importlib.metadata.packages_distributions(), imports.Package()
    for module in {each for root in ROOTS for each in package.modules(root)}:
        for name in package.source(module).libraries & distributions.keys():
            known = imports.IMPORTED_AS.get(name, name)
            assert canonical(known) in {canonical(each) for each in distributions[name]}


@pytest.mark.parametrize("module", imports.Package().modules(ROOTS[0]))
def test_an_edit_of_any_module_that_shapes_features_is_another_identity(package, tmp_path, module):
    job = bare_job("bottlenecks_original", tmp_path)
    before = identity.of(job, descriptor.NETWORK), openvino_engine.key(descriptor.NETWORK)
    edit(package / imports.path_of(module), "# A remark.\n")
    assert (identity.of(job, descriptor.NETWORK), openvino_engine.key(descriptor.NETWORK)) == before
    edit(package / imports.path_of(module))
    assert identity.of(job, descriptor.NETWORK) != before[0]
    assert openvino_engine.key(descriptor.NETWORK) != before[1]


@pytest.mark.parametrize("module", imports.Package().modules(ROOTS[1]))
def test_an_edit_of_any_module_that_shapes_descriptors_is_another_identity(package, tmp_path, monkeypatch, module):
    monkeypatch.setattr(inference, "settle", lambda network: network)
    job = bare_job("group", tmp_path)
    before = descriptor.identity(job)
    edit(package / imports.path_of(module))
    assert descriptor.identity(job) != before


def test_the_engine_shapes_both_and_the_page_neither():
    engine = {"backbone.engine", "backbone.openvino_engine", "backbone.int8", "images.codec", "backbone.weights"}
    for root in ROOTS:
        reached = imports.Package().modules(root)
        assert engine <= set(reached)
        assert not {"steps", "page", "planning"} & {each.partition(".")[0] for each in reached}


# Imports run downwards only: a room may use those of a smaller number, and itself. The ground is 0.
LAYERS = {"": 0, "statistics": 0, "images": 1, "augmentation": 2, "backbone": 2, "training": 3, "near_duplicates": 3}
LAYERS |= {"planning": 3, "model": 4, "page": 4, "controls": 5, "exports": 5, "experiments": 6}
LAYERS |= {"article": 7, "steps": 7}


def modules() -> list[str]:
    """Return every module of the package."""
    files = (path.relative_to(imports.PACKAGE) for path in imports.PACKAGE.rglob("*.py") if path.name != "__init__.py")
    return sorted(".".join(file.with_suffix("").parts) for file in files)


@pytest.mark.parametrize("module", [each for each in modules() if each != "__main__"])
def test_imports_run_downwards_only_and_no_step_imports_a_step(module):
    room = module.rpartition(".")[0]
    for other in imports.Package().imported(module):
        there = other.rpartition(".")[0]
        assert LAYERS[there] < LAYERS[room] or there == room
        # preview shows what the next steps will do.
        assert {room, there} != {"steps"} or module == "steps.preview"


def test_rooms_are_no_modules():
    for path in imports.PACKAGE.rglob("__init__.py"):
        [docstring] = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr)
    package = imports.Package()
    for module in modules():
        for name in package.source(module).own:
            assert package.has(name) or package.has(name.rpartition(".")[0]), f"{module} imports a room: {name}"
